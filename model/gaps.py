"""Small gaps in what memory shows of a canvas, closed from their rims.

Letters: M maps, H rows, W columns, U unknown pixels; the 4 stands for the neighbours of a pixel.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from model import camera

REACH_PX = 6


def fill_gaps(maps_MHW: Tensor, known_HW: Tensor) -> Tensor:
    """The maps with what is unknown taken from beside it, pixel by pixel; what no rim reaches stays as it is. The
    farther side wins: a gap is what stood hidden behind something. Of two as far, the one above, below, to the left.
    The same tensor where nothing is unknown."""
    if bool(known_HW.all()):
        return maps_MHW
    height, width = known_HW.shape
    maps = F.pad(maps_MHW, (1, 1, 1, 1)).flatten(1)
    near = F.pad(torch.where(known_HW, maps_MHW[camera.NEARNESS], torch.inf), (1, 1, 1, 1), value=torch.inf).flatten()
    row_width = width + 2
    steps_4 = torch.tensor([-row_width, row_width, -1, 1])
    rows_U, columns_U = (~known_HW).nonzero(as_tuple=True)
    open_U = (rows_U + 1) * row_width + columns_U + 1
    for _ in range(REACH_PX):
        if not len(open_U):
            break
        beside_U4 = open_U[:, None] + steps_4
        nearness_U, side_U = near[beside_U4].min(1)
        is_reached = nearness_U.isfinite()
        filled, source = open_U[is_reached], beside_U4.gather(1, side_U[:, None])[is_reached, 0]
        maps[:, filled], near[filled] = maps[:, source], nearness_U[is_reached]
        open_U = open_U[~is_reached]
    return maps.view(len(maps), height + 2, row_width)[:, 1:-1, 1:-1].contiguous()
