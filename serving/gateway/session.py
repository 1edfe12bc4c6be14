"""One session as its gateway holds it: who controls it, what is under way, and when it ends."""

from __future__ import annotations

import asyncio
import functools
import hmac
import logging
import secrets
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager

from model.interface import ModelInfo
from nacre.v1 import session_pb2
from serving.access.principal import current
from serving.admission.grant import Grant
from serving.books.accounts import SessionAccount
from serving.errors import (
    CapacityExhaustedError,
    ControlNotWaitingError,
    NacreError,
    SessionControlledError,
    SessionEndedError,
    UnavailableError,
)
from serving.export.session_recorder import SessionRecorder
from serving.gateway.arbitration import Policy
from serving.gateway.arrivals import Arrival, ArrivalQueue
from serving.gateway.audience import Audience, Client, Member
from serving.gateway.broadcast import Broadcast
from serving.gateway.config import GatewayConfig
from serving.gateway.controls import ControlBook
from serving.gateway.floor import Floor
from serving.gateway.handover import HandVerb
from serving.gateway.media_channel import Codecs
from serving.gateway.metrics import GatewayMetrics
from serving.gateway.roles import Role
from serving.gateway.session_identity import SessionIdentity
from serving.gateway.session_message import session_message
from serving.gateway.session_state import State, entered
from serving.gateway.timing import Wish, plan
from serving.gateway.unanswered import answers
from serving.gateway.validation import AttachSpec
from serving.sessions.attribution import Schedule
from serving.sessions.contract import (
    Accepted,
    Applied,
    Cancel,
    Control,
    DecodedChunk,
    KeptLink,
    LeaveAsked,
    LinkEnded,
    LinkEvent,
    Outcome,
    QualityChanged,
    Rejected,
    Rewound,
    SessionLink,
)
from serving.sessions.names import token_sha256

logger = logging.getLogger(__name__)

