"""What the recordings of sessions take: the store holds them, and cannot be asked at every turn."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection, delete, func, select

from serving.catalogue.database import Database
from serving.catalogue.schema import recordings, sessions

# Others who write wait for so many, some ten milliseconds.
SETTLED_AT_ONCE = 100


class Recorded:
    """Blocking. Raises `StorageUnavailableError`."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def note(self, session_id: str, num_bytes: int, halt_reason: str = "") -> None:
        """All that the store has of the session's recording now, and why nothing is added to it."""
        with self._database.write() as connection:
            self._put(connection, session_id, {"num_bytes": num_bytes, "halt_reason": halt_reason})

    def settle(self, stored: Mapping[str, int]) -> None:
        """What the store was found to have, by session, counts from now on."""
        with self._database.read() as connection:
            query = select(recordings.c.session_id, recordings.c.num_bytes)
            noted = {row.session_id: row.num_bytes for row in connection.execute(query)}
        wrong = [each for each in noted.keys() | stored.keys() if noted.get(each, 0) != stored.get(each, 0)]
        for first in range(0, len(wrong), SETTLED_AT_ONCE):
            with self._database.write() as connection:
                for session_id in wrong[first : first + SETTLED_AT_ONCE]:
                    self._put(connection, session_id, {"num_bytes": stored.get(session_id, 0)})

    def forget(self, session_id: str) -> None:
        with self._database.write() as connection:
            connection.execute(delete(recordings).where(recordings.c.session_id == session_id))

    def halt_reason(self, session_id: str) -> str:
        """Why nothing is added to it now; empty where it is, or may be."""
        query = select(recordings.c.halt_reason).where(recordings.c.session_id == session_id)
        with self._database.read() as connection:
            return connection.execute(query).scalar_one_or_none() or ""

    def _put(self, connection: Connection, session_id: str, values: Mapping[str, Any]) -> None:
        """Of a session that was deleted meanwhile nothing is noted."""
        changed = {**values, "updated_s": self._clock()}
        update = recordings.update().where(recordings.c.session_id == session_id).values(**changed)
        if connection.execute(update).rowcount:
            return
        known = select(sessions.c.session_id).where(sessions.c.session_id == session_id)
        if connection.execute(known).one_or_none() is not None:
            new = {"halt_reason": "", **changed, "session_id": session_id}
            connection.execute(recordings.insert().values(**new))


def recorded_bytes(connection: Connection) -> dict[str, int]:
    """By tenant."""
    query = (
        select(sessions.c.tenant_id, func.sum(recordings.c.num_bytes).label("num_bytes"))
        .join_from(recordings, sessions, recordings.c.session_id == sessions.c.session_id)
        .group_by(sessions.c.tenant_id)
    )
    return {row.tenant_id: int(row.num_bytes) for row in connection.execute(query)}
