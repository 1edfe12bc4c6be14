"""Which sessions have room in the transformer's memory, where there are more of them than it has room for.

A session that plays has room from its chunk's beginning to its end. One that rests (paused, or waiting for credit)
gives its room up after a while, or as soon as another needs it; its state lies with the host then, and goes back
without a snapshot when it plays again. If more play than there is room for, they take turns: whose next chunk begins
last makes room.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from model.interface import ParkingTransformer, SessionState
from serving.engine.metrics import StageMetrics
from serving.engine.roster import Roster
from serving.engine.session import EngineSession

# A person who looks away for this long is not about to go on at once; parking takes well under a second.
PARK_AFTER_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidenceConfig:
    num_resident: int
    park_after_s: float = PARK_AFTER_S

    def __post_init__(self) -> None:
        if self.num_resident < 1 or self.park_after_s < 0:
            raise ValueError("num_resident must be at least 1, and park_after_s not negative")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resident:
    """One that has room."""

    key: int
    rest_s: float | None  # for how long it has had nothing to do; None while it has, infinite for one that is over
    next_start_s: float = 0.0  # when its next chunk is to begin, if it has something to do

    @property
    def rank(self) -> tuple[float, float]:
        """Who can do without its room best comes first."""
        return (0.0, -self.next_start_s) if self.rest_s is None else (-1.0 - self.rest_s, 0.0)


def who_leaves(residents: Sequence[Resident], staying: Collection[int], num_wanted: int, num_room: int) -> list[int]:
    """Who makes room for so many more: whoever has rested longest, then whose next chunk begins last."""
    num_leaving = len(residents) + num_wanted - num_room
    if num_leaving <= 0:
        return []
    others = sorted((each for each in residents if each.key not in staying), key=lambda each: each.rank)
    return [each.key for each in others[:num_leaving]]


def who_rests(residents: Sequence[Resident], park_after_s: float) -> list[int]:
    """Who has rested for so long that nobody has to ask."""
    return [each.key for each in residents if each.rest_s is not None and each.rest_s >= park_after_s]


class Residence:
    """Used by the one thread that owns the model."""

    def __init__(
        self,
        transformer: ParkingTransformer,
        roster: Roster,
        metrics: StageMetrics,
        config: ResidenceConfig,
        clock: Callable[[], float],
        next_start_s: Callable[[EngineSession], float],
    ) -> None:
        """`next_start_s`: of a session's next chunk, if it may step."""
        self._transformer, self._roster, self._metrics, self._config = transformer, roster, metrics, config
        self._clock, self._next_start_s = clock, next_start_s
        # By identity: another session may come to have the id of one that is being closed.
        self._residents: dict[int, SessionState] = {}
        self._parked: dict[int, SessionState] = {}
        self._resting_since_s: dict[int, float] = {}

    def opened(self, state: SessionState) -> None:
        """It took room that `make_room` made."""
        self._residents[id(state)] = state

    def closed(self, state: SessionState) -> None:
        """It has room no more, and no memory with the host either."""
        for each in (self._residents, self._parked, self._resting_since_s):
            each.pop(id(state), None)
        self._report()

    def make_room(self, num_wanted: int = 1, staying: Collection[int] = ()) -> None:
        """For so many more, none of those in `staying` leaving."""
        if len(self._residents) + num_wanted > self._config.num_resident:
            for key in who_leaves(self._looked_at(), staying, num_wanted, self._config.num_resident):
                self._park(key)

    def wake(self, states: Sequence[SessionState]) -> None:
        """Those of them that are parked: they are about to step."""
        parked = [state for state in states if id(state) in self._parked]
        if not parked:
            return
        started_s = time.perf_counter()
        self.make_room(len(parked), {id(state) for state in states})
        for state in parked:
            self._transformer.wake(state)
            self._residents[id(state)] = self._parked.pop(id(state))
        self._metrics.sessions_woken(len(parked), time.perf_counter() - started_s)
        self._report()

    def wake_early(self, state: SessionState) -> None:
        """One that will step soon, where that takes nobody's room who plays."""
        if id(state) not in self._parked:
            return
        residents = self._looked_at()
        if len(residents) < self._config.num_resident or any(each.rest_s is not None for each in residents):
            self.wake([state])

    def rest(self) -> float | None:
        """Let those go who have rested for long. Gives the seconds until the next of them will have; None if none."""
        residents = self._looked_at()
        for key in who_rests(residents, self._config.park_after_s):
            self._park(key)
        since_s = self._resting_since_s.values()
        return min((since_s + self._config.park_after_s - self._clock() for since_s in since_s), default=None)

    def _park(self, key: int) -> None:
        state = self._residents[key]
        self._transformer.park(state)
        del self._residents[key]
        self._parked[key] = state
        self._resting_since_s.pop(key, None)
        self._report()

    def _looked_at(self) -> list[Resident]:
        """Who has room, and since when they rest."""
        now_s = self._clock()
        with self._roster.lock:
            here = {id(session.state): session for session in self._roster.all}
            return [self._resident(key, here.get(key), now_s) for key in self._residents]

    def _resident(self, key: int, session: EngineSession | None, now_s: float) -> Resident:
        if session is None:  # about to be closed
            return Resident(key=key, rest_s=math.inf)
        if session.can_step:
            self._resting_since_s.pop(key, None)
            return Resident(key=key, rest_s=None, next_start_s=self._next_start_s(session))
        return Resident(key=key, rest_s=now_s - self._resting_since_s.setdefault(key, now_s))

    def _report(self) -> None:
        self._metrics.parked(len(self._parked), sum(state.num_bytes for state in self._parked.values()))
