"""The network that reads a picture: its maps in plain daylight, and the conditions it was taken in.

Letters: B batch, C channels, H rows, W columns, V condition values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from model import camera
from model.world.conditions import NUM_VALUES


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageNetworkConfig:
    channels: tuple[int, ...]  # per resolution, from a half of the view down


class ImageReading(NamedTuple):
    maps_BMHW: Tensor  # about [0, 1], not clamped
    logits_BV: Tensor  # per slot


class _Stage(nn.Module):
    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        self.enter = nn.Conv2d(channels_in, channels, 3, padding=1)
        self.again = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        hidden = nn.functional.silu(self.enter(x))
        return hidden + nn.functional.silu(self.again(hidden))


class ImageNetwork(nn.Module):
    """A small U-Net (Ronneberger et al., arXiv 1505.04597) over a picture of the view's size."""

    def __init__(self, config: ImageNetworkConfig) -> None:
        super().__init__()
        channels = config.channels
        self.down = nn.ModuleList(
            _Stage(14 if idx == 0 else channels[idx - 1], width) for idx, width in enumerate(channels)
        )
        self.up = nn.ModuleList(
            _Stage(channels[idx] + channels[idx - 1], channels[idx - 1]) for idx in range(len(channels) - 1, 0, -1)
        )
        self.leave = nn.Conv2d(channels[0], 4 * camera.NUM_MAPS, 3, padding=1)
        self.conditions = nn.Sequential(nn.Linear(channels[-1], 128), nn.SiLU(), nn.Linear(128, NUM_VALUES))

    def forward(self, rgb_BCHW: Tensor) -> ImageReading:
        batch, _, height, width = rgb_BCHW.shape
        x = torch.linspace(-1, 1, width // 2).view(1, 1, 1, -1).expand(batch, 1, height // 2, -1)
        y = torch.linspace(-1, 1, height // 2).view(1, 1, -1, 1).expand(batch, 1, -1, width // 2)
        hidden = torch.cat([nn.functional.pixel_unshuffle(rgb_BCHW, 2), x, y], 1)
        kept: list[Tensor] = []
        for idx, stage in enumerate(self.down):
            hidden = stage(hidden if idx == 0 else nn.functional.avg_pool2d(hidden, 2, ceil_mode=True))
            kept.append(hidden)
        logits_BV = self.conditions(hidden.mean((2, 3)))
        for stage, skip in zip(self.up, reversed(kept[:-1]), strict=True):
            grown = nn.functional.interpolate(hidden, size=skip.shape[-2:], mode="nearest")
            hidden = stage(torch.cat([grown, skip], 1))
        return ImageReading(nn.functional.pixel_shuffle(self.leave(hidden), 2), logits_BV)
