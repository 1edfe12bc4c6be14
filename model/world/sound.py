"""The sound of the training world: music, ambience and steps of clips of consecutive chunks.

A function of its arguments alone. Music and swells follow the absolute chunk index, so a
clip that starts later continues them; only noise depends on the seed.

Letters: B clips, T chunks, V conditions, S samples of a clip, P control points, N notes,
W noise frames, Q bins, F features.
"""

from __future__ import annotations

import math
from functools import cache

import torch
from einops import rearrange, repeat
from torch import Tensor

from model.audio.noise import FRAMES, HOP, clip_noise, overlap_add, shape_frames
from model.audio.oscillators import LOOP_CHUNKS, NUM_NOTES, SEGMENTS, render_tones
from model.world.ambience import AMBIENT_TONES, Weights, noise_gains
from model.world.conditions import SLOTS
from model.world.footsteps import advance_per_chunk, render_steps, step_before, step_position, surface_gains
from model.world.music import (
    BAR_CHUNKS,
    BEAT_CHUNKS,
    BEATS_PER_BAR,
    HARMONIC_SEMITONES,
    NUM_BARS,
    TIMBRES,
    pad_table,
    pluck_table,
)

POSITION_BINS = 8  # step times are told in eighths of a chunk
NUM_SOUND_FEATURES = 6 + 2 * POSITION_BINS + BEAT_CHUNKS + BEATS_PER_BAR + NUM_BARS + 6

_AMBIENCE_STREAM, _STEP_STREAM = 0, 1
_HEARD_AGO_CHUNKS = 2.0  # an earlier step is told for this long


def render_sound(
    conditions_BTV: Tensor, speed_BT: Tensor, stride_BT: Tensor, chunk_idx_B: Tensor, seeds_B: Tensor
) -> Tensor:
    """Samples [B, S] at 16 kHz, float32 within -1 and 1, T x 1,280 of them.

    `conditions_BTV`: soft choices; they fade from one chunk's to the next's within the chunk.
    `speed_BT`: m/s walked in each chunk. `stride_BT`: strides of 0.7 m walked before each
    chunk; a step sounds where it crosses a whole number. `chunk_idx_B`, `seeds_B`: int64,
    the world clock where each clip starts, and what its noise is drawn from.
    """
    before_BTV = torch.cat([conditions_BTV[:, :1], conditions_BTV[:, :-1]], dim=1)
    chunks = conditions_BTV.shape[1]
    chunk_idx_BT = chunk_idx_B[:, None] + torch.arange(chunks)
    tones = _render_tones(before_BTV, conditions_BTV, chunk_idx_BT)
    ambience = _render_ambience(before_BTV, conditions_BTV, chunk_idx_BT, seeds_B)
    burst = _render_burst(conditions_BTV, chunk_idx_B, seeds_B)
    steps = render_steps(conditions_BTV, speed_BT, stride_BT, burst)
    return (tones + ambience + steps).tanh()  # nearly linear at the levels used; bounds rare peaks


def _faded(before_BTV: Tensor, conditions_BTV: Tensor, fade_P: Tensor) -> Tensor:
    """Conditions [B T, P, V] within each chunk."""
    points = before_BTV[:, :, None] + (conditions_BTV - before_BTV)[:, :, None] * fade_P[:, None]
    return rearrange(points, "b t p v -> (b t) p v")


def _render_tones(before_BTV: Tensor, conditions_BTV: Tensor, chunk_idx_BT: Tensor) -> Tensor:
    weights_XPV = _faded(before_BTV, conditions_BTV, torch.arange(SEGMENTS + 1) / SEGMENTS)
    chunk_idx_X = chunk_idx_BT.flatten()
    point_XP = (chunk_idx_X[:, None] * SEGMENTS + torch.arange(SEGMENTS + 1)) % (LOOP_CHUNKS * SEGMENTS)
    amps_XPN = _music_amps(weights_XPV, point_XP) + _ambient_amps(weights_XPV, point_XP)
    return rearrange(render_tones(amps_XPN, chunk_idx_X), "(b t) s -> b (t s)", b=len(chunk_idx_BT))


