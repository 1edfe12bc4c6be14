"""Puts actors into the maps of a view, behind what is nearer than they are, each over a soft shadow.

Letters: M maps, C planes of a sprite, H rows, W columns of the view, h w of the part of it that an actor covers.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from model import camera
from model.actors.actor import Actor
from model.actors.cast import Cast, Scene
from model.actors.gallery import Sprites
from model.actors.looks import FOOT_SHARE

NEAREST_M = 1.3  # nearer than this an actor is not shown: the camera is in it
OCCLUSION_SLACK = 0.035  # of nearness: the painter's errors, and the ground an actor stands on
SHADOW, SHADOW_NEARNESS = 0.42, 0.07
SHADOW_HALF_WIDTH_M = {
    "person": 0.34,
    "kitten": 0.30,
    "dog": 0.42,
    "umbrella": 0.5,
    "lamp": 0.25,
    "car": 1.7,
    "tree": 1.2,
    "fountain": 1.2,
    "bird": 0.22,
    "balloon": 0.18,
}


class _Seen(NamedTuple):
    """Where an actor is seen in the view."""

    actor: Actor
    distance_m: float
    column: float  # of its middle
    foot_row: float
    view_rad: float


def composite(maps_MHW: Tensor, first_row: int, cast: Cast, scene: Scene, gallery: Sprites) -> Tensor:
    """The view's maps with everybody in them, farthest first. Without actors in view, the same tensor."""
    seen = [_see(actor, scene, first_row) for actor in cast.actors if actor.presence > 0]
    shown = [each for each in seen if each is not None]
    if not shown:
        return maps_MHW
    maps_MHW = maps_MHW.clone()
    for each in shown:
        _shade_ground(maps_MHW, each, first_row)
    for each in sorted(shown, key=lambda one: -one.distance_m):
        _lay_over(maps_MHW, each, gallery)
    return maps_MHW


def _see(actor: Actor, scene: Scene, first_row: int) -> _Seen | None:
    distance = scene.distance_m(actor)
    column = scene.column(actor.x_m, actor.y_m) + camera.VIEW_W / 2 - 0.5
    half = 0.5 * actor.look.side_m / max(distance, NEAREST_M) * camera.FOCAL_PX
    if distance < NEAREST_M or not -half < column < camera.VIEW_W + half:
        return None
    slope = (actor.z_m - camera.EYE_HEIGHT_M) / distance
    foot_row = camera.HORIZON_ROW - slope * camera.FOCAL_PX - 0.5 - first_row
    bearing = math.atan2(-(actor.y_m - scene.eye.y_m), actor.x_m - scene.eye.x_m)
    return _Seen(actor, distance, column, foot_row, actor.heading_rad - bearing)


def _shade_ground(maps_MHW: Tensor, seen: _Seen, first_row: int) -> None:
    """A soft dark spot where it stands, on ground alone; in place."""
    wide_m = SHADOW_HALF_WIDTH_M[seen.actor.look.kind]
    reach = math.ceil(2.2 * wide_m / seen.distance_m * camera.FOCAL_PX) + 1
    left, right = max(0, round(seen.column) - reach), min(camera.VIEW_W, round(seen.column) + reach + 1)
    if left >= right:
        return
    ground = camera.ground_distance_m(camera.row_slope(camera.VIEW_H, first_row))[:, None]
    is_below = ground.isfinite() & ((ground - seen.distance_m).abs() < 3 * wide_m)
    offset = (torch.arange(left, right) - seen.column) / camera.FOCAL_PX
    near_m = torch.where(is_below, ground, torch.zeros(()))
    across, along = near_m * torch.sin(offset), near_m * torch.cos(offset) - seen.distance_m
    spot = torch.exp(-1.3 * ((across / wide_m) ** 2 + (along / (0.8 * wide_m)) ** 2))
    is_ground = is_below & (
        (maps_MHW[camera.NEARNESS, :, left:right] - camera.nearness(ground)).abs() < SHADOW_NEARNESS
    )
    strength = SHADOW * seen.actor.presence / (1 + 1.5 * seen.actor.z_m)
    maps_MHW[: camera.NEARNESS, :, left:right] *= 1 - strength * torch.where(is_ground, spot, torch.zeros(()))


def _lay_over(maps_MHW: Tensor, seen: _Seen, gallery: Sprites) -> None:
    """One actor, where it is nearer than the scene; in place."""
    side_px = seen.actor.look.side_m / seen.distance_m * camera.FOCAL_PX
    left, bottom = seen.column + 0.5 - side_px / 2, seen.foot_row + 0.5 + FOOT_SHARE * side_px
    top = bottom - side_px
    rows = range(max(0, math.floor(top)), min(camera.VIEW_H, math.ceil(bottom)))
    columns = range(max(0, math.floor(left)), min(camera.VIEW_W, math.ceil(left + side_px)))
    if not rows or not columns:
        return
    levels = gallery.sprite(seen.actor, seen.view_rad)
    wanted = max(0, min(len(levels) - 1, math.floor(math.log2(max(1.0, levels[0].shape[-1] / side_px)) + 0.4)))
    x = 2 * (torch.arange(columns.start, columns.stop) + 0.5 - left) / side_px - 1
    y = 2 * (torch.arange(rows.start, rows.stop) + 0.5 - top) / side_px - 1
    grid = torch.stack(torch.broadcast_tensors(x[None, :], y[:, None]), -1)[None]
    planes_Chw = F.grid_sample(levels[wanted][None], grid, "bilinear", "zeros", align_corners=False)[0]
    window = maps_MHW[:, rows.start : rows.stop, columns.start : columns.stop]
    window.copy_(_blended(window, planes_Chw, seen))


def _blended(window_Mhw: Tensor, planes_Chw: Tensor, seen: _Seen) -> Tensor:
    rgb, cover, relief, glow = planes_Chw[:3], planes_Chw[3], planes_Chw[4], planes_Chw[5]
    near_m = seen.distance_m - seen.actor.look.side_m * relief / cover.clamp_min(0.05)
    near = camera.nearness(near_m.clamp_min(camera.NEAREST_M))
    is_front = near + OCCLUSION_SLACK > window_Mhw[camera.NEARNESS]
    share = torch.where(is_front, seen.actor.presence, 0.0)
    through = 1 - cover * share
    colour = window_Mhw[:3] * through + rgb * share
    nearness = torch.where(cover * share > 0.5, near, window_Mhw[camera.NEARNESS])
    shining = window_Mhw[camera.GLOW] * through + glow * share
    return torch.cat([colour, nearness[None], shining[None]]).clamp(0, 1)
