"""Sessions that begin while the catalogue is away: they wait for a moment, and hold nobody up."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import pytest

from serving.catalogue.beginnings import Beginnings
from serving.catalogue.commits import Chain, Commit
from serving.catalogue.database import Database
from serving.catalogue.journals import CatalogueJournals
from serving.catalogue.writer import AWAY_MESSAGE
from serving.sessions.contract import Move
from serving.sessions.encoded import EncodedControl, Opening
from serving.sessions.journal import Journal
from serving.sessions.records import JournalHead, Record, RecordKind
from tests.catalogue_line import PATIENT, QUICK, WAIT_S, Catalogue, Line, accepted, eventually, opened, told, worker
from tests.catalogues import held_session


def test_a_new_session_is_refused_at_once_where_nothing_waits_for_the_catalogue(
    database: Database, catalogue: Catalogue, folder: Path
) -> None:
    lost: list[str] = []
    with worker(database, folder, replace(PATIENT, first_answer_s=10 * WAIT_S)) as journals:
        catalogue.line = Line.DOWN
        begin_another(journals, held_session(database, "s-2"), lost)
        eventually(lambda: lost == [AWAY_MESSAGE])
        catalogue.line = Line.UP
        opened(journals, database, "s-3")
        assert told(journals, "s-3"), "durable, for the catalogue is back"
    assert catalogue.read("s-3") == [("opened", "")]


def test_a_new_session_waits_until_the_catalogue_has_what_others_did_and_is_durable_from_its_first_record(
    database: Database, catalogue: Catalogue, folder: Path
) -> None:
    lost: list[str] = []
    with worker(database, folder) as journals:
        journal, epoch = away_while_one_plays(journals, database, catalogue)
        early, durable = begin_another(journals, epoch, lost)
        early.accept(EncodedControl(control_id="first", kind=Move(forward=1.0, strafe=0.0), received_s=0.0))
        assert not accepted(journals, journal, "two"), "the others go on"
        assert (durable, lost) == ([], [])
        catalogue.line = Line.UP
        eventually(lambda: durable == [True])
        assert accepted(journals, early, "second")
    assert lost == []
    assert catalogue.read("s-1") == [("opened", ""), ("accepted", "one"), ("accepted", "two")]
    assert catalogue.read("s-2") == [("opened", ""), ("accepted", "first"), ("accepted", "second")]


def test_a_new_session_is_refused_when_the_catalogue_stays_away_and_those_that_run_go_on(
    database: Database, catalogue: Catalogue, folder: Path
) -> None:
    lost: list[str] = []
    with worker(database, folder, replace(PATIENT, first_answer_s=0.05)) as journals:
        journal, epoch = away_while_one_plays(journals, database, catalogue)
        _, durable = begin_another(journals, epoch, lost)
        eventually(lambda: lost == [AWAY_MESSAGE])
        assert not accepted(journals, journal, "two")
        catalogue.line = Line.UP
        eventually(lambda: journals.num_spooled == 0)
        assert accepted(journals, journal, "three")
        assert (durable, journals.is_whole) == ([], True)
    assert catalogue.table.head("s-2").length == 0


def test_a_catalogue_that_does_not_tell_where_a_journal_ends_holds_nobody_up(
    database: Database, catalogue: Catalogue, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost: list[str] = []
    with worker(database, folder, replace(QUICK, first_answer_s=WAIT_S)) as journals:
        journal = opened(journals, database)
        told(journals)
        eventually(lambda: journals.num_spooled == 0)
        is_asked, is_thawed, head = threading.Event(), threading.Event(), catalogue.head

        def frozen_head(session_id: str) -> JournalHead:
            is_asked.set()
            assert is_thawed.wait(WAIT_S)
            return head(session_id)

        monkeypatch.setattr(catalogue, "head", frozen_head)
        _, durable = begin_another(journals, held_session(database, "s-2"), lost)
        assert is_asked.wait(WAIT_S)
        for number in range(20):
            assert not accepted(journals, journal, f"c-{number}")
        assert (durable, journals.is_whole) == ([], False)
        is_thawed.set()
        eventually(lambda: len(durable) == 1)
        eventually(lambda: journals.num_spooled == 0)
    assert lost == []
    assert catalogue.read("s-1") == [("opened", ""), *(("accepted", f"c-{number}") for number in range(20))]
    assert catalogue.read("s-2") == [("opened", "")]


@pytest.mark.parametrize("line", [Line.UP, Line.DOWN])
def test_a_worker_that_ends_writes_what_is_only_just_beginning_or_says_that_it_cannot(
    database: Database, catalogue: Catalogue, folder: Path, line: Line
) -> None:
    lost: list[str] = []
    with worker(database, folder, replace(PATIENT, close_s=WAIT_S if line is Line.UP else 0.05)) as journals:
        _, epoch = away_while_one_plays(journals, database, catalogue)
        begin_another(journals, epoch, lost)
        journals.discard("s-2")
        catalogue.line = line
    assert lost == ([] if line is Line.UP else [AWAY_MESSAGE])
    assert catalogue.table.head("s-2").length == (1 if line is Line.UP else 0)


def away_while_one_plays(journals: CatalogueJournals, database: Database, catalogue: Catalogue) -> tuple[Journal, int]:
    """The session s-1, of which something waits in the spool; and an epoch for s-2."""
    journal = opened(journals, database)
    told(journals)
    epoch = held_session(database, "s-2")
    catalogue.line = Line.DOWN
    assert not accepted(journals, journal, "one")
    return journal, epoch


def begin_another(journals: CatalogueJournals, epoch: int, lost: list[str]) -> tuple[Journal, list[bool]]:
    """The session s-2, and where it will say once whether it is durable."""
    durable: list[bool] = []
    journal = journals.create(Opening(session_id="s-2", seed=7, epoch=epoch), on_lost=lost.append)
    journals.commit({"s-2": durable.append})
    return journal, durable


# --- what waits, by itself ---

HEAD = JournalHead(length=0, hash=b"")


def chain(session_id: str, head: JournalHead | None = None) -> Chain:
    return Chain(session_id=session_id, epoch=1, on_lost=lambda message: None, begin=lambda head: record(0), head=head)


def record(number: int) -> Record:
    return Record(kind=RecordKind.APPLIED, body={"number": number})


def test_a_commit_is_written_without_what_is_too_early() -> None:
    runs, early, heard = chain("runs", HEAD), chain("early"), []
    waiting = Beginnings(lambda session_id: Future(), first_answer_s=3.0)
    commits = [
        Commit(records={runs: [record(n)], early: [record(n)]}, tell=[(early, heard.append), (runs, heard.append)])
        for n in range(2)
    ]
    written = [waiting.hold_back(commit) for commit in (*commits, Commit(released=early), Commit(released=runs))]
    assert [dict(each.records) for each in written] == [{runs: [record(0)]}, {runs: [record(1)]}, {}, {}]
    assert [[each for each, _ in commit.tell] for commit in written] == [[runs], [runs], [], []]
    assert [each.released for each in written] == [None, None, None, runs]
    (beginning,) = waiting.take(is_last=True)
    assert [dict(each.records) for each in beginning.commits] == [{early: [record(0)]}, {early: [record(1)]}, {}]
    assert [each.released for each in beginning.commits] == [None, None, early]
    assert len(waiting) == 0


def test_each_is_asked_for_once_and_taken_with_its_answer_or_when_it_has_waited_long_enough() -> None:
    now_s, asked = 100.0, dict[str, Future[JournalHead]]()

    def ask(session_id: str) -> Future[JournalHead]:
        assert session_id not in asked
        return asked.setdefault(session_id, Future())

    waiting = Beginnings(ask, first_answer_s=3.0, clock=lambda: now_s)
    waiting.hold_back(Commit(records={chain("answered"): []}))
    waiting.ask()
    now_s = 101.0
    waiting.hold_back(Commit(records={chain("silent"): []}))
    waiting.ask()
    assert (waiting.take(), waiting.next_due_s) == ([], 103.0)
    asked["answered"].set_result(HEAD)
    assert waiting.next_due_s == now_s
    assert [(each.chain.session_id, each.head()) for each in waiting.take()] == [("answered", HEAD)]
    assert waiting.next_due_s == 104.0
    now_s = 104.0
    (silent,) = waiting.take()
    with pytest.raises(TimeoutError):
        silent.head()
    assert waiting.next_due_s == float("inf")


def test_one_that_was_lost_meanwhile_is_not_held_back() -> None:
    lost = chain("lost")
    lost.is_lost = True
    commit = Commit(records={lost: []})
    assert Beginnings(lambda session_id: Future(), first_answer_s=3.0).hold_back(commit) is commit