def _music_amps(weights_XPV: Tensor, point_XP: Tensor) -> Tensor:
    """Notes of all moods by their probability, with the overtones of the styles."""
    weights = Weights(weights_XPV)
    moods_XPM = torch.stack([weights[mood] for mood in SLOTS["mood"]], dim=-1)
    styles_XPA = torch.stack([weights[style] for style in SLOTS["style"]], dim=-1)
    pad_A, pluck_A, tremolo_A, harmonics_AH = _timbre_table()
    beat = (point_XP % (BEAT_CHUNKS * SEGMENTS)) / (BEAT_CHUNKS * SEGMENTS) * 2 * math.pi
    tremolo = 1 - (styles_XPA @ tremolo_A) * (0.5 - 0.5 * beat.cos())
    pads = torch.einsum("xpm,xpmn->xpn", moods_XPM, _stacked_tables("pad")[point_XP])
    plucks = torch.einsum("xpm,xpmn->xpn", moods_XPM, _stacked_tables("pluck")[point_XP])
    notes_XPN = pads * (styles_XPA @ pad_A * tremolo)[..., None] + plucks * (styles_XPA @ pluck_A)[..., None]
    harmonics_XPH = styles_XPA @ harmonics_AH
    harmonics_XPH = torch.cat(
        [harmonics_XPH[..., :1], harmonics_XPH[..., 1:] * (1 - 0.6 * weights["snow"])[..., None]], -1
    )
    return _with_overtones(notes_XPN, harmonics_XPH)


def _with_overtones(notes_XPN: Tensor, harmonics_XPH: Tensor) -> Tensor:
    """Each note at its harmonics' semitones; those above the bank are dropped."""
    amps_XPN = torch.zeros_like(notes_XPN)
    for h, semitones in enumerate(HARMONIC_SEMITONES):
        amps_XPN[..., semitones:] += notes_XPN[..., : NUM_NOTES - semitones] * harmonics_XPH[..., h, None]
    return amps_XPN


def _ambient_amps(weights_XPV: Tensor, point_XP: Tensor) -> Tensor:
    weights = Weights(weights_XPV)
    levels_XPA = torch.stack([level(weights) for _, level in AMBIENT_TONES], dim=-1)
    return torch.einsum("xpa,xpan->xpn", levels_XPA, _stacked_tables("ambient")[point_XP])


@cache
def _stacked_tables(kind: str) -> Tensor:
    """Loops side by side: [loop points, layers, N]."""
    if kind == "ambient":
        return torch.stack([table() for table, _ in AMBIENT_TONES], dim=1)
    table = pad_table if kind == "pad" else pluck_table
    return torch.stack([table(mood) for mood in SLOTS["mood"]], dim=1)


@cache
def _timbre_table() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    timbres = [TIMBRES[style] for style in SLOTS["style"]]
    columns = [torch.tensor([getattr(t, name) for t in timbres]) for name in ("pad", "pluck", "tremolo")]
    return columns[0], columns[1], columns[2], torch.tensor([t.harmonics for t in timbres])


def _render_ambience(before_BTV: Tensor, conditions_BTV: Tensor, chunk_idx_BT: Tensor, seeds_B: Tensor) -> Tensor:
    weights_XWV = _faded(before_BTV, conditions_BTV, (torch.arange(FRAMES) + 1) / FRAMES)
    time_XW = chunk_idx_BT.flatten()[:, None] + (torch.arange(FRAMES) + 1) / FRAMES
    gains = rearrange(noise_gains(weights_XWV, time_XW), "(b t) w q -> b t w q", b=len(chunk_idx_BT))
    return _render_noise(gains, chunk_idx_BT[:, 0], seeds_B, _AMBIENCE_STREAM)


