"""The transformer stage: sessions on an engine, each with its links to the decoders."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

from serving.catalogue.keeper import SessionKeeper
from serving.catalogue.saver import Save
from serving.engine.engine import Engine
from serving.engine.script import Script, write_script
from serving.errors import NacreError, StorageUnavailableError, WorkerUnavailableError
from serving.sessions.contract import LeaveAsked, LinkEnded, Notice, SnapshotRequest, TakenSnapshot
from serving.sessions.encoded import EncodedControl, LatentChunk, Opening
from serving.sessions.manifest import EXACT, PORTABLE
from serving.sessions.snapshot import EngineSnapshot, SessionSnapshot, pack
from serving.stages.outbox import Outbox
from serving.stages.stage import Stage
from serving.stages.stream import MAX_MESSAGE_BYTES
from serving.stages.transport import DecoderOpening, LatentLink, LatentTransport

logger = logging.getLogger(__name__)

# A gateway whose reservation was granted opens its stream within one round trip.
RESERVATION_TIMEOUT_S = 10.0
# Of a snapshot: a message that is too long would end the session that it is of.
MAX_SENT_BYTES = MAX_MESSAGE_BYTES - (1 << 20)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecoderPlace:
    """A decoder worker of one session and what it decodes."""

    address: str  # of its connections (see pipe.py), or empty for this process
    stages: frozenset[Stage]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectedDecoder:
    link: LatentLink
    stages: frozenset[Stage]

    def send(self, chunk: LatentChunk) -> None:
        self.link.send(
            LatentChunk(
                header=chunk.header,
                video=chunk.video if Stage.VIDEO_DECODER in self.stages else None,
                audio=chunk.audio if Stage.AUDIO_DECODER in self.stages else None,
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingSnapshot:
    """The transformer's half; the decoders were asked for theirs at the same boundary."""

    request: SnapshotRequest
    engine: EngineSnapshot
    decoders: Sequence[ConnectedDecoder]

    async def collect(self) -> SessionSnapshot:
        """Once, in the order the snapshots were taken. Raises `NacreError` when a decoder is lost."""
        answers = [await decoder.link.read_snapshot() for decoder in self.decoders]
        caches = {stage: tensors for answer in answers for stage, tensors in answer.items()}
        return SessionSnapshot(engine=self.engine, caches=caches)


SessionEvent = tuple[Notice, ...] | TakenSnapshot | LeaveAsked | LinkEnded


class WorkerSession:
    """A running session, as the one who opened it holds it. Used on the event loop."""

    def __init__(self, engine: Engine, session_id: str) -> None:
        self.events: Outbox[SessionEvent] = Outbox()
        self.next_chunk_idx = 0
        self._engine = engine
        self._session_id = session_id

    def post(self, control: EncodedControl) -> None:
        self._engine.post(self._session_id, control)

    def grant(self, chunks: int) -> None:
        self._engine.grant(self._session_id, chunks)

    def take_snapshot(self, request: SnapshotRequest) -> None:
        """Comes as an event."""
        self._engine.take_snapshot(self._session_id, request)

    def lose_worker(self, message: str) -> None:
        self.events.put(LinkEnded(reason="WORKER_LOST", message=message))


class _SessionSink:
    """Brings chunks to the decoders, by the shortest way, and the word of the engine and of its journal to the event
    loop; that of each in order."""

    def __init__(
        self, session: WorkerSession, decoders: Sequence[ConnectedDecoder], snapshots: Outbox[PendingSnapshot]
    ) -> None:
        self._events = session.events
        self._decoders = decoders
        self._snapshots = snapshots

    def outcomes(self, outcomes: tuple[Notice, ...]) -> None:
        self._events.put_threadsafe(outcomes)

    def chunk(self, chunk: LatentChunk) -> None:
        for decoder in self._decoders:
            decoder.send(chunk)

    def snapshot(self, snapshot: EngineSnapshot, request: SnapshotRequest) -> None:
        for decoder in self._decoders:
            decoder.link.request_snapshot()
        self._snapshots.put_threadsafe(PendingSnapshot(request=request, engine=snapshot, decoders=self._decoders))

    def leave(self) -> None:
        self._events.put_threadsafe(LeaveAsked())

    def ended(self, reason: str, message: str) -> None:
        self._events.put_threadsafe(LinkEnded(reason=reason, message=message))


