"""A bank of sinusoids on the semitone grid, driven by amplitudes at control points.

Every frequency makes a whole number of cycles in `LOOP_CHUNKS` chunks, so the phase of
each oscillator is a function of the chunk index alone: nothing to carry, nothing to
drift, and a restored session goes on exactly. Between control points amplitudes run
linearly, so the sound has no steps at chunk borders.

Letters: X chunks of any clips, K segments of a chunk, N notes, S samples.
"""

from __future__ import annotations

import math
from functools import cache

import torch
from torch import Tensor

SAMPLE_RATE_HZ = 16_000
SAMPLES_PER_CHUNK = 1_280
LOOP_CHUNKS = 256  # 20.48 s: the pitch grid is then 0.05 Hz, finer than 1 cent from 55 Hz up
SEGMENTS = 16  # control segments of a chunk: 5 ms, a soft but clear attack
NUM_NOTES = 73  # semitones from A1 (55 Hz) to A7 (3,520 Hz)
LOWEST_HZ = 55.0

_SEGMENT_SAMPLES = SAMPLES_PER_CHUNK // SEGMENTS
_LOOP_SEGMENTS = LOOP_CHUNKS * SEGMENTS
_GOLDEN = (math.sqrt(5) - 1) / 2  # spreads the starting phases so that peaks do not line up


@cache
def cycles_per_loop() -> Tensor:
    """Whole cycles of each oscillator in the loop, int64."""
    loop_s = LOOP_CHUNKS * SAMPLES_PER_CHUNK / SAMPLE_RATE_HZ
    hz_N = LOWEST_HZ * 2.0 ** (torch.arange(NUM_NOTES, dtype=torch.float64) / 12)
    return (hz_N * loop_s).round().long()


def note_frequencies() -> Tensor:
    """Frequency of each oscillator in Hz, float64."""
    return cycles_per_loop().double() * SAMPLE_RATE_HZ / (LOOP_CHUNKS * SAMPLES_PER_CHUNK)


@cache
def _phase_table() -> tuple[Tensor, Tensor]:
    turns = torch.arange(_LOOP_SEGMENTS, dtype=torch.float64) / _LOOP_SEGMENTS * 2 * math.pi
    return turns.sin().float(), turns.cos().float()


@cache
def _segment_bank() -> Tensor:
    """Sines and cosines of one segment, fading out and fading in: [4 N, segment samples]."""
    sample_S = torch.arange(_SEGMENT_SAMPLES, dtype=torch.float64)
    turn_NS = note_frequencies()[:, None] * sample_S / SAMPLE_RATE_HZ * 2 * math.pi
    fade_S = sample_S / _SEGMENT_SAMPLES
    sines, cosines = turn_NS.sin(), turn_NS.cos()
    return torch.cat([cosines * (1 - fade_S), sines * (1 - fade_S), cosines * fade_S, sines * fade_S]).float()


def _phases(chunk_idx_X: Tensor) -> tuple[Tensor, Tensor]:
    """Sine and cosine of each oscillator's phase where each segment starts."""
    segment_XK = chunk_idx_X[:, None] * SEGMENTS + torch.arange(SEGMENTS)
    offset_N = (torch.arange(NUM_NOTES) * _GOLDEN % 1.0 * _LOOP_SEGMENTS).long()
    turn_XKN = (segment_XK[..., None] * cycles_per_loop() + offset_N) % _LOOP_SEGMENTS
    sines, cosines = _phase_table()
    return sines[turn_XKN], cosines[turn_XKN]


def render_tones(amps_XPN: Tensor, chunk_idx_X: Tensor) -> Tensor:
    """Samples [X, S] of chunks whose amplitudes stand at the P = SEGMENTS + 1 control
    points from the chunk's start to its end, both included. `chunk_idx_X`: int64."""
    sines, cosines = _phases(chunk_idx_X)
    left, right = amps_XPN[:, :-1], amps_XPN[:, 1:]
    driven = torch.cat([left * sines, left * cosines, right * sines, right * cosines], dim=-1)
    return (driven @ _segment_bank()).flatten(1)
