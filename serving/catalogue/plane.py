"""A `WorldPlane` whose sessions are in the catalogue, with a receipt for every chunk that leaves it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TypeVar

from model.interface import ModelInfo
from serving.catalogue.database import Database
from serving.catalogue.leases import Lease
from serving.catalogue.receipts import Receipts
from serving.catalogue.sessions import ENDED, NewSession, SessionRow, Sessions
from serving.catalogue.storage import StorageConfig, worker_name
from serving.errors import NacreError, ResumeTokenInvalidError, SessionEndedError
from serving.sessions.contract import (
    Control,
    DecodedChunk,
    LinkEnded,
    LinkEvent,
    ResumedSession,
    SessionLink,
    SessionSpec,
    WorldPlane,
    WorldSpec,
)
from serving.sessions.receipts import Receipt, ReceiptChain

logger = logging.getLogger(__name__)

# Two seconds of the embedded model's play; what a process that dies takes with it.
RECEIPTS_PER_ROW = 25
Answer = TypeVar("Answer")
CLOSED, NOT_OPENED = "CLOSED", "NOT_OPENED"


@asynccontextmanager
async def catalogued(plane: WorldPlane, config: StorageConfig) -> AsyncIterator[CataloguedPlane]:
    """`plane` with its sessions in the catalogue, which is up to date. What was begun is written when it ends."""
    with Database(config.catalogue_url) as database:
        kept = CataloguedPlane(plane, database)
        try:
            yield kept
        finally:
            await asyncio.to_thread(kept.close)


class CataloguedPlane:
    """Writes down sessions as they open and end, over a plane that runs them. Made on the loop; use `close`."""

    def __init__(self, plane: WorldPlane, database: Database) -> None:
        self._plane = plane
        self._sessions = Sessions(database)
        self._receipts = Receipts(database)
        self._owner = worker_name()
        # One thread, so that what is written of a session comes in order.
        self._pool = ThreadPoolExecutor(1, "catalogue")

    @property
    def info(self) -> ModelInfo:
        return self._plane.info

    async def open(self, spec: SessionSpec) -> CataloguedLink:
        """Raises `StorageUnavailableError` before any worker is asked: an unwritten session does not start."""
        epoch = await self._call(lambda: self._create(spec))
        try:
            link = await self._plane.open(replace(spec, epoch=epoch))
        except BaseException:
            self.write(spec.session_id, lambda: self._sessions.end(spec.session_id, epoch, NOT_OPENED))
            raise
        return CataloguedLink(self, link, spec.session_id, epoch)

    async def resume(self, session_id: str, resume_token: str) -> ResumedSession:
        """A `SessionResumer`: goes on from the first chunk that has no receipt."""
        row, lease, last = await self._call(lambda: self._take_over(session_id, resume_token))
        world, next_chunk_idx = world_of(row), 0 if last is None else last.chunk_idx + 1
        spec = SessionSpec(session_id=session_id, world=world, epoch=lease.epoch, resume_from=next_chunk_idx)
        link = CataloguedLink(self, await self._plane.open(spec), session_id, lease.epoch)
        if last is not None:
            link.resume_after(last)
        return ResumedSession(link=link, world=world, next_chunk_idx=next_chunk_idx)

    def close(self) -> None:
        """Finish writing."""
        self._pool.shutdown()

    # --- for its links ---

    def write_receipts(self, session_id: str, epoch: int, receipts: list[Receipt]) -> Future[None]:
        return self.write(session_id, lambda: self._receipts.add(session_id, epoch, receipts))

    def write_end(self, session_id: str, epoch: int, reason: str) -> Future[None]:
        return self.write(session_id, lambda: self._sessions.end(session_id, epoch, reason))

    def write(self, session_id: str, write: Callable[[], None]) -> Future[None]:
        """On the side; a failure is no reason to stop a session that plays."""

        def attempt() -> None:
            try:
                write()
            except NacreError as error:
                logger.warning("session %s: %s", session_id, error)

        return self._pool.submit(attempt)

    def _create(self, spec: SessionSpec) -> int:
        info = self._plane.info
        self._sessions.create(
            NewSession(
                session_id=spec.session_id,
                model=info.name,
                weights_sha256=info.weights_sha256,
                spec=world_fields(spec.world),
                resume_token_sha256=spec.resume_token_sha256,
            )
        )
        return self._sessions.acquire(spec.session_id, self._owner).epoch

    def _take_over(self, session_id: str, resume_token: str) -> tuple[SessionRow, Lease, Receipt | None]:
        row = self._sessions.find(session_id)
        if not hmac.compare_digest(token_sha256(resume_token), row.resume_token_sha256):
            raise ResumeTokenInvalidError("the resume token does not fit the session", field="attach.resume_token")
        if row.state == ENDED:
            raise SessionEndedError("the session has ended", field="attach.session_id")
        lease = self._sessions.acquire(session_id, self._owner)
        return row, lease, next(reversed(self._receipts.of(session_id)), None)

    async def _call(self, call: Callable[[], Answer]) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)


class CataloguedLink:
    """A `SessionLink` that keeps receipts."""

    def __init__(self, plane: CataloguedPlane, link: SessionLink, session_id: str, epoch: int) -> None:
        self._plane = plane
        self._link = link
        self._session_id = session_id
        self._epoch = epoch
        self._chain = ReceiptChain()
        self._unwritten: list[Receipt] = []
        self._end_reason = CLOSED
        self._is_closed = False

    async def send(self, control: Control) -> None:
        await self._link.send(control)

    async def grant(self, chunks: int) -> None:
        await self._link.grant(chunks)

    async def events(self) -> AsyncIterator[LinkEvent]:
        async for event in self._link.events():
            match event:
                case DecodedChunk():
                    self._add(event)
                case LinkEnded(reason=reason):
                    self._end_reason = reason
                case _:
                    pass
            yield event

    async def close(self) -> None:
        try:
            await self._link.close()
        finally:
            if not self._is_closed:
                self._is_closed = True
                self._write_receipts()
                ended = self._plane.write_end(self._session_id, self._epoch, self._end_reason)
                await asyncio.wrap_future(ended)

    def resume_after(self, receipt: Receipt) -> None:
        self._chain.resume(receipt)

    def _add(self, chunk: DecodedChunk) -> None:
        self._unwritten.append(self._chain.next(chunk.chunk_idx, chunk.frames_FHWC, chunk.samples_SC))
        if len(self._unwritten) >= RECEIPTS_PER_ROW:
            self._write_receipts()

    def _write_receipts(self) -> None:
        if self._unwritten:
            receipts, self._unwritten = self._unwritten, []
            self._plane.write_receipts(self._session_id, self._epoch, receipts)


def token_sha256(resume_token: str) -> bytes:
    """What is kept of a token: enough to know it again, not enough to use it."""
    return hashlib.sha256(resume_token.encode()).digest()


def world_of(row: SessionRow) -> WorldSpec:
    """As far as it is shown: the picture is in the journal alone."""
    prompt, character, scene = (str(row.spec[name]) for name in ("prompt", "character", "scene"))
    return WorldSpec(model=row.model, seed=row.seed, prompt=prompt, character=character, scene=scene)


def world_fields(world: WorldSpec) -> dict[str, object]:
    """What is shown of a world; what it was made from, word for word, is the journal's opening."""
    return {
        "seed": world.seed,
        "prompt": world.prompt,
        "character": world.character,
        "scene": world.scene,
        "has_image": world.image_HWC is not None,
    }
