"""Whether a frame is worth its price. Pure.

A picture of one colour shows nothing, and one that is the same as before for longer than a second has stopped. Frames
of a world that stands still are never the same: of the embedded model's, at least a fifth of the sampled values differ
from one frame to the next while nobody moves (90 frames of three worlds, one of them a forest at night in fog), and the
values of a picture spread by 9 levels at the least. So neither is mistaken for the other by far.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# A grid of about so many pixels each way: some hundred values tell one picture from another.
GRID = 12
# Of 256 levels. Codecs and decoders add less than this to a picture of one colour.
MIN_SPREAD = 2.0
# Values further apart than this spread by more than `MIN_SPREAD`, however the others of a sample lie between them.
SURE_RANGE = 64
# Of so many values at most: one at each end and all others between gives range / sqrt(2 n) at the least.
MAX_SURE_VALUES = 512
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
            if not _is_surely_varied(data) and _spread(sample_HWC) < MIN_SPREAD:
                num_blank += 1
            elif self._num_same >= self._max_same:
                num_frozen += 1
            else:
                num_valid += 1
        return Judged(num_valid, num_blank, num_frozen)


def _is_surely_varied(data: bytes) -> bool:
    """What is so of nearly every picture, by its second channel alone and at a tenth of the spread's price."""
    values = data[1::3]
    return len(values) <= MAX_SURE_VALUES and max(values) - min(values) >= SURE_RANGE


def _spread(sample_HWC: NDArray[np.uint8]) -> float:
    """The standard deviation of the channel that varies most."""
    values = sample_HWC.reshape(-1, sample_HWC.shape[-1]).astype(np.float32)
    return float(values.std(axis=0).max())
