"""A worker's thread that says every second that the worker lives, and hears whether it is to go.

While the catalogue is away nothing is said and nothing is heard: what plays goes on, and a worker that drains goes on
draining.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import asdict, dataclass
from typing import Protocol

from serving.catalogue.database import Database
from serving.catalogue.workers import DRAINED, DRAINING, UP, WorkerBeat, Workers
from serving.errors import StorageUnavailableError

logger = logging.getLogger(__name__)

# An operator who drains a worker waits this long for it to begin; ten of them missed make a worker lost.
BEAT_S = 1.0
# A catalogue that does not answer does not keep a worker from ending.
STOP_TIMEOUT_S = 2.0


class Drainable(Protocol):
    """An engine, as far as the fleet cares."""

    @property
    def is_leaving(self) -> bool: ...

    @property
    def num_used_slots(self) -> int: ...

    @property
    def state_bytes(self) -> int: ...

    def ask_to_leave(self) -> int: ...

    def accept_again(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerIdentity:
    """What does not change of a worker."""

    worker_id: str
    model: str
    weights_sha256: str
    num_slots: int


class Pulse:
    """One beat after the other."""

    def __init__(self, workers: Workers, identity: WorkerIdentity, engine: Drainable) -> None:
        self._workers = workers
        self._identity = identity
        self._engine = engine
        self._started_s = time.time()
        self._wanted = UP

    def beat(self) -> None:
        """Tell what the worker holds, do what is wanted of it, and tell again what became different by that. Raises
        `StorageUnavailableError`."""
        wanted = self._workers.beat(self._state())
        if wanted == DRAINED:
            # Again and again: a session that found no room elsewhere stayed.
            self._engine.ask_to_leave()
        elif self._wanted == DRAINED:
            self._engine.accept_again()
        if wanted != self._wanted:
            self._wanted = wanted
            self._workers.beat(self._state())

    def end(self) -> None:
        """Say that the worker is gone. Raises `StorageUnavailableError`."""
        self._workers.forget(self._identity.worker_id)

    def _state(self) -> WorkerBeat:
        is_leaving, num_used_slots = self._engine.is_leaving, self._engine.num_used_slots
        leaving = DRAINING if num_used_slots else DRAINED
        return WorkerBeat(
            **asdict(self._identity),
            num_used_slots=num_used_slots,
            state_bytes=self._engine.state_bytes,
            state=leaving if is_leaving else UP,
            started_s=self._started_s,
        )


class BeatThread:
    """Use `start` and `stop`."""

    def __init__(self, catalogue_url: str, identity: WorkerIdentity, engine: Drainable, beat_s: float = BEAT_S) -> None:
        self._catalogue_url = catalogue_url
        self._identity = identity
        self._engine = engine
        self._beat_s = beat_s
        self._is_away = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="beat", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Say that the worker is gone. Safe to call twice."""
        self._stopping.set()
        self._thread.join(STOP_TIMEOUT_S)

    def _run(self) -> None:
        with Database(self._catalogue_url) as database:
            pulse = Pulse(Workers(database), self._identity, self._engine)
            while not self._stopping.is_set():
                self._beat(pulse)
                self._stopping.wait(self._beat_s)
            try:
                pulse.end()
            except StorageUnavailableError as error:
                logger.warning("the worker stays listed until it is taken for lost: %s", error)

    def _beat(self, pulse: Pulse) -> None:
        try:
            pulse.beat()
        except StorageUnavailableError as error:
            if not self._is_away:
                logger.warning("the catalogue is away, nobody hears of this worker: %s", error)
            self._is_away = True
        else:
            self._is_away = False
