"""One transaction on the places and the queue, in which nobody else changes them."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, bindparam, delete, func, select

from serving.admission.limits import AdmissionConfig, Limits, Quota
from serving.admission.quotas import HELD, RESERVED, TAKEN, WAITING, Quotas, add_seconds
from serving.admission.rate import FreeingRate
from serving.admission.turns import Line, Queue, Served, Ticket, serve
from serving.catalogue.schema import places, queue_clock, queue_turns, workers
from serving.catalogue.workers import LOST_AFTER_S, UP

# Five beats missed: then the gateway is dead, and what it held is free.
LEASE_S = 15.0
CLOCK_ID = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A session that wants a place, or somebody who wants to have one reserved."""

    place_id: str
    tenant_id: str
    is_reservation: bool = False
    may_wait: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far somebody is."""

    place_id: str
    state: str
    limits: Limits
    position: int = 0  # 1 for whoever is next; 0 for one who has a place
    num_waiting: int = 0
    eta_s: float | None = None  # None while nobody can tell
    until_s: float = 0.0  # of a reservation

    @property
    def is_admitted(self) -> bool:
        return self.state in HELD


class Turn:
    """Made by `Places`, who holds the lock."""

    def __init__(self, connection: Connection, quotas: Quotas, config: AdmissionConfig, now_s: float) -> None:
        self.connection = connection
        self.now_s = now_s
        self._quotas = quotas
        self._config = config
        self._rate = self._read_rate()

    def quotas(self, tenant_ids: Collection[str]) -> dict[str, Quota]:
        return self._quotas.of(self.connection, tenant_ids)

    def count(self, condition: ColumnElement[bool]) -> int:
        return self.connection.execute(select(func.count()).select_from(places).where(condition)).scalar_one()

    def taken(self, gateway_id: str) -> dict[str, Any]:
        """Values of a place that is taken now."""
        return {
            "state": TAKEN,
            "gateway_id": gateway_id,
            "until_s": self.now_s + LEASE_S,
            "counted_s": self.now_s,
        }

    def drop_expired(self) -> None:
        self._freed(self.connection.execute(_DROP_EXPIRED, {"now_s": self.now_s}).all())

    def free(self, condition: ColumnElement[bool]) -> bool:
        """Take places from those that meet the condition; whether there were any."""
        return self._freed(self.connection.execute(delete(places).where(condition).returning(*places.c)).all())

    def _freed(self, rows: Sequence[Row[Any]]) -> bool:
        for row in rows:
            if row.state == TAKEN:
                end_s = min(self.now_s, row.until_s)
                add_seconds(self.connection, row.tenant_id, max(0.0, end_s - row.counted_s), self.now_s)
            if row.state in HELD:
                self._rate = self._rate.freed(self.now_s)
        if any(row.state in HELD for row in rows):
            self._write_rate()
        return bool(rows)

    def come_back(self, place_id: str, gateway_id: str) -> bool:
        """To a place that is there already; whether it is. It stays its tenant's, whoever wakes the session."""
        is_it = places.c.place_id == place_id
        values = {"gateway_id": gateway_id, "until_s": self.now_s + LEASE_S}
        # A reservation is not made longer by asking for it again.
        renewed = self.connection.execute(places.update().where(is_it, places.c.state != RESERVED).values(**values))
        return bool(renewed.rowcount) or self.count(is_it) > 0

    def line_up(self, asked: Asked, gateway_id: str) -> None:
        columns = queue_clock.c
        advance = queue_clock.update().values(last_seq=columns.last_seq + 1).returning(columns.last_seq)
        seq = self.connection.execute(advance).scalar_one_or_none()
        if seq is None:
            self.connection.execute(queue_clock.insert().values(**_FIRST_CLOCK, last_seq=1))
            seq = 1
        row = {
            "place_id": asked.place_id,
            "tenant_id": asked.tenant_id,
            "state": WAITING,
            "is_reservation": asked.is_reservation,
            "seq": seq,
            "gateway_id": gateway_id,
            "until_s": self.now_s + LEASE_S,
            "counted_s": self.now_s,
        }
        self.connection.execute(places.insert().values(**row))

    def serve(self) -> Served | None:
        """Give away what is free. None where nobody waited."""
        waiting = self.connection.execute(select(places).where(places.c.state == WAITING)).all()
        if not waiting:
            return None
        queue = self._queue(waiting)
        served = serve(queue)
        is_reservation = {row.place_id: row.is_reservation for row in waiting}
        for place_id in served.admitted:
            reserved = {"state": RESERVED, "until_s": self.now_s + self._config.reservation_s}
            taken = {"state": TAKEN, "until_s": self.now_s + LEASE_S, "counted_s": self.now_s}
            values = reserved if is_reservation[place_id] else taken
            self.connection.execute(places.update().where(places.c.place_id == place_id).values(**values))
        if served.admitted:
            self._write_turns(queue, served)
        return served

    def standing(self, place_id: str, quota: Quota, served: Served | None) -> Standing:
        row = self.connection.execute(select(places).where(places.c.place_id == place_id)).one()
        if row.state != WAITING:
            return Standing(place_id=place_id, state=row.state, limits=quota.limits, until_s=row.until_s)
        assert served is not None, "there is somebody who waits"
        position = served.order.index(place_id) + 1
        return Standing(
            place_id=place_id,
            state=WAITING,
            limits=quota.limits,
            position=position,
            num_waiting=len(served.order),
            # When a tenant's own sessions end is not to be told from how often others do.
            eta_s=None if place_id in served.held_back else self._eta_s(position),
        )

    def _eta_s(self, position: int) -> float | None:
        """In whole seconds: nobody is to be told of less."""
        eta_s = self._rate.eta_s(position, self.now_s)
        return None if eta_s is None else float(math.ceil(eta_s))

    def keep(self, tenant_by_session: Mapping[str, str], asking: Collection[str], gateway_id: str) -> None:
        """The places of sessions that run, whatever became of them; and no others of that gateway's."""
        its = {"its_gateway_id": gateway_id}
        rows = self.connection.execute(_TAKEN_AT, its).all()
        seconds_by_tenant: dict[str, float] = {}
        for row in rows:
            seconds = max(0.0, self.now_s - row.counted_s)
            seconds_by_tenant[row.tenant_id] = seconds_by_tenant.get(row.tenant_id, 0.0) + seconds
        for tenant_id, seconds in seconds_by_tenant.items():
            add_seconds(self.connection, tenant_id, seconds, self.now_s)
        renewed = {"until_s": self.now_s + LEASE_S, "counted_s": self.now_s}
        self.connection.execute(_RENEW_TAKEN_AT, its | renewed)
        known = {row.place_id for row in rows}
        if gone := known - tenant_by_session.keys() - set(asking):
            self.free(places.c.place_id.in_(gone))
        for session_id in tenant_by_session.keys() - known:
            self._restore(session_id, tenant_by_session[session_id], gateway_id)

    def _restore(self, session_id: str, tenant_id: str, gateway_id: str) -> None:
        """The catalogue was away for longer than a place is kept, and the session played on."""
        if self.count(places.c.place_id == session_id):
            return  # it is on its way to another gateway
        self.line_up(Asked(place_id=session_id, tenant_id=tenant_id), gateway_id)
        self.connection.execute(places.update().where(places.c.place_id == session_id).values(**self.taken(gateway_id)))

    def _queue(self, waiting: Sequence[Row[Any]]) -> Queue:
        tenant_ids = {row.tenant_id for row in waiting}
        quotas = self.quotas(tenant_ids)
        turn_query = select(queue_turns).where(queue_turns.c.tenant_id.in_(tenant_ids))
        turns = {row.tenant_id: row.turn for row in self.connection.execute(turn_query)}
        held_query = select(places.c.tenant_id, func.count()).where(places.c.state.in_(HELD))
        held: dict[str, int] = {
            row[0]: row[1] for row in self.connection.execute(held_query.group_by(places.c.tenant_id))
        }
        clock = self.connection.execute(select(queue_clock.c.clock)).scalar_one()
        capacity = self.capacity()
        return Queue(
            waiting=[Ticket(place_id=row.place_id, tenant_id=row.tenant_id, seq=row.seq) for row in waiting],
            lines={
                tenant_id: Line(
                    turn=turns.get(tenant_id, clock),
                    num_held=held.get(tenant_id, 0),
                    max_held=quotas[tenant_id].limits.concurrent_sessions,
                    weight=quotas[tenant_id].weight,
                )
                for tenant_id in tenant_ids
            },
            num_free=None if capacity is None else max(0, capacity - sum(held.values())),
            clock=clock,
        )

    def capacity(self) -> int | None:
        """Of all workers that take sessions, and what others still have. None while none is known."""
        query: Select[Any] = select(workers).where(workers.c.seen_s > self.now_s - LOST_AFTER_S)
        rows = self.connection.execute(query).all()
        if not rows:
            return None
        takes = [row.state == UP and row.wanted == UP for row in rows]
        return sum(row.num_slots if is_up else row.num_used_slots for row, is_up in zip(rows, takes, strict=True))

    def _write_turns(self, queue: Queue, served: Served) -> None:
        self.connection.execute(queue_clock.update().values(clock=served.clock))
        for tenant_id, turn in served.turns.items():
            is_it = queue_turns.c.tenant_id == tenant_id
            if not self.connection.execute(queue_turns.update().where(is_it).values(turn=turn)).rowcount:
                self.connection.execute(queue_turns.insert().values(tenant_id=tenant_id, turn=turn))
        # Whoever is not ahead of the clock begins at it anyway.
        self.connection.execute(delete(queue_turns).where(queue_turns.c.turn <= served.clock))

    def _read_rate(self) -> FreeingRate:
        row = self.connection.execute(_CLOCK).one_or_none()
        if row is None:
            return FreeingRate()
        return FreeingRate(num_freed=row.num_freed, last_freed_s=row.last_freed_s, mean_interval_s=row.mean_interval_s)

    def _write_rate(self) -> None:
        rate = self._rate
        values = {
            "num_freed": rate.num_freed,
            "last_freed_s": rate.last_freed_s,
            "mean_interval_s": rate.mean_interval_s,
        }
        self.connection.execute(queue_clock.update().values(**values))


# At every gateway's beat: building them anew would take longer than doing it.
_CLOCK = select(queue_clock)
_DROP_EXPIRED = delete(places).where(places.c.until_s <= bindparam("now_s")).returning(*places.c)
_is_taken_at = (places.c.gateway_id == bindparam("its_gateway_id")) & (places.c.state == TAKEN)
_TAKEN_AT = select(places).where(_is_taken_at)
_RENEW_TAKEN_AT = (
    places.update().where(_is_taken_at).values(until_s=bindparam("until_s"), counted_s=bindparam("counted_s"))
)

_FIRST_CLOCK = {"clock_id": CLOCK_ID, "clock": 0.0, "num_freed": 0, "last_freed_s": 0.0, "mean_interval_s": 0.0}
