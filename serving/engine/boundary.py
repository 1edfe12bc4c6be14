"""What happens to a session between two chunks: what it was told takes effect, and what it made is handed over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from model.interface import ChunkControls, ChunkLatents, ModelInfo
from serving.engine.load import Load
from serving.engine.metrics import StageMetrics
from serving.engine.pacing import Pacing
from serving.engine.roster import Roster
from serving.engine.session import EngineSession
from serving.sessions.contract import Accepted, Notice, QualityChanged
from serving.sessions.journal import JournalStore

STAGE = "transformer"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepWork:
    """One session's part of a batch, taken under the lock and run without it."""

    session: EngineSession
    controls: ChunkControls
    due_s: float  # engine's clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Boundary:
    """Of all sessions of a worker."""

    roster: Roster
    pacing: Pacing
    load: Load
    info: ModelInfo
    journals: JournalStore
    metrics: StageMetrics
    clock: Callable[[], float]
    wall_clock: Callable[[], float]
    snapshot_every_chunks: int

    def take_batch(self) -> tuple[list[StepWork], float, float | None]:
        """What steps now, how late it is, and the seconds until there is to be looked again: None when nothing will
        be due until word is left."""
        with self.roster.lock:
            now_s = self.clock()
            for session in self.roster.all:
                self._hand_over_prepared(session)
                self._hand_over_snapshots(session)
            plan = self.pacing.plan(now_s)
            work = [self._take_work(self.roster.get(session_id)) for session_id in plan.batch]
            if work or any(each.untold and each.credit == 0 for each in self.roster.all):
                self._commit()
            for each in work:
                each.session.num_outcomes_before = each.session.num_outcomes
        lag_s = max((self.pacing.lag_s(each.due_s, now_s) for each in work), default=0.0)
        return work, lag_s, None if plan.wake_s is None else max(0.0, plan.wake_s - now_s)

    def hand_over(self, session: EngineSession, latents: ChunkLatents, due_s: float, seconds: float) -> None:
        with self.roster.lock:
            if not self.roster.has(session):
                return  # closed while it was stepped
            due_wall_s = self.wall_clock() + due_s - self.clock()
            chunk = session.chunk(latents, due_wall_s, {STAGE: seconds})
        session.sink.chunk(chunk)

    def count(self, outcomes: Sequence[Notice]) -> None:
        for outcome in outcomes:
            if not isinstance(outcome, Accepted | QualityChanged):
                self.metrics.control_settled(type(outcome).__name__.lower())

    def _take_work(self, session: EngineSession) -> StepWork:
        if session.given != self.load.level and session.is_settled:
            session.give(self.load.level, self.wall_clock())
        work = StepWork(
            session=session,
            controls=self._take_controls(session),
            due_s=self.pacing.due_s(session, session.next_chunk_idx),
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
        self.count(outcomes)
        return drained.controls

    def _commit(self) -> None:
        """Make all that happened durable, in one go, and tell of it then."""
        telling = [session for session in self.roster.all if session.untold]
        if telling:
            self.journals.commit({session.session_id: session.telling() for session in telling})

    def _hand_over_prepared(self, session: EngineSession) -> None:
        if session.prepared is None or session.credit == 0:
            return
        latents, session.prepared = session.prepared, None
        due_s = self.pacing.due_s(session, latents.chunk_idx)
        session.credit -= 1
        session.next_chunk_idx = latents.chunk_idx + 1
        self.hand_over(session, latents, due_s, 0.0)

    def _hand_over_snapshots(self, session: EngineSession) -> None:
        for request in session.take_due_snapshots(self.snapshot_every_chunks):
            session.sink.snapshot(session.snapshot(request), request)
