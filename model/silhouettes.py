"""Sharp outlines for what was painted: where something near borders on something far, no pixel lies between.

A generator that is not sure where an outline runs paints a ramp of nearness there, and walking past it
would stretch the ramp into a sheet. Each pixel of a ramp goes to whichever side it is nearer to.

Letters: M maps, H rows, W columns.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from model import camera

REACH_PX = 2  # either side of a pixel: about half of a painted ramp
ROUNDS = 2  # a ramp wider than the reach takes another
OUTLINE = 0.10  # difference of nearness within reach, beyond what the ground itself has


def with_crisp_outlines(maps_MHW: Tensor, first_row: int = 0) -> Tensor:
    """The maps, with every pixel on a ramp replaced by its nearest or farthest neighbour, colours and all.

    `first_row`: where in a canvas the maps begin.
    """
    for _ in range(ROUNDS):
        maps_MHW = _sharpened_once(maps_MHW, first_row)
    return maps_MHW


def _sharpened_once(maps_MHW: Tensor, first_row: int) -> Tensor:
    ground_H = camera.nearness(camera.ground_distance_m(camera.row_slope(maps_MHW.shape[1], first_row)))
    relief = (maps_MHW[camera.NEARNESS] - ground_H[:, None]).clamp_min(0)[None, None]
    size = 2 * REACH_PX + 1
    high, high_at = F.max_pool2d(relief, size, 1, REACH_PX, return_indices=True)
    low, low_at = F.max_pool2d(-relief, size, 1, REACH_PX, return_indices=True)
    low = -low
    side = torch.where(high - relief <= relief - low, high_at, low_at)
    here = torch.arange(relief.numel()).view_as(relief)
    source = torch.where(high - low > OUTLINE, side, here)
    return maps_MHW.flatten(1)[:, source.flatten()].view_as(maps_MHW)
