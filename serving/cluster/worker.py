"""The deployment of any stage worker: a `StageHost` in a replica."""

from __future__ import annotations

import dataclasses
import logging
import os

from model.interface import ModelInfo, Profile, Tuning
from serving.allocator import give_back_regularly
from serving.cluster.replica_port import bind_to_node
from serving.errors import CapacityExhaustedError
from serving.first_play import play_first
from serving.long_lived import settle
from serving.models import load_model
from serving.observing import WorkerObservation, observe_worker
from serving.stages.host import StageHost, WorkerConfig

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    model: str
    worker: WorkerConfig
    metrics_port: int
    profile: str = Profile.EXACT
    tuning: Tuning = dataclasses.field(default_factory=Tuning)


class StageWorker:
    """What Serve calls on a replica. Frames never pass here: they take the data server."""

    async def __init__(self, settings: WorkerSettings) -> None:
        bind_to_node()
        # Before torch is imported: OpenMP reads it once. The thread that steps is not the one that loads.
        os.environ["OMP_NUM_THREADS"] = str(settings.worker.num_threads)
        self._observation: WorkerObservation = observe_worker(settings.metrics_port)
        model = load_model(settings.model, settings.profile, settings.tuning)
        self._host = StageHost(model, settings.worker, metrics=self._observation.metrics)
        await self._host.load()
        await self._host.listen()
        await play_first(self._host)
        settle()
        give_back_regularly()

    def record_replica_metadata(self) -> dict[str, str]:
        """Serve hands this to whoever chooses a replica."""
        return {
            "address": self._host.address,
            "stream_address": self._host.stream_address,
            "metrics_address": self._observation.address,
        }

    async def describe(self) -> ModelInfo:
        return self._host.info

    async def addresses(self) -> dict[str, str]:
        return self.record_replica_metadata()

    async def reserve(self, session_id: str) -> bool:
        """Keep a slot for a session, where there are slots; whether there was one."""
        if self._host.transformer is None:
            return True
        try:
            self._host.transformer.reserve(session_id)
        except CapacityExhaustedError:
            return False
        return True

    async def check_health(self) -> None:
        self._host.check_health()

    async def drain(self) -> None:
        """End every session and stop serving."""
        await self._host.close()
