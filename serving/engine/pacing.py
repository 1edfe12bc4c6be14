"""When the sessions of one worker step: their paces, and what becomes of them when it cannot keep up."""

from __future__ import annotations

import math

from serving.engine import schedule
from serving.engine.load import Load
from serving.engine.metrics import StageMetrics
from serving.engine.roster import Roster
from serving.engine.schedule import Pace, Plan, Runnable, ScheduleConfig
from serving.engine.session import EngineSession


class Pacing:
    """Its roster's lock guards it."""

    def __init__(self, roster: Roster, load: Load, config: ScheduleConfig, metrics: StageMetrics) -> None:
        self._roster, self._load, self._config, self._metrics = roster, load, config, metrics

    def resume(self, session: EngineSession, now_s: float) -> None:
        """It has credit again, or for the first time."""
        others = [each.pace for each in self._roster.all if each is not session and each.credit > 0 and each.pace]
        if session.is_handed_over and session.pace is not None:
            session.is_handed_over = False
            session.pace = schedule.taken_over(session.pace, now_s, self._config, others)
            return
        session.pace = schedule.resumed(
            session.pace, session.next_chunk_idx, now_s, self._config, self._load.level.rate, others
        )

    def hand_over(self, session: EngineSession, due_s: float, now_s: float) -> None:
        """Another worker made its next chunk due then."""
        rate = self._load.level.rate
        session.pace = schedule.handed_over(due_s, session.next_chunk_idx, now_s, self._config, rate)
        session.is_handed_over = True

    def plan(self, now_s: float) -> Plan:
        """Who steps now. Before that, whoever is too late slips, and all go down the ladder or up where it is time."""
        for session in self._roster.all:
            if session.is_catching_up:
                session.pace = Pace(anchor_s=now_s, chunk_idx=session.next_chunk_idx, rate=self._load.level.rate)
        runnables = self._runnables()
        is_changed = self._load.look(runnables, len(self._roster), now_s)
        if has_slipped := schedule.is_slipping(runnables, now_s, self._config):
            self._slip(now_s)
        if is_changed:
            self._change_rate()
        if has_slipped or is_changed:
            runnables = self._runnables()
        return schedule.plan(runnables, now_s, self._config, self._load.times)

    def due_s(self, session: EngineSession, chunk_idx: int) -> float:
        """By the engine's clock."""
        assert session.pace is not None, "a session with credit has a pace"
        return session.pace.due_s(chunk_idx, self._config)

    def start_s(self, session: EngineSession) -> float:
        """Of its next chunk, by the engine's clock; of one without a pace at once."""
        return -math.inf if session.pace is None else session.pace.start_s(session.next_chunk_idx, self._config)

    def lag_s(self, due_s: float, now_s: float) -> float:
        """By how much a step that begins now is behind its plan."""
        return now_s + self._config.delivery_lead_s - due_s

    def _runnables(self) -> list[Runnable]:
        return [
            Runnable(session.session_id, session.pace.start_s(session.next_chunk_idx, self._config))
            for session in self._roster.all
            if session.can_step and session.pace is not None
        ]

    def _slip(self, now_s: float) -> None:
        """Sessions that are late go on from now: their worlds lose time."""
        for session in self._roster.all:
            if session.pace is None or session.credit == 0:
                continue
            pace = schedule.caught_up(session.pace, session.next_chunk_idx, now_s, self._config, is_slipping=True)
            if pace is not session.pace:
                session.pace = pace
                self._metrics.session_slipped()

    def _change_rate(self) -> None:
        """As the level has it, from their next chunks on; what else it takes they are given with those."""
        self._metrics.degraded(self._load.level_idx)
        for session in self._roster.all:
            if session.pace is not None:
                session.pace = session.pace.at_rate(self._load.level.rate, session.next_chunk_idx, self._config)
