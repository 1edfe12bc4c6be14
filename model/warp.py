"""Reprojection: what a remembered panorama looks like from somewhere else.

Three steps: every remembered point is splatted to find what is in front (z-buffer), cracks
that magnification opened are closed, and each target pixel then looks back into the source
for its colour. Standing where the panorama was taken, the result is the panorama itself.

Letters: B batch, M maps, H rows, W source columns, V target columns.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from model import camera
from model.neighbourhoods import greatest_around

SKY_NEARNESS = 0.01  # stands for "infinitely far" where a z-buffer needs a number above "empty"
NEARNESS_TOLERANCE = 0.045  # a look back that lands this far off another surface is an occlusion
GRAIN = camera.NUM_MAPS  # beside a panorama's maps there may be one more: how near each pixel was when it was painted
GROUND_TOLERANCE = 0.04  # of nearness: this near the ground's own, a pixel is the ground
WEAK_MAGNIFICATION = 2.2  # seen from this many times the distance, a surface lacks detail
WEAK_NEARNESS = 0.19  # things arrive out of the haze at about 35 m
WEAK_BAND = (-16, 5)  # rows about the horizon where they do
WEAK_TRAVEL_M = 0.2  # standing still, the haze stays what it is


class Warped(NamedTuple):
    """A panorama seen from elsewhere."""

    maps_BMHV: Tensor
    valid_BHV: Tensor  # bool: something known is seen here
    weak_BHV: Tensor  # bool: known only roughly, from afar


class Sight(NamedTuple):
    """The same but for the colours, and where in the source those are: pixel coordinates."""

    rest_BMHV: Tensor  # the maps from the nearness on
    valid_BHV: Tensor
    weak_BHV: Tensor
    column_BHV: Tensor
    row_BHV: Tensor


class Panorama(NamedTuple):
    """Part of a remembered panorama: W columns from `column_B`, taken at (x, y) metres."""

    maps_BMHW: Tensor
    known_BHW: Tensor  # bool
    column_B: Tensor
    x_B: Tensor
    y_B: Tensor


class Target(NamedTuple):
    """The canvas to fill: V columns from `column_B`, seen from (x, y) metres."""

    column_B: Tensor
    x_B: Tensor
    y_B: Tensor
    width: int


def _moved(column: Tensor, slope: Tensor, distance: Tensor, dx: Tensor, dy: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Where points (column, slope, distance) lie as seen from a place displaced by (-dx, -dy):
    column offset from the old one in pixels, row (pixel centre), distance."""
    azimuth = camera.azimuth_rad(column)
    ahead, right = torch.cos(azimuth), torch.sin(azimuth)
    x, y = distance * ahead + dx, -distance * right + dy
    turn = torch.atan2(-(y * ahead + x * right), x * ahead - y * right)  # new azimuth minus old
    new_distance = torch.hypot(x, y)
    row = camera.HORIZON_ROW - 0.5 - slope * distance / new_distance.clamp_min(1e-3) * camera.FOCAL_PX
    return turn * camera.FOCAL_PX, row, new_distance


def _close_cracks(nearness_BHV: Tensor) -> Tensor:
    """Fill cracks of a pixel or two; wider ones only where nothing at all was seen."""

    def closing(values: Tensor, size: int) -> Tensor:
        return -greatest_around(-greatest_around(values, size), size)

    closed = torch.maximum(nearness_BHV, closing(nearness_BHV, 3))
    return torch.where(closed > 0, closed, closing(closed, 5))


