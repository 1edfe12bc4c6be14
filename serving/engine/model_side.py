"""The transformer as its engine calls it, on the one thread that owns the model: room, steps, and their times."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from model.interface import ClosableState, ModelInfo, ParkingTransformer, SessionState, Transformer
from serving.engine.boundary import STAGE, Boundary, StepWork
from serving.engine.config import EngineConfig
from serving.engine.load import Load
from serving.engine.metrics import StageMetrics
from serving.engine.pacing import Pacing
from serving.engine.residence import Residence, ResidenceConfig
from serving.engine.roster import Roster

logger = logging.getLogger(__name__)


class ModelSide:
    def __init__(
        self,
        transformer: Transformer,
        info: ModelInfo,
        *,
        config: EngineConfig,
        roster: Roster,
        pacing: Pacing,
        load: Load,
        boundary: Boundary,
        metrics: StageMetrics,
        clock: Callable[[], float],
    ) -> None:
        """Raises ValueError where there is not room for all slots and the transformer cannot park."""
        self._transformer, self._roster, self._load, self._boundary = transformer, roster, load, boundary
        self._metrics, self._clock = metrics, clock
        self._residence: Residence | None = None
        if config.is_short_of_room:
            if not isinstance(transformer, ParkingTransformer):
                raise ValueError(f"{info.name} cannot park sessions: it needs room for all {config.num_slots}")
            rooms = ResidenceConfig(num_resident=config.num_resident, park_after_s=config.park_after_s)
            self._residence = Residence(transformer, roster, metrics, rooms, clock, pacing.start_s)

    @property
    def is_short_of_room(self) -> bool:
        return self._residence is not None

    def make_room(self) -> None:
        """For one that is about to open."""
        if self._residence is not None:
            self._residence.make_room()

    def opened(self, state: SessionState) -> None:
        """It has that room."""
        if self._residence is not None:
            self._residence.opened(state)

    def wake_early(self, state: SessionState) -> None:
        """It will step soon."""
        if self._residence is not None:
            self._residence.wake_early(state)

    def rest(self) -> float | None:
        """Park who has rested for long. Gives the seconds until another will have; None where nobody will."""
        return None if self._residence is None else self._residence.rest()

    def step(self, work: Sequence[StepWork], lag_s: float) -> bool:
        """Make a chunk of each and hand it over. False where the transformer failed."""
        states = [each.session.state for each in work]
        try:
            if self._residence is not None:
                self._residence.wake(states)
            started_s, cpu_started_s = self._clock(), time.thread_time()
            chunks = self._transformer.step(states, [each.controls for each in work])
        except Exception:
            logger.exception("the transformer failed on %d sessions", len(work))
            self._metrics.stage_failed(STAGE)
            return False
        seconds = self._clock() - started_s
        self._load.times.note(len(work), seconds)
        self._metrics.stage_called(STAGE, seconds, time.thread_time() - cpu_started_s)
        self._metrics.batch_stepped(len(work), lag_s)
        for each, latents in zip(work, chunks, strict=True):
            self._boundary.hand_over(each.session, latents, each.due_s, seconds)
        return True

    def close(self, state: SessionState) -> None:
        """After the step that the session may be in."""
        if isinstance(state, ClosableState):
            state.close()
        if self._residence is not None:
            self._residence.closed(state)
        self._roster.report_state_bytes()
