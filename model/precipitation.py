"""What a frame is decoded with besides its maps: streaks that rain may use, flakes that snow may
use, grain and scratches that film may use, and the patterns of model.patterns.

Streaks, grain and scratches are new in every frame; flakes drift, so they are the decoder's memory
between frames. All are counter-based: a function of (seed, frame index) and of the camera's turns.

Letters: H rows, W columns, N noises.
"""

from __future__ import annotations

from functools import reduce

import torch
import torch.nn.functional as F
from torch import Tensor

from model.camera import VIEW_H, VIEW_W
from model.patterns import NUM_PATTERNS
from model.sampler import uniform_noise

# In this order in noise_NHW.
STREAKS, FLAKES, STATIC, SCRATCHES = range(4)
PATTERNS = slice(4, 4 + NUM_PATTERNS)
NUM_NOISES = 4 + NUM_PATTERNS
STREAK_PX, STREAK_SHARE = 9, 0.014
FLAKE_SHARE = 0.02
SCRATCH_SHARE = 0.012  # of the columns
FALL_PX = 2  # per frame


def streaks(noise_HW: Tensor) -> Tensor:
    """0 or 1: bright specks of uniform noise smeared downwards."""
    specks = (noise_HW > 1 - STREAK_SHARE).float()
    padded = F.pad(specks, (0, 0, STREAK_PX - 1, 0))
    return reduce(torch.maximum, (padded[above : above + len(specks)] for above in range(STREAK_PX)))


def flakes(specks_HW: Tensor) -> Tensor:
    """0 or 1: specks made two pixels wide."""
    wide = torch.maximum(specks_HW, F.pad(specks_HW, (1, 0))[:, :-1])
    return torch.maximum(wide, F.pad(wide, (0, 0, 1, 0))[:-1])


def scratches(noise_HW: Tensor) -> Tensor:
    """0 or 1: columns that the top row of uniform noise picks, broken here and there."""
    picked = (noise_HW[:1] < SCRATCH_SHARE).float()
    return picked * (noise_HW[:, :1].roll(1, 0) < 0.8).float()


def frame_noise(noise_HW: Tensor, specks_HW: Tensor) -> Tensor:
    """noise_NHW without its patterns, from uniform noise and the flakes' specks. Rain and film share
    the noise: no style shows so much of both that the eye would find out."""
    return torch.stack([streaks(noise_HW), flakes(specks_HW), 2 * noise_HW - 1, scratches(noise_HW)])


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


def noise_of_frame(specks_HW: Tensor, seed: int, frame_idx: int) -> Tensor:
    """noise_NHW of a frame, without its patterns."""
    return frame_noise(uniform_noise(seed, frame_idx, "streaks", (VIEW_H, VIEW_W)), specks_HW)
