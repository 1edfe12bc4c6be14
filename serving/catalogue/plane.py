"""A `WorldPlane` whose sessions are in the catalogue, and that finds, forks and wakes them there."""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

from model.interface import ModelInfo
from serving.access.ownership import Ownership
from serving.access.principal import Principal, current
from serving.catalogue.asking import answer_of
from serving.catalogue.database import Database
from serving.catalogue.journal import JournalTable
from serving.catalogue.leases import Lease
from serving.catalogue.library import Library
from serving.catalogue.link import DurableLink
from serving.catalogue.receipts import Receipts
from serving.catalogue.regions import check_parent, check_region, place_of
from serving.catalogue.sessions import ENDED, OPEN, NewSession, SessionRow, Sessions
from serving.catalogue.storage import StorageConfig, worker_name
from serving.catalogue.tails import entries_of
from serving.errors import (
    ChunkUnknownError,
    NacreError,
    ResumeTokenInvalidError,
    SessionEndedError,
)
from serving.sessions.contract import ResumedSession, SessionLink, SessionSpec, WorldPlane, WorldSpec
from serving.sessions.journal import JournalEntry
from serving.sessions.names import new_session_id, region_of, token_sha256
from serving.sessions.receipts import Receipt, receipts_per_row

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")
NOT_OPENED = "NOT_OPENED"
REWOUND_LABEL = "before going back"
# A gateway that dies takes a row of receipts with it, and what came while one was written. Of whoever says that it has
# seen more, no more is believed.
MAX_ROWS_SHOWN = 2


@asynccontextmanager
async def catalogued(plane: WorldPlane, config: StorageConfig) -> AsyncIterator[CataloguedPlane]:
    """`plane` with its sessions in the catalogue, which is up to date. What was begun is written when it ends."""
    with Database(config.catalogue_url) as database:
        kept = CataloguedPlane(plane, database, config)
        try:
            yield kept
        finally:
            await asyncio.to_thread(kept.close)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionMoment:
    """Where a session stands, or stood: a new one can go on from there."""

    session_id: str
    chunk_idx: int  # the first that comes after it
    epoch: int | None = None  # the present one when left out
    snapshot: bytes = b""  # all there is of it, when it is at hand
    num_bytes: int = 0  # of what was kept
    world_id: str | None = None  # where it was saved as one

    @property
    def source(self) -> str:
        """As an input of what is made from it."""
        return f"world:{self.world_id}" if self.world_id else f"session:{self.session_id}@{self.chunk_idx}"


