"""Whose turn it is in the queue. Pure: a snapshot of who waits and who has what, to who is given a place.

Tenants take turns by weight. Each has a *turn*, a number on a virtual clock; the tenant with the lowest is served next,
and goes forward by one over its weight. The clock stands at the last turn served, and a tenant that comes back goes on
from there at the earliest: it gains nothing by having been away. Within a tenant the first to come is the first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from serving.admission.limits import DEFAULT_WEIGHT


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """One who waits."""

    place_id: str
    tenant_id: str
    seq: int  # in order of arrival


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What counts of a tenant."""

    turn: float = 0.0
    num_held: int = 0
    max_held: int | None = None
    weight: float = DEFAULT_WEIGHT


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    waiting: Sequence[Ticket]
    lines: Mapping[str, Line]  # of every tenant that waits
    num_free: int | None  # None where nobody knows: then whoever opens a session finds out
    clock: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    admitted: tuple[str, ...]  # in order
    order: tuple[str, ...]  # of those who go on waiting
    held_back: frozenset[str]  # of them, those who wait for their own tenant's sessions to end
    turns: Mapping[str, float]
    clock: float


def serve(queue: Queue) -> Served:
    """Give away what is free."""
    waiting = _by_tenant(queue.waiting)
    # One that comes back, or was held back by its own limit, does not collect the turns that it missed.
    turns = {tenant_id: max(queue.lines[tenant_id].turn, queue.clock) for tenant_id in waiting}
    held = {tenant_id: queue.lines[tenant_id].num_held for tenant_id in waiting}
    clock, admitted, num_free = queue.clock, list[str](), queue.num_free
    while num_free is None or len(admitted) < num_free:
        ready = [tenant_id for tenant_id, line in waiting.items() if line and _has_room(queue, held, tenant_id)]
        if not ready:
            break
        tenant_id = min(ready, key=lambda each: (turns[each], waiting[each][0].seq))
        clock = max(clock, turns[tenant_id])
        turns[tenant_id] += 1 / queue.lines[tenant_id].weight
        held[tenant_id] += 1
        admitted.append(waiting[tenant_id].pop(0).place_id)
    for tenant_id, line in waiting.items():
        if line:
            turns[tenant_id] = max(turns[tenant_id], clock)
    return _served(queue, waiting, turns, held, clock, admitted)


def _served(
    queue: Queue,
    waiting: Mapping[str, list[Ticket]],
    turns: Mapping[str, float],
    held: Mapping[str, int],
    clock: float,
    admitted: list[str],
) -> Served:
    ranked: list[tuple[float, int, str]] = []
    held_back: set[str] = set()
    for tenant_id, tickets in waiting.items():
        line = queue.lines[tenant_id]
        for idx, ticket in enumerate(tickets):
            ranked.append((turns[tenant_id] + idx / line.weight, ticket.seq, ticket.place_id))
            if line.max_held is not None and held[tenant_id] + idx >= line.max_held:
                held_back.add(ticket.place_id)
    # Those who are held back let the others pass.
    ranked.sort(key=lambda each: (each[2] in held_back, each))
    return Served(
        admitted=tuple(admitted),
        order=tuple(place_id for _, _, place_id in ranked),
        held_back=frozenset(held_back),
        turns=turns,
        clock=clock,
    )


def _by_tenant(waiting: Sequence[Ticket]) -> dict[str, list[Ticket]]:
    lines: dict[str, list[Ticket]] = {}
    for ticket in sorted(waiting, key=lambda each: each.seq):
        lines.setdefault(ticket.tenant_id, []).append(ticket)
    return lines


def _has_room(queue: Queue, held: Mapping[str, int], tenant_id: str) -> bool:
    limit = queue.lines[tenant_id].max_held
    return limit is None or held[tenant_id] < limit
