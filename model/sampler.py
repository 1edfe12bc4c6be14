"""Few-step Euler sampling of the rectified flow, and the noise it starts from.

Noise is counter-based: a function of (session seed, chunk index, stream) only, so a chunk
can be made again anywhere, in any order.
"""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor

# Noise levels passed on the way down, spent mostly where the composition is decided. No two rows share a level, for one
# network has learned the steps of all of them (model.training.distill) and tells by the level how far a step goes.
SIGMAS = {
    1: (1.0, 0.0),
    2: (0.955, 0.6, 0.0),
    3: (0.97, 0.75, 0.45, 0.0),
    4: (0.985, 0.84, 0.64, 0.36, 0.0),
}


def _generator(seed: int, index: int, stream: str) -> torch.Generator:
    digest = hashlib.blake2b(f"{seed}/{index}/{stream}".encode(), digest_size=8).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "big") >> 1)


def chunk_noise(seed: int, chunk_idx: int, stream: str, shape: tuple[int, ...]) -> Tensor:
    """Standard normal noise of one stream of one chunk."""
    return torch.randn(shape, generator=_generator(seed, chunk_idx, stream))


def uniform_noise(seed: int, frame_idx: int, stream: str, shape: tuple[int, ...]) -> Tensor:
    """Uniform noise in [0, 1) of one stream of one frame."""
    return torch.rand(shape, generator=_generator(seed, frame_idx, stream))


def euler_step(x: Tensor, velocity: Tensor, change: Tensor) -> Tensor:
    """x at another noise level, along the predicted velocity; `change`: that level minus this one."""
    return x + change * velocity


def num_steps(whole: int, quality: float) -> int:
    """The denoise passes there is a row of `SIGMAS` for, at most `whole` of them or that share of it, at least one."""
    most = max(1, int(whole * quality))
    return max(steps for steps in SIGMAS if steps <= most)
