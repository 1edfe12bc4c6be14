"""The sessions of a gateway, by id."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from decimal import Decimal
from weakref import WeakValueDictionary

from model.interface import ModelInfo
from serving.access.ownership import Ownership
from serving.access.principal import current
from serving.admission.asking import asking
from serving.admission.desk import Desk
from serving.books.accounts import Accounts, Holder
from serving.errors import (
    NacreError,
    ResumeTokenInvalidError,
    SessionNotFoundError,
    UnavailableError,
    WorkerUnavailableError,
)
from serving.export.recorder import Recorder
from serving.gateway.config import GatewayConfig
from serving.gateway.lifetime import STOPPING
from serving.gateway.metrics import GatewayMetrics
from serving.gateway.session import Session
from serving.gateway.session_identity import SessionIdentity
from serving.gateway.session_state import State
from serving.sessions.contract import (
    ResumedSession,
    SessionLink,
    SessionResumer,
    SessionSpec,
    WorldPlane,
    WorldSpec,
)
from serving.sessions.names import new_session_id, token_sha256

logger = logging.getLogger(__name__)

# So many sessions that ended can still be asked about; older ones are not found.
REMEMBERED_ENDED_SESSIONS = 256
RESUME_TOKEN_BYTES = 24
QUOTA = "QUOTA"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NewName:
    session_id: str
    resume_token: str  # empty where it is not known
    token_sha256: bytes

    @classmethod
    def make(cls, region: str = "") -> NewName:
        token = secrets.token_urlsafe(RESUME_TOKEN_BYTES)
        return cls(session_id=new_session_id(region), resume_token=token, token_sha256=token_sha256(token))


class SessionRegistry:
    """Opens sessions and hosts each in a task until it ends."""

    def __init__(
        self,
        plane: WorldPlane,
        config: GatewayConfig,
        metrics: GatewayMetrics,
        media_executor: Executor,
        clock: Callable[[], float] = time.time,
        is_traced: Callable[[str], bool] = lambda session_id: False,
        resumer: SessionResumer | None = None,
        desk: Desk | None = None,
    ) -> None:
        self._plane = plane
        self._config = config
        self._metrics = metrics
        self._clock = clock
        self._is_traced = is_traced
        self._resumer = resumer
        self._media_executor = media_executor
        self.desk = desk or Desk(None, config.admission)
        self.region_for: Callable[[str], Awaitable[str]] = _anywhere
        self.accounts: Accounts | None = None  # where the service keeps books
        self.recorder: Recorder | None = None  # where it keeps what is shown
        self._lock_by_id: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._running: dict[str, Session] = {}
        self._ended: dict[str, Session] = {}  # the oldest first
        self._tasks: asyncio.TaskGroup | None = None
        self._running_out: set[str] = set()
        self.desk.on_beat = self._run_out_in_time
        self._is_draining = False
        self._has_none = asyncio.Event()
        self._has_none.set()

    async def host(self, is_ready: asyncio.Event) -> None:
        """Own every session's task. Runs until drained, or until cancelled: then all sessions end."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            is_ready.set()
            await asyncio.Event().wait()

    async def open(self, world: WorldSpec, started_s: float) -> Session:
        """Raises what asking for a place does, and what opening a session does."""
        self.check_open()
        await self.check_budget()
        name = NewName.make(await self.region_for(current().tenant_id))
        spec = SessionSpec(
            session_id=name.session_id,
            world=world,
            is_traced=self._is_traced(name.session_id),
            resume_token_sha256=name.token_sha256,
            ownership=Ownership.of(current(), licence=world.licence, inputs=world.inputs),
        )
        link = await self.desk.begin(name.session_id, lambda: self._open_link(spec))
        world = dataclasses.replace(world, image_HWC=None)
        opened = ResumedSession(link=link, world=world, next_chunk_idx=0, ownership=spec.ownership)
        return self.begin(name, opened, started_s)

    def find(self, session_id: str, field: str) -> Session:
        session = self._running.get(session_id) or self._ended.get(session_id)
        if session is None:
            raise SessionNotFoundError("there is no session of that id", field=field)
        return session

    def running(self, session_id: str) -> Session | None:
        return self._running.get(session_id)

    def known(self, session_id: str) -> Session | None:
        """One that runs here, or ended here a while ago."""
        return self._running.get(session_id) or self._ended.get(session_id)

    def forget(self, session_id: str) -> None:
        """One that ended here, and is deleted."""
        self._ended.pop(session_id, None)

    async def authorize(self, session_id: str, resume_token: str, shown_until: int = 0) -> Session:
        """Also a session that is parked, or that a gateway before this one opened, as far as it is on record.
        `shown_until`: as `SessionResumer.resume`."""
        session = await self.wake(session_id, resume_token, shown_until)
        if not session.is_token(resume_token):
            raise ResumeTokenInvalidError("the resume token does not fit the session", field="attach.resume_token")
        return session

    async def wake(self, session_id: str, resume_token: str | None, shown_until: int = 0) -> Session:
        """A session that runs, or that runs again. Without a token for those who may without."""
        parking = self._running.get(session_id)
        if parking is not None and parking.state is State.PARKED:
            await parking.wait_closed()
            await asyncio.sleep(0)  # for its host to let go of it
        if self._resumer is not None and not self._knows(session_id):
            lock = self._lock_by_id.setdefault(session_id, asyncio.Lock())
            async with lock:
                if not self._knows(session_id):  # another client may have come first
                    return await self._resume(self._resumer, session_id, resume_token, shown_until)
        return self.find(session_id, "attach.session_id")

    async def drain(self, time_left_s: float) -> None:
        """Take no new session or client, warn those there are, and let go of what is left when the time is up."""
        self._is_draining = True
        async with asyncio.TaskGroup() as stopping:
            for session in list(self._running.values()):
                stopping.create_task(self._stop(session, time_left_s))
        await self._has_none.wait()

    async def check_budget(self) -> None:
        """Raises `BudgetExhaustedError` for whoever cannot pay for one more session."""
        if self.accounts is not None:
            await self.accounts.admit()

    def check_open(self) -> None:
        if self._is_draining or self._tasks is None:
            raise UnavailableError("the service is stopping" if self._is_draining else "the service is not ready")

    def begin(self, name: NewName, opened: ResumedSession, started_s: float) -> Session:
        """Host a session whose link is there. It does not wait: a caller that goes away cannot leave the link
        unowned."""
        now_s = self._clock()
        identity = SessionIdentity(
            session_id=name.session_id,
            resume_token=name.resume_token,
            token_sha256=name.token_sha256,
            world=opened.world,
            is_traced=self._is_traced(name.session_id),
            create_s=now_s if opened.created_s is None else opened.created_s,
            open_seconds=now_s - started_s - asking().waited_s,
            first_chunk_idx=opened.next_chunk_idx,
            ownership=opened.ownership,
            world_id=opened.world_id,
            max_seconds=current().max_seconds,
        )
        return self._start(identity, opened.link)

    async def _resume(
        self, resumer: SessionResumer, session_id: str, resume_token: str | None, shown_until: int
    ) -> Session:
        self.check_open()
        await self.check_budget()
        started_s = self._clock()
        resumed = await self.desk.begin(session_id, lambda: resumer.resume(session_id, resume_token, shown_until))
        name = NewName(
            session_id=session_id,
            resume_token=resume_token or "",
            token_sha256=token_sha256(resume_token) if resume_token else resumed.resume_token_sha256,
        )
        return self.begin(name, resumed, started_s)

    def _run_out_in_time(self) -> None:
        """Sessions whose tenants have nearly used up their day."""
        for session_id, session in self._running.items():
            left_s = self.desk.left_s.get(session.grant.tenant_id)
            if left_s is None or left_s >= self._config.warn_before_limit_s:
                continue
            if session_id not in self._running_out and self._tasks is not None:
                self._running_out.add(session_id)
                self._tasks.create_task(self._run_out(session, left_s))

    async def _run_out(self, session: Session, left_s: float) -> None:
        """Warn of the end, and keep what there is; unless the tenant may have more by then."""
        session.announce_end(QUOTA, left_s)
        await asyncio.sleep(left_s)
        self._running_out.discard(session.identity.session_id)
        if session.has_ended or self.desk.left_s.get(session.grant.tenant_id, left_s + 1) > left_s:
            return
        try:
            await session.park()
        except NacreError as error:
            logger.warning("session %s cannot be parked: %s", session.identity.session_id, error.message)
            session.end(QUOTA)

    def _knows(self, session_id: str) -> bool:
        return session_id in self._running or session_id in self._ended

    def _start(self, identity: SessionIdentity, link: SessionLink) -> Session:
        session_id = identity.session_id
        metrics = self._metrics.of(identity.ownership.tenant_id)
        session = Session(identity, self._plane.info, link, self._config, metrics, self._clock, self._media_executor)
        session.grant = self.desk.grant(session_id)
        if self.accounts is not None:
            session.account = self.accounts.open(_holder(identity, self._plane.info))
        if self.recorder is not None:
            session.flow.recording = self.recorder.open(session_id, identity.world.text, self._plane.info)
        self._running[session_id] = session
        self._has_none.clear()
        metrics.session_opened()
        assert self._tasks is not None
        self._tasks.create_task(self._host(session), name=session_id)
        if self._is_draining:  # it began while this one was on its way
            session.end(STOPPING)
        return session

    async def _open_link(self, spec: SessionSpec) -> SessionLink:
        try:
            async with asyncio.timeout(self._config.open_timeout_s):
                return await self._plane.open(spec)
        except TimeoutError:
            raise WorkerUnavailableError("the workers did not open the session in time") from None

    async def _stop(self, session: Session, time_left_s: float) -> None:
        try:
            await session.stop(time_left_s)
        except Exception:  # a defect in one session must not keep the others from being kept
            logger.exception("session %s was not stopped in order", session.identity.session_id)
            session.end(STOPPING)

    async def _host(self, session: Session) -> None:
        try:
            await session.run()
        except Exception:  # a defect in one session must not end the others
            logger.exception("session %s failed", session.identity.session_id)
            self._metrics.of(session.identity.ownership.tenant_id).error("INTERNAL")
        finally:
            self._retire(session)

    def _retire(self, session: Session) -> None:
        session_id = session.identity.session_id
        del self._running[session_id]
        if session.recording is not None:
            session.recording.close()
        self.desk.left(session_id)
        if session.state is not State.PARKED:  # else the record knows it from here on
            self._remember(session)
        if not self._running:
            self._has_none.set()

    def _remember(self, session: Session) -> None:
        self._ended[session.identity.session_id] = session
        if len(self._ended) > REMEMBERED_ENDED_SESSIONS:
            oldest_id = next(iter(self._ended))
            del self._ended[oldest_id]


async def _anywhere(tenant_id: str) -> str:
    return ""


def _holder(identity: SessionIdentity, info: ModelInfo) -> Holder:
    max_cost = current().max_cost
    return Holder(
        session_id=identity.session_id,
        tenant_id=identity.ownership.tenant_id,
        subject_id=identity.ownership.owner_id,
        model=info.name,
        frame_rate=info.frame_rate,
        world_id=identity.world_id or "",
        first_chunk_idx=identity.first_chunk_idx,
        max_cost=None if max_cost is None else Decimal(str(max_cost)),
    )
