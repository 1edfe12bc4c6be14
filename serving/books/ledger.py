"""The books in the catalogue: appended to, read, verified, and relieved of what is personal.

Whoever appends locks the book's end for that one transaction, seals what it adds after it and moves it on. Writers in
several gateways wait a millisecond for each other; none has to try again, and no order is lost. What is there already,
by its key, is left out: a batch whose answer was lost can be given again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from serving.books.chain import ERASED, Book, BookId, Entry, Row, erased_seqs, find_fault, seal, to_ranges
from serving.catalogue.database import Database
from serving.catalogue.schema import book_rows, books
from serving.sessions.records import FIRST_HASH, JournalFault, JournalHead

# Of keys that are looked for in one question; SQLite takes 32,766 parameters at most.
MAX_KEYS = 500
READ_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFilter:
    """What is left out does not matter."""

    session_id: str | None = None
    subject_id: str | None = None  # who did it
    names_subject_id: str | None = None  # who did it, or to whom it was done
    kind: str | None = None
    from_s: float | None = None
    until_s: float | None = None
    after_seq: int = -1
    before_seq: int | None = None

    def apply(self, query: Select[Any]) -> Select[Any]:
        columns = {"session_id": self.session_id, "subject_id": self.subject_id, "kind": self.kind}
        for name, value in columns.items():
            if value is not None:
                query = query.where(book_rows.c[name] == value)
        if self.names_subject_id is not None:
            in_json = json.dumps(self.names_subject_id, ensure_ascii=False)
            mentions = book_rows.c.personal.contains(in_json, autoescape=True)
            query = query.where(or_(book_rows.c.subject_id == self.names_subject_id, mentions))
        if self.from_s is not None:
            query = query.where(book_rows.c.time_s >= self.from_s)
        if self.until_s is not None:
            query = query.where(book_rows.c.time_s < self.until_s)
        if self.before_seq is not None:
            query = query.where(book_rows.c.seq < self.before_seq)
        return query.where(book_rows.c.seq > self.after_seq)


EVERYTHING = RowFilter()


class Ledger:
    """Blocking and thread-safe. Every method raises `StorageUnavailableError`."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def append(self, batches: Mapping[BookId, Sequence[Entry]]) -> int:
        """All in one transaction. Gives how many were not there yet."""
        with self._database.write() as connection:
            # In one order, so that no two that append to the same books wait for each other.
            return sum(_append(connection, book_id, batches[book_id]) for book_id in sorted(batches))

    def books(self) -> list[BookId]:
        with self._database.read() as connection:
            rows = connection.execute(select(books.c.book, books.c.tenant_id).order_by(books.c.book, books.c.tenant_id))
            return [BookId(Book(row.book), row.tenant_id) for row in rows]

    def head(self, book_id: BookId) -> JournalHead:
        with self._database.read() as connection:
            return _head(connection, book_id)

    def read(self, book_id: BookId, wanted: RowFilter = EVERYTHING, limit: int | None = None) -> list[Row]:
        """The oldest first."""
        with self.reading(book_id, wanted, limit) as rows:
            return list(rows)

    def latest(self, book_id: BookId, wanted: RowFilter = EVERYTHING, limit: int = 50) -> list[Row]:
        """The newest first."""
        query = wanted.apply(_rows_of(book_id)).order_by(book_rows.c.seq.desc()).limit(limit)
        with self._database.read() as connection:
            return [_row(row) for row in connection.execute(query)]

    @contextmanager
    def reading(
        self, book_id: BookId, wanted: RowFilter = EVERYTHING, limit: int | None = None
    ) -> Iterator[Iterator[Row]]:
        """The oldest first, without holding all of them."""
        with self._database.read() as connection:
            with closing(_stream(connection, wanted.apply(_rows_of(book_id)).limit(limit))) as rows:
                yield rows

    def verify(self, book_id: BookId, known: JournalHead | None = None) -> JournalFault | None:
        """The first row that was altered or is missing, also at the end. `known` is an end that was kept elsewhere."""
        with self._database.read() as connection:
            marks = RowFilter(kind=ERASED).apply(_rows_of(book_id))
            erased = erased_seqs(_stream(connection, marks))
            with closing(_stream(connection, _rows_of(book_id))) as rows:
                return find_fault(book_id, rows, _head(connection, book_id), erased, known)

    def erase(self, book_id: BookId, key: str, subject_id: str | None, body: Mapping[str, Any]) -> int:
        """Take the personal fields out of all rows, or of those that name one subject, and add a row that names them.
        Gives their number."""
        return self._erase(book_id, key, RowFilter(names_subject_id=subject_id), body, is_always_noted=True)

    def forget(self, book_id: BookId, until_s: float) -> int:
        """Take the personal fields out of rows from before then."""
        key = f"forgotten/{until_s:.0f}"
        return self._erase(book_id, key, RowFilter(until_s=until_s), {"until_s": until_s}, is_always_noted=False)

    def _erase(
        self, book_id: BookId, key: str, wanted: RowFilter, body: Mapping[str, Any], *, is_always_noted: bool
    ) -> int:
        with self._database.write() as connection:
            head = _locked_head(connection, book_id)
            query = wanted.apply(select(book_rows.c.seq).where(*_is(book_id), book_rows.c.personal.is_not(None)))
            seqs = list(connection.execute(query.order_by(book_rows.c.seq)).scalars())
            for start in range(0, len(seqs), MAX_KEYS):
                connection.execute(
                    update(book_rows)
                    .where(*_is(book_id), book_rows.c.seq.in_(seqs[start : start + MAX_KEYS]))
                    .values(personal=None, subject_id=None)
                )
            if seqs or is_always_noted:
                marked = {**body, "rows": to_ranges(seqs), "num_rows": len(seqs)}
                _add(connection, book_id, head, [Entry(key=key, kind=ERASED, time_s=self._clock(), body=marked)])
        return len(seqs)


