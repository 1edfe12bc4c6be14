"""Worlds in the catalogue: moments of sessions under a name, each save of a name a version of its own."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Connection, Row, delete, exists, select, text

from serving.access.ownership import LOCALS, Ownership
from serving.access.principal import DEFAULT_TENANT, Principal
from serving.catalogue.access import forget_grants, inherit_grants, ownership_columns, seen_worlds, take_ownership
from serving.catalogue.cursors import read_page
from serving.catalogue.database import Database
from serving.catalogue.deletion import Removed, sweep
from serving.catalogue.schema import sessions, shares, snapshots, worlds
from serving.catalogue.sessions import locked_lease
from serving.errors import SessionNotFoundError
from serving.sessions.manifest import EXACT

# The same words in both databases. Whoever saves next under the name waits for this transaction's end.
NEXT_VERSION = text(
    "INSERT INTO world_names (tenant_id, name, last_version) VALUES (:tenant_id, :name, 1) "
    "ON CONFLICT (tenant_id, name) DO UPDATE SET last_version = world_names.last_version + 1 RETURNING last_version"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWorld:
    world_id: str
    name: str
    model: str
    weights_sha256: str
    spec: Mapping[str, Any]  # JSON: what the session started from
    # The saved moment: the state before that chunk, on the timeline of that epoch.
    session_id: str
    epoch: int
    chunk_idx: int
    kind: str = EXACT  # as the snapshot's manifest says
    num_bytes: int = 0
    note: str = ""
    ownership: Ownership = LOCALS


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldRow:
    world_id: str
    name: str
    version: int
    session_id: str | None  # none for one of old, which is its spec alone
    epoch: int
    chunk_idx: int
    kind: str
    num_bytes: int
    model: str
    weights_sha256: str
    spec: Mapping[str, Any]
    note: str
    created_s: float
    ownership: Ownership = LOCALS


class Worlds:
    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def add(self, new: NewWorld) -> WorldRow:
        """As the next version of its tenant's name; a version is never given twice. From now on the moment, and what
        leads to it, is kept. Raises `SessionNotFoundError`."""
        values = {field.name: getattr(new, field.name) for field in fields(new)}
        created_s = self._clock()
        with self._database.write() as connection:
            if locked_lease(connection, new.session_id) is None:
                raise SessionNotFoundError("there is no session of that id in the catalogue", field="session_id")
            name = {"tenant_id": new.ownership.tenant_id, "name": new.name}
            values |= {"version": connection.execute(NEXT_VERSION, name).scalar_one(), "created_s": created_s}
            columns = {**values, "spec": json.dumps(dict(new.spec)), **ownership_columns(values["ownership"])}
            del columns["ownership"]
            connection.execute(worlds.insert().values(**columns))
            inherit_grants(connection, new.ownership.tenant_id, new.name, new.world_id)
        return WorldRow(**values)

    def find(self, world_id: str) -> WorldRow | None:
        with self._database.read() as connection:
            row = connection.execute(select(worlds).where(worlds.c.world_id == world_id)).one_or_none()
        return None if row is None else _world_row(row)

    def find_named(self, name: str, version: int | None = None, tenant_id: str = DEFAULT_TENANT) -> WorldRow | None:
        """That version of the tenant's name, or the latest there is."""
        is_named = (worlds.c.tenant_id == tenant_id, worlds.c.name == name)
        query = select(worlds).where(*is_named).order_by(worlds.c.version.desc()).limit(1)
        if version is not None:
            query = query.where(worlds.c.version == version)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _world_row(row)

    def page(
        self, limit: int, cursor: str = "", name: str | None = None, asker: Principal | None = None
    ) -> tuple[list[WorldRow], str]:
        """The newest first, and the cursor of the next page, empty after the last; of those that `asker` may see, or
        of all there are. Raises `InvalidFieldError`."""
        query = select(worlds) if name is None else select(worlds).where(worlds.c.name == name)
        if asker is not None:
            query = query.where(seen_worlds(asker))
        columns = {"created_s": worlds.c.created_s, "row_id": worlds.c.world_id}
        with self._database.read() as connection:
            return read_page(connection, query, **columns, limit=limit, cursor=cursor, asker=asker, read=_world_row)

    def of_session(self, session_id: str) -> list[WorldRow]:
        """Those that were saved from it, the newest first."""
        query = (
            select(worlds)
            .where(worlds.c.session_id == session_id)
            .order_by(worlds.c.created_s.desc(), worlds.c.world_id.desc())
        )
        with self._database.read() as connection:
            return [_world_row(row) for row in connection.execute(query)]

    def delete(self, world_id: str) -> Removed | None:
        """None for one that is not there. Sessions that were loaded from it keep what they need. Where nothing else
        needed the deleted session it came from, that one goes too, and the store is to be emptied of it."""
        with self._database.write() as connection:
            query = select(worlds).where(worlds.c.world_id == world_id)
            world = connection.execute(query).one_or_none()
            if world is None:
                return None
            connection.execute(sessions.update().where(sessions.c.world_id == world_id).values(world_id=None))
            connection.execute(delete(shares).where(shares.c.world_id == world_id))
            forget_grants(connection, world_id)
            connection.execute(delete(worlds).where(worlds.c.world_id == world_id))
            if world.session_id is None:
                return Removed()
            _let_go_of_snapshot(connection, world)
            return Removed(session_ids=tuple(sweep(connection, world.session_id)))


def _let_go_of_snapshot(connection: Connection, world: Row[Any]) -> None:
    """Without a world that points at it, it may be dropped like those that were made by themselves."""
    is_saved = exists().where(
        worlds.c.session_id == snapshots.c.session_id,
        worlds.c.epoch == snapshots.c.epoch,
        worlds.c.chunk_idx == snapshots.c.chunk_idx,
    )
    connection.execute(
        snapshots.update()
        .where(
            snapshots.c.session_id == world.session_id,
            snapshots.c.epoch == world.epoch,
            snapshots.c.chunk_idx == world.chunk_idx,
            ~is_saved,
        )
        .values(name="")
    )


def _world_row(row: Row[Any]) -> WorldRow:
    values = {**row._mapping, "spec": json.loads(row.spec)}
    ownership = take_ownership(values)
    return WorldRow(**values, ownership=ownership)
