"""Some columns of a turn, from one on; a turn has no end."""

from __future__ import annotations

import torch
from torch import Tensor

from model.camera import TURN_PX


class Columns:
    """Slices, for what is beside each other in memory is copied many times as fast as what is looked up."""

    def __init__(self, start: int, width: int) -> None:
        first, self._width = start % TURN_PX, width
        self._before_end = slice(first, min(first + width, TURN_PX))
        self._num_before_end = self._before_end.stop - first
        self._after_end = slice(0, width - self._num_before_end)

    def of(self, turn: Tensor) -> Tensor:
        """Those of [..., TURN_PX]: the same memory, where they do not go over its end."""
        before_end = turn[..., self._before_end]
        if self._num_before_end == self._width:
            return before_end
        return torch.cat([before_end, turn[..., self._after_end]], -1)

    def lay(self, columns: Tensor, turn: Tensor) -> None:
        """Into [..., TURN_PX]; in place."""
        turn[..., self._before_end] = columns[..., : self._num_before_end]
        turn[..., self._after_end] = columns[..., self._num_before_end :]
