"""Does a world hold for minutes: sharpness, colours and what the judge reads, early and late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.evaluation.measure import Measure, at_most
from bench.evaluation.pictures import Picture, colour_statistics, sharpness
from bench.evaluation.player import Player
from model.interface import ChunkControls

LOSS = 0.10
SECONDS_SEEN = 10.0  # of each minute that is looked at
LOOP_S = 24.0  # the walk repeats itself after this long


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Averages over some seconds."""

    sharpness: float
    colours: tuple[float, ...]


def look_of(frames: Sequence[Picture]) -> Look:
    colours = np.mean([colour_statistics(frame) for frame in frames], 0)
    return Look(sharpness=float(np.mean([sharpness(frame) for frame in frames])), colours=tuple(colours.tolist()))


def loss(early: Look, late: Look) -> float:
    """The worst share that any figure moved: sharpness lost, colours of the range they have."""
    blur = max(0.0, 1 - late.sharpness / max(early.sharpness, 1e-6))
    drift = max(abs(a - b) for a, b in zip(early.colours, late.colours, strict=True)) / 255
    return max(blur, drift)


def stroll(num_chunks: int, chunk_s: float) -> list[ChunkControls]:
    """Walks, turns and rests, again and again."""
    script = []
    for idx in range(num_chunks):
        at_s = idx * chunk_s % LOOP_S
        if at_s < 8:
            script.append(ChunkControls(forward=1.0))
        elif at_s < 10:
            script.append(ChunkControls(yaw=1.0))
        elif at_s < 18:
            script.append(ChunkControls(forward=1.0, yaw=0.2))
        elif at_s < 20:
            script.append(ChunkControls(yaw=-1.0))
        else:
            script.append(ChunkControls())
    return script


def stability_measures(player: Player, minutes: float) -> list[Measure]:
    chunk_s = player.info.chunk_duration_s
    num_chunks = player.chunks(60 * minutes)
    played = player.play(player.from_text(77, "a meadow on a clear day"), stroll(num_chunks, chunk_s))
    seen = player.chunks(SECONDS_SEEN)
    whole_loops = player.chunks(LOOP_S) * (num_chunks // player.chunks(LOOP_S) - 1)
    first = min(player.chunks(60) // player.chunks(LOOP_S) * player.chunks(LOOP_S), whole_loops)
    early = look_of(list(played.frames_FHWC[first : first + seen]))
    late = look_of(list(played.frames_FHWC[whole_loops : whole_loops + seen]))
    name = f"stability: minute 1 against minute {minutes:g}"
    return [at_most(name, loss(early, late), LOSS, "lost", 1)]
