"""What a durable session and its present workers know of each other: controls without an outcome, chunks let out and
chunks that came. Outlives the link it holds, which is another one after each turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from serving.catalogue.waiting import WaitingControls
from serving.errors import WorkerUnavailableError
from serving.sessions.contract import (
    Accepted,
    Applied,
    Control,
    DecodedChunk,
    LinkEvent,
    QualityChanged,
    Rejected,
    SessionLink,
    Superseded,
    TakenSnapshot,
)

# A boundary is near, unless what was on record is still being made again.
SNAPSHOT_TIMEOUT_S = 10.0


class WorkerLine:
    def __init__(self, link: SessionLink, next_chunk_idx: int, shown_until: int = 0) -> None:
        self.link = link
        self.next_chunk_idx = next_chunk_idx  # the first that has not come
        self.shown_until = max(next_chunk_idx, shown_until)  # its holder had those before it from another gateway
        self.waiting = WaitingControls()
        self._last_due_s = 0.0  # of the last that came
        self._rate = 1.0  # share of the model's chunks per second that the present workers make
        self._came = asyncio.Event()  # something, since it was looked at last
        self._end_chunk_idx = self.shown_until  # those before it may be made
        self._granted_chunk_idx = self.shown_until  # as far as the present link knows
        self._num_holds = 0  # while there are any, nothing goes to the workers
        self._num_stops = 0  # while there are any, they are let make no more chunks
        self._is_rewinding = False  # until whoever reads the session's events knows
        self._num_ungranted = 0  # chunks, meanwhile

    @property
    def has_begun(self) -> bool:
        """Whether the workers let a chunk out; before that there is nothing to take along."""
        return self._end_chunk_idx > 0

    # --- to the workers ---

    async def send(self, control: Control) -> None:
        self.waiting.add(control)
        await self._flush()

    async def grant(self, chunks: int) -> None:
        if self._is_rewinding:  # whoever grants counts by chunks that are about to be no more
            self._num_ungranted += chunks
            return
        self._end_chunk_idx += chunks
        await self._flush()

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[None]:
        """Keep everything from the workers meanwhile."""
        self._num_holds += 1
        try:
            yield
        finally:
            self._num_holds -= 1
            await self._flush()

    @asynccontextmanager
    async def stop(self) -> AsyncIterator[None]:
        """Let the workers make no more chunks than they may already; what is said meanwhile is in time for those."""
        self._num_stops += 1
        try:
            yield
        finally:
            self._num_stops -= 1
            await self._flush()

    async def _flush(self) -> None:
        """Give the workers what they do not know yet."""
        if self._num_holds:
            return
        for control in self.waiting.take_unsent():
            await self.link.send(control)
        if not self._num_stops:
            chunks, self._granted_chunk_idx = self._end_chunk_idx - self._granted_chunk_idx, self._end_chunk_idx
            if chunks:
                await self.link.grant(chunks)

    async def take_snapshot(
        self, *, is_kept: bool = False, is_portable: bool = False, when_paused: bool = False
    ) -> TakenSnapshot:
        """As `SessionLink.snapshot`, and raises `WorkerUnavailableError` when it takes too long."""
        try:
            async with asyncio.timeout(SNAPSHOT_TIMEOUT_S):
                return await self.link.snapshot(is_kept=is_kept, is_portable=is_portable, when_paused=when_paused)
        except TimeoutError as error:
            raise WorkerUnavailableError("the worker did not hand the session over in time") from error

    # --- from the workers ---

    def is_news(self, event: LinkEvent) -> bool:
        """Take note of an event; whether its holder has not heard of it."""
        match event:
            case DecodedChunk():
                self.next_chunk_idx, self._last_due_s = event.chunk_idx + 1, event.due_s
                self._came.set()
                return event.chunk_idx >= self.shown_until
            case Accepted() | Applied() | Superseded() | Rejected():
                is_news = self.waiting.is_news(event)
                self._came.set()
                return is_news
            case QualityChanged(rate=rate):
                self._rate = rate
                return True
            case _:
                return True

    def next_due_s(self, chunk_duration_s: float) -> float | None:
        """When the next chunk should leave the gateway, as the present workers set the pace; None before they did."""
        return self._last_due_s + chunk_duration_s / self._rate if self._last_due_s else None

    async def until_come(self, chunk_idx: int) -> None:
        """Until all before a snapshot's chunk are here: they take another way than it. Raises
        `WorkerUnavailableError`."""
        await self._until(lambda: self.next_chunk_idx >= chunk_idx, "the last chunks did not come in time")

    async def until_on_record(self) -> None:
        """Until the workers took all that was sent to them, of which some may wait for the encoder. Raises
        `WorkerUnavailableError`."""
        await self._until(lambda: self.waiting.are_on_record, "the last controls were not accepted in time")

    async def _until(self, is_so: Callable[[], bool], message: str) -> None:
        try:
            async with asyncio.timeout(SNAPSHOT_TIMEOUT_S):
                while not is_so():
                    self._came.clear()
                    await self._came.wait()
        except TimeoutError as error:
            raise WorkerUnavailableError(message) from error

    # --- to other workers ---

    def begin_anew(self) -> None:
        """The present link was let make nothing yet."""
        self._granted_chunk_idx = max(self.next_chunk_idx, self.shown_until)

    def begin_rewind(self) -> None:
        self._is_rewinding, self._num_ungranted = True, 0

    def give_up_rewind(self) -> None:
        self._is_rewinding = False
        self._end_chunk_idx += self._num_ungranted

    def go_back(self, chunk_idx: int) -> None:
        """Its holder does not know yet: see `end_rewind`."""
        self.next_chunk_idx = self.shown_until = self._end_chunk_idx = self._granted_chunk_idx = chunk_idx

    def end_rewind(self) -> None:
        """Whoever holds the session heard of it, if it went back at all."""
        self._is_rewinding = False
