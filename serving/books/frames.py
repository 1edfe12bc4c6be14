"""Whether a frame is worth its price. Pure.

A picture of one colour shows nothing, and one that is the same as before for longer than a second has stopped. Frames
of a world that stands still are never the same: of the embedded model's, at least a fifth of the sampled values differ
from one frame to the next while nobody moves (90 frames of three worlds, one of them a forest at night in fog), and the
values of a picture spread by 9 levels at the least. So neither is mistaken for the other by far.
"""

from __future__ import annotations

import operator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# A grid of about so many pixels each way: some hundred values tell one picture from another.
GRID = 12
# Of 256 levels. Codecs and decoders add less than this to a picture of one colour.
MIN_SPREAD = 2.0
# A model may well show one frame twice; what has stood for longer has stopped.
MAX_SAME_S = 1.0


class Judged(NamedTuple):
    num_valid: int
    num_blank: int
    num_frozen: int

    @property
    def num_invalid(self) -> int:
        return self.num_blank + self.num_frozen


class FrameJudge:
    """Looks at the frames of one session in their order."""

    def __init__(self, frame_rate: float) -> None:
        self._max_same = max(1, round(frame_rate * MAX_SAME_S))
        self._last = b""
        self._num_same = 0

    def judge(self, frames_FHWC: NDArray[np.uint8]) -> Judged:
        num_valid = num_blank = num_frozen = 0
        _, height, width, _ = frames_FHWC.shape
        sampled_FHWC = frames_FHWC[:, :: max(1, height // GRID), :: max(1, width // GRID)]
        for sample_HWC in sampled_FHWC:
            data = sample_HWC.tobytes()
            self._num_same = self._num_same + 1 if data == self._last else 0
            self._last = data
            if is_blank(data, sample_HWC.shape[-1]):
                num_blank += 1
            elif self._num_same >= self._max_same:
                num_frozen += 1
            else:
                num_valid += 1
        return Judged(num_valid, num_blank, num_frozen)


def is_blank(data: bytes, num_channels: int) -> bool:
    """Whether no channel's standard deviation reaches `MIN_SPREAD`. Nearly every picture's second one does."""
    order = sorted(range(num_channels), key=lambda channel: channel != 1)
    return not any(_varies(data[channel::num_channels]) for channel in order)


def _varies(values: bytes) -> bool:
    """In whole numbers, which is exact, and for some hundred of them sooner done than in an array."""
    num, total, squares = len(values), sum(values), sum(map(operator.mul, values, values))
    return num * squares - total * total >= (MIN_SPREAD * num) ** 2
