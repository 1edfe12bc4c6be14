"""The network of the video decoder: maps and conditions to a picture.

Letters: B batch, C channels, H rows, W columns, V condition values.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from model import camera
from model.precipitation import NUM_NOISES
from model.world.conditions import SLOT_RANGES

# The conditions that a frame shows; a place shows in the maps, a mood is heard.
SHOWN = [
    idx for slot in ("style", "lighting", "weather") for idx in range(SLOT_RANGES[slot].start, SLOT_RANGES[slot].stop)
]
PLANES = camera.NUM_MAPS + NUM_NOISES + 2  # and where on the screen and above the horizon a pixel lies


@dataclass(frozen=True, slots=True, kw_only=True)
class LookConfig:
    channels: int
    layers: int


class LookNetwork(nn.Module):
    """Convolutions at half resolution, each scaled and shifted by the conditions (FiLM, Perez et
    al., arXiv 1709.07871)."""

    def __init__(self, config: LookConfig) -> None:
        super().__init__()
        channels = config.channels
        self.enter = nn.Conv2d(4 * PLANES, channels, 3, padding=1)
        self.middle = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in range(config.layers))
        self.leave = nn.Conv2d(channels, 12, 3, padding=1)
        self.film = nn.Sequential(
            nn.Linear(len(SHOWN), 64), nn.SiLU(), nn.Linear(64, 2 * channels * (config.layers + 1))
        )

    def forward(self, maps_BMHW: Tensor, conditions_BV: Tensor, slope_BH: Tensor, noise_BNHW: Tensor) -> Tensor:
        """rgb_BCHW, about [0, 1], not clamped."""
        batch, _, height, width = maps_BMHW.shape
        across = torch.linspace(-1, 1, width).view(1, 1, 1, -1).expand(batch, 1, height, width)
        slope = slope_BH.view(batch, 1, -1, 1).expand(batch, 1, height, width)
        planes = torch.cat([maps_BMHW, noise_BNHW, across, slope], 1)
        film = self.film(conditions_BV[:, SHOWN])[..., None, None].chunk(2 * (len(self.middle) + 1), 1)
        hidden = self.enter(nn.functional.pixel_unshuffle(planes, 2))
        hidden = nn.functional.silu(hidden * (1 + film[0]) + film[1])
        for idx, conv in enumerate(self.middle, 1):
            hidden = hidden + nn.functional.silu(conv(hidden) * (1 + film[2 * idx]) + film[2 * idx + 1])
        return nn.functional.pixel_shuffle(self.leave(hidden), 2)
