"""Which snapshots there are: the store holds them, the catalogue says which count."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, delete, select

from serving.catalogue.database import Database
from serving.catalogue.schema import snapshots
from serving.catalogue.sessions import check_epoch
from serving.sessions.snapshot_store import SnapshotKey


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotRow:
    key: SnapshotKey
    journal_position: int
    name: str  # empty for one made by itself
    num_bytes: int
    created_s: float


class Snapshots:
    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def add(self, key: SnapshotKey, journal_position: int, num_bytes: int, name: str = "") -> None:
        """After its manifest was stored. Again for the same key does nothing but name it. Raises
        `SessionFencedError`: then nobody will ever see the snapshot."""
        with self._database.write() as connection:
            check_epoch(connection, key.session_id, key.epoch)
            if connection.execute(snapshots.update().where(*_is(key)).values(name=name)).rowcount == 0:
                connection.execute(
                    snapshots.insert().values(
                        session_id=key.session_id,
                        epoch=key.epoch,
                        chunk_idx=key.chunk_idx,
                        journal_position=journal_position,
                        name=name,
                        num_bytes=num_bytes,
                        created_s=self._clock(),
                    )
                )

    def of(self, session_id: str) -> list[SnapshotRow]:
        """The latest first: of a higher epoch, then of a later chunk."""
        query = (
            select(snapshots)
            .where(snapshots.c.session_id == session_id)
            .order_by(snapshots.c.epoch.desc(), snapshots.c.chunk_idx.desc())
        )
        with self._database.read() as connection:
            return [_snapshot_row(row) for row in connection.execute(query)]

    def keep_newest(self, session_id: str, epoch: int, num_kept: int) -> list[SnapshotKey]:
        """Forget all but the newest of those made by themselves, and give the forgotten. Raises
        `SessionFencedError`."""
        dropped = [row.key for row in self.of(session_id) if not row.name][num_kept:]
        with self._database.write() as connection:
            check_epoch(connection, session_id, epoch)
            for key in dropped:
                connection.execute(delete(snapshots).where(*_is(key)))
        return dropped


def _is(key: SnapshotKey) -> tuple[Any, ...]:
    columns = snapshots.c
    return (
        columns.session_id == key.session_id,
        columns.epoch == key.epoch,
        columns.chunk_idx == key.chunk_idx,
    )


def _snapshot_row(row: Row[Any]) -> SnapshotRow:
    key = SnapshotKey(session_id=row.session_id, epoch=row.epoch, chunk_idx=row.chunk_idx)
    return SnapshotRow(
        key=key,
        journal_position=row.journal_position,
        name=row.name,
        num_bytes=row.num_bytes,
        created_s=row.created_s,
    )
