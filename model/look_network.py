"""The network of the video decoder: maps and conditions to a picture.

It paints at half resolution, where few convolutions see far. What is finer it mixes: of the maps, their
borders, noise and patterns it says per place and colour how strongly each is to show.

Letters: B batch, C channels, H rows, W columns, V condition values, N noises, M maps, P fine planes.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor, nn

from model import camera
from model.patterns import NUM_PATTERNS
from model.precipitation import NUM_NOISES, PATTERNS
from model.reflection import mirrored
from model.world.conditions import SLOT_RANGES

# The conditions that a frame shows; a place shows in the maps, a mood is heard.
SHOWN = [
    idx for slot in ("style", "lighting", "weather") for idx in range(SLOT_RANGES[slot].start, SLOT_RANGES[slot].stop)
]
# Seen at half resolution: the mirrored view, patterns, where on the screen and above the horizon a pixel lies.
COARSE_PLANES = camera.NUM_MAPS + NUM_PATTERNS + 3
MIXED_PLANES = NUM_NOISES + camera.NUM_MAPS + 2  # two kinds of borders
WIDE_LAYERS = 3  # at a quarter of the resolution: halos, blur, the run of borders


@dataclass(frozen=True, slots=True, kw_only=True)
class LookConfig:
    channels: int
    layers: int


class LookNetwork(nn.Module):
    """Convolutions at half resolution, after the first also at a quarter, each scaled and shifted by
    the conditions (FiLM, Perez et al., arXiv 1709.07871)."""

    def __init__(self, config: LookConfig) -> None:
        super().__init__()
        channels = config.channels
        self.enter = nn.Conv2d(4 * camera.NUM_MAPS + COARSE_PLANES, channels, 3, padding=1)
        self.wide = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in range(WIDE_LAYERS))
        self.middle = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in range(config.layers))
        self.leave = nn.Conv2d(channels, 12 + 3 * MIXED_PLANES, 3, padding=1)
        blocks = 1 + WIDE_LAYERS + config.layers
        self.film = nn.Sequential(nn.Linear(len(SHOWN), 64), nn.SiLU(), nn.Linear(64, 2 * channels * blocks))

    def forward(self, maps_BMHW: Tensor, conditions_BV: Tensor, slope_BH: Tensor, noise_BNHW: Tensor) -> Tensor:
        """rgb_BCHW, about [0, 1], not clamped, in single precision whatever the weights are in."""
        dtype = self.enter.weight.dtype
        film = self.film(conditions_BV[:, SHOWN].to(dtype))[..., None, None].chunk(
            2 * (1 + len(self.wide) + len(self.middle)), 1
        )
        films = list(zip(film[::2], film[1::2], strict=True))
        hidden = self.enter(_planes(maps_BMHW, slope_BH, noise_BNHW).to(dtype))
        hidden = _bent(hidden, films[0])
        far = nn.functional.avg_pool2d(hidden, 2)
        for conv, bend in zip(self.wide, films[1 : 1 + len(self.wide)], strict=True):
            far = far + _bent(conv(far), bend)
        hidden = hidden + nn.functional.interpolate(far, scale_factor=2.0, mode="nearest")
        for conv, bend in zip(self.middle, films[1 + len(self.wide) :], strict=True):
            hidden = hidden + _bent(conv(hidden), bend)
        fine = torch.cat([noise_BNHW, maps_BMHW, _borders(maps_BMHW)], 1)
        return _mixed(self.leave(hidden).float(), fine)


def _bent(hidden: Tensor, film: tuple[Tensor, Tensor]) -> Tensor:
    return nn.functional.silu(hidden * (1 + film[0]) + film[1])


def _planes(maps_BMHW: Tensor, slope_BH: Tensor, noise_BNHW: Tensor) -> Tensor:
    """What the first convolution sees, at half resolution."""
    batch, _, height, width = maps_BMHW.shape
    half = nn.functional.avg_pool2d(torch.cat([mirrored(maps_BMHW, slope_BH), noise_BNHW[:, PATTERNS]], 1), 2)
    shape = (batch, 1, height // 2, width // 2)
    across = torch.linspace(-1, 1, width // 2).view(1, 1, 1, -1).expand(shape)
    down = torch.linspace(-1, 1, height // 2).view(1, 1, -1, 1).expand(shape)
    slope = slope_BH[:, ::2].view(batch, 1, -1, 1).expand(shape)
    planes = torch.cat([nn.functional.pixel_unshuffle(maps_BMHW, 2), half, across, down, slope], 1)
    return planes.contiguous(memory_format=torch.channels_last)


def _borders(maps_BMHW: Tensor) -> Tensor:
    """Where green and where nearness change, [B, 2, H, W]."""
    planes = nn.functional.pad(maps_BMHW[:, [1, camera.NEARNESS]], (0, 1, 0, 1), mode="replicate")
    here = planes[..., :-1, :-1]
    return (planes[..., :-1, 1:] - here).abs() + (planes[..., 1:, :-1] - here).abs()


def _mixed(painted: Tensor, fine_BPHW: Tensor) -> Tensor:
    """Colours, and each fine plane as strongly as its share in each colour of its 2x2 block says."""
    colours, shares = painted[:, :12], painted[:, 12:]
    shares = rearrange(shares, "b (c p) h w -> b c p 1 h w", c=3)
    fine = rearrange(fine_BPHW, "b p (h y) (w x) -> b 1 p (y x) h w", y=2, x=2)
    drawn = rearrange((shares * fine).sum(2), "b c k h w -> b (c k) h w")
    return nn.functional.pixel_shuffle(colours + drawn, 2)
