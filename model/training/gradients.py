"""The edge loss that the convolutional networks share."""

from __future__ import annotations

from torch import Tensor


def edge_error(made_BCHW: Tensor, true_BCHW: Tensor) -> Tensor:
    """Absolute difference of neighbouring pixels' differences, per channel [C]: rewards sharp
    edges in the right place."""
    across = (made_BCHW.diff(dim=-1) - true_BCHW.diff(dim=-1)).abs().mean((0, 2, 3))
    down = (made_BCHW.diff(dim=-2) - true_BCHW.diff(dim=-2)).abs().mean((0, 2, 3))
    return across + down
