"""What one session used since its last row: counted for each chunk, written down every few seconds. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from serving.books.frames import FrameJudge, Judged
from serving.books.usage import Usage

# A player has at most a few chunks on the way, and one who looks on is brought to the present before this many.
REMEMBERED_CHUNKS = 64
MILLISECOND = Decimal("0.001")


@dataclass(slots=True)
class _Chunk:
    """One that came."""

    chunk_idx: int
    judged: Judged
    is_delivered: bool = False  # to one who plays


@dataclass(frozen=True, slots=True, kw_only=True)
class MeteredRow:
    """What was used, and the key that lets it be billed once."""

    key: str
    epoch: int
    chunks: tuple[tuple[int, int], ...]  # first and last of each run, as they were delivered to whoever plays
    usage: Usage


class SessionMeter:
    """Of one session at one gateway, from when it comes there until it leaves."""

    def __init__(self, session_id: str, frame_rate: float) -> None:
        self._session_id = session_id
        self._judge = FrameJudge(frame_rate)
        self._chunks: deque[_Chunk] = deque(maxlen=REMEMBERED_CHUNKS)
        self._num_rows = 0
        self._counted_to_s: float | None = None  # none before the first frame: until then nothing is billed
        self._begin_row()

    def came(self, chunk_idx: int, frames_FHWC: NDArray[np.uint8]) -> None:
        """From the workers, in order; after a rewind, earlier numbers again."""
        self._chunks.append(_Chunk(chunk_idx, self._judge.judge(frames_FHWC)))

    def delivered(self, chunk_idx: int, num_frames: int, now_s: float, *, looks_on: bool = False) -> None:
        """To one who plays or looks on. Of several who play, the first to get a chunk counts as who plays."""
        chunk = self._latest(chunk_idx) or _Chunk(chunk_idx, Judged(num_frames, 0, 0))
        if looks_on or chunk.is_delivered:
            self._num_viewer += chunk.judged.num_valid
            self._num_invalid_viewer += chunk.judged.num_invalid
            return
        chunk.is_delivered = True
        if self._counted_to_s is None:
            self._counted_to_s = now_s
        self._num_valid += chunk.judged.num_valid
        self._num_blank += chunk.judged.num_blank
        self._num_frozen += chunk.judged.num_frozen
        if self._runs and self._runs[-1][1] == chunk_idx - 1:
            self._runs[-1][1] = chunk_idx
        else:
            self._runs.append([chunk_idx, chunk_idx])

    def unwritten(self, now_s: float) -> Usage:
        seconds = Decimal(0)
        if self._counted_to_s is not None:
            seconds = Decimal(str(max(0.0, now_s - self._counted_to_s))).quantize(MILLISECOND)
        return Usage(
            num_frames=self._num_valid,
            num_viewer_frames=self._num_viewer,
            num_blank_frames=self._num_blank,
            num_frozen_frames=self._num_frozen,
            num_invalid_viewer_frames=self._num_invalid_viewer,
            seconds=seconds,
        )

    def cut(self, epoch: int, now_s: float) -> MeteredRow | None:
        """What is to be written, and counting begins anew; nothing where nothing was used."""
        usage = self.unwritten(now_s)
        if usage == Usage():
            return None
        if self._counted_to_s is not None:
            self._counted_to_s += float(usage.seconds)
        chunks = tuple((first, last) for first, last in self._runs)
        # Every holder of a session has an epoch of its own, and within one a gateway numbers its rows.
        span = f"{chunks[0][0]}-{chunks[-1][1]}" if chunks else "-"
        key = f"{self._session_id}/{epoch}/{span}/{self._num_rows}"
        self._num_rows += 1
        self._begin_row()
        return MeteredRow(key=key, epoch=epoch, chunks=chunks, usage=usage)

    def _begin_row(self) -> None:
        self._num_valid = self._num_blank = self._num_frozen = 0
        self._num_viewer = self._num_invalid_viewer = 0
        self._runs: list[list[int]] = []

    def _latest(self, chunk_idx: int) -> _Chunk | None:
        """The last that came of that number."""
        return next((each for each in reversed(self._chunks) if each.chunk_idx == chunk_idx), None)
