"""Renders the training world: boundless, seeded, in batches, with exact ground truth.

Gives *maps* (see model.camera): colour in plain daylight, nearness and glow. The look of
a moment (lighting, weather, style) is put on afterwards by model.world.look.

A column of the cylindrical camera is one vertical plane, so a scene is drawn per column:
distances to all parts, the nearest few that cover the column, then rows front to back.

Letters: B batch, K candidate parts, N nearest parts of a column, W columns, H rows, M maps.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from model import camera
from model.world import places

MAX_RANGE_M = 46.0  # things fade in from here; the far haze hides their arrival
CLEAR_RADIUS_M = 1.6  # nothing stands closer than this to where the camera walks
PARTS_DRAWN = 72
PARTS_PER_COLUMN = 9


class Viewpoint(NamedTuple):
    """Where B cameras stand: metres, and the whole-turn column of the canvas's left edge."""

    x_B: Tensor
    y_B: Tensor
    column_B: Tensor


def hash_unit(*keys: Tensor | int) -> Tensor:
    """A number in [0, 1) from integer keys: the same on every machine."""
    value: Tensor | int = 0x9E3779B9
    for key in keys:
        value = (value ^ (key + 0x7F4A7C15)) * 0x2C1B3C6D & 0xFFFFFFFF
        value = (value ^ (value >> 15)) * 0x297A2D39 & 0xFFFFFFFF
        value = value ^ (value >> 13)
    assert isinstance(value, Tensor)
    return value.to(torch.float32) / 4294967296.0


class _Parts(NamedTuple):
    """Columns of part attributes, all [B, K]."""

    x: Tensor
    y: Tensor
    shape: Tensor
    half_width: Tensor
    bottom: Tensor
    top: Tensor
    red: Tensor
    green: Tensor
    blue: Tensor
    glow: Tensor
    tint: Tensor

    def take(self, index: Tensor) -> _Parts:
        return _Parts(*(torch.gather(field, 1, index) for field in self))


def _layer_parts(layer: places.Layer, layer_idx: int, seed_B: Tensor, view: Viewpoint) -> list[_Parts]:
    """The parts of one layer's things in the cells around each camera."""
    reach_x, reach_y = (math.ceil(MAX_RANGE_M / cell) for cell in (layer.cell_x, layer.cell_y))
    step_x, step_y = torch.meshgrid(
        torch.arange(-reach_x, reach_x + 1), torch.arange(-reach_y, reach_y + 1), indexing="ij"
    )
    cell_x = torch.floor((view.x_B - layer.offset_x) / layer.cell_x + 0.5).long()[:, None] + step_x.reshape(1, -1)
    cell_y = torch.floor((view.y_B - layer.offset_y) / layer.cell_y + 0.5).long()[:, None] + step_y.reshape(1, -1)
    keys = (seed_B[:, None], cell_x, cell_y)
    x = (cell_x + layer.jitter * (2 * hash_unit(*keys, 8 * layer_idx + 1) - 1)) * layer.cell_x + layer.offset_x
    y = (cell_y + layer.jitter * (2 * hash_unit(*keys, 8 * layer_idx + 2) - 1)) * layer.cell_y + layer.offset_y
    present = hash_unit(*keys, 8 * layer_idx + 3) < layer.chance
    size = 0.82 + 0.36 * hash_unit(*keys, 8 * layer_idx + 4)
    tint = hash_unit(*keys, 8 * layer_idx + 5)
    x = torch.where(present, x, torch.full_like(x, 1e6))
    return [_thing_part(part, x, y, size, tint) for part in places.THINGS[layer.thing]]


def _thing_part(part: places.Part, x: Tensor, y: Tensor, size: Tensor, tint: Tensor) -> _Parts:
    full = torch.ones_like(x)
    if part.hue_spread > 1:
        palette = torch.tensor(places.PAPER_PALETTE)
        colour = palette[(tint * len(palette)).long()].unbind(-1)
    else:
        shift = (tint - 0.5) * 2 * part.hue_spread
        colour = (part.red + shift, part.green + 0.5 * shift, part.blue - 0.3 * shift)
    return _Parts(
        x, y, part.shape * full, part.half_width * size, part.bottom * size, part.top * size,
        colour[0] * full, colour[1] * full, colour[2] * full, part.glow * full, tint,
    )  # fmt: skip


