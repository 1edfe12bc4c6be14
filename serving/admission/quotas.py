"""Quotas in the catalogue: what was said of single tenants, and what each has used."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, select

from serving.admission.limits import DEFAULT_WEIGHT, AdmissionConfig, Limits, Quota, Use, day_of
from serving.catalogue.database import Database
from serving.catalogue.schema import places, quotas, recordings, session_seconds, sessions, snapshots, worlds

# States of a place.
WAITING, RESERVED, TAKEN = "waiting", "reserved", "taken"
HELD = (RESERVED, TAKEN)
# What was used on days further back is no quota's business.
KEPT_DAYS = 35


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaState:
    quota: Quota
    use: Use


class Quotas:
    """Blocking."""

    def __init__(self, database: Database, config: AdmissionConfig, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._config = config
        self._clock = clock

    def state(self, tenant_id: str) -> QuotaState:
        with self._database.read() as connection:
            return self._state(connection, tenant_id)

    def all(self) -> list[QuotaState]:
        """Of every tenant of whom something was said, or who used something today."""
        with self._database.read() as connection:
            said = connection.execute(select(quotas.c.tenant_id)).scalars()
            today = session_seconds.c.day == day_of(self._clock())
            used = connection.execute(select(session_seconds.c.tenant_id).where(today)).scalars()
            held = connection.execute(select(places.c.tenant_id).distinct()).scalars()
            return [self._state(connection, tenant_id) for tenant_id in sorted({*said, *used, *held})]

    def set(self, tenant_id: str, limits: Limits, weight: float | None) -> QuotaState:
        """In place of all that was said of the tenant before; what is None is as the settings have it."""
        values = {**asdict(limits), "weight": weight, "updated_s": self._clock()}
        with self._database.write() as connection:
            update = quotas.update().where(quotas.c.tenant_id == tenant_id).values(**values)
            if not connection.execute(update).rowcount:
                connection.execute(quotas.insert().values(tenant_id=tenant_id, **values))
            return self._state(connection, tenant_id)

    def said_of(self, tenant_id: str) -> tuple[Limits, float | None]:
        """Without the settings'."""
        with self._database.read() as connection:
            row = connection.execute(select(quotas).where(quotas.c.tenant_id == tenant_id)).one_or_none()
        return (Limits(), None) if row is None else (_limits(row), row.weight)

    def reset(self, tenant_id: str) -> QuotaState:
        with self._database.write() as connection:
            connection.execute(delete(quotas).where(quotas.c.tenant_id == tenant_id))
            return self._state(connection, tenant_id)

    # --- within a transaction of somebody else's ---

    def of(self, connection: Connection, tenant_ids: Collection[str]) -> dict[str, Quota]:
        row_by_id = {row.tenant_id: row for row in connection.execute(_QUOTAS_OF, {"its_ids": list(tenant_ids)})}
        return {tenant_id: self._quota(tenant_id, row_by_id.get(tenant_id)) for tenant_id in tenant_ids}

    def _quota(self, tenant_id: str, row: Row[Any] | None) -> Quota:
        default_weight = self._config.weights.get(tenant_id, DEFAULT_WEIGHT)
        if row is None:
            return Quota(tenant_id=tenant_id, limits=self._config.limits, weight=default_weight)
        weight = default_weight if row.weight is None else row.weight
        return Quota(tenant_id=tenant_id, limits=_limits(row).over(self._config.limits), weight=weight)

    def _state(self, connection: Connection, tenant_id: str) -> QuotaState:
        is_its = places.c.tenant_id == tenant_id
        counts = select(places.c.state, func.count()).where(is_its, places.c.until_s > self._clock())
        by_state: dict[str, int] = {row[0]: row[1] for row in connection.execute(counts.group_by(places.c.state))}
        use = Use(
            concurrent_sessions=sum(by_state.get(state, 0) for state in HELD),
            session_seconds_today=seconds_used(connection, tenant_id, self._clock()),
            storage_bytes=storage_used(connection, tenant_id),
            num_waiting=by_state.get(WAITING, 0),
        )
        return QuotaState(quota=self.of(connection, [tenant_id])[tenant_id], use=use)


# At every gateway's beat: building them anew would take longer than doing it.
_QUOTAS_OF = select(quotas).where(quotas.c.tenant_id.in_(bindparam("its_ids", expanding=True)))
_ADD_SECONDS = (
    session_seconds.update()
    .where(
        session_seconds.c.tenant_id == bindparam("its_tenant_id"),
        session_seconds.c.day == bindparam("its_day"),
    )
    .values(seconds=session_seconds.c.seconds + bindparam("more_s"))
)


def seconds_used(connection: Connection, tenant_id: str, now_s: float) -> float:
    """Today."""
    is_it = (session_seconds.c.tenant_id == tenant_id) & (session_seconds.c.day == day_of(now_s))
    return connection.execute(select(session_seconds.c.seconds).where(is_it)).scalar_one_or_none() or 0.0


def add_seconds(connection: Connection, tenant_id: str, seconds: float, now_s: float) -> None:
    """To today's. What began before midnight counts for the day on which it is counted."""
    day = day_of(now_s)
    its = {"its_tenant_id": tenant_id, "its_day": day, "more_s": seconds}
    if not connection.execute(_ADD_SECONDS, its).rowcount:
        connection.execute(session_seconds.insert().values(tenant_id=tenant_id, day=day, seconds=seconds))
        connection.execute(delete(session_seconds).where(session_seconds.c.day < day - KEPT_DAYS))


def storage_used(connection: Connection, tenant_id: str) -> int:
    """Bytes of worlds, snapshots and recordings that are kept; what they share counts for each."""
    kept: Sequence[Any] = (
        select(func.sum(worlds.c.num_bytes)).where(worlds.c.tenant_id == tenant_id),
        select(func.sum(snapshots.c.num_bytes))
        .join(sessions, sessions.c.session_id == snapshots.c.session_id)
        .where(sessions.c.tenant_id == tenant_id, snapshots.c.name == ""),
        select(func.sum(recordings.c.num_bytes))
        .join(sessions, sessions.c.session_id == recordings.c.session_id)
        .where(sessions.c.tenant_id == tenant_id),
    )
    return sum(int(connection.execute(query).scalar_one() or 0) for query in kept)


def _limits(row: Row[Any]) -> Limits:
    return Limits(**{each.name: row._mapping[each.name] for each in fields(Limits)})
