"""Workers in the catalogue: who said lately that it lives, what it holds, and what operators want of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import Any

from sqlalchemy import Row, bindparam, delete, select

from serving.catalogue.database import Database
from serving.catalogue.schema import sessions, workers
from serving.catalogue.sessions import OPEN
from serving.errors import InvalidFieldError, WorkerNotFoundError

UP, DRAINING, DRAINED, LOST = "up", "draining", "drained", "lost"
# Ten beats: a worker that is only slow, or a catalogue that is away for a moment, makes nobody lost.
LOST_AFTER_S = 10.0
# Long enough for an operator to see what became of a worker over night.
FORGOTTEN_AFTER_S = 24 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerBeat:
    """What a worker says of itself."""

    worker_id: str
    model: str
    weights_sha256: str
    num_slots: int
    num_used_slots: int
    state: str  # UP, DRAINING or DRAINED
    started_s: float  # time.time()
    state_bytes: int = 0  # of all its sessions, in the transformer


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerRow:
    worker_id: str
    model: str
    weights_sha256: str
    num_slots: int
    num_used_slots: int
    state: str  # one that was not heard of for a while is LOST; one that has not heard yet that it drains, DRAINING
    wanted: str  # UP or DRAINED
    started_s: float
    seen_s: float
    state_bytes: int = 0  # of all its sessions, in the transformer


# Every second for each worker: building it anew would take longer than doing it.
_BEAT = (
    workers.update()
    .where(workers.c.worker_id == bindparam("its_id"))
    .values({name: bindparam(name) for name in (*(each.name for each in fields(WorkerBeat)), "seen_s")})
    .returning(workers.c.wanted)
)


class Workers:
    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def beat(self, beat: WorkerBeat) -> str:
        """Note that a worker lives. Gives what is wanted of it: UP or DRAINED."""
        now_s = self._clock()
        values = {**asdict(beat), "seen_s": now_s}
        with self._database.write() as connection:
            wanted = connection.execute(_BEAT, {**values, "its_id": beat.worker_id}).scalar_one_or_none()
            if wanted is None:
                # Whoever is new clears away those that nobody hears of any more.
                connection.execute(delete(workers).where(workers.c.seen_s < now_s - FORGOTTEN_AFTER_S))
                wanted = UP if beat.state == UP else DRAINED  # as it was told before it was forgotten
                connection.execute(workers.insert().values(**values, wanted=wanted))
        return wanted

    def latest(self) -> list[WorkerRow]:
        """Those that were heard of within a day, the newest first."""
        query = select(workers).order_by(workers.c.started_s.desc(), workers.c.worker_id)
        with self._database.read() as connection:
            rows = connection.execute(query.where(workers.c.seen_s >= self._clock() - FORGOTTEN_AFTER_S)).all()
        return [self._row(row) for row in rows]

    def find(self, worker_id: str) -> WorkerRow:
        """Raises `WorkerNotFoundError`."""
        with self._database.read() as connection:
            row = connection.execute(select(workers).where(workers.c.worker_id == worker_id)).one_or_none()
        if row is None:
            raise _not_found()
        return self._row(row)

    def want(self, worker_id: str, wanted: str) -> WorkerRow:
        """Say what a worker is to be, UP or DRAINED; it hears of it with its next beat. Raises
        `WorkerNotFoundError`."""
        if wanted not in (UP, DRAINED):
            raise InvalidFieldError(f"a worker is to be {UP} or {DRAINED}, not {wanted}", field="wanted")
        update = workers.update().where(workers.c.worker_id == worker_id).values(wanted=wanted)
        with self._database.write() as connection:
            row = connection.execute(update.returning(*workers.c)).one_or_none()
        if row is None:
            raise _not_found()
        return self._row(row)

    def forget(self, worker_id: str) -> None:
        """One that ended in order."""
        with self._database.write() as connection:
            connection.execute(delete(workers).where(workers.c.worker_id == worker_id))

    def sessions_of(self, worker_id: str) -> list[str]:
        """Those whose leases it holds."""
        query = select(sessions.c.session_id).where(
            sessions.c.owner == worker_id, sessions.c.state == OPEN, sessions.c.lease_until_s > self._clock()
        )
        with self._database.read() as connection:
            return list(connection.execute(query.order_by(sessions.c.session_id)).scalars())

    def _row(self, row: Row[Any]) -> WorkerRow:
        values = dict(row._mapping)
        return WorkerRow(**{**values, "state": shown_state(row.state, row.wanted, self._clock() - row.seen_s)})


def shown_state(state: str, wanted: str, silent_s: float) -> str:
    """What an operator is told of a worker that said `state` that long ago."""
    if silent_s >= LOST_AFTER_S:
        return LOST
    return DRAINING if wanted == DRAINED and state == UP else state


def _not_found() -> WorkerNotFoundError:
    return WorkerNotFoundError("no worker of that id was heard of lately", field="worker_id")
