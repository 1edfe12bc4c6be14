"""Which snapshots are needed by somebody, whatever their age, and which of a session that is over are not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from sqlalchemy import Connection, or_, select

from serving.catalogue.retention import RetentionConfig, thinned_after_the_end
from serving.catalogue.schema import branches, sessions, shares, worlds
from serving.catalogue.sessions import DELETED, ENDED
from serving.sessions.manifest import EXACT
from serving.sessions.snapshot_store import SnapshotKey
from serving.sessions.timeline import Timeline

# A deleted one is still there where branches or worlds need it.
OVER = (ENDED, DELETED)


class Kept(Protocol):
    """A row of a snapshot."""

    @property
    def key(self) -> SnapshotKey: ...

    @property
    def name(self) -> str: ...


AnyKept = TypeVar("AnyKept", bound=Kept)


def without_protected(
    connection: Connection, session_id: str, rows: Iterable[AnyKept], now_s: float
) -> Sequence[AnyKept]:
    """Of a session's, those that have no name, and that neither a world nor a link that is good points at, nor a
    branch left from."""
    saved = connection.execute(select(worlds.c.epoch, worlds.c.chunk_idx).where(worlds.c.session_id == session_id))
    shared = connection.execute(
        select(shares.c.epoch, shares.c.chunk_idx).where(
            shares.c.session_id == session_id,
            shares.c.chunk_idx.is_not(None),
            shares.c.revoked_s.is_(None),
            or_(shares.c.expires_s.is_(None), shares.c.expires_s > now_s),
        )
    )
    moments = {(row.epoch, row.chunk_idx) for found in (saved, shared) for row in found}
    left = select(branches.c.parent_chunk_idx).where(branches.c.parent_session_id == session_id)
    forks = set(connection.execute(left).scalars())
    return [
        row
        for row in rows
        if not row.name
        and row.key.kind == EXACT
        and (row.key.epoch, row.key.chunk_idx) not in moments
        and row.key.chunk_idx not in forks
    ]


def is_over(connection: Connection, session_id: str, since_s: float) -> bool:
    """Whether the session ended before that time (time.time()). Its row stays locked until the transaction ends."""
    columns = sessions.c
    query = select(columns.state, columns.updated_s).where(columns.session_id == session_id)
    row = connection.execute(query.with_for_update()).one_or_none()
    return row is not None and row.state in OVER and row.updated_s <= since_s


def dropped_after_the_end(
    rows: Iterable[Kept], timeline: Timeline, chunk_duration_s: float, config: RetentionConfig
) -> list[SnapshotKey]:
    """What lies on the timeline is thinned together, whichever epoch made it; what a rewind left behind, by epoch:
    that may be a branch's past."""
    groups: defaultdict[int | None, dict[int, list[SnapshotKey]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        key = row.key
        group = None if timeline.has_boundary(key.epoch, key.chunk_idx) else key.epoch
        groups[group][key.chunk_idx].append(key)
    dropped: list[SnapshotKey] = []
    for keys in groups.values():
        dropped += [key for idx in thinned_after_the_end(keys, chunk_duration_s, config) for key in keys[idx]]
    return dropped
