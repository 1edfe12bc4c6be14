"""Rotary embedding over chunk positions (Su et al., arXiv 2104.09864).

Positions count chunks inside the window, never since the session's start: keys are cached
before rotation, so no position ever grows.
"""

from __future__ import annotations

import torch
from torch import Tensor

BASE = 200.0  # windows are tens of chunks, not thousands of words


def rotation(positions: Tensor, head_dim: int) -> Tensor:
    """Complex rotations [..., head_dim / 2] for integer positions [...]."""
    frequency = BASE ** (-torch.arange(0, head_dim, 2, dtype=torch.float32) / head_dim)
    angle = positions.float()[..., None] * frequency
    return torch.polar(torch.ones_like(angle), angle)


def rotate(heads_BSNK: Tensor, rotation_SK: Tensor) -> Tensor:
    """Rotate queries or keys; `rotation_SK` is [S, K/2] or [B, S, K/2], complex."""
    pairs = torch.view_as_complex(heads_BSNK.float().unflatten(-1, (-1, 2)))
    return torch.view_as_real(pairs * rotation_SK[..., None, :]).flatten(-2).to(heads_BSNK.dtype)