def _append(connection: Connection, book_id: BookId, entries: Sequence[Entry]) -> int:
    head = _locked_head(connection, book_id)
    there = _keys_there(connection, book_id, [entry.key for entry in entries])
    new = {entry.key: entry for entry in entries if entry.key not in there}
    _add(connection, book_id, head, list(new.values()))
    return len(new)


def _add(connection: Connection, book_id: BookId, head: JournalHead, entries: Sequence[Entry]) -> None:
    if not entries:
        return
    rows = seal(book_id, head, entries)
    values = [{**_columns(book_id), **_values(row)} for row in rows]
    connection.execute(book_rows.insert(), values)
    connection.execute(books.update().where(*_is_book(book_id)).values(length=rows[-1].seq + 1, hash=rows[-1].hash))


def _locked_head(connection: Connection, book_id: BookId) -> JournalHead:
    """The end as it stays until the transaction is over; made where there is none."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    new = insert(books).values(**_columns(book_id), length=0, hash=FIRST_HASH)
    connection.execute(new.on_conflict_do_nothing())
    query = select(books.c.length, books.c.hash).where(*_is_book(book_id)).with_for_update()
    row = connection.execute(query).one()
    return JournalHead(length=row.length, hash=bytes(row.hash))


def _head(connection: Connection, book_id: BookId) -> JournalHead:
    row = connection.execute(select(books.c.length, books.c.hash).where(*_is_book(book_id))).one_or_none()
    return JournalHead() if row is None else JournalHead(length=row.length, hash=bytes(row.hash))


def _keys_there(connection: Connection, book_id: BookId, keys: Sequence[str]) -> set[str]:
    there: set[str] = set()
    for start in range(0, len(keys), MAX_KEYS):
        wanted = book_rows.c.key.in_(keys[start : start + MAX_KEYS])
        there.update(connection.execute(select(book_rows.c.key).where(*_is(book_id), wanted)).scalars())
    return there


def _stream(connection: Connection, query: Select[Any]) -> Generator[Row, None, None]:
    options = {"yield_per": READ_AT_ONCE}
    with connection.execute(query.order_by(book_rows.c.seq), execution_options=options) as rows:
        for row in rows:
            yield _row(row)


def _rows_of(book_id: BookId) -> Select[Any]:
    return select(book_rows).where(*_is(book_id))


def _is(book_id: BookId) -> tuple[Any, ...]:
    return book_rows.c.book == book_id.book.value, book_rows.c.tenant_id == book_id.tenant_id


def _is_book(book_id: BookId) -> tuple[Any, ...]:
    return books.c.book == book_id.book.value, books.c.tenant_id == book_id.tenant_id


def _columns(book_id: BookId) -> dict[str, str]:
    return {"book": book_id.book.value, "tenant_id": book_id.tenant_id}


def _values(row: Row) -> dict[str, object]:
    return {
        "seq": row.seq,
        "key": row.key,
        "kind": row.kind,
        "time_s": row.time_s,
        "session_id": row.session_id,
        "subject_id": row.subject_id,
        "record": row.text,
        "personal": row.personal,
        "hash": row.hash,
    }


def _row(row: Any) -> Row:
    return Row(
        seq=row.seq,
        key=row.key,
        kind=row.kind,
        time_s=row.time_s,
        session_id=row.session_id,
        subject_id=row.subject_id,
        text=row.record,
        personal=row.personal,
        hash=bytes(row.hash),
    )


def appended(entries: Iterable[tuple[BookId, Entry]]) -> dict[BookId, list[Entry]]:
    """In the order they came, by book."""
    batches: dict[BookId, list[Entry]] = {}
    for book_id, entry in entries:
        batches.setdefault(book_id, []).append(entry)
    return batches