def _render_burst(conditions_BTV: Tensor, chunk_idx_B: Tensor, seeds_B: Tensor) -> Tensor:
    gains_BTWQ = repeat(surface_gains(conditions_BTV), "b t q -> b t w q", w=FRAMES)
    return _render_noise(gains_BTWQ, chunk_idx_B, seeds_B, _STEP_STREAM)


def _render_noise(gains_BTWQ: Tensor, chunk_idx_B: Tensor, seeds_B: Tensor, stream: int) -> Tensor:
    """Running noise; the chunk before the clip lends its tail, so that the clip has no soft start."""
    chunks = gains_BTWQ.shape[1]
    white = torch.stack(
        [
            clip_noise(seed, start - 1, chunks + 1, stream)
            for seed, start in zip(seeds_B.tolist(), chunk_idx_B.tolist(), strict=True)
        ]
    )
    gains = torch.cat([gains_BTWQ[:, :1, :1].expand(-1, 1, FRAMES, -1), gains_BTWQ], dim=1)
    frames = shape_frames(rearrange(white, "b t w q -> b (t w) q"), rearrange(gains, "b t w q -> b (t w) q"))
    tail = frames[:, FRAMES - 1, HOP:]
    return overlap_add(frames[:, FRAMES:], tail)[0]


def sound_features(speed_BT: Tensor, stride_BT: Tensor, chunk_idx_BT: Tensor) -> Tensor:
    """What of walking and the clock a chunk's sound depends on: float32 [B, T, NUM_SOUND_FEATURES].

    In order: speed / 2, is walking, strides per chunk x 4, sine and cosine of the stride's
    phase at the chunk's start, is there a step in the chunk; the step's place in the chunk in
    `POSITION_BINS` soft bins; how long ago the step before was (up to 2 chunks) in as many;
    chunk of the beat, beat of the bar, bar of the loop, one-hot; sine and cosine with
    periods of 64, 128 and 256 chunks.
    """
    is_step, position = step_position(speed_BT.double(), stride_BT.double())
    phase = stride_BT.double() % 1.0 * 2 * math.pi
    walk = [speed_BT / 2, advance_per_chunk(speed_BT) > 1e-4, advance_per_chunk(speed_BT) * 4]
    walk = torch.stack([*(x.float() for x in walk), phase.sin().float(), phase.cos().float(), is_step.float()], -1)
    here = _soft_bins(position) * is_step[..., None]
    ago = step_before(speed_BT.double(), stride_BT.double())
    earlier = _soft_bins(ago / _HEARD_AGO_CHUNKS) * (ago <= _HEARD_AGO_CHUNKS)[..., None]
    return torch.cat([walk, here.float(), earlier.float(), clock_features(chunk_idx_BT)], dim=-1)


def clock_features(chunk_idx_BT: Tensor) -> Tensor:
    """The musical clock alone: the last part of `sound_features`."""
    one_hot = torch.nn.functional.one_hot
    beat = one_hot(chunk_idx_BT % BEAT_CHUNKS, BEAT_CHUNKS)
    bar_beat = one_hot(chunk_idx_BT // BEAT_CHUNKS % BEATS_PER_BAR, BEATS_PER_BAR)
    bar = one_hot(chunk_idx_BT // BAR_CHUNKS % NUM_BARS, NUM_BARS)
    turns = [(chunk_idx_BT % period).double() / period * 2 * math.pi for period in (64, 128, 256)]
    waves = torch.stack([wave(turn).float() for turn in turns for wave in (torch.sin, torch.cos)], dim=-1)
    return torch.cat([beat, bar_beat, bar, waves], dim=-1).float()


def _soft_bins(position: Tensor) -> Tensor:
    """A position of 0 to 1 shared between its two nearest bins."""
    at = position.clamp(0.0, 1.0)[..., None] * (POSITION_BINS - 1)
    return (1 - (at - torch.arange(POSITION_BINS)).abs()).clamp(min=0.0)
