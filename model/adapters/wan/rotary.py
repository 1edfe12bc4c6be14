"""Rotary positions over time, rows and columns, as Wan has them (Su et al., arXiv 2104.09864).

Of a head's dims, `d - 4 * (d // 6)` turn with time and `2 * (d // 6)` each with row and column, with base 10000. Time
counts latent frames inside the attention window, never since the session's start: keys are cached before rotation, so
no position ever grows, and while nothing was evicted the positions are those of the published code.

Letters: S tokens, N heads, K head dim, F latent frames, T tokens of a latent frame.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import torch
from einops import rearrange, repeat
from torch import Tensor

from model.gpu.host_memory import sent

BASE = 10_000.0


class Rotation(NamedTuple):
    """Cosines and sines [..., K / 2] by which pairs of neighbouring dims turn."""

    cos: Tensor
    sin: Tensor

    def part(self, first: int, end: int) -> Rotation:
        return Rotation(self.cos[first:end], self.sin[first:end])


def precision(dtype: torch.dtype) -> torch.dtype:
    """What positions and noise levels are computed in for weights of `dtype`."""
    return torch.float64 if dtype == torch.float64 else torch.float32


@lru_cache(maxsize=8)
def grid_rotation(frames: int, rows: int, columns: int, head_dim: int, dtype: torch.dtype, device: str) -> Rotation:
    """Of all tokens of so many latent frames, frame by frame: [F, T, K / 2]."""
    side = 2 * (head_dim // 6)
    time = repeat(_angles(frames, head_dim - 2 * side, BASE), "f k -> f r c k", r=rows, c=columns)
    row = repeat(_angles(rows, side, BASE), "r k -> f r c k", f=frames, c=columns)
    column = repeat(_angles(columns, side, BASE), "c k -> f r c k", f=frames, r=rows)
    angle = rearrange(torch.cat([time, row, column], -1), "f r c k -> f (r c) k")
    return _rotation(angle, dtype, device)


@lru_cache(maxsize=8)
def time_rotation(
    frames: int, head_dim: int, temporal_dims: int, base: float, dtype: torch.dtype, device: str
) -> Rotation:
    """Where only the first `temporal_dims` of a head turn, with time: [F, K / 2]."""
    still = torch.zeros(frames, (head_dim - temporal_dims) // 2, dtype=torch.float64)
    angle = torch.cat([_angles(frames, temporal_dims, base), still], -1)
    return _rotation(angle, dtype, device)


def _rotation(angle: Tensor, dtype: torch.dtype, device: str) -> Rotation:
    there = torch.device(device)
    return Rotation(*(sent(each.to(precision(dtype)), there) for each in (angle.cos(), angle.sin())))


def _angles(positions: int, dims: int, base: float) -> Tensor:
    frequency = base ** (-torch.arange(0, dims, 2, dtype=torch.float64) / dims)
    return torch.arange(positions, dtype=torch.float64)[:, None] * frequency


def rotate(heads: Tensor, rotation: Rotation) -> Tensor:
    """Turn queries or keys [..., N, K] by a rotation [..., K / 2] that is the same for all heads."""
    return rotate_by(heads, rotation.cos, rotation.sin)


def rotate_by(heads: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    cos, sin = cos.unsqueeze(-2), sin.unsqueeze(-2)
    even, odd = heads.to(cos.dtype).unflatten(-1, (-1, 2)).unbind(-1)
    turned = torch.stack((even * cos - odd * sin, even * sin + odd * cos), -1)
    return turned.flatten(-2).to(heads.dtype)
