"""The cylindrical camera that the training world and the spatial memory share.

Columns are equal steps of azimuth and rows equal steps of tan(elevation), so a turn
by a whole pixel moves columns and a tilt by a whole pixel moves rows: looking about
never resamples a picture.

Letters: B batch, C map channels, H rows, W columns. World axes: x ahead, y left, z up
at azimuth 0; azimuth grows to the right, in whole pixels.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

TURN_PX = 512  # columns of a whole turn
FOCAL_PX = TURN_PX / (2 * math.pi)  # square pixels at the horizon
EYE_HEIGHT_M = 1.5

VIEW_W, VIEW_H = 128, 80
PATCH_PX = 16
CANVAS_W, CANVAS_H = 160, 112  # what is generated: the view, a margin either side, and room to tilt
HORIZON_ROW = CANVAS_H / 2
MAX_PITCH_PX = (CANVAS_H - VIEW_H) // 2

# Maps of a canvas: what a place looks like in plain daylight, how near it is, and what glows.
MAP_NAMES = ("red", "green", "blue", "nearness", "glow")
NUM_MAPS = len(MAP_NAMES)
NEARNESS = 3
GLOW = 4
NEAREST_M = 1.25  # nearness = sqrt(1.25 m / distance): 1 is at arm's length, 0 the sky
FAR_NEARNESS = 0.165  # below this (46 m) a pixel is backdrop: sky, hills, haze


def azimuth_rad(column_px: Tensor) -> Tensor:
    """Azimuth of world columns (whole-turn pixel coordinates), at pixel centres."""
    return (column_px + 0.5) / FOCAL_PX


def row_slope(rows: int = CANVAS_H, first_row: float = 0.0) -> Tensor:
    """tan(elevation) of pixel centres, from the top row down."""
    row = torch.arange(rows, dtype=torch.float32) + first_row + 0.5
    return (HORIZON_ROW - row) / FOCAL_PX


def ground_distance_m(slope_H: Tensor) -> Tensor:
    """Horizontal distance at which a row meets the ground; infinite at and above the horizon."""
    return torch.where(slope_H < 0, EYE_HEIGHT_M / (-slope_H).clamp_min(1e-6), torch.inf)


def distance_m(nearness: Tensor) -> Tensor:
    """Horizontal distance of a nearness; at most 12.5 km, for the sky."""
    return NEAREST_M / nearness.clamp_min(1e-2) ** 2


def nearness(distance_m: Tensor) -> Tensor:
    """The nearness of a horizontal distance, 1 at most; 0 at infinity."""
    return torch.sqrt(NEAREST_M / distance_m.clamp_min(NEAREST_M))
