"""The true look of a moment of the training world: lighting, weather and style put on maps.

The video decoder learns this function; nothing at serving time calls it. Soft conditions
give blends, as they occur while a world fades from day to night.

Letters: B batch, M maps, H rows, W columns, V condition values, N noises.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from model import camera
from model.precipitation import FLAKES, PATTERNS, SCRATCHES, STATIC, STREAKS
from model.reflection import mirrored
from model.world.conditions import SLOT_RANGES
from model.world.styles import FLAKE_COLOURS, STREAK_COLOURS, STYLES, Moment, blur, colour, edges, luma

# Per lighting (day, dusk, night, dawn): light on things, sky overhead, sky at the horizon, strength of lamps.
# By night the moon lights things and leaves the sky dark, or there would be nothing to see away from lamps.
LIGHT = torch.tensor([[1.0, 1.0, 0.98], [0.80, 0.50, 0.38], [0.46, 0.58, 0.86], [0.96, 0.84, 0.90]])
ZENITH = torch.tensor([[0.40, 0.66, 0.94], [0.30, 0.24, 0.52], [0.04, 0.07, 0.24], [0.60, 0.66, 0.92]])
HORIZON = torch.tensor([[0.86, 0.93, 0.98], [1.00, 0.55, 0.24], [0.17, 0.24, 0.50], [1.00, 0.80, 0.78]])
LAMPS = torch.tensor([0.0, 0.75, 1.0, 0.25])
# Per weather (clear, rain, snow, fog): distance at which haze has taken 63 %, grey of the sky, brightness.
HAZE_M = torch.tensor([110.0, 38.0, 34.0, 8.0])
OVERCAST = torch.tensor([0.0, 0.85, 0.75, 1.0])
VEIL = torch.tensor([0.0, 0.05, 0.05, 0.22])  # of haze right before the eye
DIM = torch.tensor([1.0, 0.78, 0.97, 0.94])
LAMP_COLOUR = colour(1.0, 0.84, 0.48)
SNOW_COLOUR = colour(0.95, 0.97, 1.0)
SNOW_CAP_PX = 3  # depth of the snow on top of a thing
WET = 0.55  # what is left of the light on wet ground


class _Air(NamedTuple):
    """What is seen through the air of a moment, [B, 1 or 3, H, W]."""

    rgb: Tensor
    clear: Tensor
    sky: Tensor
    glow: Tensor
    halo: Tensor


def _weights(conditions_BV: Tensor, slot: str) -> Tensor:
    return conditions_BV[:, SLOT_RANGES[slot]]


def _blend(weights_BX: Tensor, table: Tensor) -> Tensor:
    """A table's rows blended: [B, 1, 1] for numbers, [B, 3, 1, 1] for colours."""
    mixed = weights_BX @ table
    return mixed[..., None, None]


def _share(conditions_BV: Tensor, slot: str, idx: int) -> Tensor:
    return _weights(conditions_BV, slot)[:, idx, None, None, None]


def _sky(colour_BCHW: Tensor, conditions_BV: Tensor, up_B1H1: Tensor) -> tuple[Tensor, Tensor]:
    """The sky with its clouds, and the colour of haze."""
    lighting, weather = _weights(conditions_BV, "lighting"), _weights(conditions_BV, "weather")
    horizon, zenith = _blend(lighting, HORIZON), _blend(lighting, ZENITH)
    grey = _blend(weather, OVERCAST[:, None])
    veiled = (0.55 * luma(horizon) + 0.45 * luma(zenith)) * colour(0.96, 0.99, 1.04)
    veiled = veiled + 0.3 * (horizon - veiled)  # so that a grey dusk is a dusk
    sky = horizon + (zenith - horizon) * up_B1H1.sqrt()
    clouds = 1 + (1.1 - grey) * (luma(colour_BCHW) - 0.80)
    return (sky + grey * (veiled - sky)) * clouds, horizon + grey * (veiled - horizon)


def _light(maps_BMHW: Tensor, conditions_BV: Tensor, slope_BH: Tensor, ground_colour: Tensor) -> _Air:
    """Sky, daylight or lamps, haze."""
    lighting, weather = _weights(conditions_BV, "lighting"), _weights(conditions_BV, "weather")
    near, glow = maps_BMHW[:, camera.NEARNESS, None], maps_BMHW[:, camera.GLOW, None]
    up = (slope_BH.clamp(0, 0.6) / 0.6)[:, None, :, None]
    backdrop, haze_colour = _sky(maps_BMHW[:, :3], conditions_BV, up)
    light = _blend(lighting, LIGHT) * _blend(weather, DIM[:, None])
    clear = torch.exp(-camera.distance_m(near).clamp_max(400) / _blend(weather, HAZE_M[:, None]))
    clear = clear * (1 - _blend(weather, VEIL[:, None]))
    lit = haze_colour + clear * (ground_colour * light - haze_colour)
    is_sky = torch.sigmoid((0.12 - near) * 60)
    hills = maps_BMHW[:, :3] * light * 0.5 + 0.5 * haze_colour
    fogged = _share(conditions_BV, "weather", 3)
    hills = hills + 0.85 * fogged * (haze_colour - hills)
    is_hill = is_sky * torch.sigmoid((0.82 - luma(maps_BMHW[:, :3])) * 40) * (1 - up).clamp(0, 1) ** 6
    rgb = lit * (1 - is_sky) + is_sky * (backdrop + is_hill * (hills - backdrop))
    lamps = _blend(lighting, LAMPS[:, None]) * (0.25 + 0.75 * clear)
    halo = blur(blur(glow, 4), 3)
    rgb = rgb + (glow * lamps).clamp(0, 1) * (LAMP_COLOUR - rgb) + 1.1 * halo * lamps * LAMP_COLOUR
    return _Air(rgb, clear, is_sky * (1 - is_hill), glow, halo)


