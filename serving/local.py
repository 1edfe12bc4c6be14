"""The whole service without Ray: every stage in this process, a thread each."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import NamedTuple, Self

from model.interface import Model, ModelInfo
from serving.engine.metrics import StageMetrics
from serving.sessions.contract import LeaveAsked, LinkEnded, SessionSpec, TakenSnapshot
from serving.sessions.encoded import DecodedPart, Opening
from serving.sessions.journal import JournalStore
from serving.sessions.snapshot import SessionSnapshot, unpack
from serving.stages.decoder import DecoderStage
from serving.stages.encoder import EncoderStage
from serving.stages.host import StageHost, WorkerConfig
from serving.stages.link import PlaneLink
from serving.stages.stage import DECODERS
from serving.stages.transformer import DecoderPlace, TransformerStage, WorkerSession

logger = logging.getLogger(__name__)

HERE = DecoderPlace(address="", stages=DECODERS)


class _Stages(NamedTuple):
    encoder: EncoderStage
    transformer: TransformerStage
    decoder: DecoderStage

    @classmethod
    def of(cls, host: StageHost) -> _Stages:
        if host.encoder is None or host.transformer is None or host.decoder is None:
            raise ValueError("a local plane needs every stage")
        return cls(host.encoder, host.transformer, host.decoder)


class LocalPlane:
    """A `WorldPlane` over a `StageHost` with all stages. Use `async with`."""

    def __init__(
        self,
        model: Model,
        config: WorkerConfig,
        *,
        journals: JournalStore | None = None,
        metrics: StageMetrics | None = None,
    ) -> None:
        self.host = StageHost(model, config, journals=journals, metrics=metrics)
        self._tasks = asyncio.TaskGroup()
        self._links: dict[PlaneLink, str] = {}  # with their sessions' ids

    async def __aenter__(self) -> Self:
        await self.host.load()
        self._stages = _Stages.of(self.host)
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for link in list(self._links):
            link.end("SERVICE_STOPPING", "the service is stopping")
        # What went wrong in the block is not the tasks' business: they end by themselves.
        await self._tasks.__aexit__(None, None, None)
        await self.host.close()

    @property
    def info(self) -> ModelInfo:
        return self.host.info

    async def open(self, spec: SessionSpec, snapshot: bytes = b"") -> PlaneLink:
        """Also goes on from a `snapshot` that a link took."""
        for link in [each for each, session_id in self._links.items() if session_id == spec.session_id]:
            await link.close()  # or the one that goes would meet the one that comes
        restored = unpack(snapshot) if snapshot else None
        is_on_record = restored is not None or spec.resume_from is not None
        opening = await self._opening(spec, is_restored=is_on_record)
        opened: asyncio.Future[PlaneLink] = asyncio.get_running_loop().create_future()
        self._tasks.create_task(self._serve(opening, restored, opened))
        return await opened

    async def make_room(self, session_id: str) -> None:
        """There is one worker: a session goes on there, unless that one takes none."""
        self._stages.transformer.reserve(session_id)

    async def rehearse(self, session_id: str, take_snapshot: Callable[[], Awaitable[bytes]]) -> None:
        """It plays there already."""

    async def _opening(self, spec: SessionSpec, *, is_restored: bool) -> Opening:
        encoder, world = self._stages.encoder, spec.world
        # What a session opened with is in its snapshot.
        text = "" if is_restored else world.text
        image_HWC = None if is_restored else world.image_HWC
        return Opening(
            session_id=spec.session_id,
            seed=world.seed,
            prompt=(await encoder.encode_text(text)).tensors if text else None,
            image=None if image_HWC is None else await encoder.encode_image(image_HWC),
            epoch=spec.epoch,
            resume_from=spec.resume_from,
            is_rewind=spec.is_rewind,
            due_s=spec.due_s,
            shown_until=spec.shown_until,
        )

    async def _serve(
        self, opening: Opening, snapshot: SessionSnapshot | None, opened: asyncio.Future[PlaneLink]
    ) -> None:
        """Host a session until it is over; then free its slots."""
        try:
            async with self._stages.transformer.session(opening, [HERE], snapshot) as session:
                await self._run(opening, session, opened)
        except Exception as error:
            if opened.done():
                logger.exception("session %s failed", opening.session_id)
            else:
                opened.set_exception(error)
        finally:
            if opened.done() and not opened.cancelled() and opened.exception() is None:
                opened.result().end("WORKER_LOST", "the session failed")  # of no effect if it is over
                opened.result().released()
                self._links.pop(opened.result(), None)

    async def _run(self, opening: Opening, session: WorkerSession, opened: asyncio.Future[PlaneLink]) -> None:
        if opened.cancelled():
            return  # whoever asked for it is gone
        link = PlaneLink(
            self._stages.encoder,
            session,
            session.next_chunk_idx,
            worker_id=self.host.worker_id,
            shown_until=opening.shown_until,
        )
        listener = _LinkListener(link)
        self._stages.decoder.watch(opening.session_id, listener)
        self._links[link] = opening.session_id
        opened.set_result(link)
        try:
            await _follow(session, link)
        finally:
            self._stages.decoder.unwatch(opening.session_id, listener)


async def _follow(session: WorkerSession, link: PlaneLink) -> None:
    async with asyncio.TaskGroup() as tasks:
        helpers = [tasks.create_task(_pump(session, link)), tasks.create_task(link.encode_instructions())]
        await link.over()
        for task in helpers:
            task.cancel()


async def _pump(session: WorkerSession, link: PlaneLink) -> None:
    while (event := await session.events.get()) is not None:
        match event:
            case LinkEnded(reason=reason, message=message):
                link.end(reason, message)
            case TakenSnapshot():
                link.add_snapshot(event)
            case LeaveAsked():
                link.add_leave()
            case outcomes:
                link.add_outcomes(outcomes)


class _LinkListener:
    """Brings decoded parts from the decoder's thread to the link."""

    def __init__(self, link: PlaneLink) -> None:
        self._link = link
        self._loop = asyncio.get_running_loop()

    def decoded(self, part: DecodedPart) -> None:
        self._loop.call_soon_threadsafe(self._link.add_part, part)

    def closed(self) -> None:
        self._loop.call_soon_threadsafe(self._link.end, "WORKER_LOST", "the decoder closed the session")
