"""The true look of a moment of the training world: lighting, weather and style put on maps.

The video decoder learns this function; nothing at serving time calls it. Soft conditions
give blends, as they occur while a world fades from day to night.

Letters: B batch, M maps, H rows, W columns, V condition values.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from model import camera
from model.world.conditions import SLOT_RANGES

# Per lighting (day, dusk, night, dawn): light on things, sky overhead, sky at the horizon, strength of lamps.
LIGHT = torch.tensor([[1.0, 1.0, 0.98], [0.86, 0.58, 0.50], [0.36, 0.41, 0.62], [0.92, 0.80, 0.82]])
ZENITH = torch.tensor([[0.46, 0.70, 0.93], [0.36, 0.32, 0.58], [0.08, 0.11, 0.28], [0.62, 0.70, 0.90]])
HORIZON = torch.tensor([[0.88, 0.93, 0.97], [0.98, 0.60, 0.36], [0.20, 0.24, 0.44], [0.99, 0.84, 0.76]])
LAMPS = torch.tensor([0.0, 0.75, 1.0, 0.25])
# Per weather (clear, rain, snow, fog): distance at which haze has taken 63 %, grey of the sky, brightness.
HAZE_M = torch.tensor([110.0, 38.0, 34.0, 11.0])
OVERCAST = torch.tensor([0.0, 0.85, 0.75, 0.8])
DIM = torch.tensor([1.0, 0.80, 0.97, 0.92])
LAMP_COLOUR = torch.tensor([1.0, 0.84, 0.48])


def _weights(conditions_BV: Tensor, slot: str) -> Tensor:
    return conditions_BV[:, SLOT_RANGES[slot]]


def _blend(weights_BX: Tensor, table: Tensor) -> Tensor:
    """A table's rows blended: [B, 1, 1] for numbers, [B, 3, 1, 1] for colours."""
    mixed = weights_BX @ table
    return mixed[..., None, None]


def _luma(rgb_BCHW: Tensor) -> Tensor:
    return (rgb_BCHW * torch.tensor([0.30, 0.59, 0.11]).view(3, 1, 1)).sum(1, keepdim=True)


def _light(maps_BMHW: Tensor, conditions_BV: Tensor, slope_BH: Tensor) -> Tensor:
    """Sky, daylight or lamps, haze."""
    lighting, weather = _weights(conditions_BV, "lighting"), _weights(conditions_BV, "weather")
    colour, near, glow = maps_BMHW[:, :3], maps_BMHW[:, camera.NEARNESS, None], maps_BMHW[:, camera.GLOW, None]
    up = (slope_BH.clamp(0, 0.6) / 0.6)[:, None, :, None]
    horizon, zenith = _blend(lighting, HORIZON), _blend(lighting, ZENITH)
    grey, dim = _blend(weather, OVERCAST[:, None]), _blend(weather, DIM[:, None])
    sky = horizon + (zenith - horizon) * up.sqrt()
    veiled = (0.55 * _luma(horizon) + 0.45 * _luma(zenith)).expand_as(sky) * torch.tensor([0.96, 0.99, 1.04]).view(
        3, 1, 1
    )
    clouds = 1 + (1.1 - grey) * (_luma(colour) - 0.80)
    backdrop = (sky + grey * (veiled - sky)) * clouds
    distance = camera.distance_m(near)
    light = _blend(lighting, LIGHT)
    lit = colour * light * dim
    haze = 1 - torch.exp(-distance.clamp_max(400) / _blend(weather, HAZE_M[:, None]))
    haze_colour = horizon + grey * (veiled - horizon)
    lit = lit + haze * (haze_colour - lit)
    is_sky = torch.sigmoid((0.12 - near) * 60)
    hills = colour * light * dim * 0.5 + 0.5 * haze_colour
    is_hill = is_sky * torch.sigmoid((0.82 - _luma(colour)) * 40) * (1 - up).clamp(0, 1) ** 6
    result = lit * (1 - is_sky) + is_sky * (backdrop + is_hill * (hills - backdrop))
    lamps = _blend(lighting, LAMPS[:, None])
    halo = F.avg_pool2d(F.avg_pool2d(glow, 9, 1, 4), 7, 1, 3)
    shine = (glow * lamps).clamp(0, 1)
    result = result + shine * (LAMP_COLOUR.view(3, 1, 1) - result)
    return result + 1.1 * halo * lamps * LAMP_COLOUR.view(3, 1, 1)


def _ground_share(maps_BMHW: Tensor, slope_BH: Tensor) -> Tensor:
    """1 where a pixel lies on the ground: as near as the ground is in its row."""
    expected = camera.nearness(camera.ground_distance_m(slope_BH))[:, None, :, None]
    off = (maps_BMHW[:, camera.NEARNESS, None] - expected).abs()
    return torch.sigmoid((0.035 - off) * 120) * (slope_BH < 0)[:, None, :, None]


