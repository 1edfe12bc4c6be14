"""Whose things are and who else may, in the catalogue: what `serving.access.policy` decides by, and the same rule of
seeing as a filter of lists."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, delete, exists, false, literal, null, or_, select

from serving.access.ownership import Ownership
from serving.access.policy import Grant, Thing
from serving.access.principal import Principal
from serving.access.roles import Role
from serving.catalogue.database import Database
from serving.catalogue.deletion import DELETED
from serving.catalogue.schema import sessions, shares, world_access, world_names, worlds
from serving.errors import InvalidFieldError

MAX_GRANTS = 100  # of one world: a list that is read at every call that a stranger makes


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What is on record of a thing that somebody asks for. One query for each kind, whether it is there or not."""

    database: Database
    clock: Callable[[], float] = time.time

    def of_session(self, session_id: str) -> Thing | None:
        """None for one that is not there, or was deleted."""
        # The list of a world is about its tenant's sessions, not about those that others made of it.
        joined = sessions.outerjoin(
            worlds, and_(worlds.c.world_id == sessions.c.world_id, worlds.c.tenant_id == sessions.c.tenant_id)
        ).outerjoin(world_access, world_access.c.world_id == worlds.c.world_id)
        query = (
            _thing_columns(sessions.c.tenant_id, sessions.c.session_id, sessions.c.world_id, sessions.c.owner_id)
            .select_from(joined)
            .where(sessions.c.session_id == session_id, sessions.c.state != DELETED)
        )
        return self._thing(query)

    def of_world(self, world_id: str) -> Thing | None:
        return self._thing(_of_worlds().where(worlds.c.world_id == world_id))

    def of_world_named(self, tenant_id: str, name: str) -> Thing | None:
        """The latest version of a tenant's name."""
        latest = (
            select(worlds.c.world_id)
            .where(worlds.c.tenant_id == tenant_id, worlds.c.name == name)
            .order_by(worlds.c.version.desc())
            .limit(1)
        )
        return self._thing(_of_worlds().where(worlds.c.world_id == latest.scalar_subquery()))

    def of_share(self, share_id: str) -> Thing | None:
        """The session that a link leads to."""
        with self.database.read() as connection:
            query = select(shares.c.session_id).where(shares.c.share_id == share_id)
            session_id = connection.execute(query).scalar_one_or_none()
        return self.of_session(session_id or "")

    def grants(self, world_id: str) -> list[Grant]:
        with self.database.read() as connection:
            query = (
                select(world_access)
                .where(world_access.c.world_id == world_id)
                .order_by(world_access.c.tenant_id, world_access.c.subject_id)
            )
            return [_grant(row) for row in connection.execute(query)]

    def set_grants(self, world_id: str, grants: Iterable[Grant]) -> None:
        """Instead of those there were, for all versions of the world: those that come later begin with them. Raises
        `InvalidFieldError`."""
        by_holder = {(grant.tenant_id, grant.subject_id): grant for grant in grants}
        if len(by_holder) > MAX_GRANTS:
            raise InvalidFieldError(f"a world has at most {MAX_GRANTS} lines of access", field="grants")
        now_s = self.clock()
        with self.database.write() as connection:
            version_ids = _lock_versions(connection, world_id)
            connection.execute(delete(world_access).where(world_access.c.world_id.in_(version_ids)))
            rows = [
                {
                    "world_id": version_id,
                    "tenant_id": grant.tenant_id,
                    "subject_id": grant.subject_id,
                    "role": grant.role.value,
                    "created_s": now_s,
                }
                for version_id in version_ids
                for grant in by_holder.values()
            ]
            if rows:
                connection.execute(world_access.insert(), rows)

    def _thing(self, query: Select[Any]) -> Thing | None:
        with self.database.read() as connection:
            rows = connection.execute(query).all()
        if not rows:
            return None
        first = rows[0]
        grants = tuple(_grant(row) for row in rows if row.role is not None)
        return Thing(
            tenant_id=first.tenant,
            session_id=first.session,
            world_id=first.world,
            grants=grants,
            owner_id=first.maker,
        )


