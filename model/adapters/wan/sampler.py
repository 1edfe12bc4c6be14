"""The few noise levels a distilled causal model passes, and the steps between them.

Self-Forcing (arXiv 2506.08009) and the models after it predict a velocity, take the clean latents from it, and add new
noise of the next, lower level; no step goes along the velocity. Levels are given as timesteps of 1000 and shifted
toward noise: sigma = shift * s / (1 + (shift - 1) * s) with s = step / 1000.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

TIMESTEPS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class FewSteps:
    """`steps`: falling from at most 1000 to above 0."""

    steps: tuple[int, ...]
    shift: float

    def __post_init__(self) -> None:
        falling = all(first > second for first, second in zip(self.steps, self.steps[1:], strict=False))
        if not self.steps or not falling or self.steps[0] > TIMESTEPS or self.steps[-1] < 1:
            raise ValueError(f"steps must fall from at most {TIMESTEPS} to above 0, not {self.steps}")

    @property
    def sigmas(self) -> tuple[float, ...]:
        return tuple(self.shift * step / (TIMESTEPS + (self.shift - 1) * step) for step in self.steps)

    def share(self, quality: float) -> FewSteps:
        """The first step, and as many of the others, evenly spread, as make that share of all; at least one."""
        count = max(1, int(len(self.steps) * quality))
        chosen = tuple(self.steps[idx * len(self.steps) // count] for idx in range(count))
        return FewSteps(steps=chosen, shift=self.shift)


def clean_from(noisy: Tensor, velocity: Tensor, sigma: float) -> Tensor:
    """The clean latents a velocity speaks of: in double precision, of a level in single precision, as is published."""
    level = float(np.float32(sigma))
    return (noisy.double() - level * velocity.double()).to(noisy.dtype)


def noised(clean: Tensor, noise: Tensor, sigma: float) -> Tensor:
    return (1 - sigma) * clean + sigma * noise


def timesteps_of(sigma: float, is_clean_BF: Tensor) -> Tensor:
    """A timestep for every latent frame; 0 for those that are given."""
    level = torch.full(is_clean_BF.shape, sigma * TIMESTEPS, dtype=torch.float32, device=is_clean_BF.device)
    return level.masked_fill(is_clean_BF, 0.0)
