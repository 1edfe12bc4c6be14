"""What a worker knows of its own pace: how long its steps take, where it stands on its ladder, and whether there is
time for one session more. Pure but for what it remembers; its engine's lock guards it."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from serving.engine.overload import Level, OverloadConfig, Pressure, Standing, decide
from serving.engine.schedule import Runnable, ScheduleConfig, load
from serving.engine.step_times import StepTimes
from serving.errors import WorkerSaturatedError

logger = logging.getLogger(__name__)


class Load:
    def __init__(self, config: OverloadConfig, schedule: ScheduleConfig, max_load: float) -> None:
        """`max_load`: the share of the time that steps of all sessions may take; 0 asks nobody."""
        self._config = config.for_chunks_of(schedule.chunk_duration_s)
        self._schedule = schedule
        self._max_load = max_load
        self._standing = Standing()
        # By the quality that they were stepped with: a level's times say nothing of another's.
        self._times = {level.quality: StepTimes() for level in config.ladder}

    @property
    def level_idx(self) -> int:
        return self._standing.level_idx

    @property
    def level(self) -> Level:
        return self._config.ladder[self._standing.level_idx]

    @property
    def times(self) -> StepTimes:
        """Of steps at this level."""
        return self._times[self.level.quality]

    def check(self, num_sessions: int) -> None:
        """Raises `WorkerSaturatedError` when there is no time for so many."""
        if not self._max_load:
            return
        share = load(num_sessions, 1.0, self._schedule, self._times[1.0])
        if share is not None and share > self._max_load:
            taken = f"{share:.0%} of the time, and may take {self._max_load:.0%}"
            raise WorkerSaturatedError(f"steps of {num_sessions} sessions would take {taken}")

    def look(self, runnables: Iterable[Runnable], num_sessions: int, now_s: float) -> bool:
        """Go down the ladder, or up, where it is time to; whether the level became another."""
        before = self._standing.level_idx
        behind_s = max((now_s - each.start_s for each in runnables), default=0.0)
        load_above = None
        if before:
            above = self._config.ladder[before - 1]
            load_above = load(num_sessions, above.rate, self._schedule, self._times[above.quality])
        pressure = Pressure(behind_s=behind_s, load_above=load_above)
        self._standing = decide(self._standing, pressure, now_s, self._config)
        if self._standing.level_idx == before:
            return False
        level = self.level
        logger.warning("quality %g, rate %g from now on; %.2f s behind", level.quality, level.rate, behind_s)
        return True
