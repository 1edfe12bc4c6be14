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
from dataclasses import replace
from functools import partial

from model.interface import ModelInfo, Transformer
from serving.engine.boundary import STAGE, Boundary, StepWork
from serving.engine.config import EngineConfig
from serving.engine.load import Load
from serving.engine.metrics import NoStageMetrics, StageMetrics
from serving.engine.model_side import ModelSide
from serving.engine.pacing import Pacing
from serving.engine.roster import Roster
from serving.engine.schedule import ScheduleConfig
from serving.engine.script import Script
from serving.engine.session import EngineSession, SessionSink, open_session
from serving.errors import (
    NacreError,
    SessionEndedError,
    SessionFencedError,
    SnapshotDamagedError,
    WorkerUnavailableError,
)
from serving.sessions.contract import SnapshotRequest
from serving.sessions.encoded import EncodedControl, Opening
from serving.sessions.journal import JournalStore
from serving.sessions.receipts import receipts_per_row
from serving.sessions.snapshot import EngineSnapshot

logger = logging.getLogger(__name__)


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
        self._journals = journals
        self._metrics = metrics or NoStageMetrics()
        self._clock = clock
        self._commands: deque[Callable[[], None]] = deque()
        self._roster = Roster(config.num_slots, self._metrics)
        self._lock = self._roster.lock
        if config.is_short_of_room:  # whoever steps has room
            sizes = tuple(size for size in schedule_config.batch_sizes if size <= config.num_resident)
            schedule_config = replace(schedule_config, batch_sizes=sizes)
        self._load = Load(config.overload, schedule_config, config.max_load)
        self._pacing = Pacing(self._roster, self._load, schedule_config, self._metrics)
        self._boundary = Boundary(
            roster=self._roster,
            pacing=self._pacing,
            load=self._load,
            info=info,
            journals=journals,
            metrics=self._metrics,
            clock=clock,
            wall_clock=wall_clock,
            snapshot_every_chunks=config.snapshot_every_chunks,
        )
        self._model = ModelSide(
            transformer,
            info,
            config=config,
            roster=self._roster,
            pacing=self._pacing,
            load=self._load,
            boundary=self._boundary,
            metrics=self._metrics,
            clock=clock,
        )
        self._busy_since_s: float | None = None

    # --- from any thread ---

    def reserve(self, session_id: str) -> None:
        """Keep a slot for a session that will open. Raises `CapacityExhaustedError`, and of these
        `WorkerSaturatedError` where a slot is free and there is no time for another session."""
        self._roster.reserve(session_id, self._load.check)

    def release(self, session_id: str) -> None:
        """Give back a slot that was reserved and not opened."""
        self._roster.release(session_id)

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
            session = self._roster.get(session_id)
            outcomes = session.post(control, self.info)
            session.untold += outcomes
            # Not with what happens at the next boundary, which may be a step away.
            self._journals.commit({session_id: session.telling()})
        self._boundary.count(outcomes)

    def grant(self, session_id: str, chunks: int) -> None:
        """Let a session generate that many more chunks. Raises `SessionNotFoundError`."""
        with self._lock:
            session = self._roster.get(session_id)
            is_resumed = session.credit == 0 and chunks > 0
            session.credit += chunks
            if is_resumed:
                self._pacing.resume(session, self._clock())
        if is_resumed and self._model.is_short_of_room:
            self._leave_word(partial(self._model.wake_early, session.state))
        elif is_resumed:
            self._wake()

    def take_snapshot(self, session_id: str, request: SnapshotRequest) -> None:
        """At a boundary after the first chunk was handed over. The sink gets it. Raises `SessionNotFoundError`."""
        with self._lock:
            self._roster.get(session_id).snapshot_requests.append(request)
        self._wake()

    def ask_to_leave(self) -> int:
        """Take no new session, and ask those there are to go on elsewhere. Gives their number."""
        with self._lock:
            self._roster.is_leaving = True
            sessions = self._roster.all
        for session in sessions:
            session.sink.leave()
        return len(sessions)

    def accept_again(self) -> None:
        """Take new sessions after `ask_to_leave`. Those that were asked and have not gone yet may still go."""
        with self._lock:
            self._roster.is_leaving = False

    def close(self, session_id: str) -> None:
        """Free a session's slot. Its sink hears nothing more. Does nothing for one that is gone."""
        with self._lock:
            session = self._roster.remove(session_id)
            if session is not None:  # before the slot is free: whoever takes it opens after this
                self._leave_word(partial(self._model.close, session.state))
            self._roster.free(session_id)
        if session is not None:
            self._journals.discard(session_id)

    def end_all(self, reason: str, message: str) -> None:
        with self._lock:
            sessions = self._roster.all
        for session in sessions:
            self._end(session, reason, message)

    @property
    def num_used_slots(self) -> int:
        return self._roster.num_used_slots

    @property
    def state_bytes(self) -> int:
        """What its sessions hold in the transformer."""
        return self._roster.state_bytes

    @property
    def is_leaving(self) -> bool:
        """Whether it takes no new session."""
        return self._roster.is_leaving

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
            work, lag_s, wait_s = self._boundary.take_batch()
            if work:
                self._step(work, lag_s)
            if (rest_s := self._model.rest()) is not None:
                wait_s = rest_s if wait_s is None else min(wait_s, rest_s)
        finally:
            self._busy_since_s = None
        return wait_s

    def _run_commands(self) -> None:
        while self._commands:
            self._commands.popleft()()

    def _step(self, work: Sequence[StepWork], lag_s: float) -> None:
        if not self._model.step(work, lag_s):
            for each in work:
                self._lose(each.session.session_id, "the model failed")

    def _open(
        self,
        opening: Opening,
        sink: SessionSink,
        snapshot: EngineSnapshot | None,
        script: Script | None,
        opened: Future[int],
    ) -> None:
        try:
            self._model.make_room()
            on_lost = partial(self._lose_or_refuse, opening.session_id, opened)
            cpu_started_s = time.thread_time()
            session = open_session(
                self._transformer,
                self._journals,
                sink,
                opening,
                snapshot,
                self.config.max_waiting_instructions,
                on_lost,
                script,
                receipts_per_row(self.info.chunk_duration_s),
            )
        except Exception as error:
            logger.exception("session %s could not be opened", opening.session_id)
            self._metrics.stage_failed(STAGE)
            self.release(opening.session_id)
            opened.set_exception(_why_not(error, is_restored=snapshot is not None))
            return
        self._metrics.stage_opened(STAGE, time.thread_time() - cpu_started_s)
        self._model.opened(session.state)
        with self._lock:
            is_wanted = self._roster.is_wanted(opening.session_id)  # else closed meanwhile
            if is_wanted:
                self._roster.add(session)
                self._keep_pace(session)
                next_chunk_idx = session.next_chunk_idx if script is None else script.deliver_from
                self._journals.commit({session.session_id: lambda _: opened.set_result(next_chunk_idx)})
            else:
                self._journals.discard(opening.session_id)
                self._model.close(session.state)
        if not is_wanted:
            opened.set_exception(SessionEndedError("the session was closed while it opened"))

    def _keep_pace(self, session: EngineSession) -> None:
        """Of one that another worker handed over."""
        if (due_wall_s := session.opening.due_s) is not None:
            now_s = self._clock()
            self._pacing.hand_over(session, due_wall_s - self._boundary.wall_clock() + now_s, now_s)

    def _lose_or_refuse(self, session_id: str, opened: Future[int], message: str) -> None:
        if not opened.done():
            opened.set_exception(SessionFencedError(message))
        self._lose(session_id, message)

    def _end(self, session: EngineSession, reason: str, message: str) -> None:
        with self._lock:
            if not self._roster.has(session):
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
        self._boundary.count(outcomes)

    def _lose(self, session_id: str, message: str) -> None:
        """Another worker has the session, or will: its controls are that one's to settle."""
        with self._lock:
            session = self._roster.find(session_id)
            self.close(session_id)
        if session is not None:
            session.sink.ended("WORKER_LOST", message)

    # --- small things ---

    def _leave_word(self, command: Callable[[], None]) -> None:
        self._commands.append(command)
        self._wake()

    def _wake(self) -> None:
        with self.woken:
            self.has_word = True
            self.woken.notify()


def _why_not(error: Exception, *, is_restored: bool) -> NacreError:
    """A model says with a ValueError that a snapshot is none of its own."""
    if is_restored and isinstance(error, ValueError):
        return SnapshotDamagedError(f"the model cannot use the snapshot: {error}")
    return WorkerUnavailableError(f"the model could not open the session: {error}")
