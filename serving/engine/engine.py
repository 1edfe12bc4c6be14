"""The step loop: one thread owns the model; everybody else leaves word and goes on.

`Engine` does one round at a time and never waits; `EngineThread` calls it and sleeps
in between. A round runs what others asked for (open, close, snapshot) and then the one
batch that is due: drain, journal, step, hand over. The journal is committed beside the
step, once for all sessions; outcomes are told when it is durable, and a chunk says how
many come before it, so that nobody sees a chunk before its cause is on record.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial

from model.interface import ChunkControls, ChunkLatents, ClosableState, ModelInfo, SessionState, Transformer
from serving.engine import schedule
from serving.engine.load import Load
from serving.engine.metrics import NoStageMetrics, StageMetrics
from serving.engine.overload import OverloadConfig
from serving.engine.schedule import Pace, Runnable, ScheduleConfig
from serving.engine.script import Script
from serving.engine.session import EngineSession, SessionSink, open_session
from serving.engine.slots import Slots
from serving.errors import (
    CapacityExhaustedError,
    NacreError,
    SessionEndedError,
    SessionFencedError,
    SessionNotFoundError,
    SnapshotDamagedError,
    WorkerUnavailableError,
)
from serving.sessions.contract import Accepted, Notice, QualityChanged, SnapshotRequest
from serving.sessions.encoded import EncodedControl, Opening
from serving.sessions.journal import JournalStore
from serving.sessions.snapshot import EngineSnapshot

logger = logging.getLogger(__name__)

STAGE = "transformer"


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineConfig:
    num_slots: int = 2
    # Directives and images that may wait for a boundary, per session.
    max_waiting_instructions: int = 64
    # Chunks between the snapshots that are stored of every session on record; 0 for none.
    snapshot_every_chunks: int = 0
    # Refuse a session, although there is a slot, when steps of all would take more than this share of the time, as
    # they were measured; 0 asks for slots alone.
    max_load: float = 0.0
    overload: OverloadConfig = field(default_factory=OverloadConfig)

    def __post_init__(self) -> None:
        if self.num_slots < 1 or self.max_waiting_instructions < 1:
            raise ValueError("num_slots and max_waiting_instructions must be at least 1")
        if self.snapshot_every_chunks < 0:
            raise ValueError(f"snapshot_every_chunks must not be negative, got {self.snapshot_every_chunks}")
        if self.max_load < 0:
            raise ValueError(f"max_load must not be negative, got {self.max_load}")


@dataclass(frozen=True, slots=True, kw_only=True)
class StepWork:
    """One session's part of a batch, taken under the lock and run without it."""

    session: EngineSession
    controls: ChunkControls
    due_s: float  # engine's clock


