"""Worlds in the catalogue: named things that sessions start from."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, delete, select

from serving.catalogue.database import Database
from serving.catalogue.schema import sessions, worlds

MAX_LISTED = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldRow:
    world_id: str
    name: str
    spec: Mapping[str, Any]  # JSON: what to start from
    created_s: float


class Worlds:
    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def add(self, world_id: str, name: str, spec: Mapping[str, Any]) -> WorldRow:
        row = WorldRow(world_id=world_id, name=name, spec=spec, created_s=self._clock())
        with self._database.write() as connection:
            connection.execute(
                worlds.insert().values(
                    world_id=world_id, name=name, spec=json.dumps(dict(spec)), created_s=row.created_s
                )
            )
        return row

    def find(self, world_id: str) -> WorldRow | None:
        with self._database.read() as connection:
            row = connection.execute(select(worlds).where(worlds.c.world_id == world_id)).one_or_none()
        return None if row is None else _world_row(row)

    def latest(self, limit: int = 50) -> list[WorldRow]:
        """The newest first."""
        query = select(worlds).order_by(worlds.c.created_s.desc()).limit(min(limit, MAX_LISTED))
        with self._database.read() as connection:
            return [_world_row(row) for row in connection.execute(query)]

    def remove(self, world_id: str) -> bool:
        """Whether it was there. Sessions that started from it keep all they need: their own spec and journal."""
        with self._database.write() as connection:
            connection.execute(sessions.update().where(sessions.c.world_id == world_id).values(world_id=None))
            return connection.execute(delete(worlds).where(worlds.c.world_id == world_id)).rowcount > 0


def _world_row(row: Row[Any]) -> WorldRow:
    return WorldRow(world_id=row.world_id, name=row.name, spec=json.loads(row.spec), created_s=row.created_s)