def _weather(rgb: Tensor, maps_BMHW: Tensor, conditions_BV: Tensor, slope_BH: Tensor, noise_BNHW: Tensor) -> Tensor:
    weather = _weights(conditions_BV, "weather")
    rain, snow = weather[:, 1, None, None, None], weather[:, 2, None, None, None]
    ground = _ground_share(maps_BMHW, slope_BH)
    bright = _luma(_blend(_weights(conditions_BV, "lighting"), LIGHT)).clamp_min(0.25)
    rgb = rgb + rain * ground * 0.35 * (torch.tensor([0.55, 0.62, 0.72]).view(3, 1, 1) * bright - rgb)
    rgb = rgb + snow * ground * 0.85 * (torch.tensor([0.95, 0.97, 1.0]).view(3, 1, 1) * bright - rgb)
    rgb = rgb + rain * 0.22 * bright * noise_BNHW[:, :1]
    flake = noise_BNHW[:, 1:] * snow
    return rgb + 0.8 * flake * (0.4 + 0.6 * bright - rgb).clamp_min(0)


def _edges(rgb: Tensor) -> Tensor:
    luma = F.pad(_luma(rgb), (0, 1, 0, 1), mode="replicate")
    across, down = luma[..., :-1, 1:] - luma[..., :-1, :-1], luma[..., 1:, :-1] - luma[..., :-1, :-1]
    return (across.abs() + down.abs()).clamp(0, 1)


def _screen(rgb: Tensor) -> tuple[Tensor, Tensor]:
    height, width = rgb.shape[-2:]
    return torch.linspace(-1, 1, width).view(1, 1, 1, -1), torch.linspace(-1, 1, height).view(1, 1, -1, 1)


def _vignette(rgb: Tensor, strength: float) -> Tensor:
    x, y = _screen(rgb)
    return rgb * (1 - strength * (x**2 + y**2) / 2)


def _watercolour(rgb: Tensor) -> Tensor:
    wash = F.avg_pool2d(F.pad(rgb, (1, 1, 1, 1), mode="replicate"), 3, 1)
    pale = _luma(wash) + 0.8 * (wash - _luma(wash))
    return (0.14 + 0.86 * pale) * (1 - 0.55 * _edges(rgb))


def _noir(rgb: Tensor) -> Tensor:
    grey = torch.sigmoid((_luma(rgb) - 0.46) * 7.5)
    return _vignette(grey.expand_as(rgb), 0.5)


def _neon(rgb: Tensor) -> Tensor:
    x, _ = _screen(rgb)
    tint = torch.tensor([0.95, 0.15, 0.85]).view(3, 1, 1) * (0.5 + 0.5 * x) + torch.tensor([0.10, 0.85, 0.95]).view(
        3, 1, 1
    ) * (0.5 - 0.5 * x)
    dark = rgb.clamp_min(1e-4) ** 1.15 * torch.tensor([0.66, 0.44, 0.90]).view(3, 1, 1)
    return dark + 1.5 * _edges(rgb) * tint


def _swirl(rgb: Tensor) -> Tensor:
    x, y = _screen(rgb)
    phase = 16 * _luma(rgb) + 9 * torch.sin(2.2 * x + 1.1 * y) + 11 * y + 3 * torch.cos(4.1 * x - 2.3 * y)
    stroke = torch.sin(phase)
    vivid = _luma(rgb) + 1.6 * (rgb - _luma(rgb))
    return vivid + (0.05 + 0.12 * _luma(rgb)) * stroke * torch.tensor([1.0, 0.75, -0.9]).view(3, 1, 1)


def _vintage(rgb: Tensor) -> Tensor:
    sepia = _luma(rgb) * torch.tensor([1.06, 0.90, 0.66]).view(3, 1, 1)
    return _vignette(0.08 + 0.84 * (0.25 * rgb + 0.75 * sepia), 0.35)


def _paper(rgb: Tensor) -> Tensor:
    return rgb


# In the order of SLOTS["style"].
STYLES: tuple[Callable[[Tensor], Tensor], ...] = (_paper, _watercolour, _noir, _neon, _swirl, _vintage)


def render_look(maps_BMHW: Tensor, conditions_BV: Tensor, slope_BH: Tensor, noise_BNHW: Tensor) -> Tensor:
    """The picture of a moment.

    Args:
        maps_BMHW: maps of the view.
        slope_BH: tan(elevation) of its rows.
        noise_BNHW: streaks and flakes, 0 or 1 (model.precipitation).

    Returns:
        rgb_BCHW in [0, 1].
    """
    rgb = _light(maps_BMHW, conditions_BV, slope_BH)
    rgb = _weather(rgb, maps_BMHW, conditions_BV, slope_BH, noise_BNHW).clamp(0, 1)
    style = _weights(conditions_BV, "style")
    styled = [weight[:, None, None, None] * paint(rgb) for weight, paint in zip(style.unbind(1), STYLES, strict=True)]
    return torch.stack(styled).sum(0).clamp(0, 1)
