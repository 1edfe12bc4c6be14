"""Journals that outlive their process, on both databases."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from serving.catalogue.database import Database
from serving.catalogue.journal import Batch, JournalTable
from serving.catalogue.journals import CatalogueJournals
from serving.catalogue.leases import LEASE_S
from serving.catalogue.sessions import Sessions
from serving.catalogue.writer import WriterConfig
from serving.sessions import record_codec
from serving.sessions.contract import Move
from serving.sessions.encoded import EncodedControl, Opening
from serving.sessions.journal import Journal
from serving.sessions.record_codec import read_history
from serving.sessions.records import JournalHead, RecordKind, head_after, seal
from tests.catalogues import held_session
from tests.fakes_model import INFO

WAIT_S = 20.0
PATIENT = WriterConfig(answer_s=WAIT_S)  # outages have tests of their own


def control(control_id: str) -> EncodedControl:
    return EncodedControl(control_id=control_id, kind=Move(forward=1.0, strafe=0.0), received_s=0.0)


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def journals(database: Database, spool: Path) -> Iterator[CatalogueJournals]:
    journals = CatalogueJournals(database, INFO, "worker", spool, PATIENT)
    yield journals
    journals.close()


@pytest.fixture
def table(database: Database) -> JournalTable:
    return JournalTable(database)


def commit(journals: CatalogueJournals, *session_ids: str) -> list[str]:
    """Commit and wait; gives the sessions in the order they were told."""
    told: list[str] = []
    done = threading.Semaphore(0)

    def tell(session_id: str) -> None:
        told.append(session_id)
        done.release()

    journals.commit({session_id: lambda _, session_id=session_id: tell(session_id) for session_id in session_ids})
    for _ in session_ids:
        assert done.acquire(timeout=WAIT_S)
    return told


def eventually(is_so: Callable[[], bool]) -> None:
    give_up_s = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < give_up_s
        time.sleep(0.005)


def open_journal(journals: CatalogueJournals, database: Database, session_id: str = "s-1") -> Journal:
    epoch = held_session(database, session_id)
    return journals.create(Opening(session_id=session_id, seed=7, epoch=epoch))


def test_what_was_told_is_in_the_catalogue(
    journals: CatalogueJournals, database: Database, table: JournalTable
) -> None:
    journal = open_journal(journals, database)
    for control_id in ("one", "two", "three"):
        journal.accept(control(control_id))
    journal.supersede("one", "two")
    journal.apply("two", 5)
    assert commit(journals, "s-1") == ["s-1"]
    assert table.verify("s-1") is None
    history = read_history(table.read("s-1"))
    assert (history.opening.seed, history.model) == (7, INFO.name)
    assert [entry.superseded_by for entry in history.entries] == ["two", None, None]
    assert [entry.applied_chunk_idx for entry in history.entries] == [None, 5, None]
    assert journal.entries() == history.entries


def test_a_control_waits_in_the_journal_once(journals: CatalogueJournals, database: Database) -> None:
    journal = open_journal(journals, database)
    journal.accept(control("one"))
    with pytest.raises(ValueError, match="one"):
        journal.accept(control("one"))


def test_all_sessions_of_a_worker_are_written_in_one_transaction(
    journals: CatalogueJournals, database: Database, table: JournalTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = [open_journal(journals, database, f"s-{number}") for number in range(3)]
    commit(journals, "s-0", "s-1", "s-2")
    appended: list[int] = []
    append = JournalTable.append

    def counting(table: JournalTable, batches: list[Batch]) -> set[str]:
        batches = list(batches)
        appended.append(len(batches))
        return append(table, batches)

    monkeypatch.setattr(JournalTable, "append", counting)
    for journal in opened:
        journal.accept(control("go"))
    commit(journals, "s-0", "s-1", "s-2")
    assert appended == [3]
    assert [len(table.read(f"s-{number}")) for number in range(3)] == [2, 2, 2]


def test_a_paused_worker_that_returns_is_refused_and_the_others_sessions_go_on(
    journals: CatalogueJournals, database: Database, table: JournalTable
) -> None:
    lost: list[str] = []
    told = threading.Event()
    epoch = held_session(database, "s-1")
    paused = journals.create(Opening(session_id="s-1", seed=7, epoch=epoch), on_lost=lost.append)
    other = open_journal(journals, database, "s-2")
    commit(journals, "s-1", "s-2")
    Sessions(database, clock=lambda: 1e12).acquire("s-1", "another worker")  # long after the lease ran out
    paused.accept(control("too late"))
    other.accept(control("in time"))
    journals.commit({"s-1": lambda _: told.set(), "s-2": lambda _: None})
    commit(journals, "s-2")
    assert lost == ["another worker has the session"]
    assert not told.is_set()
    assert [record.fields["kind"] for record in table.read("s-1")] == [RecordKind.OPENED]
    assert len(table.read("s-2")) == 2
    assert table.verify("s-1") is None


def test_the_next_holder_goes_on_where_the_chain_ended(database: Database, table: JournalTable, spool: Path) -> None:
    for owner, next_chunk_idx in (("a", 0), ("b", 40)):
        journals = CatalogueJournals(database, INFO, owner, spool)
        epoch = held_session(database, "s-1", "a") if owner == "a" else Sessions(database).acquire("s-1", "b").epoch
        journal = journals.create(Opening(session_id="s-1", seed=7, epoch=epoch), next_chunk_idx)
        journal.accept(control(f"by {owner}"))
        commit(journals, "s-1")
        journals.discard("s-1")
        journals.close()
    kinds = [(record.fields["kind"], record.fields["epoch"]) for record in table.read("s-1")]
    assert kinds == [("opened", 1), ("accepted", 1), ("resumed", 2), ("accepted", 2)]
    assert table.verify("s-1") is None


def test_a_discarded_session_is_written_to_its_end_and_released(
    database: Database, table: JournalTable, spool: Path
) -> None:
    journals = CatalogueJournals(database, INFO, "worker", spool)
    journal = open_journal(journals, database)
    journal.accept(control("last"))
    journals.discard("s-1")
    journals.close()
    assert journals.find("s-1") is None
    assert len(table.read("s-1")) == 2
    assert Sessions(database).find("s-1").lease.owner == ""


def test_p01_a_session_that_moved_on_is_not_given_up_by_the_worker_before(
    database: Database, spool: Path, caplog: pytest.LogCaptureFixture
) -> None:
    journals = CatalogueJournals(database, INFO, "worker", spool)
    open_journal(journals, database)
    commit(journals, "s-1")
    taken = Sessions(database).take_over("s-1", "gateway", 1)
    journals.discard("s-1")
    journals.close()
    assert Sessions(database).find("s-1").lease == taken
    assert [record.getMessage() for record in caplog.records if "lease" in record.getMessage()] == []


def test_the_writer_keeps_the_leases_of_its_sessions(journals: CatalogueJournals, database: Database) -> None:
    open_journal(journals, database)
    sessions = Sessions(database)
    with database.write() as connection:
        connection.execute(text("UPDATE sessions SET lease_until_s = 1, owner = ''"))
    commit(journals, "s-1")
    eventually(lambda: sessions.find("s-1").lease.owner == "worker")
    lease = sessions.find("s-1").lease
    assert lease.until_s > LEASE_S


def test_appending_again_what_is_there_does_nothing(database: Database, table: JournalTable) -> None:
    epoch = held_session(database)
    records = seal("s-1", epoch, JournalHead(), [record_codec.applied("one", 1), record_codec.applied("two", 2)])
    batch = Batch(session_id="s-1", epoch=epoch, head=JournalHead(), records=records)
    assert table.append([batch]) == set()
    assert table.append([batch]) == set()
    more = seal("s-1", epoch, head_after(JournalHead(), records), [record_codec.applied("four", 4)])
    assert table.append([replace(batch, records=[*records, *more])]) == set()
    assert table.append([batch]) == set()  # that it went on since does not matter
    other = seal("s-1", epoch, JournalHead(), [record_codec.applied("three", 1), record_codec.applied("two", 2)])
    assert table.append([Batch(session_id="s-1", epoch=epoch, head=JournalHead(), records=other)]) == {"s-1"}
    Sessions(database, clock=lambda: 1e12).acquire("s-1", "another worker")
    late = seal("s-1", epoch, head_after(JournalHead(), more), [record_codec.applied("five", 5)])
    assert table.append([replace(batch, records=[*records, *more, *late])]) == {"s-1"}
    assert table.read("s-1") == [*records, *more]
    assert table.verify("s-1") is None


def test_a_record_that_somebody_altered_or_removed_is_named(
    journals: CatalogueJournals, database: Database, table: JournalTable
) -> None:
    journal = open_journal(journals, database)
    for number in range(4):
        journal.accept(control(f"c-{number}"))
    commit(journals, "s-1")
    with database.write() as connection:
        connection.execute(text("UPDATE journal SET record = replace(record, 'c-1', 'c-9') WHERE seq = 2"))
    fault = table.verify("s-1")
    assert fault is not None
    assert fault.seq == 2
    with database.write() as connection:
        connection.execute(text("DELETE FROM journal WHERE seq = 2"))
    fault = table.verify("s-1")
    assert fault is not None
    assert (fault.seq, fault.problem) == (2, "is missing")


def test_a_session_without_an_epoch_leaves_nothing_in_the_catalogue(
    journals: CatalogueJournals, database: Database, table: JournalTable
) -> None:
    journal = journals.create(Opening(session_id="warm-up", seed=1))
    journal.accept(control("one"))
    told: list[bool] = []
    journals.commit({"warm-up": told.append})
    assert told == [True]
    assert journals.find("warm-up") is journal
    journals.discard("warm-up")
    assert table.read("warm-up") == []
    assert Sessions(database).latest() == []


def test_a_session_that_the_catalogue_does_not_know_is_lost_at_once(journals: CatalogueJournals) -> None:
    lost: list[str] = []
    journals.create(Opening(session_id="never", seed=1, epoch=1), on_lost=lost.append)
    journals.commit({})
    journals.close()
    assert len(lost) == 1