def _splat_nearness(source: Panorama, target: Target, dx: Tensor, dy: Tensor) -> Tensor:
    """z-buffer of the known points in the target canvas; 0 where none lands."""
    batch, height, width = source.known_BHW.shape
    column = (source.column_B[:, None, None] + torch.arange(width)).float()
    near = source.maps_BMHW[:, camera.NEARNESS]
    slope_H1 = camera.row_slope(height)[:, None]
    shift, row, distance = _moved(column, slope_H1, camera.distance_m(near), dx, dy)
    offset = (source.column_B - target.column_B)[:, None, None] + torch.arange(width)
    middle = (target.width - width) // 2
    offset = torch.remainder(offset - middle + camera.TURN_PX // 2, camera.TURN_PX) - camera.TURN_PX // 2 + middle
    to_column, to_row = (offset + shift).round().long(), row.round().long()
    seen = source.known_BHW & (to_column >= 0) & (to_column < target.width) & (to_row >= 0) & (to_row < height)
    cell = torch.where(seen, to_row * target.width + to_column, height * target.width)
    value = camera.nearness(distance).clamp_min(SKY_NEARNESS)
    buffer = torch.zeros(batch, height * target.width + 1)
    buffer.scatter_reduce_(1, cell.flatten(1), value.flatten(1), "amax")
    return buffer[:, :-1].view(batch, height, target.width)


def _look_up(field_BCHW: Tensor, column: Tensor, row: Tensor) -> Tensor:
    """Bilinear samples of a field at pixel coordinates, edges repeated."""
    height, width = field_BCHW.shape[-2:]
    grid = torch.stack([(column + 0.5) * 2 / width - 1, (row + 0.5) * 2 / height - 1], -1)
    return F.grid_sample(field_BCHW, grid, "bilinear", "border", align_corners=False)


def look_up_colours(field_B3HW: Tensor, column: Tensor, row: Tensor) -> Tensor:
    """Samples by cubic convolution (Keys 1981), which over many generations of places keeps the detail that
    bilinear ones would wash out; bounded by the four pixels around, so that no outline gets a halo. Each comes out the
    same to the bit whichever others are asked for."""
    height, width = field_B3HW.shape[-2:]
    grid = torch.stack([(column + 0.5) * 2 / width - 1, (row + 0.5) * 2 / height - 1], -1)
    cubic = F.grid_sample(field_B3HW, grid, "bicubic", "border", align_corners=False)
    low, high = _of_four(field_B3HW, torch.minimum), _of_four(field_B3HW, torch.maximum)
    left, top = column.floor().clamp(0, width - 2).long(), row.floor().clamp(0, height - 2).long()
    at = (top * (width - 1) + left).flatten(1)[:, None].expand(-1, 3, -1)
    bounds = (torch.gather(field.flatten(2), 2, at).view_as(cubic) for field in (low, high))
    return cubic.clamp(*bounds)


def _of_four(field_B3HW: Tensor, choose: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """The least or the greatest of every four neighbours: [B, 3, H - 1, W - 1]."""
    across = choose(field_B3HW[..., :-1], field_B3HW[..., 1:])
    return choose(across[..., :-1, :], across[..., 1:, :])


def warp(source: Panorama, target: Target) -> Warped:
    """The source as seen from the target, with what is known and how well."""
    sight = sighted(source, target)
    colours = look_up_colours(source.maps_BMHW[:, : camera.NEARNESS], sight.column_BHV, sight.row_BHV)
    return Warped(torch.cat([colours, sight.rest_BMHV], 1), sight.valid_BHV, sight.weak_BHV)


def sighted(source: Panorama, target: Target) -> Sight:
    """All that `warp` gives but the colours, which take the longest, and where those are to be looked up."""
    dx, dy = (source.x_B - target.x_B)[:, None, None], (source.y_B - target.y_B)[:, None, None]
    front = _close_cracks(_splat_nearness(source, target, dx, dy))
    height, width = source.known_BHW.shape[1:]
    column = (target.column_B[:, None, None] + torch.arange(target.width)).float()
    slope_H1 = camera.row_slope(height)[:, None]
    front_distance = torch.where(front <= SKY_NEARNESS, camera.distance_m(torch.zeros(())), camera.distance_m(front))
    shift, back_row, back_distance = _moved(column, slope_H1, front_distance, -dx, -dy)
    offset = (target.column_B - source.column_B)[:, None, None] + torch.arange(target.width)
    middle = (width - target.width) // 2
    offset = torch.remainder(offset - middle + camera.TURN_PX // 2, camera.TURN_PX) - camera.TURN_PX // 2 + middle
    back_column = offset + shift
    known = torch.where(source.known_BHW, 1.0, 0.0)[:, None]
    rest = _look_up(torch.cat([source.maps_BMHW[:, camera.NEARNESS :], known], 1), back_column, back_row)
    matches = (rest[:, 0] - camera.nearness(back_distance)).abs() < NEARNESS_TOLERANCE
    inside = (back_column > -1) & (back_column < width) & (back_row > -1) & (back_row < height)
    valid = (front > 0) & inside & matches & (rest[:, -1] > 0.99)
    rest[:, 0] = torch.where(front <= SKY_NEARNESS, torch.zeros(()), front)
    painted_distance = torch.maximum(back_distance, _painted_distance(rest[:, :-1], front, slope_H1))
    weak = valid & _is_weak(front, front_distance, painted_distance, torch.hypot(dx, dy))
    return Sight(rest[:, :-1], valid, weak, back_column, back_row)


def _painted_distance(rest_BMHV: Tensor, front_BHV: Tensor, slope_H1: Tensor) -> Tensor:
    """From how far what is seen was painted, where the maps bring their grain, of all that stands: copied from place to
    place, it never gains the detail that it had no room for. The ground has little of its own."""
    if rest_BMHV.shape[1] == camera.NUM_MAPS - camera.NEARNESS:
        return torch.zeros_like(front_BHV)
    ground = camera.nearness(camera.ground_distance_m(slope_H1))
    stands = (front_BHV > SKY_NEARNESS) & (front_BHV > ground + GROUND_TOLERANCE)
    return torch.where(stands, camera.distance_m(rest_BMHV[:, GRAIN - camera.NEARNESS]), torch.zeros(()))


def _is_weak(front: Tensor, distance: Tensor, source_distance: Tensor, travel: Tensor) -> Tensor:
    magnified = source_distance > WEAK_MAGNIFICATION * distance
    row = torch.arange(front.shape[1])[:, None] - camera.HORIZON_ROW
    arriving = (front < WEAK_NEARNESS) & (row >= WEAK_BAND[0]) & (row < WEAK_BAND[1]) & (travel > WEAK_TRAVEL_M)
    return magnified | arriving


def patch_coverage(mask_BHW: Tensor) -> Tensor:
    """Share of each quarter of each patch that a mask covers: [B, rows, columns, 4]."""
    half = camera.PATCH_PX // 2
    share = F.avg_pool2d(mask_BHW.float()[:, None], half)[:, 0]
    return rearrange(share, "b (r q) (c p) -> b r c (q p)", q=2, p=2)
