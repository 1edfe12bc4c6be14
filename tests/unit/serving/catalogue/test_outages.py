"""The catalogue away while sessions run: they go on, are told that it is not durable yet, and nothing is lost."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from observability.metric_table import JOURNAL_SPOOLED, WORKER_ROWS
from observability.metrics import ProcessMetrics, WorkerMetrics
from serving.catalogue.database import Database, sqlite_url
from serving.catalogue.journal import JournalTable
from serving.catalogue.journals import CatalogueJournals
from serving.catalogue.sessions import Sessions
from serving.catalogue.writer import FULL_MESSAGE, LOST_MESSAGE, WriterConfig
from serving.errors import StorageUnavailableError
from serving.sessions.contract import Move
from serving.sessions.encoded import EncodedControl, Opening
from serving.sessions.journal import Journal
from tests.catalogue_line import (
    PATIENT,
    QUICK,
    WAIT_S,
    Catalogue,
    Line,
    accepted,
    behind_a_line,
    eventually,
    opened,
    told,
    worker,
)
from tests.catalogues import held_session, new_session
from tests.fakes_model import INFO


def test_d02_a_session_goes_on_while_the_catalogue_is_away_and_all_of_it_is_there_later(
    database: Database, catalogue: Catalogue, folder: Path
) -> None:
    process = ProcessMetrics(WORKER_ROWS)
    with worker(database, folder, metrics=WorkerMetrics(process)) as journals:
        journal = opened(journals, database)
        assert accepted(journals, journal, "before")
        catalogue.line = Line.DOWN
        assert [accepted(journals, journal, each) for each in ("one", "two")] == [False, False]
        journal.apply("one", 5)
        assert not told(journals)
        assert (journals.num_spooled, process.registry.get_sample_value(JOURNAL_SPOOLED.name)) == (3, 3)
        assert len(list(folder.glob("*.db"))) == 1
        catalogue.line = Line.UP
        eventually(lambda: journals.num_spooled == 0)
        assert accepted(journals, journal, "after")
        assert process.registry.get_sample_value(JOURNAL_SPOOLED.name) == 0
        assert list(folder.glob("*")) == []
    kinds = [("opened", ""), ("accepted", "before"), ("accepted", "one"), ("accepted", "two"), ("applied", "one")]
    assert catalogue.read("s-1") == [*kinds, ("accepted", "after")]


@pytest.mark.parametrize("line", [Line.ANSWER_LOST, Line.SLOW])
def test_what_was_written_though_nobody_heard_of_it_is_there_once(
    database: Database, catalogue: Catalogue, folder: Path, line: Line
) -> None:
    with worker(database, folder, QUICK) as journals:
        journal = opened(journals, database)
        told(journals)
        eventually(lambda: journals.num_spooled == 0)
        catalogue.line = line
        assert not accepted(journals, journal, "one")
        accepted(journals, journal, "two")
        catalogue.line = Line.UP
        eventually(lambda: journals.num_spooled == 0)
    assert catalogue.read("s-1") == [("opened", ""), ("accepted", "one"), ("accepted", "two")]


def test_what_comes_while_others_still_wait_goes_behind_them(
    database: Database, catalogue: Catalogue, folder: Path
) -> None:
    with worker(database, folder, replace(PATIENT, retry_s=0.2)) as journals:
        journal = opened(journals, database)
        told(journals)
        catalogue.line = Line.DOWN
        accepted(journals, journal, "one")
        catalogue.line = Line.UP
        assert not accepted(journals, journal, "two")  # though the catalogue is back
        eventually(lambda: journals.num_spooled == 0)
    assert catalogue.read("s-1") == [("opened", ""), ("accepted", "one"), ("accepted", "two")]


def test_a_catalogue_that_does_not_answer_holds_nobody_up(
    database: Database, catalogue: Catalogue, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with worker(database, folder, QUICK) as journals:
        journal = opened(journals, database)
        told(journals)
        eventually(lambda: journals.num_spooled == 0)
        is_thawed = threading.Event()
        append = catalogue.append
        monkeypatch.setattr(catalogue, "append", lambda batches: is_thawed.wait(WAIT_S) and append(batches))
        for number in range(20):
            assert not accepted(journals, journal, f"c-{number}")  # while the first attempt still hangs
        is_thawed.set()
        eventually(lambda: journals.num_spooled == 0)
    assert catalogue.read("s-1") == [("opened", ""), *(("accepted", f"c-{number}") for number in range(20))]


def test_the_leases_of_those_that_go_on_are_renewed_when_it_is_back_and_given_up_at_the_end(
    database: Database, catalogue: Catalogue, folder: Path
) -> None:
    sessions = Sessions(database)
    with worker(database, folder) as journals:
        journal = opened(journals, database)
        told(journals)
        catalogue.line = Line.DOWN
        accepted(journals, journal, "one")
        with database.write() as connection:
            connection.exec_driver_sql("UPDATE sessions SET lease_until_s = 1, owner = ''")
        catalogue.line = Line.UP
        eventually(lambda: sessions.find("s-1").lease.owner == "worker")
        catalogue.line = Line.DOWN
        accepted(journals, journal, "two")
        journals.discard("s-1")
        told_end = sessions.find("s-1").lease.owner
        catalogue.line = Line.UP
        eventually(lambda: sessions.find("s-1").lease.owner == "")
        assert told_end == "worker"  # nobody else may go on before it is whole
    assert catalogue.read("s-1")[-1] == ("accepted", "two")


def test_a_session_that_another_worker_took_meanwhile_is_lost_and_its_records_set_aside(
    database: Database, catalogue: Catalogue, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lost: list[str] = []
    with worker(database, folder) as journals:
        epoch = held_session(database, "s-1")
        journal = journals.create(Opening(session_id="s-1", seed=7, epoch=epoch), on_lost=lost.append)
        other = opened(journals, database, "s-2")
        told(journals)
        catalogue.line = Line.DOWN
        assert not accepted(journals, journal, "never")
        assert not accepted(journals, other, "always")
        Sessions(database, clock=lambda: 1e12).acquire("s-1", "another worker")
        catalogue.line = Line.UP
        eventually(lambda: journals.num_spooled == 0)
        assert accepted(journals, other, "and on")
    assert lost == [LOST_MESSAGE]
    assert "1 records of s-1 were refused" in caplog.text
    assert len(list((folder / "refused").glob("*.db"))) == 1
    assert catalogue.read("s-1") == [("opened", "")]
    assert catalogue.read("s-2") == [("opened", ""), ("accepted", "always"), ("accepted", "and on")]


def test_a_worker_that_ends_while_it_is_away_leaves_its_spool_to_the_next(
    database: Database, catalogue: Catalogue, folder: Path
) -> None:
    with worker(database, folder) as journals:
        journal = opened(journals, database)
        told(journals)
        catalogue.line = Line.DOWN
        accepted(journals, journal, "one")
    assert len(list(folder.glob("*.db"))) == 1
    with worker(database, folder, owner="the next"):  # still away: it begins all the same
        assert len(list(folder.glob("*.db"))) == 1
        catalogue.line = Line.UP
        eventually(lambda: not list(folder.glob("*.db")))
    assert catalogue.read("s-1") == [("opened", ""), ("accepted", "one")]


def test_a_worker_may_be_called_anything(database: Database, catalogue: Catalogue, folder: Path) -> None:
    with worker(database, folder, owner="../rack 7/gpu:0") as journals:
        journal = opened(journals, database)
        told(journals)
        catalogue.line = Line.DOWN
        accepted(journals, journal, "one")
        assert [file.name for file in folder.glob("*.db")] == [".._rack_7_gpu_0.db"]
        catalogue.line = Line.UP
        eventually(lambda: journals.num_spooled == 0)
    assert catalogue.read("s-1")[-1] == ("accepted", "one")


def test_where_not_even_the_spool_can_be_written_sessions_go_on_for_a_while(
    database: Database, catalogue: Catalogue, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost: list[str] = []
    folder.write_text("no folder")
    with worker(database, folder) as journals:
        epoch = held_session(database, "s-1")
        journal = journals.create(Opening(session_id="s-1", seed=7, epoch=epoch), on_lost=lost.append)
        told(journals)
        catalogue.line = Line.DOWN
        assert not accepted(journals, journal, "one")
        catalogue.line = Line.UP
        eventually(lambda: journals.num_spooled == 0)
        catalogue.line = Line.DOWN
        monkeypatch.setattr("serving.catalogue.spool.MAX_IN_MEMORY_BYTES", 10)
        journal.accept(EncodedControl(control_id="two", kind=Move(forward=1.0, strafe=0.0), received_s=0.0))
        journals.commit({})
        eventually(lambda: lost == [FULL_MESSAGE])
    assert catalogue.read("s-1") == [("opened", ""), ("accepted", "one")]


# --- a real file that is locked or full ---


@pytest.fixture
def sqlite_file(tmp_path: Path) -> Path:
    file = tmp_path / "catalogue.db"
    with Database(sqlite_url(file)) as database:
        database.migrate()
    return file


@contextmanager
def locked(file: Path) -> Iterator[None]:
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


def test_a_sqlite_file_that_another_program_locks_stops_nobody(sqlite_file: Path, folder: Path) -> None:
    with Database(sqlite_url(sqlite_file)) as database, worker(database, folder, WriterConfig()) as journals:
        journal = opened(journals, database)
        told(journals)
        eventually(lambda: journals.num_spooled == 0)
        with locked(sqlite_file):
            assert not any(accepted(journals, journal, f"c-{number}") for number in range(30))
            with pytest.raises(StorageUnavailableError) as refused:
                Sessions(database).create(new_session("s-2"))
            assert refused.value.retry_after_s
        eventually(lambda: journals.num_spooled == 0)
        assert JournalTable(database).verify("s-1") is None
        assert len(JournalTable(database).read("s-1")) == 31


def test_a_sqlite_file_on_a_full_disk_stops_nobody(sqlite_file: Path, folder: Path) -> None:
    with Database(sqlite_url(sqlite_file)) as database, worker(database, folder) as journals:
        journal = opened(journals, database)
        told(journals)
        is_full = True

        def limit(connection: sqlite3.Connection, *_: object) -> None:
            num_pages = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count={num_pages if is_full else 1_000_000}")

        event.listen(database.engine, "checkout", limit)
        control = EncodedControl(control_id="c" * 50_000, kind=Move(forward=1.0, strafe=0.0), received_s=0.0)
        journal.accept(control)
        assert not told(journals)
        is_full = False
        eventually(lambda: journals.num_spooled == 0)
        assert JournalTable(database).verify("s-1") is None
        assert journal.entries()[0].control.control_id == control.control_id


# --- anything may happen ---

STEPS = st.lists(
    st.sampled_from([*Line, "accept", "accept and tell", "accept and tell", "accept and tell", "crash", "other"]),
    min_size=5,
    max_size=25,
)
_numbers = count()


@pytest.fixture(scope="module")
def one_for_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with Database(sqlite_url(tmp_path_factory.mktemp("catalogue") / "catalogue.db")) as database:
        database.migrate()
        yield database


@settings(max_examples=40, derandomize=True, deadline=None, database=None)
@given(STEPS)
def test_x05_whatever_fails_the_journal_holds_all_records_once_and_in_order(
    one_for_all: Database, tmp_path_factory: pytest.TempPathFactory, steps: list[Line | str]
) -> None:
    logging.disable(logging.CRITICAL)
    with pytest.MonkeyPatch.context() as patched:
        Play(one_for_all, behind_a_line(one_for_all, patched), tmp_path_factory.mktemp("spool")).run(steps)
    logging.disable(logging.NOTSET)


class Play:
    """Two sessions on one worker after the other, and what must be on record in the end."""

    def __init__(self, database: Database, catalogue: Catalogue, folder: Path) -> None:
        self.database, self.catalogue, self.folder = database, catalogue, folder
        self.ids = [f"s-{next(_numbers)}" for _ in range(2)]
        self.expected: dict[str, list[tuple[str, str]]] = {session_id: [] for session_id in self.ids}
        self.controls = count()
        for session_id in self.ids:
            Sessions(database).create(new_session(session_id))
        self.start()

    def start(self) -> None:
        """The next worker, which goes on with both."""
        self.catalogue.line = Line.UP
        self.journals = CatalogueJournals(self.database, INFO, f"w-{next(_numbers)}", self.folder, QUICK)
        self.opened = []
        for session_id in self.ids:
            sessions = Sessions(self.database, clock=lambda: 1e12 + 1e6 * next(_numbers))
            epoch = sessions.acquire(session_id, "w").epoch
            opening = Opening(session_id=session_id, seed=7, epoch=epoch)
            self.opened.append(self.journals.create(opening, 40))
            told(self.journals, session_id)
            self.expected[session_id].append(("resumed" if self.expected[session_id] else "opened", ""))

    def run(self, steps: list[Line | str]) -> None:
        for step in steps:
            self.take(step)
        told(self.journals, self.ids[0])
        self.catalogue.line = Line.UP
        eventually(lambda: self.journals.num_spooled == 0)
        self.journals.close()
        assert list(self.folder.iterdir()) == []
        for session_id in self.ids:
            assert self.catalogue.read(session_id) == self.expected[session_id]

    def take(self, step: Line | str) -> None:
        match step:
            case Line():
                self.catalogue.line = step
            case "accept" | "other" | "accept and tell":
                self.accept(self.opened[step == "other"])
                if step == "accept and tell":
                    told(self.journals, self.ids[0])
            case "crash":  # what was told by then is on this machine's disk, and nowhere else
                told(self.journals, self.ids[0])
                self.catalogue.line = Line.DOWN
                self.journals.close()
                self.start()

    def accept(self, journal: Journal) -> None:
        control_id = f"c-{next(self.controls)}"
        journal.accept(EncodedControl(control_id=control_id, kind=Move(forward=1.0, strafe=0.0), received_s=0.0))
        self.expected[journal.opening.session_id].append(("accepted", control_id))
        if control_id.endswith("7"):
            self.journals.commit({})
