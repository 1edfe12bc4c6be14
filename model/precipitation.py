"""The noise a frame is decoded with: streaks that rain may use and flakes that snow may use.

Streaks are new in every frame; flakes drift, so they are the decoder's memory between frames.
Both are counter-based: a function of (seed, frame index) and of the camera's turns.

Letters: H rows, W columns.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from model.camera import VIEW_H, VIEW_W
from model.sampler import uniform_noise

NUM_NOISES = 2
STREAK_PX, STREAK_SHARE = 9, 0.014
FLAKE_SHARE = 0.02
FALL_PX = 2  # per frame


def streaks(noise_HW: Tensor) -> Tensor:
    """0 or 1: bright specks of uniform noise smeared downwards."""
    specks = (noise_HW > 1 - STREAK_SHARE).float()
    return F.max_pool2d(F.pad(specks[None], (0, 0, STREAK_PX - 1, 0)), (STREAK_PX, 1), 1)[0]


def flakes(specks_HW: Tensor) -> Tensor:
    """0 or 1: specks made two pixels wide."""
    return F.max_pool2d(F.pad(specks_HW[None], (1, 0, 1, 0)), 2, 1)[0]


def first_specks(seed: int) -> Tensor:
    return (uniform_noise(seed, 0, "flakes", (VIEW_H, VIEW_W)) > 1 - FLAKE_SHARE).float()


def drift(specks_HW: Tensor, seed: int, frame_idx: int, turn_px: int, tilt_px: int) -> Tensor:
    """The specks one frame later: fallen, swept aside by the camera's turn, fresh where they left."""
    down, left = FALL_PX + tilt_px, turn_px + (frame_idx % 3) - 1
    moved = torch.roll(specks_HW, (down, -left), (0, 1))
    fresh = (uniform_noise(seed, frame_idx, "flakes", (VIEW_H, VIEW_W)) > 1 - FLAKE_SHARE).float()
    rows = torch.arange(VIEW_H)[:, None]
    is_new = rows < down if down > 0 else rows >= VIEW_H + down
    return torch.where(is_new, fresh, moved)


def noise_fields(specks_HW: Tensor, seed: int, frame_idx: int) -> Tensor:
    """noise_NHW of a frame: streaks, then flakes."""
    rain = streaks(uniform_noise(seed, frame_idx, "streaks", (VIEW_H, VIEW_W)))
    return torch.stack([rain, flakes(specks_HW)])
