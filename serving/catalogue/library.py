"""What there is beside what runs: sessions, worlds, share links and workers on record, and what is stored."""

from __future__ import annotations

from serving.catalogue.database import Database
from serving.catalogue.deletion import drop_stored
from serving.catalogue.differences import Difference, Moment, compare_moments
from serving.catalogue.sessions import Sessions
from serving.catalogue.shares import Shares
from serving.catalogue.storage import StorageConfig
from serving.catalogue.workers import Workers
from serving.catalogue.worlds import WorldRow, Worlds
from serving.errors import WorldNotFoundError
from serving.sessions.snapshot_store import SnapshotStore


class Library:
    """Blocking."""

    def __init__(self, database: Database, config: StorageConfig) -> None:
        self.sessions = Sessions(database)
        self.worlds = Worlds(database)
        self.shares = Shares(database)
        self.workers = Workers(database)
        self._database = database
        self._snapshots = config.snapshots

    def difference(self, session_id: str, other_session_id: str) -> Difference:
        """Raises `SessionNotFoundError`."""
        left, right = Moment(session_id=session_id), Moment(session_id=other_session_id)
        return compare_moments(self._database, left, right)

    def delete_session(self, session_id: str) -> None:
        """Raises `SessionNotFoundError`, or `SessionHeldError` for one that runs."""
        removed = self.sessions.delete(session_id)
        drop_stored(SnapshotStore.open(self._snapshots), removed)

    def delete_world(self, world_id: str) -> None:
        """Raises `WorldNotFoundError`."""
        removed = self.worlds.delete(world_id)
        if removed is None:
            raise _no_world("world_id")
        drop_stored(SnapshotStore.open(self._snapshots), removed)

    def world(self, world_id: str) -> WorldRow:
        """Raises `WorldNotFoundError`."""
        if (row := self.worlds.find(world_id)) is None:
            raise _no_world("world_id")
        return row

    def world_named(self, name: str) -> WorldRow:
        """Its latest version. Raises `WorldNotFoundError`."""
        if (row := self.worlds.find_named(name)) is None:
            raise _no_world("name")
        return row


def _no_world(field: str) -> WorldNotFoundError:
    return WorldNotFoundError("there is no saved world of that id or name", field=field)
