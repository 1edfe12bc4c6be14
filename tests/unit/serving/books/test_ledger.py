"""Books in the catalogue, on SQLite and on PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete, update

from serving.books.chain import Book, BookId, Entry
from serving.books.ledger import Ledger, RowFilter
from serving.catalogue.database import Database
from serving.catalogue.schema import book_rows, books
from serving.sessions.records import JournalHead

ACME, BETA = BookId(Book.USAGE, "acme"), BookId(Book.USAGE, "beta")


def entry(number: int, subject_id: str = "key:1", session_id: str = "s-1") -> Entry:
    return Entry(
        key=f"k-{number}",
        kind="session",
        time_s=100.25 * number,
        session_id=session_id,
        body={"num_frames": number},
        personal={"subject_id": subject_id},
        salt="77",
    )


def filled(database: Database, num_rows: int = 5) -> Ledger:
    ledger = Ledger(database)
    ledger.append({ACME: [entry(number) for number in range(num_rows)]})
    return ledger


def fault_seq(ledger: Ledger) -> int | None:
    fault = ledger.verify(ACME)
    return None if fault is None else fault.seq


def test_e04_what_was_appended_is_read_and_verified(database: Database) -> None:
    ledger = filled(database)
    ledger.append({ACME: [entry(5)], BETA: [entry(0)]})
    assert [row.fields["num_frames"] for row in ledger.read(ACME)] == list(range(6))
    assert [row.seq for row in ledger.latest(ACME, limit=2)] == [5, 4]
    assert ledger.books() == [ACME, BETA]
    assert ledger.verify(ACME) is None
    assert ledger.verify(BETA) is None
    assert ledger.verify(BookId(Book.AUDIT, "acme")) is None, "an empty book is in order"


def test_b02_what_is_given_again_is_there_once(database: Database) -> None:
    ledger = filled(database)
    assert ledger.append({ACME: [entry(3), entry(4), entry(5), entry(5)]}) == 1
    assert ledger.head(ACME).length == 6
    assert ledger.verify(ACME) is None


def test_rows_are_found_by_what_they_are_about(database: Database) -> None:
    ledger = Ledger(database)
    ledger.append({ACME: [entry(0), entry(1, "key:2", "s-2"), entry(2, "key:2", "s-3")]})
    assert [row.seq for row in ledger.read(ACME, RowFilter(subject_id="key:2"))] == [1, 2]
    assert [row.seq for row in ledger.read(ACME, RowFilter(session_id="s-2"))] == [1]
    assert [row.seq for row in ledger.read(ACME, RowFilter(from_s=100.0, until_s=200.0))] == [1]
    assert [row.seq for row in ledger.read(ACME, RowFilter(after_seq=0), limit=1)] == [1]


TAMPERINGS: list[Callable[[int], Any]] = [
    lambda seq: update(book_rows).where(book_rows.c.seq == seq).values(record="{}"),
    lambda seq: update(book_rows).where(book_rows.c.seq == seq).values(hash=bytes(32)),
    lambda seq: update(book_rows).where(book_rows.c.seq == seq).values(session_id="s-9"),
    lambda seq: update(book_rows).where(book_rows.c.seq == seq).values(personal=None, subject_id=None),
    lambda seq: delete(book_rows).where(book_rows.c.seq == seq),
    lambda seq: delete(book_rows).where(book_rows.c.seq >= seq),
]


def test_e04_tampering_is_found_wherever_it_is(database: Database) -> None:
    for tamper in TAMPERINGS:
        for seq in range(3):
            with database.write() as connection:
                connection.execute(delete(book_rows))
                connection.execute(delete(books))
            ledger = filled(database, 3)
            assert fault_seq(ledger) is None
            with database.write() as connection:
                connection.execute(tamper(seq))
            assert fault_seq(ledger) == seq


def test_e04_rows_that_changed_places_are_found(database: Database) -> None:
    ledger = filled(database)
    with database.write() as connection:
        for old, new in ((1, 99), (2, 1), (99, 2)):
            connection.execute(update(book_rows).where(book_rows.c.seq == old).values(seq=new))
    assert fault_seq(ledger) == 1


def test_e04_a_book_cut_off_with_its_end_is_told_by_an_end_kept_elsewhere(database: Database) -> None:
    ledger = filled(database)
    kept = ledger.head(ACME)
    third = ledger.read(ACME)[2]
    with database.write() as connection:
        connection.execute(delete(book_rows).where(book_rows.c.seq > 2))
        connection.execute(update(books).values(length=3, hash=third.hash))
    assert ledger.verify(ACME) is None
    fault = ledger.verify(ACME, kept)
    assert fault is not None
    assert fault.seq == 3


def test_e04_gateways_that_append_at_once_make_one_chain(migrated_url: str) -> None:
    num_writers, num_batches, per_batch = 4, 10, 3
    failures: list[BaseException] = []

    def run(writer: int) -> None:
        try:
            with Database(migrated_url) as own:
                ledger = Ledger(own)
                for batch in range(num_batches):
                    entries = [entry(1_000 * writer + 10 * batch + number) for number in range(per_batch)]
                    ledger.append({ACME: entries, BETA: entries})
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(writer,)) for writer in range(num_writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    with Database(migrated_url) as database:
        ledger = Ledger(database)
        assert ledger.head(ACME).length == num_writers * num_batches * per_batch
        assert ledger.verify(ACME) is None
        assert ledger.verify(BETA) is None
        order = [row.fields["num_frames"] for row in ledger.read(ACME)]
        for writer in range(num_writers):
            own_rows = [number for number in order if number // 1_000 == writer]
            assert own_rows == sorted(own_rows), "what one writer adds stays in order"


@pytest.mark.parametrize("subject_id", [None, "key:2"])
def test_x06_the_chain_holds_after_personal_fields_were_erased(database: Database, subject_id: str | None) -> None:
    ledger = Ledger(database)
    ledger.append({ACME: [entry(number, f"key:{number % 3}") for number in range(6)]})
    num_erased = ledger.erase(ACME, "erasure-1", subject_id, {"certificate": "c-1"})
    assert num_erased == (6 if subject_id is None else 2)
    assert ledger.verify(ACME) is None
    left = [row.subject_id for row in ledger.read(ACME, RowFilter(kind="session"))]
    assert subject_id not in left if subject_id else not any(left)
    mark = ledger.latest(ACME, limit=1)[0]
    assert mark.fields["num_rows"] == num_erased
    with database.write() as connection:
        connection.execute(delete(book_rows).where(book_rows.c.seq == mark.seq))
        connection.execute(update(books).values(length=6, hash=ledger.read(ACME)[-1].hash))
    assert ledger.verify(ACME) is not None, "without the row that says so, it is a loss"


def test_b02_a_known_end_is_an_end(database: Database) -> None:
    ledger = filled(database)
    assert ledger.verify(ACME, JournalHead(length=2, hash=ledger.read(ACME)[1].hash)) is None


def test_x06_names_in_old_rows_are_forgotten_and_the_chain_holds(database: Database) -> None:
    ledger = filled(database)
    assert ledger.forget(ACME, 250.0) == 3
    assert ledger.forget(ACME, 250.0) == 0
    assert [row.subject_id for row in ledger.read(ACME, RowFilter(kind="session"))] == [None] * 3 + ["key:1"] * 2
    assert ledger.verify(ACME) is None