class _SnapshotDesk:
    """Answers a session's snapshots one after the other, beside its play."""

    def __init__(self, session: WorkerSession, keeper: SessionKeeper | None, epoch: int) -> None:
        self.pending: Outbox[PendingSnapshot] = Outbox()
        self._events = session.events
        self._keeper = keeper
        self._epoch = epoch

    async def run(self) -> None:
        while (pending := await self.pending.get()) is not None:
            try:
                await self._answer(pending)
            except NacreError as error:  # a lost decoder is an event of its own; a full store fails the save alone
                logger.warning("no snapshot of session %s: %s", pending.engine.session_id, error.message)
                self._tell(pending, error=error.message)

    async def _answer(self, pending: PendingSnapshot) -> None:
        snapshot = await pending.collect()
        if not pending.request.is_kept:
            data = await asyncio.to_thread(pack, snapshot)
            if len(data) > MAX_SENT_BYTES:
                raise StorageUnavailableError(f"{len(data)} bytes are more than go to a gateway ({MAX_SENT_BYTES})")
            self._tell(pending, data=data, num_bytes=len(data))
        elif self._keeper is None:
            raise StorageUnavailableError("this worker keeps nothing")
        elif pending.request.request_id:
            kind = PORTABLE if pending.request.is_portable else EXACT
            save = Save(snapshot=snapshot, epoch=self._epoch, kind=kind)
            saved = await asyncio.to_thread(self._keeper.saver.save, save)
            self._tell(pending, num_bytes=saved.num_bytes)
        else:
            self._keeper.saver.submit(snapshot, self._epoch)

    def _tell(self, pending: PendingSnapshot, *, data: bytes = b"", num_bytes: int = 0, error: str = "") -> None:
        request_id, chunk_idx = pending.request.request_id, pending.engine.next_chunk_idx
        if request_id:
            taken = TakenSnapshot(
                request_id=request_id, chunk_idx=chunk_idx, data=data, num_bytes=num_bytes, error=error
            )
            self._events.put(taken)


class TransformerStage:
    """Opens sessions on an engine whose thread somebody else starts and stops."""

    def __init__(
        self,
        engine: Engine,
        transport_to: Callable[[str], LatentTransport],
        keeper: SessionKeeper | None = None,
    ) -> None:
        """Without a `keeper` nothing outlives the worker."""
        self.engine = engine
        self._transport_to = transport_to
        self._keeper = keeper
        self._reservations: dict[str, asyncio.TimerHandle] = {}

    def reserve(self, session_id: str) -> None:
        """Keep a slot until the session opens, for a short while; asking again begins it anew. Raises
        `CapacityExhaustedError`."""
        self.engine.reserve(session_id)
        self._claim(session_id)
        loop = asyncio.get_running_loop()
        self._reservations[session_id] = loop.call_later(RESERVATION_TIMEOUT_S, self._expire, session_id)

    @asynccontextmanager
    async def session(
        self, opening: Opening, places: Iterable[DecoderPlace], snapshot: SessionSnapshot | None = None
    ) -> AsyncIterator[WorkerSession]:
        """Run a session as long as the block. Raises `CapacityExhaustedError`, `WorkerUnavailableError`, or for one
        that is on record and cannot go on `SnapshotRefusedError`."""
        self.engine.reserve(opening.session_id)
        self._claim(opening.session_id)
        script = None
        session = WorkerSession(self.engine, opening.session_id)
        desk = _SnapshotDesk(session, self._keeper, opening.epoch)
        # Owned by this block: it ends with it.
        answering = asyncio.create_task(desk.run(), name=f"snapshots-{opening.session_id}")
        try:
            if opening.resume_from is not None:
                opening, snapshot, script = await self._recall(opening, opening.resume_from)
            async with AsyncExitStack() as stack:
                decoders = [await self._connect(stack, opening, place, snapshot, session) for place in places]
                sink = _SessionSink(session, decoders, desk.pending)
                engine_snapshot = None if snapshot is None else snapshot.engine
                opened = self.engine.open(opening, sink, engine_snapshot, script)
                session.next_chunk_idx = await asyncio.wrap_future(opened)
                yield session
        finally:
            answering.cancel()
            self.engine.close(opening.session_id)

    def ask_to_leave(self) -> int:
        """Take no new session, and ask those there are to go on elsewhere. Gives their number."""
        return self.engine.ask_to_leave()

    async def _recall(self, opening: Opening, deliver_from: int) -> tuple[Opening, SessionSnapshot | None, Script]:
        """What the record says of the session, and what of it is to be done again."""
        if self._keeper is None:
            raise WorkerUnavailableError("this worker keeps nothing to go on with")
        past = await asyncio.to_thread(self._keeper.recall, opening.session_id, deliver_from)
        first_chunk_idx = 0 if past.snapshot is None else past.snapshot.engine.next_chunk_idx
        recalled = replace(
            past.history.opening,
            session_id=opening.session_id,
            epoch=opening.epoch,
            is_rewind=opening.is_rewind,
        )
        return (
            recalled,
            past.snapshot,
            write_script(
                past.history.entries,
                first_chunk_idx,
                deliver_from,
                is_rewind=opening.is_rewind,
                held=past.held,
                shown_until=opening.shown_until,
            ),
        )

    async def _connect(
        self,
        stack: AsyncExitStack,
        opening: Opening,
        place: DecoderPlace,
        snapshot: SessionSnapshot | None,
        session: WorkerSession,
    ) -> ConnectedDecoder:
        caches = {} if snapshot is None else snapshot.caches
        decoder_opening = DecoderOpening(
            session_id=opening.session_id,
            seed=opening.seed,
            caches={stage: tensors for stage, tensors in caches.items() if stage in place.stages},
        )
        transport = self._transport_to(place.address)
        link = await stack.enter_async_context(transport.connect(decoder_opening, session.lose_worker))
        return ConnectedDecoder(link=link, stages=place.stages)

    def _claim(self, session_id: str) -> None:
        if timer := self._reservations.pop(session_id, None):
            timer.cancel()

    def _expire(self, session_id: str) -> None:
        del self._reservations[session_id]
        self.engine.release(session_id)