def _nearest_parts(place: str, seed_B: Tensor, view: Viewpoint, clear_xy_BP2: Tensor) -> _Parts:
    """The parts nearest to each camera, without those on the clear path."""
    groups = [part for idx, layer in enumerate(places.LAYERS[place]) for part in _layer_parts(layer, idx, seed_B, view)]
    parts = _Parts(*(torch.cat(fields, 1) for fields in zip(*groups, strict=True)))
    gap = torch.hypot(
        parts.x[:, :, None] - clear_xy_BP2[:, None, :, 0], parts.y[:, :, None] - clear_xy_BP2[:, None, :, 1]
    )
    thick = torch.where(parts.shape >= places.HOUSE, 1.45 * parts.half_width, parts.half_width.clamp_max(0.4))
    blocked = (gap.amin(2) - thick) < CLEAR_RADIUS_M
    distance = torch.hypot(parts.x - view.x_B[:, None], parts.y - view.y_B[:, None]) - thick
    distance = torch.where(blocked | (distance > MAX_RANGE_M), torch.inf, distance)
    nearest = torch.topk(distance, min(PARTS_DRAWN, distance.shape[1]), dim=1, largest=False)
    parts = parts.take(nearest.indices)
    return parts._replace(x=torch.where(nearest.values.isfinite(), parts.x, torch.full_like(parts.x, 1e6)))


class _Hits(NamedTuple):
    """Where columns meet parts, all [B, W, N]: distance, across the face (-1 to 1), face shade, part."""

    distance: Tensor
    across: Tensor
    shade: Tensor
    part: Tensor


def _hit_cutouts(dx: Tensor, dy: Tensor, cos: Tensor, sin: Tensor, half_width: Tensor) -> tuple[Tensor, Tensor]:
    """A cut-out always faces the camera: its centre's distance, and how far across the column is."""
    ahead = dx * cos + dy * sin
    across = (dx * sin - dy * cos) / half_width
    return torch.where((ahead > 0.3) & (across.abs() < 1), ahead, torch.inf), across