PARKED = "PARKED"


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
        media_executor: Executor | None = None,
    ) -> None:
        """`media_executor`: threads to encode in; the loop's own when left out."""
        self.identity = identity
        self.info = info
        self.state = State.READY
        self.end_reason = ""
        self.arrivals = ArrivalQueue(config.window_chunks, identity.first_chunk_idx)
        self.controls = ControlBook(config.max_pending_controls)
        self._link = link
        self._config = config
        self._metrics = metrics
        self._clock = clock
        # There can be no more untold outcomes than pending controls, each with two.
        self._audience = Audience(2 * config.max_pending_controls)
        self._broadcast = Broadcast(info, self.arrivals, self._audience, config, media_executor, clock)
        self.floor = Floor(Policy(identity.world.arbitration), self._audience, link, config, clock)
        self._num_delivered = identity.first_chunk_idx  # chunks that left for somebody who drives
        self.grant = Grant()  # what it was let in with
        self.is_paused = False
        self.quality: QualityChanged | None = None  # while it gets less than all of its worker
        self.account: SessionAccount | None = None  # where the service keeps books
        self.recording: SessionRecorder | None = None  # where it keeps what is shown
        self._is_unattended = asyncio.Event()  # for longer than the grace time
        self._has_ended = asyncio.Event()
        self._is_closed = asyncio.Event()
        # One that has a past is kept, not given up.
        expire = self._is_unattended.set if identity.first_chunk_idx else functools.partial(self.end, "ABANDONED")
        self._expiry = asyncio.get_running_loop().call_later(config.ready_grace_s, expire)

    @property
    def end_s(self) -> float | None:
        """When the operator's policy ends it, or the credential's of whoever began it (time.time)."""
        limits_s = [limit_s for limit_s in (self._config.max_session_s, self.identity.max_seconds) if limit_s]
        return self.identity.create_s + min(limits_s) if limits_s else None

    @property
    def has_ended(self) -> bool:
        """For this gateway; one that is parked can be woken."""
        return self.state in (State.ENDED, State.PARKED)

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

    async def run(self) -> None:
        """Host the session until it ends; then free its slots."""
        try:
            async with asyncio.TaskGroup() as tasks:
                running = [
                    tasks.create_task(self._pump_events()),
                    tasks.create_task(self._park_unattended()),
                    tasks.create_task(self._broadcast.run(self.refill)),
                    tasks.create_task(self.floor.run()),
                ]
                if self.account is not None:
                    running.append(tasks.create_task(self.account.follow(self)))
                if self.end_s is not None:
                    running.append(tasks.create_task(self._end_in_time(self.end_s)))
                await self._has_ended.wait()
                for task in running:
                    task.cancel()
        finally:
            self.end("SERVICE_STOPPING")  # of no effect unless cancelled from outside
            self._write_usage()
            await self._close_link()
            self._is_closed.set()

    async def wait_closed(self) -> None:
        """Returns when the session has ended and its slots are free, or were given up on."""
        await self._is_closed.wait()

    def end(self, reason: str) -> None:
        """End the session, for `reason` (an EndReason without its prefix). Safe to call twice."""
        if self.has_ended:
            return
        self._enter(State.PARKED if reason == PARKED else State.ENDED)
        self.end_reason = reason
        self._expiry.cancel()
        self.floor.close()
        self._has_ended.set()
        self._metrics.session_ended(reason)
        self.arrivals.clear()
        # Those of one that is parked take effect when it wakes.
        for control_id in self.controls.pending_ids if reason != PARKED else ():
            self._tell(Rejected(control_id=control_id, reason="SESSION_ENDED", message="the session has ended"))
        self._audience.wake()

    def warn_of_end(self, reason: str, time_left_s: float) -> None:
        """Tell the client that the session will end; without one it ends now."""
        if not self._audience.players:
            self.end(reason)
        self._audience.go_away(reason, time_left_s)

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
        """Let a client see the session, and drive it where its role lets it. Raises SessionEndedError,
        SessionControlledError or CapacityExhaustedError."""
        if self.has_ended:
            raise SessionEndedError("the session has ended", field="attach.session_id")
        if len(self._audience.members) >= self._config.max_clients:
            raise CapacityExhaustedError(f"{self._config.max_clients} clients are attached to the session already")
        is_first = not spec.role.looks_on and not self._audience.players
        if not spec.role.looks_on and not is_first and self.floor.policy is Policy.SINGLE and not spec.stands_by:
            raise SessionControlledError("another client controls the session", field="attach.session_id")
        seat = self._broadcast.take_seat(Codecs(spec.video_codec, spec.audio_codec), spec.credit, is_anew=is_first)
        member = Member(
            client=client,
            seat=seat,
            role=spec.role,
            client_id=spec.client_id or f"client-{secrets.token_hex(4)}",
            is_named=bool(spec.client_id),
            subject_id=current().subject_id,
            joined_s=self._clock(),
        )
        if is_first:
            self._begin_play()
        self.floor.enter(member)
        if spec.role is Role.PLAYER:
            self._metrics.client_attached()
        self._broadcast.wake()
        return member

    def _begin_play(self) -> None:
        """Somebody drives again."""
        self._enter(State.RUNNING)
        self._expiry.cancel()
        self._is_unattended.clear()
        self._broadcast.attached_s = self._clock()

    def detach(self, member: Member) -> None:
        """A client is gone. Without any who drive, the session waits for one for the grace time."""
        self.floor.leave(member)
        self._broadcast.leave_seat(member.seat)
        if self.has_ended:  # what was on the way to it when the last row was written
            self._write_usage()
        if member.role.looks_on:
            return
        self._metrics.client_detached()
        if not self.has_ended and not self._audience.players:
            self._enter(State.DETACHED)
            loop = asyncio.get_running_loop()
            self._expiry = loop.call_later(self._config.detach_grace_s, self._is_unattended.set)

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

    def note_delivered(self, chunk_idx: int) -> bool:
        """A chunk left for a client that drives. Whether it is the first to have it."""
        is_first = chunk_idx >= self._num_delivered
        self._num_delivered = max(self._num_delivered, chunk_idx + 1)
        return is_first

    async def send(self, control: Control, member: Member) -> None:
        """Give an admitted control to the worker. Its outcomes go to whoever sent it."""
        if self.has_ended:
            raise SessionEndedError("the session has ended")
        await self.floor.send(control, member)
        if self.recording is not None:
            self.recording.said(control)

    def check(self, member: Member, kind: object, schedule: Schedule | None) -> None:
        """Whether a client may send it now. Raises as `Hands.check` does, and `ControlNotWaitingError`."""
        self.floor.hands.check(member, kind, is_scheduled=schedule is not None)
        if isinstance(kind, Cancel):
            sender = self._audience.sender(kind.control_id)
            # Of what was sent before this gateway had the session nobody knows here whose it is: those who play may.
            is_own = member.role is Role.PLAYER if sender is None else member.is_same_as(sender)
            if not is_own:
                raise ControlNotWaitingError("the control is not this client's", field="control.cancel.control_id")

    async def answers(self, member: Member, control_ids: Sequence[str]) -> list[Outcome]:
        """As `serving.gateway.unanswered.answers`."""
        return await answers(control_ids, member, self.controls, self._audience, self._link, self.info)

    def hand_over(self, member: Member, control_id: str, verb: HandVerb, received_s: float) -> None:
        """Ask for control, give it or take it: answered at once. Raises as `Hands.hand_over` does."""
        self.controls.admit(control_id, received_s, is_timed=False)
        try:
            self.floor.hand_over(member, verb)
        except NacreError:
            self.controls.forget(control_id)
            raise
        self._audience.note_sender(control_id, member)
        self._tell(Accepted(control_id=control_id))
        chunk_idx, info = self.arrivals.num_arrived, self.info
        self._tell(
            Applied(
                control_id=control_id,
                chunk_idx=chunk_idx,
                frame_idx=chunk_idx * info.frames_per_chunk,
                world_time_s=chunk_idx * info.chunk_duration_s,
            )
        )

    def forget(self, control_id: str) -> None:
        """It was admitted, and refused on the way to the worker."""
        self.controls.forget(control_id)
        self.floor.forget(control_id)

    def plan(self, wish: Wish | None) -> Schedule | None:
        """Raises `InvalidFieldError` or `PredecessorLostError`."""
        if wish is None:
            return None
        fate = self.controls.fate(wish.after_control_id)
        return plan(wish, self.arrivals.num_taken, self.info.chunk_duration_s, fate)

    async def refill(self, credit: int) -> None:
        """Let the worker as far ahead as the clients' `credit` reaches."""
        chunks = 0 if self.has_ended or self.is_paused else self.arrivals.grant(credit)
        if chunks:
            await self._link.grant(chunks)

    def to_message(self) -> session_pb2.Session:
        return session_message(self)

    def _enter(self, state: State) -> None:
        self.state = entered(self.identity.session_id, self.state, state)

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
                self._broadcast.wake()
            case _:
                self._on_outcome(event)

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

    async def _end_in_time(self, end_s: float) -> None:
        """As the operator's policy has it, and not without a word before."""
        warn_s = max(self._clock(), end_s - self._config.warn_before_limit_s)
        await asyncio.sleep(warn_s - self._clock())
        self._audience.go_away("TIME_LIMIT", end_s - self._clock())
        await asyncio.sleep(end_s - self._clock())
        self.end("TIME_LIMIT")

    async def _park_unattended(self) -> None:
        """Keep a session that its client left, where it can be kept, and free its slots."""
        while True:
            await self._is_unattended.wait()
            self._is_unattended.clear()
            if self._audience.players:
                continue
            if not isinstance(self._link, KeptLink):
                self.end("ABANDONED")
                return
            try:
                await self._link.park()
            except NacreError as error:
                logger.warning("session %s cannot be parked: %s", self.identity.session_id, error.message)
                self.end("ABANDONED")

    def _on_outcome(self, outcome: Outcome) -> None:
        for each in self.floor.read(outcome):
            self._tell(each)

    def _tell(self, outcome: Outcome) -> None:
        if self.controls.settle(outcome):
            self._metrics.control_outcome(type(outcome).__name__.lower())
        elif not self.identity.first_chunk_idx:  # else it may have come by way of the gateway before this one
            logger.error("session %s: outcome of unknown control %s", self.identity.session_id, outcome.control_id)
            return
        self._audience.tell(outcome)
        if self.recording is not None:
            self.recording.heard(outcome)

    async def _close_link(self) -> None:
        try:
            async with asyncio.timeout(self._config.close_timeout_s):
                await self._link.close()
        except Exception:  # the session is over either way; the workers free what nobody renews
            logger.exception("session %s: its workers did not close it", self.identity.session_id)
            self._metrics.error("UNAVAILABLE")
