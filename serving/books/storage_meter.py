"""What tenants have stored, counted once for each interval of the clock, however many gateways count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from sqlalchemy import func, select

from serving.books.chain import Entry
from serving.books.usage import STORAGE
from serving.catalogue.database import Database
from serving.catalogue.recorded import recorded_bytes
from serving.catalogue.schema import sessions, snapshots


def stored_bytes(database: Database) -> dict[str, int]:
    """Of snapshots and recordings, by tenant. Blocking. Raises `StorageUnavailableError`."""
    query = (
        select(sessions.c.tenant_id, func.sum(snapshots.c.num_bytes).label("num_bytes"))
        .join_from(snapshots, sessions, snapshots.c.session_id == sessions.c.session_id)
        .group_by(sessions.c.tenant_id)
    )
    with database.read() as connection:
        stored = Counter({row.tenant_id: int(row.num_bytes) for row in connection.execute(query)})
        return dict(stored + Counter(recorded_bytes(connection)))


def storage_entries(stored: Mapping[str, int], interval: int, every_s: float) -> Iterator[tuple[str, Entry]]:
    """For one interval that is over. Of all who counted it, the first to write is on record."""
    for tenant_id, num_bytes in sorted(stored.items()):
        if num_bytes:
            body = {"num_bytes": num_bytes, "byte_seconds": round(num_bytes * every_s), "every_s": every_s}
            key = f"storage/{every_s:g}/{interval}"
            yield tenant_id, Entry(key=key, kind=STORAGE, time_s=interval * every_s, body=body)