def _hit_boxes(dx: Tensor, dy: Tensor, cos: Tensor, sin: Tensor, half: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Axis-aligned boxes: entry distance by slabs, position across the face, and which face."""
    inv_cos, inv_sin = 1 / (cos + 1e-7), 1 / (sin + 1e-7)
    x0, x1 = (dx - half) * inv_cos, (dx + half) * inv_cos
    y0, y1 = (dy - half) * inv_sin, (dy + half) * inv_sin
    near_x, near_y = torch.minimum(x0, x1), torch.minimum(y0, y1)
    near = torch.maximum(near_x, near_y)
    far = torch.minimum(torch.maximum(x0, x1), torch.maximum(y0, y1))
    on_x = near_x > near_y
    across = torch.where(on_x, near * sin - dy, near * cos - dx) / half
    return torch.where((near < far) & (near > 0.3), near, torch.inf), across, on_x


def _hit_parts(parts: _Parts, view: Viewpoint, azimuth_BW: Tensor) -> _Hits:
    cos, sin = torch.cos(azimuth_BW)[..., None], -torch.sin(azimuth_BW)[..., None]  # azimuth grows to the right
    dx, dy = (parts.x - view.x_B[:, None])[:, None], (parts.y - view.y_B[:, None])[:, None]
    half = parts.half_width[:, None]
    is_box = (parts.shape >= places.HOUSE)[:, None]
    cut_distance, cut_across = _hit_cutouts(dx, dy, cos, sin, half)
    box_distance, box_across, on_x = _hit_boxes(dx, dy, cos, sin, half)
    distance = torch.where(is_box, box_distance, cut_distance)
    nearest = torch.topk(distance, min(PARTS_PER_COLUMN, distance.shape[2]), dim=2, largest=False)
    across = torch.gather(torch.where(is_box, box_across, cut_across), 2, nearest.indices)
    shade = torch.gather(torch.where(is_box & on_x, 0.82, 1.0), 2, nearest.indices)
    return _Hits(nearest.values, across, shade, nearest.indices)


def _gather_part(field: Tensor, part_BWN: Tensor) -> Tensor:
    batch, width, _ = part_BWN.shape
    return torch.gather(field[:, None].expand(batch, width, -1), 2, part_BWN)[..., None]


def _draw_parts(parts: _Parts, hits: _Hits, slope_H: Tensor) -> tuple[Tensor, Tensor]:
    """Front-most part of each pixel: its maps [B, W, H, M] and where there is one [B, W, H]."""
    distance, across = hits.distance[..., None], hits.across[..., None]
    shape, top, bottom = (_gather_part(field, hits.part) for field in (parts.shape, parts.top, parts.bottom))
    tint = _gather_part(parts.tint, hits.part)
    finite = torch.where(distance.isfinite(), distance, torch.zeros_like(distance))
    height = camera.EYE_HEIGHT_M + finite * slope_H  # z of each pixel on the part's plane: B W N H
    middle, half_height = 0.5 * (top + bottom), 0.5 * (top - bottom)
    wall = 0.66 * top
    reach = torch.where(shape == places.ELLIPSE, half_height * torch.sqrt((1 - across**2).clamp_min(0)), half_height)
    high = torch.where(shape == places.TRIANGLE, bottom + 2 * half_height * (1 - across.abs()), middle + reach)
    high = torch.where(
        shape == places.HOUSE, wall + (top - wall) * torch.where(hits.shade[..., None] < 1, 1 - across.abs(), 0.8), high
    )
    inside = (height < high) & (height > middle - reach) & distance.isfinite()
    order = torch.arange(inside.shape[2]).view(-1, 1)  # nearest first
    layer = torch.where(inside, order, inside.shape[2] - 1).amin(2, keepdim=True)
    covered_BWH = torch.gather(inside, 2, layer)[:, :, 0]

    def front(field: Tensor) -> Tensor:
        return torch.gather(field.expand(inside.shape), 2, layer)[:, :, 0]

    colours = [
        front(_gather_part(field, hits.part) * hits.shade[..., None]) for field in (parts.red, parts.green, parts.blue)
    ]
    pixel = _Pixel(front(shape), front(across), front(height), front(bottom), front(top), front(tint), front(distance))
    return _paint(pixel, colours, front(_gather_part(parts.glow, hits.part))), covered_BWH


class _Pixel(NamedTuple):
    """What is known of a part where a pixel shows it, all [B, W, H]."""

    shape: Tensor
    across: Tensor
    height: Tensor
    bottom: Tensor
    top: Tensor
    tint: Tensor
    distance: Tensor


def _paint(pixel: _Pixel, colours: list[Tensor], glow: Tensor) -> Tensor:
    """Soft shading on cut-outs, roofs and windows on boxes: maps [B, W, H, M]."""
    is_house, is_tower = pixel.shape == places.HOUSE, pixel.shape == places.TOWER
    lift = ((pixel.height - pixel.bottom) / (pixel.top - pixel.bottom + 1e-3)).clamp(0, 1)
    round_shade = torch.where((pixel.shape == places.ELLIPSE) & (glow < 0.5), 0.78 + 0.34 * lift, 1.0)
    roof = is_house & (pixel.height > 0.66 * pixel.top)
    roof_colour = torch.tensor(places.ROOF_PALETTE)[(pixel.tint * 97 % 1 * 4).long()].unbind(-1)
    columns = torch.where(is_tower, 5.0, 3.0)
    storey = torch.where(is_tower, 2.4, 2.0)
    across01 = (pixel.across * 0.5 + 0.5) * columns
    up = pixel.height / storey
    window = (is_house | is_tower) & ~roof & ((across01 % 1 - 0.5).abs() < 0.2) & ((up % 1 - 0.55).abs() < 0.24)
    door = is_house & ((pixel.across + 0.02).abs() < 0.13) & (pixel.height < 1.5) & (pixel.tint > 0.3)
    lit = hash_unit((pixel.tint * 4096).long(), torch.floor(across01).long(), torch.floor(up).long()) < 0.62
    channels = []
    for base, roof_tone, pane, wood in zip(colours, roof_colour, (0.46, 0.56, 0.66), (0.40, 0.26, 0.20), strict=True):
        tone = torch.where(roof, roof_tone, base * round_shade)
        tone = torch.where(window, pane, tone)
        channels.append(torch.where(door, wood, tone))
    channels.append(camera.nearness(pixel.distance))
    channels.append(torch.where(window & lit & ~door, 1.0, glow))
    return torch.stack(channels, -1)


def _mix(first: tuple[float, ...] | Tensor, second: tuple[float, ...] | Tensor, weight: Tensor) -> Tensor:
    one, two = torch.as_tensor(first), torch.as_tensor(second)
    return one + (two - one) * weight[..., None]


def _road(y: Tensor, x: Tensor, period: float, half_road: float, grass: tuple[float, float, float]) -> Tensor:
    """Streets along x with pavements and a dashed line."""
    lane = ((y + period / 2) % period - period / 2).abs()
    colour = _mix(grass, (0.74, 0.72, 0.70), ((half_road + 1.7 - lane) * 4).clamp(0, 1))
    colour = _mix(colour, (0.44, 0.45, 0.49), ((half_road - lane) * 4).clamp(0, 1))
    dash = ((0.14 - lane) * 8).clamp(0, 1) * ((x % 4.0) < 2.0)
    return _mix(colour, (0.90, 0.88, 0.80), dash)


def _ground_colour(place: str, x: Tensor, y: Tensor) -> Tensor:
    """Colour of the ground at world points, [..., 3]."""
    if place == "street":
        return _road(y, x, places.ROAD_PERIOD_M, 2.9, (0.56, 0.66, 0.42))
    if place == "city":
        return _road(y, x, places.CITY_PERIOD_M, 4.4, (0.66, 0.66, 0.68))
    path = (y - 1.2 * torch.sin(0.16 * x)).abs()
    if place == "forest":
        return _mix((0.34, 0.46, 0.28), (0.62, 0.52, 0.38), ((1.3 - path) * 2).clamp(0, 1))
    if place == "meadow":
        patch = 0.5 + 0.5 * torch.sin(0.35 * x) * torch.sin(0.31 * y)
        meadow = _mix((0.56, 0.72, 0.36), (0.66, 0.76, 0.40), patch)
        return _mix(meadow, (0.78, 0.70, 0.52), ((1.0 - path) * 2).clamp(0, 1))
    if place == "desert":
        ripple = 0.5 + 0.5 * torch.sin(0.7 * x + 0.9 * torch.sin(0.25 * y))
        return _mix((0.90, 0.76, 0.54), (0.84, 0.68, 0.47), ripple)
    wave = y + 0.5 * torch.sin(0.4 * x)
    sand = _mix((0.93, 0.86, 0.68), (0.66, 0.74, 0.46), ((wave - 12) * 0.5).clamp(0, 1))
    sea = _mix((0.96, 0.97, 0.95), (0.34, 0.62, 0.74), ((-6.2 - wave) * 1.4).clamp(0, 1))
    return _mix(sand, sea, ((-5.2 - wave) * 3).clamp(0, 1))


def _draw_ground(place: str, view: Viewpoint, azimuth_BW: Tensor, slope_H: Tensor) -> Tensor:
    """Maps of the bare ground, [B, W, H, M]; only rows below the horizon mean anything."""
    reach_H = camera.ground_distance_m(slope_H).clamp_max(300.0)
    x = view.x_B[:, None, None] + torch.cos(azimuth_BW)[..., None] * reach_H
    y = view.y_B[:, None, None] - torch.sin(azimuth_BW)[..., None] * reach_H
    colour = _ground_colour(place, x, y)
    far_colour = torch.tensor(places.SKYLINE[place][0])
    haze = ((reach_H - 22) / 60).clamp(0, 0.75).expand(x.shape)
    colour = _mix(colour, far_colour, haze)
    near = camera.nearness(reach_H).expand(x.shape)[..., None]
    return torch.cat([colour, near, torch.zeros_like(near)], -1)


def _draw_sky(place: str, seed_B: Tensor, azimuth_BW: Tensor, slope_H: Tensor) -> Tensor:
    """Maps of the sky with paper clouds and far hills, [B, W, H, M]; nearness 0."""
    up = slope_H.clamp_min(0)
    sky = _mix((0.90, 0.94, 0.96), (0.52, 0.74, 0.92), (up * 1.7).clamp(0, 1)).expand(*azimuth_BW.shape, -1, 3)
    for idx in range(7):
        where = hash_unit(seed_B, 901 + idx)[:, None] * 2 * math.pi
        offset = torch.remainder(azimuth_BW - where + math.pi, 2 * math.pi) - math.pi
        rise = 0.24 + 0.36 * hash_unit(seed_B, 931 + idx)[:, None, None]
        wide = 0.16 + 0.16 * hash_unit(seed_B, 961 + idx)[:, None, None]
        inside = 1 - (offset[..., None] / wide) ** 2 - ((slope_H - rise) / 0.055) ** 2
        sky = _mix(sky, (0.985, 0.985, 0.975), (inside * 3).clamp(0, 1))
    colour, height_px = places.SKYLINE[place]
    phase = hash_unit(seed_B, 990)[:, None] * 6.28
    ridge = 0.55 + 0.3 * torch.sin(2 * azimuth_BW + phase) + 0.25 * torch.sin(5 * azimuth_BW + 2 * phase)
    if place == "city":
        ridge = 0.25 + 0.75 * hash_unit(seed_B[:, None], torch.floor(azimuth_BW * 9).long() % 57)
    hill = ((ridge.clamp_min(0) * height_px / camera.FOCAL_PX)[..., None] - slope_H) * camera.FOCAL_PX
    sky = _mix(sky, colour, hill.clamp(0, 1))
    flat = torch.zeros_like(sky[..., :1])
    return torch.cat([sky, flat, flat], -1)


def render_maps(
    place: str, seed_B: Tensor, view: Viewpoint, clear_xy_BP2: Tensor, width: int = camera.CANVAS_W
) -> Tensor:
    """True maps of one place from B viewpoints.

    Args:
        seed_B: world seeds, int64.
        clear_xy_BP2: points (metres) that must stay walkable; things on them are left out.
        width: columns to draw, from `view.column_B` to the right.

    Returns:
        maps_BMHW: float32 in [0, 1].
    """
    columns = view.column_B[:, None] + torch.arange(width)
    azimuth_BW = camera.azimuth_rad(columns.float())
    slope_H = camera.row_slope()
    parts = _nearest_parts(place, seed_B, view, clear_xy_BP2)
    drawn, covered_BWH = _draw_parts(parts, _hit_parts(parts, view, azimuth_BW), slope_H)
    below = slope_H < 0
    backdrop = torch.where(
        below[:, None], _draw_ground(place, view, azimuth_BW, slope_H), _draw_sky(place, seed_B, azimuth_BW, slope_H)
    )
    in_front = covered_BWH & (drawn[..., camera.NEARNESS] > backdrop[..., camera.NEARNESS])
    haze = ((camera.distance_m(drawn[..., camera.NEARNESS]) - 22) / 40).clamp(0, 0.6)
    tone = _mix(drawn[..., :3], places.SKYLINE[place][0], haze)
    drawn = torch.cat([tone, drawn[..., 3:]], -1)
    maps = torch.where(in_front[..., None], drawn, backdrop)
    return maps.clamp(0, 1).permute(0, 3, 2, 1).contiguous()
