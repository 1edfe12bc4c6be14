"""Which snapshots there are: the store holds them, the catalogue says which count."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, select

from serving.catalogue.database import Database
from serving.catalogue.lineage import segments_of
from serving.catalogue.needed import dropped_after_the_end, is_over, without_protected
from serving.catalogue.retention import RetentionConfig, thinned
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
        """After its manifest was stored. Again for the same key does nothing but name it; a name it has stays when
        none is given. Raises `SessionFencedError`: then nobody will ever see the snapshot."""
        with self._database.write() as connection:
            check_epoch(connection, key.session_id, key.epoch)
            if connection.execute(_NAME_OF, _its(key)).one_or_none() is None:
                more = {"journal_position": journal_position, "num_bytes": num_bytes, "created_s": self._clock()}
                connection.execute(_INSERT, {**asdict(key), "name": name, **more})
            elif name:
                connection.execute(_RENAME, {**_its(key), "name": name})

    def of(self, session_id: str) -> list[SnapshotRow]:
        """Those that the session can go on from as it stands, also such of the sessions it left: the latest chunk
        first."""
        found: list[SnapshotRow] = []
        with self._database.read() as connection:
            for segment in segments_of(connection, session_id):
                rows = _rows_of(connection, segment.session_id)
                found += [row for row in rows if segment.has_boundary(row.key.epoch, row.key.chunk_idx)]
        # Sorting keeps the order of what is equal: the session's own before its ancestors'.
        return sorted(found, key=lambda row: row.key.chunk_idx, reverse=True)

    def made_in(self, session_id: str) -> list[SnapshotRow]:
        """All that the session itself has, whether they still count or not: of a higher epoch first, then of a later
        chunk."""
        with self._database.read() as connection:
            return _rows_of(connection, session_id)

    def thin(
        self, session_id: str, epoch: int, chunk_duration_s: float, config: RetentionConfig | None = None
    ) -> list[SnapshotKey]:
        """Forget what is not worth its place of those made by themselves, and give the forgotten. What worlds and
        links name stays, and so does the moment at which a branch left. Raises `SessionFencedError`."""
        config = config or RetentionConfig()
        with self._database.write() as connection:
            check_epoch(connection, session_id, epoch)
            rows = _rows_of(connection, session_id)
            free = without_protected(connection, session_id, rows, self._clock())
            now_idx = max((row.key.chunk_idx for row in rows if row.key.epoch == epoch), default=0)
            dropped = _dropped(free, epoch, now_idx, chunk_duration_s, config)
            _forget(connection, dropped)
        return dropped

    def thin_ended(
        self, session_id: str, chunk_duration_s: float, config: RetentionConfig | None = None
    ) -> list[SnapshotKey]:
        """As `thin`, of one that is over for as long as the settings say; nothing for any other."""
        config = config or RetentionConfig()
        with self._database.write() as connection:
            if not is_over(connection, session_id, self._clock() - config.ended_after_s):
                return []
            rows = _rows_of(connection, session_id)
            free = without_protected(connection, session_id, rows, self._clock())
            timeline = segments_of(connection, session_id)[0].timeline
            dropped = dropped_after_the_end(free, timeline, chunk_duration_s, config)
            _forget(connection, dropped)
        return dropped


def _forget(connection: Connection, keys: Iterable[SnapshotKey]) -> None:
    for key in keys:
        connection.execute(_DELETE, _its(key))


def _dropped(
    rows: Iterable[SnapshotRow], epoch: int, now_idx: int, chunk_duration_s: float, config: RetentionConfig
) -> list[SnapshotKey]:
    """Each epoch is thinned by itself, as far as chunks of another epoch may be others. Only the present one is
    likely to be gone back in."""
    by_epoch: defaultdict[int, dict[int, SnapshotKey]] = defaultdict(dict)
    for row in rows:
        by_epoch[row.key.epoch][row.key.chunk_idx] = row.key
    dropped: list[SnapshotKey] = []
    for each, keys in sorted(by_epoch.items()):
        is_now = each == epoch
        rules = config if is_now else replace(config, dense_s=0.0)
        newest = now_idx if is_now else max(now_idx, *keys)
        dropped += [keys[chunk_idx] for chunk_idx in thinned(keys, newest, chunk_duration_s, rules)]
    return dropped


def _rows_of(connection: Connection, session_id: str) -> list[SnapshotRow]:
    query = (
        select(snapshots)
        .where(snapshots.c.session_id == session_id)
        .order_by(snapshots.c.epoch.desc(), snapshots.c.chunk_idx.desc(), snapshots.c.kind)
    )
    return [_snapshot_row(row) for row in connection.execute(query)]


def _its(key: SnapshotKey) -> dict[str, Any]:
    return {f"its_{name}": value for name, value in asdict(key).items()}


# With every snapshot of every session: building them anew would take longer than doing it.
_is_it = [snapshots.c[each.name] == bindparam(f"its_{each.name}") for each in fields(SnapshotKey)]
_INSERT = snapshots.insert()
_NAME_OF = select(snapshots.c.name).where(*_is_it)
_RENAME = snapshots.update().where(*_is_it).values(name=bindparam("name"))
_DELETE = delete(snapshots).where(*_is_it)


def _snapshot_row(row: Row[Any]) -> SnapshotRow:
    key = SnapshotKey(session_id=row.session_id, epoch=row.epoch, chunk_idx=row.chunk_idx, kind=row.kind)
    return SnapshotRow(
        key=key,
        journal_position=row.journal_position,
        name=row.name,
        num_bytes=row.num_bytes,
        created_s=row.created_s,
    )
