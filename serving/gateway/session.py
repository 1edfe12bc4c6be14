"""One session as its gateway holds it: who controls it, what is under way, and when it ends."""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager, suppress

from model.interface import ModelInfo
from nacre.v1 import session_pb2
from serving.admission.grant import Grant
from serving.books.accounts import SessionAccount
from serving.errors import (
    NacreError,
    SessionEndedError,
    UnavailableError,
)
from serving.export.session_recorder import SessionRecorder
from serving.gateway.arbitration import Policy
from serving.gateway.arrivals import Arrival, ArrivalQueue
from serving.gateway.attendance import Attendance
from serving.gateway.audience import Audience, Client, Member
from serving.gateway.broadcast import Broadcast
from serving.gateway.config import GatewayConfig
from serving.gateway.control_flow import ControlFlow
from serving.gateway.controls import ControlBook
from serving.gateway.floor import Floor
from serving.gateway.lifetime import PARKED, STOPPING, Lifetime
from serving.gateway.metrics import GatewayMetrics
from serving.gateway.seats import Seat
from serving.gateway.session_identity import SessionIdentity
from serving.gateway.session_message import session_message
from serving.gateway.session_state import State
from serving.gateway.validation import AttachSpec
from serving.sessions.contract import (
    Control,
    DecodedChunk,
    KeptLink,
    LeaveAsked,
    LinkEnded,
    LinkEvent,
    Outcome,
    QualityChanged,
    Rewound,
    SessionLink,
)
from serving.sessions.names import token_sha256

logger = logging.getLogger(__name__)

# When its gateway stops: for a session to be kept with a last snapshot. After that it is on record without one.
KEEP_TIMEOUT_S = 5.0
# And before, for its clients to get what is made already, beyond the time that it takes to play.
LAST_CHUNKS_SLACK_S = 0.5


