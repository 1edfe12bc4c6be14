"""Journals in the catalogue: appended once per chunk for all sessions of a worker, and read back to be verified."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, bindparam, select

from serving.catalogue.database import Database
from serving.catalogue.schema import journal, sessions
from serving.errors import SessionNotFoundError
from serving.sessions.records import FIRST_HASH, JournalFault, JournalHead, SealedRecord, find_fault, head_after


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one session adds, after `head`."""

    session_id: str
    epoch: int
    head: JournalHead
    records: Sequence[SealedRecord]


# With every control of every session: building them anew would take longer than doing it.
_INSERT = journal.insert()
_MOVE_END = (
    sessions.update()
    .where(
        sessions.c.session_id == bindparam("its_id"),
        sessions.c.epoch == bindparam("its_epoch"),
        sessions.c.journal_length == bindparam("its_length"),
    )
    .values({name: bindparam(name) for name in ("journal_length", "journal_hash", "updated_s")})
)


class JournalTable:
    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def head(self, session_id: str) -> JournalHead:
        """Raises `SessionNotFoundError`."""
        with self._database.read() as connection:
            return head_of(connection, session_id)

    def append(self, batches: Iterable[Batch]) -> set[str]:
        """All in one transaction. Gives the sessions whose batch was refused whole: held by another epoch
        meanwhile, or with another end than the batch follows. Of what is there already only the rest is appended,
        so that a commit whose answer was lost can be tried again, also with more after it."""
        refused: set[str] = set()
        rows: list[dict[str, object]] = []
        with self._database.write() as connection:
            for batch in sorted(batches, key=lambda each: each.session_id):
                new = self._advance(connection, batch)
                if new is None:
                    refused.add(batch.session_id)
                else:
                    rows += [_row(batch.session_id, record) for record in new]
            if rows:
                connection.execute(_INSERT, rows)
        return refused

    def read(self, session_id: str) -> list[SealedRecord]:
        with self._database.read() as connection:
            return records_of(connection, session_id, first=0)

    def scheduled_ids(self, session_id: str) -> list[str]:
        """The controls that were ever to wait for their time: without reading the whole journal."""
        query = select(journal.c.record).where(
            journal.c.session_id == session_id, journal.c.record.like('%"schedule":{%')
        )
        with self._database.read() as connection:
            return [json.loads(record)["control_id"] for record in connection.execute(query).scalars()]

    def verify(self, session_id: str) -> JournalFault | None:
        """The first record that was altered or is missing. Raises `SessionNotFoundError`."""
        with self._database.read() as connection:
            end = head_of(connection, session_id)
            return find_fault(session_id, records_of(connection, session_id, first=0), end)

    def _advance(self, connection: Connection, batch: Batch) -> Sequence[SealedRecord] | None:
        """Move the session's end over the batch, and give what of it was not there yet; None when it is refused."""
        if self._move_end(connection, batch):
            return batch.records
        num_there = _num_there(connection, batch)
        rest = batch.records[num_there:]
        if not rest:
            return rest
        head = head_after(batch.head, batch.records[:num_there])
        is_moved = num_there and self._move_end(connection, replace(batch, head=head, records=rest))
        return rest if is_moved else None

    def _move_end(self, connection: Connection, batch: Batch) -> bool:
        """If it is where the batch begins and the epoch still holds: the row stays locked until the transaction
        ends, so that nobody takes the session in between."""
        after = head_after(batch.head, batch.records)
        here = {"its_id": batch.session_id, "its_epoch": batch.epoch, "its_length": batch.head.length}
        there = {"journal_length": after.length, "journal_hash": after.hash, "updated_s": self._clock()}
        return connection.execute(_MOVE_END, here | there).rowcount == 1


def _num_there(connection: Connection, batch: Batch) -> int:
    """How many of the batch's first records are in the catalogue. A hash stands for all that led to it."""
    query = select(journal.c.seq, journal.c.hash).where(
        journal.c.session_id == batch.session_id, journal.c.seq >= batch.head.length
    )
    there = {row.seq: bytes(row.hash) for row in connection.execute(query)}
    return sum(there.get(record.seq) == record.hash for record in batch.records)


def head_of(connection: Connection, session_id: str) -> JournalHead:
    query = select(sessions.c.journal_length, sessions.c.journal_hash).where(sessions.c.session_id == session_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise SessionNotFoundError("there is no session of that id in the catalogue", field="session_id")
    return JournalHead(length=row.journal_length, hash=bytes(row.journal_hash) or FIRST_HASH)


def _row(session_id: str, record: SealedRecord) -> dict[str, object]:
    return {
        "session_id": session_id,
        "seq": record.seq,
        "record": record.text,
        "tensors": record.tensors,
        "hash": record.hash,
    }


def records_of(
    connection: Connection,
    session_id: str,
    *,
    first: int | None = None,
    end: int | None = None,
    limit: int | None = None,
) -> list[SealedRecord]:
    """Those from number `first` on, in their order; without one, the last of them before `end`, backwards."""
    query = select(journal).where(journal.c.session_id == session_id)
    query = query.order_by(journal.c.seq.desc() if first is None else journal.c.seq)
    if first:
        query = query.where(journal.c.seq >= first)
    if end is not None:
        query = query.where(journal.c.seq < end)
    if limit is not None:
        query = query.limit(limit)
    return [
        SealedRecord(
            seq=row.seq,
            text=row.record,
            tensors=None if row.tensors is None else bytes(row.tensors),
            hash=bytes(row.hash),
        )
        for row in connection.execute(query)
    ]
