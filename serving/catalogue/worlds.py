"""Worlds in the catalogue: moments of sessions under a name, each save of a name a version of its own."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Connection, Row, delete, exists, select, text

from serving.catalogue.cursors import read_page
from serving.catalogue.database import Database
from serving.catalogue.deletion import Removed, sweep
from serving.catalogue.schema import sessions, shares, snapshots, worlds
from serving.catalogue.sessions import locked_lease
from serving.errors import SessionNotFoundError
from serving.sessions.manifest import EXACT

# The same words in both databases. Whoever saves next under the name waits for this transaction's end.
NEXT_VERSION = text(
    "INSERT INTO world_names (name, last_version) VALUES (:name, 1) "
    "ON CONFLICT (name) DO UPDATE SET last_version = world_names.last_version + 1 RETURNING last_version"
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


class Worlds:
    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def add(self, new: NewWorld) -> WorldRow:
        """As the next version of its name; a version is never given twice. From now on the moment, and what leads to
        it, is kept. Raises `SessionNotFoundError`."""
        values = {field.name: getattr(new, field.name) for field in fields(new)}
        created_s = self._clock()
        with self._database.write() as connection:
            if locked_lease(connection, new.session_id) is None:
                raise SessionNotFoundError("there is no session of that id in the catalogue", field="session_id")
            version = connection.execute(NEXT_VERSION, {"name": new.name}).scalar_one()
            values |= {"version": version, "created_s": created_s}
            connection.execute(worlds.insert().values(**{**values, "spec": json.dumps(dict(new.spec))}))
        return WorldRow(**values)

    def find(self, world_id: str) -> WorldRow | None:
        with self._database.read() as connection:
            row = connection.execute(select(worlds).where(worlds.c.world_id == world_id)).one_or_none()
        return None if row is None else _world_row(row)

    def find_named(self, name: str, version: int | None = None) -> WorldRow | None:
        """That version of the name, or the latest there is."""
        query = select(worlds).where(worlds.c.name == name).order_by(worlds.c.version.desc()).limit(1)
        if version is not None:
            query = query.where(worlds.c.version == version)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _world_row(row)

    def page(self, limit: int, cursor: str = "", name: str | None = None) -> tuple[list[WorldRow], str]:
        """The newest first, and the cursor of the next page, empty after the last. Raises `InvalidFieldError`."""
        query = select(worlds) if name is None else select(worlds).where(worlds.c.name == name)
        columns = {"created_s": worlds.c.created_s, "row_id": worlds.c.world_id}
        with self._database.read() as connection:
            return read_page(connection, query, **columns, limit=limit, cursor=cursor, read=_world_row)

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
    return WorldRow(**{**row._mapping, "spec": json.loads(row.spec)})
