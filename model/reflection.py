"""What still water on the ground would show of a view.

Letters: B batch, M maps, H rows, W columns.
"""

from __future__ import annotations

import torch
from torch import Tensor

from model import camera


def mirrored(maps_BMHW: Tensor, slope_BH: Tensor) -> Tensor:
    """Below the horizon, what lies as far above it: what still water would show. Zero above."""
    rows = maps_BMHW.shape[2]
    horizon = (slope_BH[:, 0] * camera.FOCAL_PX + 0.5).round().long()
    source = (2 * horizon[:, None] - 1 - torch.arange(rows)).clamp(0, rows - 1)
    index = source[:, None, :, None].expand_as(maps_BMHW)
    return torch.gather(maps_BMHW, 2, index) * (slope_BH < 0)[:, None, :, None]
