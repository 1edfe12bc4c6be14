"""Places and the queue for them in the catalogue, one for all gateways.

Whatever changes them does so one after the other, under one lock: two gateways never give the same place away.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import bindparam, func, select, text

from serving.admission.limits import AdmissionConfig, Limits, Quota, check_seconds, has_room, too_many_sessions
from serving.admission.quotas import HELD, RESERVED, TAKEN, WAITING, Quotas, seconds_used
from serving.admission.turn import LEASE_S, Asked, Standing, Turn
from serving.catalogue.database import Database
from serving.catalogue.schema import places
from serving.errors import CapacityExhaustedError, NacreError, QueueFullError, ReservationNotFoundError

# For a client that was cut off to come back to its place in the queue, with its idempotency key.
GRACE_S = 10.0
# Where nobody can tell when a place comes free.
DEFAULT_RETRY_S = 5.0
# Any number that no other program on the server takes for its own lock.
PLACES_LOCK = 0x4E6163726551


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """What a gateway hears when it says what it holds."""

    num_by_tenant: Mapping[str, int] = field(default_factory=dict)  # sessions of its tenants, at all gateways
    limits: Mapping[str, Limits] = field(default_factory=dict)  # of its tenants
    left_s: Mapping[str, float] = field(default_factory=dict)  # of today, for each session of those that are limited


class Places:
    """Of one gateway, among others. Blocking."""

    def __init__(
        self,
        database: Database,
        config: AdmissionConfig,
        gateway_id: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.quotas = Quotas(database, config, clock)
        self._database = database
        self._config = config
        self._gateway_id = gateway_id
        self._clock = clock

    def ask(self, asked: Asked) -> Standing:
        """For a place, or for one in the queue. Raises `QuotaExceededError`, `QueueFullError`,
        `CapacityExhaustedError`."""
        with self._turn() as turn:
            quota = turn.quotas([asked.tenant_id])[asked.tenant_id]
            check_seconds(quota, seconds_used(turn.connection, asked.tenant_id, turn.now_s), turn.now_s)
            is_new = not turn.come_back(asked.place_id, self._gateway_id)
            if is_new:
                turn.line_up(asked, self._gateway_id)
            served = turn.serve()
            standing = turn.standing(asked.place_id, quota, served)
            if is_new and not standing.is_admitted:
                self._check_waiting(asked, quota, standing, turn)
            return standing

    def look(self, place_ids: Collection[str]) -> dict[str, Standing]:
        """How far those are who wait here. Whoever is not among them is not in the queue any more."""
        with self._turn() as turn:
            is_here = places.c.place_id.in_(place_ids)
            turn.connection.execute(
                places.update().where(is_here, places.c.state == WAITING).values(until_s=turn.now_s + LEASE_S)
            )
            served = turn.serve()
            rows = turn.connection.execute(select(places).where(is_here)).all()
            quotas = turn.quotas({row.tenant_id for row in rows})
            return {row.place_id: turn.standing(row.place_id, quotas[row.tenant_id], served) for row in rows}

    def take_reserved(self, reservation_id: str, session_id: str, tenant_id: str) -> Standing:
        """For a session. Raises `ReservationNotFoundError`."""
        with self._turn() as turn:
            is_it = (
                (places.c.place_id == reservation_id) & (places.c.tenant_id == tenant_id) & (places.c.state == RESERVED)
            )
            values = turn.taken(self._gateway_id) | {"place_id": session_id, "is_reservation": False}
            if not turn.connection.execute(places.update().where(is_it).values(**values)).rowcount:
                raise ReservationNotFoundError(
                    "there is no such reservation any more", field="admission.reservation_id"
                )
            return Standing(place_id=session_id, state=TAKEN, limits=turn.quotas([tenant_id])[tenant_id].limits)

    def cancel(self, reservation_id: str, tenant_id: str) -> bool:
        """A reservation, or a place in the queue; whether there was one."""
        is_its = (places.c.place_id == reservation_id) & (places.c.tenant_id == tenant_id)
        with self._turn() as turn:
            return turn.free(is_its & places.c.state.in_((WAITING, RESERVED)))

    def leave(self, *place_ids: str) -> None:
        """The sessions are over, or did not begin. Does nothing for a place that another gateway has."""
        with self._turn() as turn:
            turn.free(places.c.place_id.in_(place_ids) & (places.c.gateway_id == self._gateway_id))

    def let_go(self, place_id: str) -> None:
        """Whoever waited here is cut off: keep the place for the grace time."""
        is_it = (places.c.place_id == place_id) & (places.c.state == WAITING)
        with self._database.write() as connection:
            connection.execute(places.update().where(is_it).values(until_s=self._clock() + GRACE_S))

    def beat(self, tenant_by_session: Mapping[str, str], asking: Collection[str] = ()) -> Beat:
        """Say which sessions run here; what they cost is put on their tenants' accounts. Places of `asking` are left
        as they are."""
        with self._turn() as turn:
            turn.keep(tenant_by_session, asking, self._gateway_id)
            tenant_ids = set(tenant_by_session.values())
            counts = turn.connection.execute(_NUM_TAKEN_OF, {"its_ids": list(tenant_ids)})
            num_by_tenant = {row[0]: row[1] for row in counts}
            limits = {tenant_id: quota.limits for tenant_id, quota in turn.quotas(tenant_ids).items()}
            left_s: dict[str, float] = {}
            for tenant_id, limit in limits.items():
                if limit.session_seconds_per_day is not None:
                    used_s = seconds_used(turn.connection, tenant_id, turn.now_s)
                    all_left_s = max(0.0, limit.session_seconds_per_day - used_s)
                    left_s[tenant_id] = all_left_s / num_by_tenant.get(tenant_id, 1)
            return Beat(num_by_tenant=num_by_tenant, limits=limits, left_s=left_s)

    def _check_waiting(self, asked: Asked, quota: Quota, standing: Standing, turn: Turn) -> None:
        num_its = turn.count((places.c.tenant_id == asked.tenant_id) & (places.c.state == WAITING))
        is_full = standing.num_waiting > self._config.max_waiting or num_its > self._config.max_waiting_per_tenant
        retry_s = DEFAULT_RETRY_S if standing.eta_s is None else standing.eta_s
        if asked.may_wait and not is_full:
            return
        raise self._refusal(asked, quota, is_full and asked.may_wait, retry_s, turn)

    def _refusal(self, asked: Asked, quota: Quota, is_full: bool, retry_s: float, turn: Turn) -> NacreError:
        num_held = turn.count((places.c.tenant_id == asked.tenant_id) & places.c.state.in_(HELD))
        if is_full:
            return QueueFullError("every slot is taken, and as many wait as may", retry_after_s=retry_s)
        if not has_room(quota.limits, num_held):
            return too_many_sessions(quota, retry_s)
        return CapacityExhaustedError(_no_slot(turn.capacity()), retry_after_s=retry_s)

    @contextmanager
    def _turn(self) -> Iterator[Turn]:
        with self._database.write() as connection:
            if not self._database.is_sqlite:  # whose writers come one after the other anyway
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": PLACES_LOCK})
            turn = Turn(connection, self.quotas, self._config, self._clock())
            turn.drop_expired()
            yield turn


# At every gateway's beat: building it anew would take longer than doing it.
_NUM_TAKEN_OF = (
    select(places.c.tenant_id, func.count())
    .where(places.c.tenant_id.in_(bindparam("its_ids", expanding=True)), places.c.state == TAKEN)
    .group_by(places.c.tenant_id)
)


def _no_slot(num_slots: int | None) -> str:
    there_are = "" if num_slots is None else f"; there are {num_slots}"
    ways = "wait for one (wait_s, or admission.wait), end or park a session, or start the service with more (--slots)"
    return f"every slot is taken{there_are}: {ways}"
