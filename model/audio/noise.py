"""Noise with a spectrum that may change every 10 ms, from a counter.

The noise of a chunk is a function of (seed, chunk index, stream) alone. It is made in
short spectral frames of random phase, shaped by gains and overlap-added under windows
whose squares sum to one; the second half of a frame falls into the next hop, so a
chunk leaves a tail of one hop to the next.

Letters: X chunks, W frames of a chunk, Q frequency bins, S samples.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from model.audio.oscillators import SAMPLE_RATE_HZ, SAMPLES_PER_CHUNK

FRAMES = 8  # per chunk: 10 ms each
HOP = SAMPLES_PER_CHUNK // FRAMES
NUM_BINS = HOP + 1  # frames are two hops long
BIN_HZ = SAMPLE_RATE_HZ / (2 * HOP)

_STREAMS = 8  # independent noises a chunk may draw
_MASK_64 = (1 << 64) - 1


def bin_frequencies() -> Tensor:
    return torch.arange(NUM_BINS) * BIN_HZ


def chunk_noise(seed: int, chunk_idx: int, stream: int = 0) -> Tensor:
    """White spectral frames [W, Q], complex64, of unit mean power."""
    key = np.array([seed & _MASK_64, (chunk_idx * _STREAMS + stream) & _MASK_64], np.uint64)
    pairs = np.random.Generator(np.random.Philox(key=key)).standard_normal((FRAMES, NUM_BINS, 2), np.float32)
    return torch.view_as_complex(torch.from_numpy(pairs)) * math.sqrt(0.5)


def clip_noise(seed: int, first_chunk_idx: int, num_chunks: int, stream: int = 0) -> Tensor:
    """White frames of consecutive chunks: [chunks, W, Q]."""
    return torch.stack([chunk_noise(seed, first_chunk_idx + i, stream) for i in range(num_chunks)])


def shape_frames(white_FQ: Tensor, gains_FQ: Tensor) -> Tensor:
    """Windowed frames [..., 2 hops]. A gain of one in every bin is white noise of unit variance."""
    window = (torch.arange(2 * HOP) + 0.5).mul(math.pi / (2 * HOP)).sin()
    return torch.fft.irfft(white_FQ * gains_FQ, n=2 * HOP) * (window * math.sqrt(2 * HOP))


def overlap_add(frames_FS: Tensor, tail_S: Tensor) -> tuple[Tensor, Tensor]:
    """Joins consecutive frames [..., F, 2 hops] after the tail [..., hop] of the one before;
    returns samples [..., F hops] and the new tail."""
    carried = torch.cat([tail_S.unsqueeze(-2), frames_FS[..., :-1, HOP:]], dim=-2)
    return (frames_FS[..., :HOP] + carried).flatten(-2), frames_FS[..., -1, HOP:]