class CataloguedPlane:
    """Writes sessions down as they open, fork and end, over a plane that runs them. Made on the loop; use `close`."""

    def __init__(self, plane: WorldPlane, database: Database, config: StorageConfig) -> None:
        self.library = Library(database, config)
        self.database = database
        self._plane = plane
        self._sessions = Sessions(database)
        self._receipts = Receipts(database)
        self._journal = JournalTable(database)
        self._owner = worker_name()
        # One thread, so that what is written of a session comes in order.
        self._pool = ThreadPoolExecutor(1, "catalogue")

    @property
    def info(self) -> ModelInfo:
        return self._plane.info

    async def open(self, spec: SessionSpec, snapshot: bytes = b"") -> DurableLink:
        """Raises `StorageUnavailableError` before any worker is asked: an unwritten session does not start."""
        epoch = await self.call(lambda: self._create(spec))
        return await self._open_first(replace(spec, epoch=epoch), snapshot)

    async def resume(self, session_id: str, resume_token: str | None, shown_until: int = 0) -> ResumedSession:
        """A `SessionResumer`: goes on where the session was parked, or from the first chunk that has no receipt. Those
        that were shown get theirs, and are not shown again."""
        row, lease, last = await self.call(lambda: self._acquire_known(session_id, resume_token))
        world, next_chunk_idx = world_of(row), max(row.num_chunks, 0 if last is None else last.chunk_idx + 1)
        spec = SessionSpec(session_id=session_id, world=world, epoch=lease.epoch, resume_from=next_chunk_idx)
        is_cut = row.state == OPEN  # else all that was shown is on record
        last_shown = next_chunk_idx + MAX_ROWS_SHOWN * receipts_per_row(self.info.chunk_duration_s)
        shown_until = max(next_chunk_idx, min(shown_until, last_shown) if is_cut else 0)
        workers = await self._plane.open(replace(spec, shown_until=shown_until))
        link = DurableLink(self, workers, spec, next_chunk_idx, shown_until)
        if last is not None:
            link.resume_after(last)
        if scheduled_ids := await self.call(lambda: self._journal.scheduled_ids(session_id)):
            link.adopt(await self.entries(session_id, scheduled_ids))
        return ResumedSession(
            link=link,
            world=world,
            next_chunk_idx=shown_until,
            resume_token_sha256=row.resume_token_sha256,
            created_s=row.created_s,
            ownership=row.ownership,
            world_id=row.world_id,
        )

    async def fork(
        self, session_id: str, token_sha256: bytes, origin: SessionMoment, label: str = ""
    ) -> ResumedSession:
        """A new session, of whoever asks, from a moment of another. Raises `SessionNotFoundError`,
        `ChunkUnknownError`, and what `open` does."""
        maker = current()
        child, epoch = await self.call(lambda: self._fork(session_id, token_sha256, origin, label, maker))
        world = world_of(child)
        spec = SessionSpec(
            session_id=session_id,
            world=world,
            epoch=epoch,
            resume_from=None if origin.snapshot else origin.chunk_idx,
            resume_token_sha256=token_sha256,
            ownership=child.ownership,
        )
        link = await self._open_first(spec, origin.snapshot, origin.chunk_idx)
        return ResumedSession(
            link=link,
            world=world,
            next_chunk_idx=origin.chunk_idx,
            ownership=child.ownership,
            world_id=child.world_id,
        )

    def close(self) -> None:
        """Finish writing."""
        self._pool.shutdown()

    async def region_for(self, tenant_id: str) -> str:
        """Where alone its sessions may be kept; empty for anywhere."""
        return await self.call(lambda: self.library.residency.region_for(tenant_id))

    async def call(self, call: Callable[[], Answer]) -> Answer:
        """Ask the catalogue, after all that was written before."""
        return await answer_of(self._pool, call)

    # --- for its links ---

    async def take_over(self, session_id: str, epoch: int) -> int:
        lease = await self.call(lambda: self._sessions.take_over(session_id, self._owner, epoch))
        return lease.epoch

    async def make_room(self, session_id: str) -> None:
        await self._plane.make_room(session_id)

    async def rehearse(self, session_id: str, take_snapshot: Callable[[], Awaitable[bytes]]) -> None:
        await self._plane.rehearse(session_id, take_snapshot)

    async def open_workers(self, spec: SessionSpec, snapshot: bytes) -> SessionLink:
        return await self._plane.open(spec, snapshot)

    async def entries(self, session_id: str, control_ids: Collection[str]) -> Mapping[str, JournalEntry]:
        return await self.call(lambda: entries_of(self.database, session_id, control_ids))

    async def branch_off(self, session_id: str, chunk_idx: int) -> str:
        return await self.call(lambda: self._branch_off(session_id, chunk_idx))

    async def receipt(self, session_id: str, chunk_idx: int) -> Receipt | None:
        return await self.call(lambda: self._receipts.at(session_id, chunk_idx))

    def write_receipts(self, session_id: str, epoch: int, receipts: list[Receipt]) -> Future[None]:
        return self._write(session_id, lambda: self._receipts.add(session_id, epoch, receipts))

    def write_end(self, session_id: str, epoch: int, reason: str) -> Future[None]:
        return self._write(session_id, lambda: self._sessions.end(session_id, epoch, reason))

    def write_rewound(self, session_id: str, epoch: int, num_chunks: int) -> Future[None]:
        return self._write(session_id, lambda: self._sessions.set_num_chunks(session_id, epoch, num_chunks))

    def write_parked(self, session_id: str, epoch: int, num_chunks: int) -> Future[None]:
        return self._write(session_id, lambda: self._sessions.park(session_id, epoch, num_chunks))

    # --- on the catalogue's thread ---

    def _write(self, session_id: str, write: Callable[[], object]) -> Future[None]:
        """On the side; a failure is no reason to stop a session that plays."""

        def attempt() -> None:
            try:
                write()
            except NacreError as error:
                logger.warning("session %s: %s", session_id, error)

        return self._pool.submit(attempt)

    def _check_region(self, session_id: str, tenant_id: str | None = None) -> None:
        """That it may be kept here, and for that tenant. Raises `RegionRefusedError`."""
        place_of(session_id, None, dict.fromkeys(region.name for region in self.library.storage.regions))
        if tenant_id is not None:
            check_region(session_id, self.library.residency.region_for(tenant_id))

    def _create(self, spec: SessionSpec) -> int:
        self._check_region(spec.session_id, spec.ownership.tenant_id)
        self._sessions.create(
            NewSession(
                session_id=spec.session_id,
                model=self.info.name,
                weights_sha256=self.info.weights_sha256,
                spec=world_fields(spec.world),
                resume_token_sha256=spec.resume_token_sha256,
                ownership=spec.ownership,
            )
        )
        return self._sessions.acquire(spec.session_id, self._owner).epoch

    def _fork(
        self, session_id: str, token_sha256: bytes, origin: SessionMoment, label: str, maker: Principal
    ) -> tuple[NewSession, int]:
        self._check_region(session_id, maker.tenant_id)
        check_parent(origin.session_id, region_of(session_id))
        # A world outlives the session that it is a moment of.
        parent = self._sessions.find(origin.session_id, with_deleted=origin.world_id is not None)
        if origin.epoch is None and not origin.snapshot and origin.chunk_idx > parent.num_chunks:
            raise ChunkUnknownError(
                f"the session has made {parent.num_chunks} chunks; {origin.chunk_idx} is not one to go on from",
                field="chunk_index",
            )
        child = _child(
            session_id, parent, token_sha256, parent.ownership.handed_to(maker, origin.source), origin.world_id
        )
        self._sessions.fork(child, origin.session_id, origin.chunk_idx, parent_epoch=origin.epoch, label=label)
        return child, self._sessions.acquire(session_id, self._owner).epoch

    def _branch_off(self, session_id: str, chunk_idx: int) -> str:
        parent = self._sessions.find(session_id)
        branch_id = new_session_id(region_of(session_id))
        child = _child(branch_id, parent, b"", parent.ownership)
        self._sessions.fork(child, session_id, chunk_idx, label=REWOUND_LABEL)
        epoch = self._sessions.acquire(branch_id, self._owner).epoch
        self._sessions.park(branch_id, epoch, chunk_idx)
        return branch_id

    def _acquire_known(self, session_id: str, resume_token: str | None) -> tuple[SessionRow, Lease, Receipt | None]:
        row = self._sessions.find(session_id)
        is_known = resume_token is None or hmac.compare_digest(token_sha256(resume_token), row.resume_token_sha256)
        if not is_known:
            raise ResumeTokenInvalidError("the resume token does not fit the session", field="attach.resume_token")
        if row.state == ENDED:
            raise SessionEndedError("the session has ended", field="attach.session_id")
        self._check_region(session_id)
        lease = self._sessions.acquire(session_id, self._owner)
        return row, lease, self._receipts.last(session_id)

    async def _open_first(self, spec: SessionSpec, snapshot: bytes, next_chunk_idx: int = 0) -> DurableLink:
        try:
            link = await self._plane.open(spec, snapshot)
        except BaseException:
            self.write_end(spec.session_id, spec.epoch, NOT_OPENED)
            raise
        return DurableLink(self, link, spec, next_chunk_idx)


