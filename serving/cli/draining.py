"""Waiting until a worker has let go of its sessions."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from serving.catalogue.workers import DRAINED, LOST, Workers
from serving.errors import WorkerNotFoundError

POLL_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class DrainEnd:
    """How it came out."""

    worker_id: str
    state: str  # as the worker was seen last, or ENDED
    num_left: int
    session_ids: tuple[str, ...]  # of those that are left, as far as the catalogue tells by now

    @property
    def is_drained(self) -> bool:
        return self.state in (DRAINED, ENDED)


ENDED = "ended"  # it stopped meanwhile, in order: its sessions had to go


def wait_drained(
    workers: Workers,
    worker_id: str,
    timeout_s: float,
    on_progress: Callable[[int], None],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> DrainEnd:
    """Returns when the worker holds nothing, is lost, or the time is over. `on_progress` hears how many are left.
    Raises `StorageUnavailableError`."""
    give_up_s = clock() + timeout_s
    while True:
        end = _look(workers, worker_id)
        on_progress(end.num_left)
        if end.is_drained or end.state == LOST or clock() >= give_up_s:
            return end
        sleep(POLL_S)


def _look(workers: Workers, worker_id: str) -> DrainEnd:
    try:
        row = workers.find(worker_id)
    except WorkerNotFoundError:
        return DrainEnd(worker_id=worker_id, state=ENDED, num_left=0, session_ids=())
    left = tuple(workers.sessions_of(worker_id))
    return DrainEnd(worker_id=worker_id, state=row.state, num_left=row.num_used_slots, session_ids=left)
