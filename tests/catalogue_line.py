"""A catalogue behind a line that fails, and a worker's journals that are to be kept in it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from pathlib import Path

import pytest

from serving.catalogue.database import Database
from serving.catalogue.journal import Batch, JournalTable
from serving.catalogue.journals import CatalogueJournals
from serving.catalogue.writer import WriterConfig
from serving.engine.metrics import StageMetrics
from serving.errors import StorageUnavailableError
from serving.sessions.contract import Move
from serving.sessions.encoded import EncodedControl, Opening
from serving.sessions.journal import Journal
from serving.sessions.records import JournalHead
from tests.catalogues import held_session
from tests.fakes_model import INFO

WAIT_S = 20.0
# Long enough for any commit of a machine that works, so that only what a test does makes the catalogue late.
PATIENT = WriterConfig(answer_s=WAIT_S, first_answer_s=WAIT_S, retry_s=0.01, close_s=0.05)
QUICK = WriterConfig(answer_s=0.02, first_answer_s=WAIT_S, retry_s=0.005, close_s=0.05)


class Line(Enum):
    """What becomes of an attempt to append."""

    UP = "up"
    DOWN = "down"
    ANSWER_LOST = "written, and the answer lost"
    SLOW = "written, and the answer late"


class Catalogue:
    """A real one behind a line that can fail."""

    def __init__(self, database: Database) -> None:
        self.line = Line.UP
        self.table = JournalTable(database)

    def append(self, batches: Sequence[Batch]) -> set[str]:
        line = self.line
        if line is Line.DOWN:
            raise StorageUnavailableError("away")
        refused = self.table.append(batches)
        if line is Line.ANSWER_LOST:
            raise StorageUnavailableError("the line broke")
        if line is Line.SLOW:
            time.sleep(2 * QUICK.answer_s)
        return refused

    def head(self, session_id: str) -> JournalHead:
        if self.line is Line.DOWN:
            raise StorageUnavailableError("away")
        return self.table.head(session_id)

    def read(self, session_id: str) -> list[tuple[str, str]]:
        """Kind and control of every record, of a journal that holds."""
        assert self.table.verify(session_id) is None
        records = [json.loads(record.text) for record in self.table.read(session_id)]
        return [(record["kind"], record.get("control_id", "")) for record in records]


def behind_a_line(database: Database, monkeypatch: pytest.MonkeyPatch) -> Catalogue:
    catalogue = Catalogue(database)
    monkeypatch.setattr("serving.catalogue.journals.JournalTable", lambda _: catalogue)
    return catalogue


@contextmanager
def worker(
    database: Database,
    folder: Path,
    config: WriterConfig = PATIENT,
    owner: str = "worker",
    metrics: StageMetrics | None = None,
) -> Iterator[CatalogueJournals]:
    journals = CatalogueJournals(database, INFO, owner, folder, config, metrics)
    try:
        yield journals
    finally:
        journals.close()


def opened(journals: CatalogueJournals, database: Database, session_id: str = "s-1") -> Journal:
    epoch = held_session(database, session_id)
    return journals.create(Opening(session_id=session_id, seed=7, epoch=epoch))


def accepted(journals: CatalogueJournals, journal: Journal, control_id: str) -> bool:
    """Accept a control; gives whether that was durable when it was told."""
    journal.accept(EncodedControl(control_id=control_id, kind=Move(forward=1.0, strafe=0.0), received_s=0.0))
    return told(journals, journal.opening.session_id)


def told(journals: CatalogueJournals, session_id: str = "s-1") -> bool:
    is_told, durable = threading.Event(), []

    def tell(is_durable: bool) -> None:
        durable.append(is_durable)
        is_told.set()

    journals.commit({session_id: tell})
    assert is_told.wait(WAIT_S)
    return durable[0]


def eventually(is_so: Callable[[], bool]) -> None:
    give_up_s = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < give_up_s
        time.sleep(0.002)