def world_of(row: SessionRow | NewSession) -> WorldSpec:
    """As far as it is shown: the picture is in the journal alone."""
    prompt, character, scene = (str(row.spec[name]) for name in ("prompt", "character", "scene"))
    return WorldSpec(
        model=row.model,
        seed=int(row.spec["seed"]),
        prompt=prompt,
        character=character,
        scene=scene,
        licence=row.ownership.licence,
        arbitration=str(row.spec.get("arbitration", "single")),
    )


def world_fields(world: WorldSpec) -> dict[str, object]:
    """What is shown of a world; what it was made from, word for word, is the journal's opening."""
    return {
        "seed": world.seed,
        "prompt": world.prompt,
        "character": world.character,
        "scene": world.scene,
        "has_image": world.image_HWC is not None,
        **({"arbitration": world.arbitration} if world.arbitration != "single" else {}),
    }


def _child(
    session_id: str, parent: SessionRow, resume_token_sha256: bytes, ownership: Ownership, world_id: str | None = None
) -> NewSession:
    """Without a `world_id`, it started from the world that its parent started from, if that is of its tenant."""
    if world_id is None and ownership.tenant_id == parent.ownership.tenant_id:
        world_id = parent.world_id
    return NewSession(
        session_id=session_id,
        model=parent.model,
        weights_sha256=parent.weights_sha256,
        spec=parent.spec,
        world_id=world_id,
        resume_token_sha256=resume_token_sha256,
        ownership=ownership,
    )
