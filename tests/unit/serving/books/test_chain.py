"""The chain of rows: nothing can be changed in it without being named, but what may be erased."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.books.chain import (
    ERASED,
    Book,
    BookId,
    Entry,
    Row,
    erased_seqs,
    find_fault,
    from_ranges,
    seal,
    to_ranges,
)
from serving.sessions.records import JournalHead

ACME = BookId(Book.AUDIT, "acme")


def entry(number: int) -> Entry:
    return Entry(
        key=f"k-{number}",
        kind="call",
        time_s=1_000.5 + number,
        session_id=f"s-{number}",
        body={"method": "CreateSession", "num": number},
        personal={"subject_id": f"key:{number}", "peer": "ipv4:127.0.0.1:1"},
        salt="00ff",
    )


def book(num_rows: int = 4) -> tuple[list[Row], JournalHead]:
    rows = seal(ACME, JournalHead(), [entry(number) for number in range(num_rows)])
    return rows, JournalHead(length=num_rows, hash=rows[-1].hash)


def test_e04_what_was_written_has_no_fault() -> None:
    rows, end = book()
    assert find_fault(ACME, rows, end) is None
    more = seal(ACME, end, [entry(4)])
    assert find_fault(ACME, [*rows, *more], JournalHead(length=5, hash=more[-1].hash)) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"text": "{}"},
        {"hash": bytes(32)},
        {"key": "k-9"},
        {"kind": "other"},
        {"time_s": 1.0},
        {"session_id": "s-9"},
        {"subject_id": "key:9"},
        {"subject_id": None},
        {"personal": '{"salt":"00ff","subject_id":"key:2"}'},
        {"personal": None, "subject_id": None},
    ],
)
def test_e04_an_altered_row_is_named(changed: dict[str, Any]) -> None:
    rows, end = book()
    rows[2] = replace(rows[2], **changed)
    fault = find_fault(ACME, rows, end)
    assert fault is not None
    assert fault.seq == 2


@pytest.mark.parametrize("missing", [0, 1, 2, 3])
def test_e04_a_missing_row_is_named_at_the_end_too(missing: int) -> None:
    rows, end = book()
    del rows[missing]
    fault = find_fault(ACME, rows, end)
    assert fault is not None
    assert fault.seq == missing


def test_e04_rows_that_changed_places_or_books_are_named() -> None:
    rows, end = book()
    swapped = [rows[0], replace(rows[2], seq=1), replace(rows[1], seq=2), rows[3]]
    fault = find_fault(ACME, swapped, end)
    assert fault is not None
    assert fault.seq == 1
    fault = find_fault(BookId(Book.AUDIT, "other"), rows, end)
    assert fault is not None
    assert fault.problem == "was moved here from elsewhere"


def test_e04_an_end_that_was_kept_elsewhere_tells_a_forged_book() -> None:
    rows, end = book()
    forged = seal(ACME, JournalHead(), [replace(entry(number), body={}) for number in range(4)])
    new_end = JournalHead(length=4, hash=forged[-1].hash)
    assert find_fault(ACME, forged, new_end) is None, "a whole book can be written anew"
    assert find_fault(ACME, rows, end, known=JournalHead(length=3, hash=rows[2].hash)) is None
    fault = find_fault(ACME, forged, new_end, known=JournalHead(length=3, hash=rows[2].hash))
    assert fault is not None
    assert fault.seq == 2
    short = find_fault(ACME, rows[:2], JournalHead(length=2, hash=rows[1].hash), known=end)
    assert short is not None
    assert short.seq == 2


def test_x06_what_is_personal_may_go_where_a_row_says_so() -> None:
    rows, end = book()
    rows[1] = replace(rows[1], personal=None, subject_id=None)
    mark = Entry(key="erasure", kind=ERASED, time_s=2_000.0, body={"rows": to_ranges([1])})
    rows += seal(ACME, end, [mark])
    end = JournalHead(length=5, hash=rows[-1].hash)
    assert find_fault(ACME, rows, end, erased_seqs(rows)) is None
    rows[2] = replace(rows[2], personal=None, subject_id=None)
    fault = find_fault(ACME, rows, end, erased_seqs(rows))
    assert fault is not None
    assert fault.seq == 2


def test_x06_a_row_without_its_personal_fields_does_not_tell_them() -> None:
    rows, _ = book()
    for told in ("key:1", "127.0.0.1"):
        assert told not in rows[1].text
    others = seal(ACME, JournalHead(), [replace(entry(0), salt="1234")])
    assert others[0].fields["personal_sha256"] != rows[0].fields["personal_sha256"], "the salt keeps it from guesses"


@given(st.sets(st.integers(min_value=0, max_value=200)))
def test_ranges_hold_the_same_numbers(numbers: set[int]) -> None:
    assert from_ranges(to_ranges(numbers)) == numbers