def _lock_versions(connection: Connection, world_id: str) -> list[str]:
    """All there are of the world, until the transaction ends: whoever saves another one meanwhile waits."""
    named = select(worlds.c.tenant_id, worlds.c.name).where(worlds.c.world_id == world_id)
    world = connection.execute(named).one_or_none()
    if world is None:  # deleted meanwhile, and its list with it
        return []
    is_name = (world_names.c.tenant_id == world.tenant_id, world_names.c.name == world.name)
    connection.execute(world_names.update().where(*is_name).values(last_version=world_names.c.last_version))
    versions = select(worlds.c.world_id).where(worlds.c.tenant_id == world.tenant_id, worlds.c.name == world.name)
    return list(connection.execute(versions).scalars())


def inherit_grants(connection: Connection, tenant_id: str, name: str, world_id: str) -> None:
    """A new version begins with the list of the latest one there is. To be called by whoever counts the versions, and
    so is alone with the name."""
    others = (worlds.c.tenant_id == tenant_id, worlds.c.name == name, worlds.c.world_id != world_id)
    latest = select(worlds.c.world_id).where(*others).order_by(worlds.c.version.desc()).limit(1).scalar_subquery()
    columns = world_access.c
    inherited = select(literal(world_id), columns.tenant_id, columns.subject_id, columns.role, columns.created_s).where(
        columns.world_id == latest
    )
    names = ["world_id", "tenant_id", "subject_id", "role", "created_s"]
    connection.execute(world_access.insert().from_select(names, inherited))


def forget_grants(connection: Connection, world_id: str) -> None:
    connection.execute(delete(world_access).where(world_access.c.world_id == world_id))


def seen_sessions(asker: Principal) -> ColumnElement[bool]:
    """Those that `policy.decide` lets `asker` see. A test compares the two. Of a link's guests, who all have one name,
    none is shown what another began by it."""
    is_seen = or_(sessions.c.tenant_id == asker.tenant_id, _is_granted(asker, of_sessions=True))
    limits = [is_seen]
    if asker.session_id is not None:
        limits.append(sessions.c.session_id == asker.session_id)
    if asker.world_id is not None:
        limits.append(sessions.c.world_id == asker.world_id)
    return and_(*limits)


def seen_worlds(asker: Principal) -> ColumnElement[bool]:
    if asker.session_id is not None:
        return false()
    is_seen = or_(worlds.c.tenant_id == asker.tenant_id, _is_granted(asker, of_sessions=False))
    return is_seen if asker.world_id is None else and_(is_seen, worlds.c.world_id == asker.world_id)


def ownership_columns(ownership: Ownership) -> dict[str, object]:
    """Of a session or a world."""
    return {
        "tenant_id": ownership.tenant_id,
        "owner_id": ownership.owner_id,
        "licence": ownership.licence,
        "inputs": json.dumps(ownership.inputs),
    }


def take_ownership(values: dict[str, Any]) -> Ownership:
    """Out of the values of a row, whose columns they are no more."""
    names = ("tenant_id", "owner_id", "licence")
    return Ownership(**{name: values.pop(name) for name in names}, inputs=tuple(json.loads(values.pop("inputs"))))


def _is_granted(asker: Principal, *, of_sessions: bool) -> ColumnElement[bool]:
    """Every role that a line can give may see."""
    lines = [
        world_access.c.tenant_id == asker.tenant_id,
        world_access.c.subject_id.in_(["", asker.subject_id]),
    ]
    if not of_sessions:
        return exists().where(world_access.c.world_id == worlds.c.world_id, *lines)
    own_world = worlds.alias("started_from")
    return exists().where(
        world_access.c.world_id == sessions.c.world_id,
        own_world.c.world_id == sessions.c.world_id,
        own_world.c.tenant_id == sessions.c.tenant_id,
        *lines,
    )


def _of_worlds() -> Select[Any]:
    joined = worlds.outerjoin(world_access, world_access.c.world_id == worlds.c.world_id)
    return _thing_columns(worlds.c.tenant_id, None, worlds.c.world_id, literal("")).select_from(joined)


def _thing_columns(tenant_id: Any, session_id: Any, world_id: Any, maker: Any) -> Any:
    return select(
        tenant_id.label("tenant"),
        (null() if session_id is None else session_id).label("session"),
        world_id.label("world"),
        maker.label("maker"),
        world_access.c.tenant_id,
        world_access.c.subject_id,
        world_access.c.role,
    )


def _grant(row: Row[Any]) -> Grant:
    return Grant(tenant_id=row.tenant_id, subject_id=row.subject_id, role=Role(row.role))