class Session:
    """Between a link to the workers and its clients. Outlives clients, not its gateway."""

    def __init__(
        self,
        identity: SessionIdentity,
        info: ModelInfo,
        link: SessionLink,
        config: GatewayConfig,
        metrics: GatewayMetrics,
        clock: Callable[[], float],
        media_executor: Executor,
    ) -> None:
        """`media_executor`: threads to encode in."""
        self.identity = identity
        self.info = info
        self.arrivals = ArrivalQueue(config.window_chunks, identity.first_chunk_idx)
        self.controls = ControlBook(config.max_pending_controls)
        self._link = link
        self._config = config
        self._metrics = metrics
        self._clock = clock
        # There can be no more untold outcomes than pending controls, each with two.
        self._audience = Audience(2 * config.max_pending_controls)
        self._broadcast = Broadcast(info, self.arrivals, self._audience, config, media_executor, clock)
        policy, chunk_s = Policy(identity.world.arbitration), info.chunk_duration_s
        self.floor = Floor(policy, self._audience, link, config, clock, self.arrivals, chunk_s)
        self.flow = ControlFlow(identity, info, self.arrivals, self._audience, self.floor, self.controls, metrics)
        self._lifetime = Lifetime(identity, config, self._audience, self.end, clock)
        self._attendance = Attendance(
            self._audience, self._broadcast, self.floor, self._lifetime, config, metrics, clock
        )
        self._num_delivered = identity.first_chunk_idx  # chunks that left for somebody who drives
        self.grant = Grant()  # what it was let in with
        self.is_paused = False
        self._is_stopping = False  # its gateway is: it makes no more chunks than it may already
        self._is_all_shown = asyncio.Event()  # then
        self.quality: QualityChanged | None = None  # while it gets less than all of its worker
        self.account: SessionAccount | None = None  # where the service keeps books

    @property
    def state(self) -> State:
        return self._lifetime.state

    @property
    def end_reason(self) -> str:
        return self._lifetime.end_reason

    @property
    def end_s(self) -> float | None:
        """When the operator's policy ends it, or the credential's of whoever began it (time.time)."""
        return self._lifetime.end_s

    @property
    def has_ended(self) -> bool:
        """For this gateway; one that is parked can be woken."""
        return self._lifetime.has_ended

    @property
    def attached_s(self) -> float:
        """When the last client came who found nobody driving."""
        return self._broadcast.attached_s

    @property
    def link(self) -> SessionLink:
        return self._link

    @property
    def kept(self) -> KeptLink:
        """Raises `UnavailableError` for a session that is not on record."""
        if not isinstance(self._link, KeptLink):
            raise UnavailableError("this service keeps no sessions")
        return self._link

    @property
    def recording(self) -> SessionRecorder | None:
        """None where the service does not keep what is shown."""
        return self.flow.recording

    async def run(self) -> None:
        """Host the session until it ends; then free its slots."""
        try:
            async with asyncio.TaskGroup() as tasks:
                running = [
                    tasks.create_task(self._pump_events()),
                    tasks.create_task(self._lifetime.park_unattended(self._link)),
                    tasks.create_task(self._broadcast.run(self.refill)),
                    tasks.create_task(self.floor.run()),
                ]
                if self.account is not None:
                    running.append(tasks.create_task(self.account.follow(self)))
                if self.end_s is not None:
                    running.append(tasks.create_task(self._lifetime.end_in_time(self.end_s)))
                await self._lifetime.ended.wait()
                for task in running:
                    task.cancel()
        finally:
            self.end(STOPPING)  # of no effect unless cancelled from outside
            self._write_usage()
            await self._close_link()
            self._lifetime.closed.set()

    async def wait_closed(self) -> None:
        """Returns when the session has ended and its slots are free, or were given up on."""
        await self._lifetime.closed.wait()

    def end(self, reason: str) -> None:
        """End the session, for `reason` (an EndReason without its prefix). Safe to call twice."""
        if self.has_ended:
            return
        is_kept = reason == PARKED or (reason == STOPPING and self._is_left())
        self._lifetime.over(STOPPING if is_kept and self._is_stopping else reason, is_kept=is_kept)
        self.floor.close()
        self._metrics.session_ended(self.end_reason)
        self.arrivals.clear()
        # Those of one that is kept take effect when it wakes.
        if not is_kept:
            self.flow.reject_pending("SESSION_ENDED", "the session has ended")
        self._audience.wake()

    async def stop(self, time_left_s: float) -> None:
        """Its gateway stops, after so long for whoever drives it. What is on record is kept, for another gateway to go
        on with; else it ends."""
        self.announce_end(STOPPING, time_left_s)
        is_driven = bool(self._audience.players)
        if is_driven and await self._lifetime.is_over_within(time_left_s):
            return
        if isinstance(self._link, KeptLink):
            await self._keep(self._link, is_driven=is_driven)
        self.end(STOPPING)

    async def _keep(self, link: KeptLink, *, is_driven: bool) -> None:
        """With a last snapshot, where there is time for one."""
        self._is_stopping = True
        self._broadcast.wake()
        last_chunks_s = self._config.window_chunks * self.info.chunk_duration_s + LAST_CHUNKS_SLACK_S
        try:
            if is_driven:
                with suppress(TimeoutError):  # of a client that takes no more
                    await asyncio.wait_for(self._is_all_shown.wait(), last_chunks_s)
            async with asyncio.timeout(KEEP_TIMEOUT_S):
                await link.park()
                await self._lifetime.ended.wait()
        except (NacreError, TimeoutError) as error:
            session_id = self.identity.session_id
            logger.warning("session %s is on record without a last snapshot: %s", session_id, error or "too slow")

    def _is_left(self) -> bool:
        """Whether somebody else can go on with it, now that this gateway does not."""
        if isinstance(self._link, KeptLink):
            self._link.leave()
            return True
        return False

    def _write_usage(self) -> None:
        if self.account is not None:
            self.account.write(self.epoch)

    @property
    def epoch(self) -> int:
        """Of whoever holds it now; 0 where nothing is kept of it."""
        return self._link.epoch if isinstance(self._link, KeptLink) else 0

    def announce_end(self, reason: str, time_left_s: float) -> None:
        self._audience.go_away(reason, time_left_s)

    def is_token(self, resume_token: str) -> bool:
        return hmac.compare_digest(token_sha256(resume_token), self.identity.token_sha256)

    def attach(self, client: Client, spec: AttachSpec) -> Member:
        """As `Attendance.enter`."""
        return self._attendance.enter(client, spec)

    def detach(self, member: Member) -> None:
        """A client is gone."""
        self._attendance.leave(member)
        if self.has_ended:  # what was on the way to it when the last row was written
            self._write_usage()

    # --- verbs ---

    def pause(self) -> None:
        """Let the workers make no more chunks than they may already."""
        self.is_paused = True

    def resume(self) -> None:
        self.is_paused = False
        self._broadcast.wake()

    async def park(self) -> None:
        """Keep it and free its slots. Raises `NacreError`: then it plays on."""
        await self.kept.park()
        await self.wait_closed()

    @contextmanager
    def joined(self, client: Client, spec: AttachSpec) -> Iterator[Member]:
        """A client that attached, until it leaves."""
        member = self.attach(client, spec)
        try:
            yield member
        finally:
            self.detach(member)

    def may_take(self) -> None:
        """A client that drives can take another chunk, or a further one may be made."""
        self._broadcast.wake()

    def show_whole(self, seat: Seat) -> None:
        """Let a keyframe come soon, for a client that cannot decode what comes."""
        self._broadcast.show_whole(seat)

    def note_delivered(self, chunk_idx: int) -> bool:
        """A chunk left for a client that drives. Whether it is the first to have it."""
        is_first = chunk_idx >= self._num_delivered
        self._num_delivered = max(self._num_delivered, chunk_idx + 1)
        return is_first

    async def send(self, control: Control, member: Member) -> None:
        """Give an admitted control to the worker. Its outcomes go to whoever sent it."""
        if self.has_ended:
            raise SessionEndedError("the session has ended")
        await self.flow.send(control, member)

    async def answers(self, member: Member, control_ids: Sequence[str]) -> list[Outcome]:
        """As `serving.gateway.unanswered.answers`."""
        return await self.flow.answers(member, control_ids, self._link)

    async def refill(self, credit: int) -> None:
        """Let the worker as far ahead as the clients' `credit` reaches."""
        if self._is_stopping and self.arrivals.are_all_taken:
            self._is_all_shown.set()
        is_still = self.has_ended or self.is_paused or self._is_stopping
        chunks = 0 if is_still else self.arrivals.grant(credit)
        if chunks:
            await self._link.grant(chunks)

    def to_message(self) -> session_pb2.Session:
        return session_message(self)

    async def _pump_events(self) -> None:
        try:
            async for event in self._link.events():
                self._on_event(event)
            if self.has_ended:
                return
            logger.error("session %s: the workers went silent", self.identity.session_id)
        except Exception:
            logger.exception("session %s: lost its workers", self.identity.session_id)
        self._metrics.error("UNAVAILABLE")
        self.end("WORKER_LOST")

    def _on_event(self, event: LinkEvent) -> None:
        match event:
            case LinkEnded():
                self.end(event.reason)
            case Rewound():
                self._on_rewound(event)
            case QualityChanged():
                self._on_quality(event)
            case LeaveAsked():
                logger.warning("session %s: its worker will stop, and it cannot move", self.identity.session_id)
            case DecodedChunk():
                if self.account is not None:
                    self.account.came(event.chunk_idx, event.frames_FHWC)
                self.arrivals.put(Arrival(event, self._clock()))
                self.floor.chunk_came()
                self._broadcast.wake()
            case _:
                self.flow.came(event)

    def _on_quality(self, event: QualityChanged) -> None:
        was = (1.0, 1.0) if self.quality is None else (self.quality.quality, self.quality.rate)
        if (event.quality, event.rate) == was:
            return  # another worker says again what is so
        self.quality = None if (event.quality, event.rate) == (1.0, 1.0) else event
        self._audience.quality_changed(event)

    def _on_rewound(self, event: Rewound) -> None:
        self.arrivals.rewind(event.chunk_idx)
        self.controls.rewind()
        self._num_delivered = event.chunk_idx
        self._broadcast.rewind()
        self._audience.rewound(event)

    async def _close_link(self) -> None:
        try:
            async with asyncio.timeout(self._config.close_timeout_s):
                await self._link.close()
        except Exception:  # the session is over either way; the workers free what nobody renews
            logger.exception("session %s: its workers did not close it", self.identity.session_id)
            self._metrics.error("UNAVAILABLE")
