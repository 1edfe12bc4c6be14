"""Entries are written in order and once, whatever happens to the catalogue and to who writes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from serving.books.chain import Book, BookId, Entry
from serving.books.ledger import Ledger
from serving.books.waiting_file import WaitingFile, left_behind
from serving.books.writer import BookWriter, WriterConfig
from serving.catalogue.database import Database
from serving.errors import StorageUnavailableError

ACME = BookId(Book.AUDIT, "acme")
QUICK = WriterConfig(gather_s=0.0, answer_s=1.0, retry_s=0.02)


class FlakyLedger(Ledger):
    """Away when it is told to be; and as if the answer was lost, with all that was written."""

    is_away = loses_answers = False

    def append(self, batches: Mapping[BookId, Sequence[Entry]]) -> int:
        if self.is_away:
            raise StorageUnavailableError("the catalogue is away")
        added = super().append(batches)
        if self.loses_answers:
            raise StorageUnavailableError("the answer was lost")
        return added


def entry(number: int) -> Entry:
    return Entry(key=f"k-{number}", kind="call", time_s=float(number), personal={"subject_id": "é"}, salt="0")


def writer_of(ledger: Ledger, folder: Path, config: WriterConfig = QUICK, owner: str = "me") -> BookWriter:
    return BookWriter(ledger, owner, lambda tenant_id: folder, [folder], config)


def until(condition: Callable[[], object]) -> None:
    give_up_s = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < give_up_s
        time.sleep(0.005)


def keys(ledger: Ledger) -> list[str]:
    return [row.key for row in ledger.read(ACME)]


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    folder = tmp_path / "spool"
    folder.mkdir()
    return folder


@pytest.fixture
def ledger(database: Database) -> FlakyLedger:
    return FlakyLedger(database)


def test_e04_entries_are_written_in_the_order_they_came(ledger: FlakyLedger, spool: Path) -> None:
    writer = writer_of(ledger, spool)
    for number in range(30):
        writer.write(ACME, entry(number))
    assert writer.flush()
    writer.close()
    assert keys(ledger) == [f"k-{number}" for number in range(30)]
    assert ledger.verify(ACME) is None
    assert not list(spool.iterdir())


def test_e04_an_outage_costs_nothing_and_changes_no_order(ledger: FlakyLedger, spool: Path) -> None:
    writer = writer_of(ledger, spool)
    ledger.is_away = True
    for number in range(10):
        writer.write(ACME, entry(number))
    until(lambda: writer.away_s > 0 and list(spool.iterdir()) and not writer.num_unwritten)
    ledger.is_away, ledger.loses_answers = False, True
    until(lambda: ledger.head(ACME).length == 10)
    writer.write(ACME, entry(10))
    ledger.loses_answers = False
    assert writer.flush()
    assert writer.away_s == 0
    writer.close()
    assert keys(ledger) == [f"k-{number}" for number in range(11)]
    assert not list(spool.iterdir())


def test_e04_what_a_dead_process_left_is_brought_in_once(ledger: FlakyLedger, spool: Path) -> None:
    ledger.is_away = True
    first = writer_of(ledger, spool, owner="first")
    for number in range(5):
        first.write(ACME, entry(number))
    first.close()
    ledger.is_away = False
    ledger.append({ACME: [entry(0), entry(1)]})  # an answer that was lost
    second = writer_of(ledger, spool, owner="second")
    assert second.flush()
    second.close()
    assert keys(ledger) == [f"k-{number}" for number in range(5)]
    assert not list(spool.iterdir())


def test_what_a_living_process_has_is_left_to_it(spool: Path) -> None:
    own = WaitingFile(spool / "books-me.jsonl")
    own.add([(ACME, entry(0))])
    assert not list(left_behind(spool))
    own.close()
    [left] = left_behind(spool)
    assert list(left.read(10)) == [[(ACME, entry(0))]]
    left.remove()


def test_a_line_cut_short_by_a_crash_is_left_out(spool: Path) -> None:
    own = WaitingFile(spool / "books-me.jsonl")
    own.add([(ACME, entry(0)), (ACME, entry(1))])
    own.close()
    path = spool / "books-me.jsonl"
    path.write_bytes(path.read_bytes()[:-10])
    [left] = left_behind(spool)
    assert [each.key for _, each in next(left.read(10))] == ["k-0"]
    left.close()


def test_where_the_disk_refuses_memory_is_bounded_and_losses_are_counted(ledger: FlakyLedger, spool: Path) -> None:
    no_folder = spool / "file"
    no_folder.write_text("not a folder")
    writer = writer_of(ledger, no_folder, WriterConfig(gather_s=0.0, retry_s=0.02, max_in_memory=4))
    ledger.is_away = True
    for number in range(10):
        writer.write(ACME, entry(number))
    until(lambda: writer.num_lost == 6)
    ledger.is_away = False
    assert writer.flush()
    writer.close()
    assert keys(ledger) == ["k-0", "k-1", "k-2", "k-3"]
