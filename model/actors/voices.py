"""Who of the actors is heard in a chunk, and what a voice is told: what it does, not how that sounds.

A kitten mews now and then, a dog barks, a bird chirps: when is counter noise of the session, so it is the
same however often it is played. What goes on all the time (an engine, a fountain) and what the gait makes
(steps, patter) follows from how the actor stands and moves.

Letters: N voices, F features.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from model.actors.acting import FLAP_HZ, STRIDE_M
from model.actors.actor import Actor
from model.actors.cast import Cast, Scene
from model.actors.looks import KINDS
from model.actors.motion import CHUNK_S
from model.sampler import uniform_noise

CALL_EVERY_CHUNKS = {"kitten": 44, "dog": 52, "bird": 22}  # one call in each stretch of so many
CALL_CHUNKS = 8  # the longest call
FIRST_CALL_CHUNKS = 6  # whoever appears is heard at once
FOOTFALLS = {"person": 2, "kitten": 2, "dog": 2, "bird": 1}  # of a cycle of the gait
SILENT = ("umbrella", "balloon")
AGO_CHUNKS = 2.0  # an earlier footfall is told for this long
POSITION_BINS = 8
NEAR_M = 3.0  # a voice is as loud as it is at this distance
LOUDEST = 1.6  # however near it comes
BEHIND = 0.7  # of its loudness, for who is not looked at
FULL_SPEED_M_PER_S = 3.0

# In this order: kind, call (one place per chunk of it), pitch, speed, is in the air, phase, footfall, footfall before.
KIND = slice(0, len(KINDS))
CALL = slice(KIND.stop, KIND.stop + CALL_CHUNKS)
PITCH, SPEED, FLYING = CALL.stop, CALL.stop + 1, CALL.stop + 2
PHASE = slice(FLYING + 1, FLYING + 3)
FOOTFALL = slice(PHASE.stop, PHASE.stop + POSITION_BINS)
FOOTFALL_BEFORE = slice(FOOTFALL.stop, FOOTFALL.stop + POSITION_BINS)
NUM_VOICE_FEATURES = FOOTFALL_BEFORE.stop
GAIN = NUM_VOICE_FEATURES  # and last, how loud it arrives; not for the network to know


def voices_of(cast: Cast, scene: Scene) -> NDArray[np.float32]:
    """voices_NF of all who may be heard, NUM_VOICE_FEATURES + 1 numbers each; N is 0 where all is silent."""
    rows = [_voice(actor, scene) for actor in cast.actors if _is_heard(actor)]
    return np.array(rows, np.float32).reshape(len(rows), NUM_VOICE_FEATURES + 1)


def _is_heard(actor: Actor) -> bool:
    """The character's steps are the walker's, whom the transformer lets sound."""
    return actor.presence > 0 and not actor.is_character and actor.look.kind not in SILENT


def _voice(actor: Actor, scene: Scene) -> NDArray[np.float32]:
    row = np.zeros(NUM_VOICE_FEATURES + 1, np.float32)
    row[actor.look.kind_idx] = 1.0
    age = call_age(actor, scene.seed, scene.chunk_idx)
    if age is not None:
        row[CALL.start + age] = 1.0
    row[PITCH] = actor.latent[0]
    row[SPEED] = min(actor.speed / FULL_SPEED_M_PER_S, 2.0)
    row[FLYING] = float(_is_flying(actor))
    row[PHASE] = math.sin(actor.phase_rad), math.cos(actor.phase_rad)
    row[FOOTFALL], row[FOOTFALL_BEFORE] = _footfalls(actor)
    row[GAIN] = _gain(actor, scene)
    return row


def call_age(actor: Actor, seed: int, chunk_idx: int) -> int | None:
    """How many chunks ago the actor began to call; None while it does not."""
    every = CALL_EVERY_CHUNKS.get(actor.look.kind)
    lived = chunk_idx - actor.born_chunk
    if every is None or lived < 0:
        return None
    stretch, within = divmod(lived, every)
    latest = FIRST_CALL_CHUNKS if stretch == 0 else every - CALL_CHUNKS
    noise = uniform_noise(seed, actor.born_chunk + stretch, f"call/{actor.number}", (1,)).item()
    age = within - int(noise * latest)
    return age if 0 <= age < CALL_CHUNKS else None


def _is_flying(actor: Actor) -> bool:
    return actor.look.kind == "bird" and actor.z_m > 0.1


def _footfalls(actor: Actor) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Where in the chunk a foot comes down, and how long ago one did, each shared among soft bins; zeros for none.
    The phase is that of the chunk's end."""
    nothing = np.zeros(POSITION_BINS, np.float32), np.zeros(POSITION_BINS, np.float32)
    per_cycle = FOOTFALLS.get(actor.look.kind, 0)
    cycles = FLAP_HZ * CHUNK_S if _is_flying(actor) else actor.speed * CHUNK_S / STRIDE_M.get(actor.look.kind, 1.0)
    advance = per_cycle * cycles
    if advance < 1e-3:
        return nothing
    after = per_cycle * actor.phase_rad / (2 * math.pi)
    since_end = (after - math.floor(after)) / advance  # chunks from the latest footfall to the chunk's end
    is_here = since_end < 1.0
    before = since_end + 1.0 / advance if is_here else since_end
    ago = before - 1.0  # seen from the chunk's start
    here = _soft_bins(1.0 - since_end) if is_here else nothing[0]
    return here, _soft_bins(ago / AGO_CHUNKS) if 0.0 <= ago <= AGO_CHUNKS else nothing[1]


def _soft_bins(position: float) -> NDArray[np.float32]:
    at = min(max(position, 0.0), 1.0) * (POSITION_BINS - 1)
    return np.clip(1 - np.abs(at - np.arange(POSITION_BINS)), 0.0, None).astype(np.float32)


def _gain(actor: Actor, scene: Scene) -> float:
    """Sound pressure falls with the distance."""
    distance = math.hypot(scene.distance_m(actor), actor.z_m)
    turned = abs(scene.column(actor.x_m, actor.y_m)) / 256  # 0 ahead, 1 behind
    return actor.presence * min(NEAR_M / max(distance, 0.1), LOUDEST) * (1 - (1 - BEHIND) * turned)
