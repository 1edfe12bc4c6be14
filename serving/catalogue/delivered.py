"""What a session delivered: receipts, chained as the chunks come, on their way to the record."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future

from serving.sessions.contract import DecodedChunk
from serving.sessions.receipts import Receipt, ReceiptChain

Write = Callable[[list[Receipt]], Future[None]]


class Delivered:
    def __init__(self, write: Write, num_per_row: int) -> None:
        """`write` puts receipts of chunks in a row on record, in order."""
        self._write = write
        self._num_per_row = num_per_row
        self._chain = ReceiptChain()
        self._unwritten: list[Receipt] = []

    def note(self, chunk: DecodedChunk) -> None:
        self._unwritten.append(self._chain.next(chunk.chunk_idx, chunk.frames_FHWC, chunk.samples_SC))
        if len(self._unwritten) >= self._num_per_row:
            self._write_waiting()

    def begin_after(self, before: Receipt | None) -> None:
        """The next chunk follows that one, or none: its session went back. What came while it did is none of the
        new epoch's, in whose name it would be written."""
        self._chain, self._unwritten = ReceiptChain(), []
        if before is not None:
            self._chain.resume(before)

    def resume_after(self, receipt: Receipt) -> None:
        self._chain.resume(receipt)

    async def written(self) -> None:
        """Returns when every chunk that came has its receipt on record."""
        if (writing := self._write_waiting()) is not None:
            await asyncio.wrap_future(writing)

    def _write_waiting(self) -> Future[None] | None:
        if not self._unwritten:
            return None
        receipts, self._unwritten = self._unwritten, []
        return self._write(receipts)
