"""What can be done with a session beside playing it: pause, park, fork, rewind, save, share, delete."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_fixed

from serving.access.ownership import Ownership
from serving.access.principal import current
from serving.access.roles import Permission
from serving.catalogue.differences import Difference
from serving.catalogue.lineage import TreeNode
from serving.catalogue.plane import CataloguedPlane, SessionMoment
from serving.catalogue.sessions import SessionRow
from serving.catalogue.shares import ShareRow
from serving.catalogue.worlds import NewWorld, WorldRow
from serving.errors import (
    ChunkUnknownError,
    ScopeExceededError,
    SessionEndedError,
    SessionHeldError,
    SessionNotFoundError,
    SessionStateError,
    UnavailableError,
    WorldNotFoundError,
)
from serving.gateway.doorkeeper import Doorkeeper
from serving.gateway.provenance import label_of
from serving.gateway.registry import NewName, SessionRegistry
from serving.gateway.roles import ROLES, Role
from serving.gateway.session import Session
from serving.gateway.session_state import State
from serving.gateway.validation import AttachSpec
from serving.sessions.label import labelled
from serving.sessions.manifest import EXACT, PORTABLE
from serving.sessions.names import new_world_id
from serving.sessions.portable import to_bytes
from serving.sessions.snapshot import unpack

FORK = "fork"
REQUESTED = "REQUESTED"
# A worker tells the catalogue that it is done with a session a moment after it told us.
LET_GO_TIMEOUT_S, LET_GO_POLL_S = 2.0, 0.05
SHARE_PREFIX = "share-"  # tells a link's token from a session's
# As what somebody attaches with a session's token: as much as there is a permission for, which goes before.
ROLE_BY_PERMISSION = {Permission.PLAY: Role.PLAYER, Permission.DIRECT: Role.DIRECTOR, Permission.SEE: Role.VIEWER}
PERMISSION_BY_ROLE = {role: permission for permission, role in ROLE_BY_PERMISSION.items()}


def no_link() -> SessionNotFoundError:
    return SessionNotFoundError("no link has that token", field="token")


class SessionVerbs:
    """Over the sessions that run here and those that are on record."""

    def __init__(
        self, registry: SessionRegistry, catalogue: CataloguedPlane | None, clock: Callable[[], float] = time.time
    ) -> None:
        """Without a `catalogue` most verbs raise `UnavailableError`."""
        self._registry = registry
        self._catalogue = catalogue
        self._clock = clock
        self.door = Doorkeeper(registry, catalogue)

    @property
    def kept(self) -> CataloguedPlane:
        if self._catalogue is None:
            raise UnavailableError("this service keeps no sessions")
        return self._catalogue

    # --- looking ---

    async def find(self, session_id: str) -> Session | SessionRow:
        """One that runs here, or ended here a while ago, or is on record. Raises `SessionNotFoundError`."""
        try:
            return self._registry.find(session_id, "session_id")
        except SessionNotFoundError:
            if self._catalogue is None:
                raise
            return await self.kept.call(lambda: self.kept.library.sessions.find(session_id))

    async def page(self, limit: int, cursor: str, states: Sequence[str]) -> tuple[Sequence[SessionRow], str]:
        """Of those that whoever asks may see."""
        sessions, asker = self.kept.library.sessions, current()
        return await self.kept.call(lambda: sessions.page(limit, cursor, states or None, asker))

    async def tree(self, session_id: str) -> Sequence[TreeNode]:
        """Without those that whoever asks may not see."""
        sessions, asker = self.kept.library.sessions, current()
        return await self.kept.call(lambda: sessions.tree(session_id, asker))

    async def difference(self, session_id: str, other_id: str) -> Difference:
        return await self.kept.call(lambda: self.kept.library.difference(session_id, other_id))

    # --- while it runs ---

    async def running(self, session_id: str) -> Session:
        """Raises `SessionStateError` for one that does not run here, `SessionNotFoundError` for one unknown."""
        session = self._registry.running(session_id)
        if session is None:
            await self.find(session_id)
            raise SessionStateError("the session does not run; attach to it, or wake it", field="session_id")
        return session

    @property
    def keeps_worlds(self) -> bool:
        return self._catalogue is not None

    async def saved_world(self, world_id: str) -> WorldRow:
        """Raises `WorldNotFoundError`."""
        return await self.kept.call(lambda: self.kept.library.world(world_id))

    async def park(self, session_id: str) -> None:
        """Does nothing for one that is parked."""
        session = self._registry.running(session_id)
        if session is not None:
            await session.park()
        elif (await self._row(session_id)).state != "parked":
            raise SessionEndedError("the session has ended", field="session_id")

    async def end(self, session_id: str) -> Session | SessionRow:
        """For good, whether it runs or is parked. Does nothing for one that has ended."""
        session = self._registry.running(session_id)
        if session is not None:
            session.end(REQUESTED)
            await session.wait_closed()
            if session.state is not State.PARKED:  # else it was on its way there already
                return session
        found = await self.find(session_id)
        if isinstance(found, Session) or found.state == "ended":
            return found
        if found.state != "parked":
            raise SessionStateError("another gateway runs the session", field="session_id")
        # Whoever wakes it meanwhile has another epoch: then it is refused.
        await self.kept.call(lambda: self.kept.library.sessions.end(session_id, found.lease.epoch, REQUESTED))
        return await self._row(session_id)

    # --- new sessions from old ---

    async def fork(self, session_id: str, chunk_idx: int | None, label: str) -> Session:
        """From a past chunk, or from now: of a session that runs, its next boundary."""
        started_s = self._clock()
        self._registry.check_open()
        if chunk_idx is None:
            moment = await self._now(session_id, is_kept=False)
        else:
            await self.check_own(session_id, chunk_idx)
            moment = await self._past(session_id, chunk_idx)
        return await self._begin(moment, label, started_s)

    async def check_own(self, session_id: str, chunk_idx: int) -> None:
        """Raises `ChunkUnknownError` for a chunk of another tenant's session that this one came from."""
        first_idx = await self.kept.call(lambda: self.kept.library.sessions.own_beginning(session_id))
        if chunk_idx < first_idx:
            raise ChunkUnknownError(f"the session begins at chunk {first_idx}", field="chunk_index")

    async def load(self, world: WorldRow) -> Session:
        started_s = self._clock()
        self._registry.check_open()
        if world.session_id is None:
            raise WorldNotFoundError("the world is of an early version that kept no moment", field="world_id")
        moment = SessionMoment(
            session_id=world.session_id, chunk_idx=world.chunk_idx, epoch=world.epoch, world_id=world.world_id
        )
        return await self._begin(moment, f"{world.name} {world.version}", started_s)

    async def save(self, session_id: str, name: str, note: str, licence: str = "") -> WorldRow:
        """Keep a moment under a name, with the session's licence where none is given. Raises
        `StorageUnavailableError`: then the session plays on unsaved."""
        await self._registry.desk.check_storage()
        moment = await self._now(session_id, is_kept=True)
        row = await self._row(session_id)
        new = NewWorld(
            world_id=new_world_id(),
            name=name,
            session_id=session_id,
            epoch=row.lease.epoch if moment.epoch is None else moment.epoch,
            chunk_idx=moment.chunk_idx,
            num_bytes=moment.num_bytes,
            model=row.model,
            weights_sha256=row.weights_sha256,
            spec=row.spec,
            note=note,
            ownership=replace(row.ownership, owner_id=current().subject_id, licence=licence or row.ownership.licence),
        )
        return await self.kept.call(lambda: self.kept.library.worlds.add(new))

    async def export(self, session_id: str, *, is_portable: bool) -> tuple[bytes, int]:
        """This moment of a session that runs, as a file, and the first chunk that is made from it."""
        session = await self.running(session_id)
        if session.arrivals.num_arrived == 0:  # its first boundary comes when a client does
            raise SessionStateError("the session has not begun; attach to it first", field="session_id")
        taken = await session.link.snapshot(is_portable=is_portable)
        kind = PORTABLE if is_portable else EXACT
        label = label_of(session.identity.ownership, self.kept.info, session.identity.world)
        data = await asyncio.to_thread(lambda: labelled(to_bytes(unpack(taken.data), self.kept.info, kind), label))
        return data, taken.chunk_idx

    async def bring_in(self, data: bytes, name: str, note: str, licence: str = "") -> WorldRow:
        """Keep a moment that was sent as a file. Raises `SnapshotRefusedError`."""
        await self._registry.desk.check_storage()
        owner = Ownership.of(current(), licence=licence)
        return await self.kept.call(lambda: self.kept.library.bring_in(data, name, note, self.kept.info, owner))

    # --- taking away ---

    async def delete(self, session_id: str) -> None:
        """Raises `SessionStateError` for one that runs."""
        if self._registry.running(session_id) is not None:
            raise SessionStateError("the session is running; end it or park it first", field="session_id")
        attempts = AsyncRetrying(
            stop=stop_after_delay(LET_GO_TIMEOUT_S),
            wait=wait_fixed(LET_GO_POLL_S),
            retry=retry_if_exception_type(SessionHeldError),
            reraise=True,
        )
        if self._registry.recorder is not None:  # what is still on its way to the store is deleted with the rest
            await self._registry.recorder.flush(session_id)
        async for attempt in attempts:
            with attempt:
                await self.kept.call(lambda: self.kept.library.delete_session(session_id))
        self._registry.forget(session_id)

    async def delete_world(self, world_id: str) -> None:
        await self.kept.call(lambda: self.kept.library.delete_world(world_id))

    # --- share links ---

    async def share(self, session_id: str, scope: str, lifetime_s: float) -> tuple[ShareRow, str]:
        """Gives the link and its token."""
        library, expires_s, maker = self.kept.library, self._clock() + lifetime_s, current()

        def create() -> tuple[ShareRow, str]:
            library.sessions.find(session_id)
            return library.shares.create(session_id=session_id, scope=scope, expires_s=expires_s, maker=maker)

        row, token = await self.kept.call(create)
        return row, SHARE_PREFIX + token

    async def open_share(self, token: str) -> tuple[ShareRow, Session, str]:
        """What the link leads to, and the token to attach with: the session itself, woken if need be, or one that
        leaves it."""
        share = await self._open(token)
        assert share.session_id is not None, "links lead to sessions"
        ask = self.door.fork if share.scope == FORK else self.door.session
        permission = Permission.KEEP if share.scope == FORK else Permission.SEE
        await ask(share.session_id, permission, "token", link_scope=share.scope, hidden=no_link())
        if share.scope == FORK:
            session = await self.fork(share.session_id, None, "from a share link")
            return share, session, session.identity.resume_token
        return share, await self._registry.wake(share.session_id, None), token

    async def enter(self, attach: AttachSpec) -> tuple[Session, AttachSpec]:
        """The session that a client attaches to, and as what. Raises `ResumeTokenInvalidError`,
        `ScopeExceededError`, and what waking a session does."""
        field = "attach.session_id"
        if not attach.resume_token.startswith(SHARE_PREFIX):
            permission = await self.door.first_allowed(attach.session_id, tuple(ROLE_BY_PERMISSION), field)
            session = await self._registry.authorize(attach.session_id, attach.resume_token, attach.shown_until)
            return session, attach.granted(ROLE_BY_PERMISSION[permission], is_link=False)
        share = await self._open(attach.resume_token)
        if share.session_id != attach.session_id or share.scope == FORK:
            raise ScopeExceededError("the link does not lead to this session", field="attach.resume_token")
        await self.door.session(attach.session_id, Permission.SEE, field, link_scope=share.scope)
        session = await self._registry.wake(attach.session_id, None, attach.shown_until)
        return session, attach.granted(ROLES[share.scope], is_link=True)

    async def check_stay(self, attach: AttachSpec) -> None:
        """Whether a client that entered still may be there, as what it is. Raises `NacreError` where not."""
        field = "attach.session_id"
        if not attach.resume_token.startswith(SHARE_PREFIX):
            await self.door.session(attach.session_id, PERMISSION_BY_ROLE[attach.role], field)
            return
        token = attach.resume_token.removeprefix(SHARE_PREFIX)
        share = await self.kept.call(lambda: self.kept.library.shares.check(token, self._clock()))
        await self.door.session(attach.session_id, Permission.SEE, field, link_scope=share.scope)

    async def _open(self, token: str) -> ShareRow:
        return await self.kept.call(
            lambda: self.kept.library.shares.open(token.removeprefix(SHARE_PREFIX), self._clock())
        )

    # --- moments ---

    async def _past(self, session_id: str, chunk_idx: int) -> SessionMoment:
        session = self._registry.running(session_id)
        if session is None:
            # The record says whether there is such a chunk.
            return SessionMoment(session_id=session_id, chunk_idx=chunk_idx)
        standing = await session.kept.standing()
        if chunk_idx > standing.next_chunk_idx:
            raise ChunkUnknownError(f"the session has made {standing.next_chunk_idx} chunks", field="chunk_index")
        return SessionMoment(session_id=session_id, chunk_idx=chunk_idx, epoch=standing.epoch)

    async def _now(self, session_id: str, *, is_kept: bool) -> SessionMoment:
        session = self._registry.running(session_id)
        if session is None:
            row = await self._row(session_id)
            return SessionMoment(session_id=session_id, chunk_idx=row.num_chunks, epoch=row.lease.epoch)
        if session.arrivals.num_arrived == 0:
            return SessionMoment(session_id=session_id, chunk_idx=0)
        taken = await session.link.snapshot(is_kept=is_kept)
        return SessionMoment(
            session_id=session_id,
            chunk_idx=taken.chunk_idx,
            epoch=session.kept.epoch,
            num_bytes=taken.num_bytes,
            snapshot=taken.data,
        )

    async def _begin(self, moment: SessionMoment, label: str, started_s: float) -> Session:
        await self._registry.check_budget()
        name = NewName.make(await self.kept.region_for(current().tenant_id))
        opened = await self._registry.desk.begin(
            name.session_id, lambda: self.kept.fork(name.session_id, name.token_sha256, moment, label)
        )
        return self._registry.begin(name, opened, started_s)

    async def _row(self, session_id: str) -> SessionRow:
        return await self.kept.call(lambda: self.kept.library.sessions.find(session_id))
