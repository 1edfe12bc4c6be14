"""Sharp outlines for what was painted: where something near borders on something far, no pixel lies between.

A generator that is not sure where an outline runs paints a ramp of nearness there, and walking past it
would stretch the ramp into a sheet. Each pixel of a ramp goes to whichever side it is nearer to.

Letters: M maps, H rows, W columns, N pixels.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from model import camera
from model.neighbourhoods import greatest_around

REACH_PX = 2  # either side of a pixel: about half of a painted ramp
SIZE = 2 * REACH_PX + 1
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
    relief_HW = (maps_MHW[camera.NEARNESS] - ground_H[:, None]).clamp_min(0)
    sides_2HW = torch.stack([relief_HW, -relief_HW])
    high_HW, low_HW = greatest_around(sides_2HW, SIZE) * torch.tensor([1.0, -1.0])[:, None, None]
    on_ramp = torch.nonzero(high_HW - low_HW > OUTLINE)  # few are: only those look where to go
    is_low_HW = high_HW - relief_HW > relief_HW - low_HW
    source = torch.arange(relief_HW.numel())
    source[on_ramp @ torch.tensor([relief_HW.shape[1], 1])] = _greatest_at(sides_2HW, is_low_HW, on_ramp)
    return maps_MHW.flatten(1).index_select(1, source).view_as(maps_MHW)


def _greatest_at(sides_2HW: Tensor, side_HW: Tensor, at_N2: Tensor) -> Tensor:
    """Which pixel around each of N is the greatest of its side: N flat indices. Of several the first."""
    rows, columns = at_N2.unbind(1)
    padded = F.pad(sides_2HW, (REACH_PX,) * 4, value=-torch.inf)
    around = padded.unfold(1, SIZE, 1).unfold(2, SIZE, 1)[side_HW[rows, columns].long(), rows, columns]
    first = around.flatten(1).max(1).indices  # argmax takes three times as long
    return (rows + first // SIZE - REACH_PX) * sides_2HW.shape[2] + columns + first % SIZE - REACH_PX
