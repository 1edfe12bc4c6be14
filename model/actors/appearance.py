"""The network that makes an actor's picture: kind, colours, individual, side and step of the gait to a sprite.

A generator from attributes (Dosovitskiy et al., arXiv 1411.5928): what is not told is drawn from
noise (the latent), so there are as many kittens as there are seeds. It paints with a palette, the
colours asked for and a few learned ones, so a red coat is the red that was asked for.

Letters: B sprites, C channels, H rows, W columns, N numbers of a look, Z latent numbers, X features.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, pixel_shuffle, silu

from model.actors.looks import HAIR_COLOUR, MAIN, NUM_LATENTS, NUM_LOOK_NUMBERS

SPRITE_PX = 48
GRID_PX = 6  # where the picture begins
VIEW_WAVES, PHASE_WAVES = 3, 2
NUM_FEATURES = NUM_LOOK_NUMBERS + NUM_LATENTS + 2 * VIEW_WAVES + 4 * PHASE_WAVES + 2
OWN_COLOURS = 5  # learned: skin, dark, pale, wood and glass, or what training makes of them
PAINTS = 3 + OWN_COLOURS
PLANES = PAINTS + 4  # and shade, cover, relief, glow
SHADE = 0.35


@dataclass(frozen=True, slots=True, kw_only=True)
class AppearanceConfig:
    hidden: int
    channels: tuple[int, int, int]  # at 6, 12 and 24 pixels


class Pose(NamedTuple):
    """What an actor is and how it is seen, as in `model.world.actors_parts.Figure`."""

    look_BN: Tensor
    latent_BZ: Tensor
    view_B: Tensor
    phase_B: Tensor
    gait_B: Tensor
    crouch_B: Tensor

    def features(self) -> Tensor:
        """x_BX: angles as waves; the gait's phase counts as far as there is a gait."""
        views = torch.cat([_waves(self.view_B, wave) for wave in range(1, VIEW_WAVES + 1)], 1)
        phases = torch.cat([_waves(self.phase_B, wave) for wave in range(1, PHASE_WAVES + 1)], 1)
        rest = torch.stack([self.gait_B, self.crouch_B], 1)
        return torch.cat([self.look_BN, self.latent_BZ, views, phases, phases * self.gait_B[:, None], rest], 1)


class Sprite(NamedTuple):
    """Pictures of actors, each square, feet near the lower edge."""

    rgb_B3HW: Tensor  # plain daylight, [0, 1]
    cover_BHW: Tensor  # [0, 1]
    relief_BHW: Tensor  # toward the viewer, in sides of the square
    glow_BHW: Tensor  # [0, 1]


class RawSprite(NamedTuple):
    """Before the last squashing, for training."""

    sprite: Sprite
    cover_logit_BHW: Tensor
    glow_logit_BHW: Tensor


def _waves(angle_B: Tensor, times: int) -> Tensor:
    return torch.stack([torch.sin(times * angle_B), torch.cos(times * angle_B)], 1)


class AppearanceNetwork(nn.Module):
    """Convolutions from 6 to 24 pixels, each scaled and shifted by the features (FiLM, Perez et al.,
    arXiv 1709.07871), then pixel shuffle."""

    def __init__(self, config: AppearanceConfig) -> None:
        super().__init__()
        self.config = config
        first, second, third = config.channels
        self.embed = nn.Sequential(
            nn.Linear(NUM_FEATURES, config.hidden), nn.SiLU(), nn.Linear(config.hidden, config.hidden), nn.SiLU()
        )
        self.start = nn.Linear(config.hidden, first * GRID_PX**2)
        self.coarse = nn.Conv2d(first, second, 3, padding=1)
        self.fine = nn.Conv2d(second, third, 3, padding=1)
        self.again = nn.Conv2d(third, third, 3, padding=1)
        self.leave = nn.Conv2d(third, 4 * PLANES, 3, padding=1)
        self.film = nn.Linear(config.hidden, 2 * (second + third + third))
        self.own_colours = nn.Parameter(torch.randn(OWN_COLOURS, 3))

    def forward(self, pose: Pose) -> RawSprite:
        features = self.embed(pose.features())
        x = self.start(features).view(-1, self.config.channels[0], GRID_PX, GRID_PX)
        sizes = [size for layer in (self.coarse, self.fine, self.again) for size in 2 * [layer.out_channels]]
        films = [film[..., None, None] for film in self.film(features).split(sizes, 1)]
        x = interpolate(silu(x), scale_factor=2, mode="nearest")
        x = silu(self.coarse(x) * (1 + films[0]) + films[1])
        x = interpolate(x, scale_factor=2, mode="nearest")
        x = silu(self.fine(x) * (1 + films[2]) + films[3])
        x = x + silu(self.again(x) * (1 + films[4]) + films[5])
        return self._paint(pixel_shuffle(self.leave(x), 2), pose.look_BN)

    def _paint(self, planes_BCHW: Tensor, look_BN: Tensor) -> RawSprite:
        share_BPHW = planes_BCHW[:, :PAINTS].softmax(1)
        asked = look_BN[:, MAIN.start : HAIR_COLOUR.stop + 3].view(-1, 3, 3)
        own = torch.sigmoid(self.own_colours).expand(len(look_BN), -1, -1)
        colour = torch.einsum("bphw,bpc->bchw", share_BPHW, torch.cat([asked, own], 1))
        shade, cover, relief, glow = planes_BCHW[:, PAINTS:].unbind(1)
        rgb = (colour * (1 + SHADE * torch.tanh(shade))[:, None]).clamp(0, 1)
        return RawSprite(Sprite(rgb, torch.sigmoid(cover), torch.tanh(relief), torch.sigmoid(glow)), cover, glow)
