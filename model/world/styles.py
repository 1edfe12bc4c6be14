"""The six styles of the training world, each a way to paint a lit moment.

Letters: B batch, C colours, H rows, W columns.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from model import patterns


class Moment(NamedTuple):
    """What a style paints. All but `light` and `patterns` are [B, C or 1, H, W]."""

    rgb: Tensor  # lit, with its weather, nothing falling yet
    clear: Tensor  # 1 where no haze lies before a thing
    sky: Tensor  # 1 where there is nothing but sky
    glow: Tensor  # what shines by itself
    halo: Tensor  # and its glow in the air
    outline: Tensor  # borders of things, whatever the light
    light: Tensor  # [B, C, 1, 1]: the light's colour, 1 by day
    grain: Tensor  # film grain, -1 to 1
    scratches: Tensor  # of old film, 0 or 1
    patterns: Tensor  # [B, P, H, W]: model.patterns


def colour(red: float, green: float, blue: float) -> Tensor:
    return torch.tensor([red, green, blue]).view(3, 1, 1)


def luma(rgb_BCHW: Tensor) -> Tensor:
    return (rgb_BCHW * colour(0.30, 0.59, 0.11)).sum(1, keepdim=True)


def blur(x_BCHW: Tensor, reach: int) -> Tensor:
    padded = F.pad(x_BCHW, (reach, reach, reach, reach), mode="replicate")
    return F.avg_pool2d(F.avg_pool2d(padded, (2 * reach + 1, 1), 1), (1, 2 * reach + 1), 1)


def gradients(plane_B1HW: Tensor) -> tuple[Tensor, Tensor]:
    """Differences to the right and downwards."""
    padded = F.pad(plane_B1HW, (0, 1, 0, 1), mode="replicate")
    return padded[..., :-1, 1:] - plane_B1HW, padded[..., 1:, :-1] - plane_B1HW


def edges(plane_B1HW: Tensor) -> Tensor:
    across, down = gradients(plane_B1HW)
    return (across.abs() + down.abs()).clamp(0, 1)


def _screen(rgb: Tensor) -> tuple[Tensor, Tensor]:
    height, width = rgb.shape[-2:]
    return torch.linspace(-1, 1, width).view(1, 1, 1, -1), torch.linspace(-1, 1, height).view(1, 1, -1, 1)


def _pattern(moment: Moment, idx: int) -> Tensor:
    return moment.patterns[:, idx, None]


def _paper(moment: Moment) -> Tensor:
    return moment.rgb


def _watercolour(moment: Moment) -> Tensor:
    """Pale washes that gather at borders, grain of the paper, white paper round about."""
    x, y = _screen(moment.rgb)
    wash = blur(moment.rgb, 1)
    grey = luma(wash)
    pigment = 0.80 * (1 - (grey + 1.15 * (wash - grey)))
    blot, grain = _pattern(moment, patterns.BLOTCH), _pattern(moment, patterns.GRAIN)
    gathered = pigment * (1 + 0.26 * blot + 0.13 * grain) + 0.5 * edges(grey) + 0.02 * grain
    painted = torch.sigmoid((1.15 - x.abs() ** 4 - y.abs() ** 4 + 0.35 * blot) * 7)
    return colour(1.0, 0.985, 0.95) - painted * gathered


def _noir(moment: Moment) -> Tensor:
    """Black and white film: hard contrast, grain, dark corners; a breath of the light's colour, as
    silent films were tinted for night or dawn."""
    x, y = _screen(moment.rgb)
    bright = luma(moment.light).clamp_min(0.05)
    grey = luma(moment.rgb)
    hard = torch.sigmoid((grey / bright**0.55 - 0.54) * 7.5) * (0.35 + 0.65 * torch.maximum(bright, grey))
    grainy = hard + 0.12 * moment.grain * (0.35 + hard * (1 - hard) * 2.6)
    tint = 1 + 0.30 * (moment.light / bright - 1)
    return grainy * tint * (1 - 0.62 * ((x**2 + y**2) / 2) ** 1.5)


def _neon(moment: Moment) -> Tensor:
    """Dark surfaces, outlines of glowing tubes, their light in the air."""
    x, _ = _screen(moment.rgb)
    tube = colour(1.0, 0.10, 0.80) * (0.5 + 0.5 * x) + colour(0.05, 0.85, 1.0) * (0.5 - 0.5 * x)
    grey = luma(moment.rgb)
    dark = (grey + 1.5 * (moment.rgb - grey)).clamp_min(1e-4) ** 1.3 * colour(0.50, 0.30, 0.68)
    line = moment.outline * (0.15 + 0.85 * moment.clear)
    bloom = blur(line, 4)
    windows = colour(1.0, 0.75, 0.25) * moment.glow + colour(1.0, 0.35, 0.75) * 1.3 * moment.halo
    return dark + tube * (1.1 * line + 0.9 * bloom) + windows * (0.3 + 0.7 * moment.clear)


def _stroke_weights(grey_B1HW: Tensor) -> Tensor:
    """How much each direction of stroke shows [B, 4, H, W]: along the borders near a place, else across."""
    across, down = gradients(blur(grey_B1HW, 1))
    energy = blur(torch.cat([across * across, down * down, across * down], 1), 2)
    xx, yy, xy = energy.unbind(1)
    total = (xx + yy + 4e-4).clamp_min(1e-6)
    twice_cos, twice_sin = (yy - xx) / total, 2 * xy / total  # of the angle along the border, growing to the right down
    lying = (1 - (xx + yy) / total) + twice_cos.clamp_min(0)
    return torch.stack([lying, (-twice_sin).clamp_min(0), (-twice_cos).clamp_min(0), twice_sin.clamp_min(0)], 1)


def _swirl(moment: Moment) -> Tensor:
    """Thick strokes along the borders of things, eddies in the sky, colours turned up, dark contours."""
    grey = luma(moment.rgb)
    vivid = grey + 1.75 * (moment.rgb - grey)
    strokes = (_stroke_weights(grey) * moment.patterns[:, patterns.STROKES]).sum(1, keepdim=True)
    stroke = moment.sky * _pattern(moment, patterns.SWIRL) + (1 - moment.sky) * strokes
    painted = vivid + (0.08 + 0.18 * grey) * stroke * colour(0.95, 0.80, -0.25)
    return painted * (1 - 0.55 * moment.outline * moment.clear)


def _vintage(moment: Moment) -> Tensor:
    """An old print: brown, faded, scratched, darker to the rim, light leaked in at the left."""
    x, y = _screen(moment.rgb)
    sepia = luma(moment.rgb) * colour(1.14, 0.93, 0.60)
    print_ = 0.15 + 0.76 * (0.34 * moment.rgb + 0.66 * sepia) + 0.04 * moment.grain
    print_ = print_ + 0.30 * moment.scratches
    leak = torch.sigmoid((-0.80 - x + 0.25 * y) * 9)
    print_ = print_ + leak * 0.45 * (colour(1.0, 0.62, 0.25) - print_)
    return print_ * (1 - colour(0.50, 0.62, 0.70) * ((x**4 + y**4) / 2).clamp(0, 1))


# In the order of SLOTS["style"].
STYLES: tuple[Callable[[Moment], Tensor], ...] = (_paper, _watercolour, _noir, _neon, _swirl, _vintage)
# What rain and snow look like in each: added to the picture for streaks, taken on for flakes.
STREAK_COLOURS = torch.tensor(
    [
        [0.22, 0.23, 0.26], [-0.22, -0.17, -0.08], [0.32, 0.32, 0.32],
        [0.12, 0.42, 0.50], [0.16, 0.26, 0.42], [0.24, 0.21, 0.15],
    ]
)  # fmt: skip
FLAKE_COLOURS = torch.tensor(
    [
        [1.0, 1.0, 1.0], [1.0, 1.0, 1.0], [1.0, 1.0, 1.0],
        [0.85, 0.75, 1.0], [1.0, 1.0, 0.92], [0.98, 0.92, 0.78],
    ]
)  # fmt: skip
