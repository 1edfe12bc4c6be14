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
# As many as a client may have had sent on credit and not taken. Of those nobody knows yet whether they got there, so
# rows are without them until the session leaves its gateway: one that is killed has billed nothing that its clients,
# who go on at another, get there once more.
HELD_CHUNKS = 16
MILLISECOND = Decimal("0.001")


@dataclass(slots=True)
class _Chunk:
    """One that came."""

    chunk_idx: int
    judged: Judged
    is_rewound: bool = False  # it is another than the one that had the number before
    is_delivered: bool = False  # to one who plays


@dataclass(slots=True)
class _Delivered:
    """A chunk that went to whoever plays, and what went to others until the next one did."""

    chunk_idx: int
    judged: Judged
    is_rewound: bool
    num_viewer: int = 0
    num_invalid_viewer: int = 0


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
        self._held: deque[_Delivered] = deque()  # the newest, which are in no row yet
        self._billed_to = -1
        self._last_idx, self._is_rewound = -1, False
        self._num_rows = 0
        self._counted_to_s: float | None = None  # none before the first frame: until then nothing is billed
        self._begin_row()

    def came(self, chunk_idx: int, frames_FHWC: NDArray[np.uint8]) -> None:
        """From the workers, in order; after a rewind, earlier numbers again."""
        self._is_rewound |= chunk_idx <= self._last_idx
        self._last_idx = chunk_idx
        self._chunks.append(_Chunk(chunk_idx, self._judge.judge(frames_FHWC), self._is_rewound))

    def was_billed_to(self, chunk_idx: int) -> None:
        """By a gateway that had the session before and died. What the client gets once more up to there is not billed
        again, unless the session went back since."""
        self._billed_to = chunk_idx

    def delivered(self, chunk_idx: int, num_frames: int, now_s: float, *, looks_on: bool = False) -> None:
        """To one who plays or looks on. Of several who play, the first to get a chunk counts as who plays."""
        chunk = self._latest(chunk_idx) or _Chunk(chunk_idx, Judged(num_frames, 0, 0))
        if looks_on or chunk.is_delivered:
            self._shown(chunk.judged)
            return
        chunk.is_delivered = True
        if self._counted_to_s is None:
            self._counted_to_s = now_s
        self._held.append(_Delivered(chunk_idx, chunk.judged, chunk.is_rewound))
        if len(self._held) > REMEMBERED_CHUNKS:  # rows that are far apart
            self._count(self._held.popleft())

    def cut(self, epoch: int, now_s: float, held_chunks: int = 0) -> MeteredRow | None:
        """What is to be written, but for the newest chunks, and counting begins anew; nothing where nothing was
        used."""
        while len(self._held) > held_chunks:
            self._count(self._held.popleft())
        usage = self._usage(now_s)
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

    def _shown(self, judged: Judged) -> None:
        """To others than the one who plays."""
        if self._held:
            self._held[-1].num_viewer += judged.num_valid
            self._held[-1].num_invalid_viewer += judged.num_invalid
        else:
            self._num_viewer += judged.num_valid
            self._num_invalid_viewer += judged.num_invalid

    def _count(self, delivered: _Delivered) -> None:
        if delivered.chunk_idx <= self._billed_to and not delivered.is_rewound:
            return
        self._num_valid += delivered.judged.num_valid
        self._num_blank += delivered.judged.num_blank
        self._num_frozen += delivered.judged.num_frozen
        self._num_viewer += delivered.num_viewer
        self._num_invalid_viewer += delivered.num_invalid_viewer
        if self._runs and self._runs[-1][1] == delivered.chunk_idx - 1:
            self._runs[-1][1] = delivered.chunk_idx
        else:
            self._runs.append([delivered.chunk_idx, delivered.chunk_idx])

    def _usage(self, now_s: float) -> Usage:
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

    def _begin_row(self) -> None:
        self._num_valid = self._num_blank = self._num_frozen = 0
        self._num_viewer = self._num_invalid_viewer = 0
        self._runs: list[list[int]] = []

    def _latest(self, chunk_idx: int) -> _Chunk | None:
        """The last that came of that number."""
        return next((each for each in reversed(self._chunks) if each.chunk_idx == chunk_idx), None)
