"""What is measured of a chunk of sound: notes, bands, and how its loudness runs within it.

The window of a chunk reaches into the chunk before and never past its own end, so
analysis looks at nothing that has not sounded yet.

Letters: B clips, T chunks, S samples, X chunks of any clips, F features.
"""

from __future__ import annotations

import math
from functools import cache
from itertools import pairwise

import torch
from einops import rearrange
from torch import Tensor

from model.audio.noise import FRAMES, HOP, NUM_BINS
from model.audio.oscillators import NUM_NOTES, SAMPLE_RATE_HZ, SAMPLES_PER_CHUNK, note_frequencies

CONTEXT_SAMPLES = SAMPLES_PER_CHUNK // 2  # of the chunk before: tells low semitones apart
FIRST_SHORT_NOTE = 36  # A4: from here up half a chunk is enough to tell semitones apart
BAND_EDGES = (1, 2, 3, 4, 6, 8, 10, 13, 16, 20, 25, 31, 38, 47, 58, 72, 90, 110, 130, 145, NUM_BINS)
GROUP_EDGES = (1, 4, 16, 58, NUM_BINS)  # to 200, 800, 2,900 and 8,000 Hz
NUM_BANDS = len(BAND_EDGES) - 1
NUM_GROUPS = len(GROUP_EDGES) - 1
NUM_FEATURES = NUM_NOTES + 2 * (NUM_NOTES - FIRST_SHORT_NOTE) + NUM_BANDS + NUM_GROUPS * FRAMES

_FLOOR = 1e-3  # amplitude under which nothing is told apart: -60 dB of full scale
_RISE, _FALL = 1024, 256  # samples: a soft rise out of the chunk before, a short fall at the end


def _atoms(first_note: int, window_S: Tensor) -> Tensor:
    """Windowed cosines and sines [S, 2 N] that measure amplitude."""
    time_S = torch.arange(len(window_S), dtype=torch.float64) / SAMPLE_RATE_HZ
    turn_SN = time_S[:, None] * note_frequencies()[first_note:] * 2 * math.pi
    scaled_S1 = (window_S.double() * 2 / window_S.double().sum())[:, None]
    return torch.cat([turn_SN.cos() * scaled_S1, turn_SN.sin() * scaled_S1], dim=1).float()


@cache
def _long_atoms() -> Tensor:
    window = torch.ones(CONTEXT_SAMPLES + SAMPLES_PER_CHUNK)
    window[:_RISE] = 0.5 - 0.5 * (torch.arange(_RISE) / _RISE * math.pi).cos()
    window[-_FALL:] = 0.5 + 0.5 * (torch.arange(_FALL) / _FALL * math.pi).cos()
    return _atoms(0, window)


@cache
def _short_atoms() -> Tensor:
    return _atoms(FIRST_SHORT_NOTE, torch.hann_window(SAMPLES_PER_CHUNK // 2))


@cache
def _pooling(edges: tuple[int, ...]) -> Tensor:
    """Sums of bins between edges: [bins, bands]."""
    pool = torch.zeros(NUM_BINS, len(edges) - 1)
    for band, (low, high) in enumerate(pairwise(edges)):
        pool[low:high, band] = 1.0
    return pool


def _log_amplitude(parts_X2N: Tensor) -> Tensor:
    cosines, sines = parts_X2N.chunk(2, dim=-1)
    return (cosines.square() + sines.square() + _FLOOR**2).log() / 2


def analyse_chunks(windows_XS: Tensor) -> Tensor:
    """Natural logs of amplitudes [X, F] from the last half chunk before and the chunk itself."""
    chunk_XS = windows_XS[:, CONTEXT_SAMPLES:]
    first, second = chunk_XS.chunk(2, dim=-1)
    notes = [_log_amplitude(windows_XS @ _long_atoms())]
    notes += [_log_amplitude(half @ _short_atoms()) for half in (first, second)]
    hops = windows_XS[:, CONTEXT_SAMPLES - HOP :].unfold(-1, 2 * HOP, HOP)
    spectrum = torch.fft.rfft(hops * torch.hann_window(2 * HOP)) / HOP
    power_XWQ = spectrum.real.square() + spectrum.imag.square()
    bands = (power_XWQ.mean(dim=1) @ _pooling(BAND_EDGES) + _FLOOR**2).log() / 2
    groups = (power_XWQ @ _pooling(GROUP_EDGES) + _FLOOR**2).log() / 2
    return torch.cat([*notes, bands, groups.flatten(1)], dim=-1)


def analyse(samples_BS: Tensor) -> Tensor:
    """Features [B, T, F] of clips of whole chunks; silence is taken to precede each clip."""
    padded = torch.nn.functional.pad(samples_BS, (CONTEXT_SAMPLES, 0))
    windows_BTS = padded.unfold(-1, CONTEXT_SAMPLES + SAMPLES_PER_CHUNK, SAMPLES_PER_CHUNK)
    features_XF = analyse_chunks(rearrange(windows_BTS, "b t s -> (b t) s"))
    return rearrange(features_XF, "(b t) f -> b t f", b=len(samples_BS))
