"""What a tenant, or one subject of it, owns in the catalogue. Blocking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, select

from serving.catalogue.database import Database
from serving.catalogue.schema import sessions, shares, worlds


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    tenant_id: str
    subject_id: str | None = None  # everybody of the tenant when left out

    def owns(self, table: Table) -> tuple[Any, ...]:
        """The conditions on one of the tables that say whose each row is."""
        of_tenant = table.c.tenant_id == self.tenant_id
        return (of_tenant,) if self.subject_id is None else (of_tenant, table.c.owner_id == self.subject_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """By id, the newest last."""

    sessions: tuple[str, ...]
    worlds: tuple[str, ...]
    shares: tuple[str, ...]
    running: tuple[str, ...]  # of the sessions


def holdings_of(database: Database, owner: Owner, now_s: float) -> Holdings:
    """Raises `StorageUnavailableError`."""
    with database.read() as connection:
        leased = select(sessions.c.session_id).where(*owner.owns(sessions), sessions.c.lease_until_s > now_s)
        return Holdings(
            sessions=_ids(connection, sessions, sessions.c.session_id, owner),
            worlds=_ids(connection, worlds, worlds.c.world_id, owner),
            shares=_ids(connection, shares, shares.c.share_id, owner),
            running=tuple(connection.execute(leased).scalars()),
        )


def _ids(connection: Connection, table: Table, column: Any, owner: Owner) -> tuple[str, ...]:
    query = select(column).where(*owner.owns(table)).order_by(table.c.created_s, column)
    return tuple(connection.execute(query).scalars())