class Engine:
    """All methods but `run_round` may be called from any thread and return at once."""

    def __init__(
        self,
        transformer: Transformer,
        info: ModelInfo,
        *,
        config: EngineConfig,
        schedule_config: ScheduleConfig,
        journals: JournalStore,
        metrics: StageMetrics | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.info = info
        self.config = config
        self.woken = threading.Condition()  # notified when there may be something to do
        self.has_word = False  # set with it
        self._transformer = transformer
        self._schedule = schedule_config
        self._journals = journals
        self._metrics = metrics or NoStageMetrics()
        self._clock = clock
        self._wall_clock = wall_clock
        self._lock = threading.RLock()
        self._commands: deque[Callable[[], None]] = deque()
        self._sessions: dict[str, EngineSession] = {}
        self._slots = Slots(config.num_slots)
        self._load = Load(config.overload, schedule_config, config.max_load)
        self._busy_since_s: float | None = None
        self._is_leaving = False

    # --- from any thread ---

    def reserve(self, session_id: str) -> None:
        """Keep a slot for a session that will open. Raises `CapacityExhaustedError`, and of these
        `WorkerSaturatedError` where a slot is free and there is no time for another session."""
        with self._lock:
            # A session that plays here is to go on elsewhere: it finds no room here either.
            if self._is_leaving and (session_id in self._sessions or session_id not in self._slots):
                raise CapacityExhaustedError("the worker takes no new session")
            if session_id not in self._slots and self._slots.num_used < self._slots.num_slots:
                self._load.check(self._slots.num_used + 1)
            self._slots.allocate(session_id)
            self._report_slots()

    def release(self, session_id: str) -> None:
        """Give back a slot that was reserved and not opened."""
        with self._lock:
            if session_id not in self._sessions:
                self._slots.free(session_id)
                self._report_slots()

    def open(
        self,
        opening: Opening,
        sink: SessionSink,
        snapshot: EngineSnapshot | None = None,
        script: Script | None = None,
    ) -> Future[int]:
        """Open in a slot, or go on from `snapshot`, doing again what is in `script`. Gives the index of the first
        chunk to be delivered; that of a new session is generated at once and handed over with its first credit.
        Raises `CapacityExhaustedError`."""
        self.reserve(opening.session_id)
        opened: Future[int] = Future()
        opened.set_running_or_notify_cancel()  # whoever waits may give up; we answer nevertheless
        self._leave_word(lambda: self._open(opening, sink, snapshot, script, opened))
        return opened

    def post(self, session_id: str, control: EncodedControl) -> None:
        """Journal a control and let it wait for the next boundary. The sink hears that it was accepted as soon as that
        is durable. Raises `SessionNotFoundError`."""
        with self._lock:
            session = self._session(session_id)
            outcomes = session.post(control, self.info)
            session.untold += outcomes
            # Not with what happens at the next boundary, which may be a step away.
            self._journals.commit({session_id: session.telling()})
        self._count(outcomes)

    def grant(self, session_id: str, chunks: int) -> None:
        """Let a session generate that many more chunks. Raises `SessionNotFoundError`."""
        with self._lock:
            session = self._session(session_id)
            is_resumed = session.credit == 0 and chunks > 0
            session.credit += chunks
            if is_resumed:
                now_s = self._clock()
                rate, others = self._load.level.rate, self._paces_beside(session)
                session.pace = schedule.resumed(
                    session.pace, session.next_chunk_idx, now_s, self._schedule, rate, others
                )
        if is_resumed:
            self._wake()

    def take_snapshot(self, session_id: str, request: SnapshotRequest) -> None:
        """At a boundary after the first chunk was handed over. The sink gets it. Raises `SessionNotFoundError`."""
        with self._lock:
            self._session(session_id).snapshot_requests.append(request)
        self._wake()

    def ask_to_leave(self) -> int:
        """Take no new session, and ask those there are to go on elsewhere. Gives their number."""
        with self._lock:
            self._is_leaving = True
            sessions = list(self._sessions.values())
        for session in sessions:
            session.sink.leave()
        return len(sessions)

    def accept_again(self) -> None:
        """Take new sessions after `ask_to_leave`. Those that were asked and have not gone yet may still go."""
        with self._lock:
            self._is_leaving = False

    def close(self, session_id: str) -> None:
        """Free a session's slot. Its sink hears nothing more. Does nothing for one that is gone."""
        with self._lock:
            session = self._sessions.pop(session_id, None)
            if session is not None:  # before the slot is free: whoever takes it opens after this
                self._leave_word(partial(self._close_state, session.state))
            self._slots.free(session_id)
            self._report_slots()
        if session is not None:
            self._journals.discard(session_id)

    def end_all(self, reason: str, message: str) -> None:
        with self._lock:
            sessions = list(self._sessions.values())
        for session in sessions:
            self._end(session, reason, message)

    @property
    def num_used_slots(self) -> int:
        with self._lock:
            return self._slots.num_used

    @property
    def state_bytes(self) -> int:
        """What its sessions hold in the transformer."""
        with self._lock:
            return sum(session.state.num_bytes for session in self._sessions.values())

    @property
    def is_leaving(self) -> bool:
        """Whether it takes no new session."""
        return self._is_leaving

    @property
    def busy_for_s(self) -> float:
        """How long the round that runs now has been running; 0 while idle."""
        since_s = self._busy_since_s
        return 0.0 if since_s is None else self._clock() - since_s

    # --- from the one thread that owns the model ---

    def run_round(self) -> float | None:
        """Do what is due. Gives the seconds until something will be, 0 when something may be already, and
        None when nothing will until word is left."""
        self._busy_since_s = self._clock()
        try:
            self._run_commands()
            work, lag_s, wait_s = self._take_batch()
            if work:
                self._step(work, lag_s)
        finally:
            self._busy_since_s = None
        return wait_s

    def _run_commands(self) -> None:
        while self._commands:
            self._commands.popleft()()

    def _take_batch(self) -> tuple[list[StepWork], float, float | None]:
        with self._lock:
            now_s = self._clock()
            for session in self._sessions.values():
                self._hand_over_prepared(session)
                self._hand_over_snapshots(session)
                if session.is_catching_up:
                    session.pace = Pace(anchor_s=now_s, chunk_idx=session.next_chunk_idx, rate=self._load.level.rate)
            runnables = self._runnables()
            is_changed = self._load.look(runnables, len(self._sessions), now_s)
            if has_slipped := schedule.is_slipping(runnables, now_s, self._schedule):
                self._slip(now_s)
            if is_changed:
                self._change_rate()
            if has_slipped or is_changed:
                runnables = self._runnables()
            plan = schedule.plan(runnables, now_s, self._schedule, self._load.times)
            work = [self._take_work(self._sessions[session_id]) for session_id in plan.batch]
            if work or any(each.untold and each.credit == 0 for each in self._sessions.values()):
                self._commit()
            for each in work:
                each.session.num_outcomes_before = each.session.num_outcomes
        lag_s = max((now_s + self._schedule.delivery_lead_s - each.due_s for each in work), default=0.0)
        return work, lag_s, None if plan.wake_s is None else max(0.0, plan.wake_s - now_s)

    def _runnables(self) -> list[Runnable]:
        return [
            Runnable(session.session_id, session.pace.start_s(session.next_chunk_idx, self._schedule))
            for session in self._sessions.values()
            if (session.credit > 0 or session.is_catching_up) and session.pace is not None
        ]

    def _slip(self, now_s: float) -> None:
        """Sessions that are late go on from now: their worlds lose time."""
        for session in self._sessions.values():
            if session.pace is None or session.credit == 0:
                continue
            pace = schedule.caught_up(session.pace, session.next_chunk_idx, now_s, self._schedule, is_slipping=True)
            if pace is not session.pace:
                session.pace = pace
                self._metrics.session_slipped()

    def _paces_beside(self, session: EngineSession) -> list[Pace]:
        """Of the others that run."""
        return [each.pace for each in self._sessions.values() if each is not session and each.credit > 0 and each.pace]

    def _change_rate(self) -> None:
        """As the level has it, from their next chunks on; what else it takes they are given with those."""
        self._metrics.degraded(self._load.level_idx)
        for session in self._sessions.values():
            if session.pace is not None:
                session.pace = session.pace.at_rate(self._load.level.rate, session.next_chunk_idx, self._schedule)

    def _take_work(self, session: EngineSession) -> StepWork:
        assert session.pace is not None, "a session with credit has a pace"
        if session.given != self._load.level and session.is_settled:
            session.give(self._load.level, self._wall_clock())
        work = StepWork(
            session=session,
            controls=self._take_controls(session),
            due_s=session.pace.due_s(session.next_chunk_idx, self._schedule),
        )
        if not session.is_catching_up:
            session.credit -= 1
        session.next_chunk_idx += 1
        return work

    def _take_controls(self, session: EngineSession) -> ChunkControls:
        """Those on record for a chunk that is, and those that wait for any other."""
        if session.script is not None and session.is_scripted:
            return session.script.at(session.next_chunk_idx)
        drained = session.mailbox.drain(session.next_chunk_idx)
        session.write(drained.lost)
        outcomes = (*drained.lost, *session.applied(drained.applied, self.info))
        session.untold += outcomes
        self._count(outcomes)
        return drained.controls

    def _commit(self) -> None:
        """Make all that happened durable, in one go, and tell of it then."""
        telling = [session for session in self._sessions.values() if session.untold]
        if telling:
            self._journals.commit({session.session_id: session.telling() for session in telling})

    def _step(self, work: Sequence[StepWork], lag_s: float) -> None:
        started_s = self._clock()
        try:
            chunks = self._transformer.step([each.session.state for each in work], [each.controls for each in work])
        except Exception:
            logger.exception("the transformer failed on %d sessions", len(work))
            self._metrics.stage_failed(STAGE)
            for each in work:
                self._lose(each.session.session_id, "the model failed")
            return
        seconds = self._clock() - started_s
        self._load.times.note(len(work), seconds)
        self._metrics.stage_seconds(STAGE, seconds)
        self._metrics.batch_stepped(len(work), lag_s)
        for each, latents in zip(work, chunks, strict=True):
            self._hand_over(each.session, latents, each.due_s, seconds)

    def _hand_over(self, session: EngineSession, latents: ChunkLatents, due_s: float, seconds: float) -> None:
        with self._lock:
            if self._sessions.get(session.session_id) is not session:
                return  # closed while it was stepped
            due_wall_s = self._wall_clock() + due_s - self._clock()
            chunk = session.chunk(latents, due_wall_s, {STAGE: seconds})
        session.sink.chunk(chunk)

    def _hand_over_prepared(self, session: EngineSession) -> None:
        if session.prepared is None or session.credit == 0:
            return
        assert session.pace is not None, "a session with credit has a pace"
        latents, session.prepared = session.prepared, None
        due_s = session.pace.due_s(latents.chunk_idx, self._schedule)
        session.credit -= 1
        session.next_chunk_idx = latents.chunk_idx + 1
        self._hand_over(session, latents, due_s, 0.0)

    def _hand_over_snapshots(self, session: EngineSession) -> None:
        for request in session.take_due_snapshots(self.config.snapshot_every_chunks):
            session.sink.snapshot(session.snapshot(request), request)

    def _open(
        self,
        opening: Opening,
        sink: SessionSink,
        snapshot: EngineSnapshot | None,
        script: Script | None,
        opened: Future[int],
    ) -> None:
        try:
            on_lost = partial(self._lose_or_refuse, opening.session_id, opened)
            session = open_session(
                self._transformer,
                self._journals,
                sink,
                opening,
                snapshot,
                self.config.max_waiting_instructions,
                on_lost,
                script,
            )
        except Exception as error:
            logger.exception("session %s could not be opened", opening.session_id)
            self._metrics.stage_failed(STAGE)
            self.release(opening.session_id)
            opened.set_exception(_why_not(error, is_restored=snapshot is not None))
            return
        with self._lock:
            is_wanted = opening.session_id in self._slots  # else closed meanwhile
            if is_wanted:
                self._sessions[opening.session_id] = session
                self._report_state_bytes()
                next_chunk_idx = session.next_chunk_idx if script is None else script.deliver_from
                self._journals.commit({session.session_id: lambda _: opened.set_result(next_chunk_idx)})
            else:
                self._journals.discard(opening.session_id)
                self._close_state(session.state)
        if not is_wanted:
            opened.set_exception(SessionEndedError("the session was closed while it opened"))

    def _lose_or_refuse(self, session_id: str, opened: Future[int], message: str) -> None:
        if not opened.done():
            opened.set_exception(SessionFencedError(message))
        self._lose(session_id, message)

    def _end(self, session: EngineSession, reason: str, message: str) -> None:
        with self._lock:
            if self._sessions.get(session.session_id) is not session:
                return
            outcomes = session.mailbox.reject_all("SESSION_ENDED", message)
            for outcome in outcomes:
                session.journal.reject(outcome.control_id, outcome.reason)
            session.untold += outcomes
            tell = session.telling()

            def tell_and_end(is_durable: bool) -> None:
                tell(is_durable)
                session.sink.ended(reason, message)

            self._journals.commit({session.session_id: tell_and_end})
            self.close(session.session_id)
        self._count(outcomes)

    def _lose(self, session_id: str, message: str) -> None:
        """Another worker has the session, or will: its controls are that one's to settle."""
        with self._lock:
            session = self._sessions.get(session_id)
            self.close(session_id)
        if session is not None:
            session.sink.ended("WORKER_LOST", message)

    def _session(self, session_id: str) -> EngineSession:
        try:
            return self._sessions[session_id]
        except KeyError:
            raise SessionNotFoundError(f"no session {session_id} on this worker") from None

    # --- small things ---

    def _leave_word(self, command: Callable[[], None]) -> None:
        self._commands.append(command)
        self._wake()

    def _wake(self) -> None:
        with self.woken:
            self.has_word = True
            self.woken.notify()

    def _close_state(self, state: SessionState) -> None:
        """On the thread that owns the model, after the step that the session may be in."""
        if isinstance(state, ClosableState):
            state.close()
        self._report_state_bytes()

    def _report_state_bytes(self) -> None:
        self._metrics.state_bytes(self.state_bytes)

    def _report_slots(self) -> None:
        self._metrics.slots(self._slots.num_used, self._slots.num_slots)

    def _count(self, outcomes: Sequence[Notice]) -> None:
        for outcome in outcomes:
            if not isinstance(outcome, Accepted | QualityChanged):
                self._metrics.control_settled(type(outcome).__name__.lower())


def _why_not(error: Exception, *, is_restored: bool) -> NacreError:
    """A model says with a ValueError that a snapshot is none of its own."""
    if is_restored and isinstance(error, ValueError):
        return SnapshotDamagedError(f"the model cannot use the snapshot: {error}")
    return WorkerUnavailableError(f"the model could not open the session: {error}")
