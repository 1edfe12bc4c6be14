"""A session's link that outlives its workers: it moves, comes back after a loss, parks and goes back in time.

All of it is one step, a *turn*: the link to the workers ends, the session's next epoch is taken, and a new link goes on
at a chunk, from a snapshot at hand or from the record. What its holder sees is one stream of events with a receipt for
every chunk, in which every control has one terminal outcome.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Coroutine, Mapping
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, TypeVar

from serving.catalogue.delivered import Delivered
from serving.catalogue.laps import Laps
from serving.catalogue.leaving import Leaving
from serving.catalogue.link_home import LinkHome, Turn
from serving.catalogue.succession import Succession
from serving.catalogue.waiting import outcomes_of
from serving.catalogue.worker_line import WorkerLine
from serving.errors import (
    ChunkUnknownError,
    NacreError,
    SessionEndedError,
    WorkerUnavailableError,
)
from serving.sessions.contract import (
    Control,
    DecodedChunk,
    LeaveAsked,
    LinkEnded,
    LinkEvent,
    OnRecord,
    SessionLink,
    SessionSpec,
    Standing,
    TakenSnapshot,
)
from serving.sessions.journal import JournalEntry
from serving.sessions.receipts import Receipt, receipts_per_row
from serving.sessions.snapshot import waiting_in

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")

CLOSED, PARKED, WORKER_LOST = "CLOSED", "PARKED", "WORKER_LOST"
# Of workers that are gone, in order or not, while the session is not over.
GONE_REASONS = (WORKER_LOST, "SERVICE_STOPPING")
# A hand-over that takes longer than this makes the next chunk late, and is told as a warning.
SLOW_HAND_OVER_CHUNKS = 1.5


class DurableLink:
    """A `SessionLink`. The one reader of `events` does the turning."""

    def __init__(
        self, home: LinkHome, link: SessionLink, spec: SessionSpec, next_chunk_idx: int, shown_until: int = 0
    ) -> None:
        """Chunks from `next_chunk_idx` to `shown_until` were shown before: they get receipts, and are no events."""
        self._home = home
        self._line = WorkerLine(link, next_chunk_idx, shown_until)
        self._turn: Turn | None = None
        self._turned: asyncio.Future[None] | None = None
        self._turning = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()  # each ends with its turn, or when the link closes
        self._leaving = Leaving(spec.session_id, self.move)
        self._delivered = Delivered(self._write_receipts, receipts_per_row(home.info.chunk_duration_s))
        self._succession = Succession(home, self._line, self._delivered, spec)
        self._end_reason = CLOSED
        self._is_over = False  # nobody reads `events` any more
        self._is_closed = False
        self._is_left = False  # to whoever goes on with it

    @property
    def _spec(self) -> SessionSpec:
        return self._succession.spec

    @property
    def session_id(self) -> str:
        return self._spec.session_id

    @property
    def worker_id(self) -> str:
        return self._line.link.worker_id

    @property
    def epoch(self) -> int:
        return self._spec.epoch

    @property
    def next_chunk_idx(self) -> int:
        """The first that has not come."""
        return self._line.next_chunk_idx

    # --- for the gateway ---

    async def send(self, control: Control) -> None:
        if self._end_reason != CLOSED:
            raise SessionEndedError("the session has ended")
        await self._line.send(control)

    async def grant(self, chunks: int) -> None:
        await self._line.grant(chunks)

    async def snapshot(
        self, *, is_kept: bool = False, is_portable: bool = False, when_paused: bool = False
    ) -> TakenSnapshot:
        """Raises `WorkerUnavailableError` as well, while the session is between two workers."""
        async with self._turning:
            return await self._take_snapshot(is_kept=is_kept, is_portable=is_portable, when_paused=when_paused)

    async def events(self) -> AsyncIterator[LinkEvent]:
        try:
            async for event in self._events():
                yield event
        finally:
            self._is_over = True
            self._settle_turn(SessionEndedError("the session has ended"))

    async def _events(self) -> AsyncIterator[LinkEvent]:
        while True:
            ended = LinkEnded(reason=WORKER_LOST, message="the workers went silent")
            async for event in self._line.link.events():
                match event:
                    case LinkEnded():
                        ended = event
                    case LeaveAsked():
                        self._leaving.ask()
                    case _ if self._is_news(event):
                        yield event
                    case _:
                        pass
            try:
                turn = self._take_turn(ended)
                for event in await self._go_on(turn):
                    yield event
                self._line.end_rewind()
            except NacreError as error:
                self._settle_turn(error)
                yield LinkEnded(reason=self._end_reason, message=error.message)
                return
            if self._turn is not None:  # asked for while this one was under way
                await self._line.link.close()

    async def move(self) -> None:
        """Go on with another worker, or the same, without a chunk lost. Raises `NacreError` when there is no room, or
        the worker cannot hand the session over; then it plays on."""
        await self._unbroken(self._move())

    async def park(self) -> None:
        """Keep the session and free its slots; `events` ends. Raises `NacreError`: then it plays on."""
        await self._unbroken(self._park())

    def leave(self) -> None:
        """From now on `close` does not end the session, which is parked then without a last snapshot: whoever wakes it
        makes again what came since the one before."""
        self._is_left = True

    async def rewind(self, chunk_idx: int) -> str:
        """Go on from a past chunk. What came after it stays as a branch: gives that session's id."""
        return await self._unbroken(self._rewind(chunk_idx))

    async def close(self) -> None:
        is_first, self._is_closed = not self._is_closed, True
        self._leaving.close()
        try:
            await self._line.link.close()
        finally:
            if is_first:
                self._settle_turn(SessionEndedError("the session has ended"))
                await self._delivered.written()
                await asyncio.wrap_future(self._write_end())

    def resume_after(self, receipt: Receipt) -> None:
        self._delivered.resume_after(receipt)

    async def on_record(self, control_ids: Collection[str]) -> Mapping[str, OnRecord]:
        """As `TellingLink.on_record`."""
        entries = await self._home.entries(self.session_id, control_ids)
        return {
            control_id: OnRecord(outcome=outcomes_of(entry, self._home.info)[-1], sender=entry.control.sender)
            for control_id, entry in entries.items()
        }

    def adopt(self, entries: Mapping[str, JournalEntry]) -> None:
        """Carry along what waits for its time since another gateway had the session."""
        self._line.waiting.adopt(entries.values())

    async def _take_snapshot(
        self, *, is_kept: bool = False, is_portable: bool = False, when_paused: bool = False
    ) -> TakenSnapshot:
        try:
            return await self._line.take_snapshot(is_kept=is_kept, is_portable=is_portable, when_paused=when_paused)
        except SessionEndedError as error:
            if self._is_closed:
                raise
            raise WorkerUnavailableError("the session is on its way to another worker") from error

    def _is_news(self, event: LinkEvent) -> bool:
        if isinstance(event, DecodedChunk):
            self._delivered.note(event)
        return self._line.is_news(event)

    # --- turning ---

    @asynccontextmanager
    async def _hold(self) -> AsyncIterator[None]:
        """Keep everything from the workers meanwhile."""
        self._check_open()
        async with self._line.hold():
            yield

    def _check_open(self) -> None:
        if self._is_closed or self._end_reason != CLOSED:
            raise SessionEndedError("the session has ended")

    async def _unbroken(self, work: Coroutine[None, None, Answer]) -> Answer:
        """A turn that was begun is taken to its end, also when whoever asked for it is gone."""
        return await asyncio.shield(self._begin(work))

    def _begin(self, work: Coroutine[None, None, Answer]) -> asyncio.Task[Answer]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _move(self) -> None:
        self._check_open()
        async with self._turning:
            laps = Laps()
            await self._home.make_room(self.session_id)
            laps.end("room")
            if self._line.has_begun:
                await self._home.rehearse(self.session_id, self._moment)
            laps.end("rehearsal")
            async with self._line.stop():
                snapshot = await self._last_moment() if self._line.has_begun else None
                laps.end("last chunks")
                async with self._hold():
                    if snapshot is None:
                        await self._turn_to(Turn(spec=replace(self._spec, resume_from=self._line.next_chunk_idx)))
                        return
                    await self._take_along(snapshot)
                    due_s = self._line.next_due_s(self._home.info.chunk_duration_s)
                    spec = replace(self._spec, resume_from=None, due_s=due_s)
                    await self._turn_to(Turn(spec=spec, snapshot=snapshot))
                    laps.end("hand-over")
            is_slow = laps.last_s > SLOW_HAND_OVER_CHUNKS * self._home.info.chunk_duration_s
            logger.log(logging.WARNING if is_slow else logging.INFO, "session %s moved: %s", self.session_id, laps)

    async def _moment(self) -> bytes:
        """It plays on meanwhile."""
        return (await self._take_snapshot()).data

    async def _last_moment(self) -> bytes:
        """It plays no more than it may already, and all of that has come."""
        taken = await self._take_snapshot(when_paused=True)
        await self._line.until_come(taken.chunk_idx)
        return taken.data

    async def _take_along(self, snapshot: bytes) -> None:
        """What waits at the worker and never came by way of this link."""
        unknown = [each for each in waiting_in(snapshot) if each not in self._line.waiting.controls]
        if unknown:
            entries = await self._home.entries(self.session_id, unknown)
            self._line.waiting.take_along(entries.values())

    async def _park(self) -> None:
        self._check_open()
        async with self._turning, self._line.stop():
            if self._line.has_begun:
                taken = await self._take_snapshot(is_kept=True, when_paused=True)
                await self._line.until_come(taken.chunk_idx)
            await self._line.until_on_record()
            self._check_open()
            self._end_reason = PARKED
            await self._line.link.close()

    async def _rewind(self, chunk_idx: int) -> str:
        async with self._turning, self._hold():
            if not 0 <= chunk_idx < self._line.next_chunk_idx:  # it may have gone back further meanwhile
                raise ChunkUnknownError(f"the session has made {self._line.next_chunk_idx} chunks", field="to")
            self._line.begin_rewind()
            try:
                await self._delivered.written()
                branch_session_id = await self._home.branch_off(self.session_id, self._line.next_chunk_idx)
                spec = replace(self._spec, resume_from=chunk_idx, is_rewind=True)
                await self._turn_to(Turn(spec=spec, branch_session_id=branch_session_id))
            except NacreError:
                self._line.give_up_rewind()
                raise
            return branch_session_id

    async def _turn_to(self, turn: Turn) -> None:
        if self._is_over or self._is_closed:
            raise SessionEndedError("the session has ended")
        turned: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._turn, self._turned = turn, turned
        await self._line.link.close()  # `events` sees it, and turns
        await turned

    def _take_turn(self, ended: LinkEnded) -> Turn:
        """Raises `SessionEndedError` when nothing follows."""
        turn, self._turn = self._turn, None
        if turn is not None:
            return turn
        if self._end_reason == CLOSED and ended.reason in GONE_REASONS and not (self._is_closed or self._is_left):
            logger.warning("session %s: %s; going on with another worker", self.session_id, ended.message)
            line = self._line
            return Turn(spec=replace(self._spec, resume_from=line.next_chunk_idx, shown_until=line.shown_until))
        self._end_reason = ended.reason if self._end_reason == CLOSED else self._end_reason
        raise SessionEndedError(ended.message)

    async def _go_on(self, turn: Turn) -> list[LinkEvent]:
        """Open the next link. Gives what is to be told before its events."""
        async with self._hold():
            self._begin(self._line.link.close())  # beside what follows: the plane waits where it has to
            try:
                events = await self._succession.go_on(turn)
            except NacreError:
                self._end_reason = WORKER_LOST
                raise
        self._settle_turn(None)
        return events

    def _settle_turn(self, error: NacreError | None) -> None:
        turned, self._turned = self._turned, None
        if turned is None or turned.done():
            return
        if error is None:
            turned.set_result(None)
        else:
            turned.set_exception(error)

    # --- records ---

    def _write_receipts(self, receipts: list[Receipt]) -> Future[None]:
        return self._home.write_receipts(self.session_id, self._spec.epoch, receipts)

    async def standing(self) -> Standing:
        async with self._turning:
            await self._delivered.written()
            return Standing(epoch=self.epoch, next_chunk_idx=self._line.next_chunk_idx, worker_id=self.worker_id)

    def _write_end(self) -> Future[None]:
        if self._end_reason == PARKED or self._is_left:
            return self._home.write_parked(self.session_id, self._spec.epoch, self._line.next_chunk_idx)
        return self._home.write_end(self.session_id, self._spec.epoch, self._end_reason)
