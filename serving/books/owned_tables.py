"""Of each of the catalogue's tables: whether it is in what an owner gets, and whether erasing takes it out.

A test fails for a table that nobody has considered here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Table

from serving.catalogue import schema
from serving.catalogue.schema import (
    api_keys,
    branches,
    journal,
    quotas,
    receipts,
    recordings,
    residency,
    revocations,
    session_seconds,
    sessions,
    shares,
    snapshots,
    tenants,
    world_names,
    worlds,
)

# In the archive, a file each: rows that say the tenant, and rows of its sessions. `world_access` goes by its worlds.
BY_TENANT: tuple[Table, ...] = (
    tenants,
    worlds,
    world_names,
    sessions,
    shares,
    api_keys,
    quotas,
    session_seconds,
    residency,
    revocations,
)
BY_SESSION: tuple[Table, ...] = (branches, journal, snapshots, receipts, recordings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """Where it is not exported or not erased, `why`."""

    is_exported: bool = True
    is_erased: bool = True
    why: str = ""

    def __post_init__(self) -> None:
        if not self.why and not (self.is_exported and self.is_erased):
            raise ValueError("what an owner does not get, or what is not erased, needs a reason")


_OWNED = Treatment()
_NOBODYS = Treatment(is_exported=False, is_erased=False, why="says nothing of any owner")
_PASSING = Treatment(is_exported=False, is_erased=False, why="ids and times of what is going on; it goes by itself")
_STANDING = Treatment(is_erased=False, why="an operator's word about the tenant, with nothing that it said or made")

TREATMENTS: Mapping[str, Treatment] = {
    schema.worlds.name: _OWNED,
    schema.world_names.name: _OWNED,
    schema.world_access.name: _OWNED,
    schema.sessions.name: _OWNED,
    schema.branches.name: _OWNED,
    schema.journal.name: _OWNED,
    schema.snapshots.name: _OWNED,
    schema.recordings.name: _OWNED,
    schema.receipts.name: _OWNED,
    schema.shares.name: _OWNED,
    schema.workers.name: _NOBODYS,
    schema.queue_clock.name: _NOBODYS,
    schema.book_exports.name: _NOBODYS,
    schema.places.name: _PASSING,
    schema.queue_turns.name: _PASSING,
    schema.keyed_answers.name: Treatment(
        is_exported=False, is_erased=False, why="sealed with a key that only the caller has; it goes after a day"
    ),
    schema.quotas.name: _STANDING,
    schema.session_seconds.name: _STANDING,
    schema.residency.name: _STANDING,
    schema.tenants.name: _STANDING,
    schema.api_keys.name: Treatment(is_erased=False, why="keys go on until they are revoked; their names go"),
    schema.revocations.name: Treatment(
        is_erased=False, why="without it what was taken back would count again; it goes once that is over"
    ),
    # In files of their own, `books/`; their rows stay with their hashes, without what is personal.
    schema.books.name: Treatment(is_exported=False, is_erased=False, why="where each book ends: beside its rows"),
    schema.book_rows.name: Treatment(is_exported=False, is_erased=False, why="as books/; of who, erasing takes it out"),
}