def _ground_share(maps_BMHW: Tensor, slope_BH: Tensor) -> Tensor:
    """1 where a pixel lies on the ground: as near as the ground is in its row."""
    expected = camera.nearness(camera.ground_distance_m(slope_BH))[:, None, :, None]
    off = (maps_BMHW[:, camera.NEARNESS, None] - expected).abs()
    return torch.sigmoid((0.035 - off) * 120) * (slope_BH < 0)[:, None, :, None]


def _tops(near_B1HW: Tensor) -> Tensor:
    """1 just below the upper rim of things."""
    padded = F.pad(near_B1HW, (0, 0, SNOW_CAP_PX, 0), mode="replicate")
    above = -F.max_pool2d(-padded, (SNOW_CAP_PX + 1, 1), 1)
    return torch.sigmoid((near_B1HW - above - 0.05) * 90) * (near_B1HW > camera.FAR_NEARNESS)


def _snowed(maps_BMHW: Tensor, conditions_BV: Tensor, ground: Tensor) -> Tensor:
    """Colours with snow on the ground, on the tops of things and a little everywhere."""
    near = maps_BMHW[:, camera.NEARNESS, None]
    cover = (0.88 * ground + 0.85 * _tops(near) + 0.14 * (near > camera.FAR_NEARNESS)).clamp(0, 0.92)
    base = maps_BMHW[:, :3]
    return base + _share(conditions_BV, "weather", 2) * cover * (SNOW_COLOUR - base)


def _outline(maps_BMHW: Tensor) -> Tensor:
    """Borders of colour and of distance."""
    return (0.9 * edges(luma(maps_BMHW[:, :3])) + 2.5 * edges(maps_BMHW[:, camera.NEARNESS, None])).clamp(0, 1)


def _moment(maps_BMHW: Tensor, conditions_BV: Tensor, slope_BH: Tensor, noise_BNHW: Tensor) -> Moment:
    ground = _ground_share(maps_BMHW, slope_BH)
    air = _light(maps_BMHW, conditions_BV, slope_BH, _snowed(maps_BMHW, conditions_BV, ground))
    turned = mirrored(maps_BMHW, slope_BH)
    image = _light(turned, conditions_BV, -slope_BH, turned[:, :3]).rgb
    image = F.avg_pool2d(F.pad(image, (0, 0, 3, 3), mode="replicate"), (7, 1), 1)
    wet = WET * air.rgb + 0.42 * (image - 0.25 * air.rgb)
    rgb = air.rgb + _share(conditions_BV, "weather", 1) * ground * air.clear * (wet - air.rgb)
    light = _blend(_weights(conditions_BV, "lighting"), LIGHT)
    return Moment(
        rgb=rgb.clamp(0, 1),
        clear=air.clear,
        sky=air.sky,
        glow=air.glow,
        halo=air.halo,
        outline=_outline(maps_BMHW),
        light=light / LIGHT[0].view(3, 1, 1),
        grain=noise_BNHW[:, STATIC, None],
        scratches=noise_BNHW[:, SCRATCHES, None],
        patterns=noise_BNHW[:, PATTERNS],
    )


def render_look(maps_BMHW: Tensor, conditions_BV: Tensor, slope_BH: Tensor, noise_BNHW: Tensor) -> Tensor:
    """The picture of a moment.

    Args:
        maps_BMHW: maps of the view.
        slope_BH: tan(elevation) of its rows.
        noise_BNHW: what falls, film grain and patterns (model.precipitation).

    Returns:
        rgb_BCHW in [0, 1].
    """
    moment = _moment(maps_BMHW, conditions_BV, slope_BH, noise_BNHW)
    style = _weights(conditions_BV, "style")
    rgb = torch.zeros_like(moment.rgb)
    for weight, paint in zip(style.unbind(1), STYLES, strict=True):
        if bool(weight.any()):
            rgb = rgb + weight[:, None, None, None] * paint(moment)
    rgb = rgb.clamp(0, 1)
    bright = luma(_blend(_weights(conditions_BV, "lighting"), LIGHT)).clamp_min(0.45)
    streak = noise_BNHW[:, STREAKS, None] * _share(conditions_BV, "weather", 1)
    rgb = rgb + streak * bright * _blend(style, STREAK_COLOURS)
    flake = noise_BNHW[:, FLAKES, None] * _share(conditions_BV, "weather", 2)
    return (rgb + 0.85 * flake * bright.clamp_min(0.6) * (_blend(style, FLAKE_COLOURS) - rgb)).clamp(0, 1)
