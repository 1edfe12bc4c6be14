"""Snapshots that were stored while the catalogue was away: on the disk, and listed once the journal is whole."""

from __future__ import annotations

import fcntl
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from serving.catalogue import saver as savers
from serving.catalogue.database import Database
from serving.catalogue.retention import RetentionConfig
from serving.catalogue.saver import Save, SnapshotSaver
from serving.catalogue.sessions import Sessions
from serving.catalogue.snapshots import Snapshots
from serving.catalogue.unlisted import Unlisted, UnlistedFile, UnlistedSnapshots
from serving.errors import SessionFencedError, StorageUnavailableError
from serving.sessions.snapshot_store import SnapshotKey, SnapshotStore
from tests.catalogues import held_session
from tests.fakes_model import INFO
from tests.snapshots import assert_same_snapshot, some_snapshot

WAIT_S = 20.0
CHUNK_S = INFO.chunk_duration_s


def row(chunk_idx: int, session_id: str = "s-1", epoch: int = 1) -> Unlisted:
    key = SnapshotKey(session_id=session_id, epoch=epoch, chunk_idx=chunk_idx)
    return Unlisted(key=key, journal_position=chunk_idx + 1, num_bytes=7)


@dataclass
class Taken:
    """A catalogue that takes rows, but for what was fenced off, and while it is there."""

    rows: list[Unlisted] = field(default_factory=list)
    fenced: frozenset[int] = frozenset()
    is_away: bool = False

    def __call__(self, row: Unlisted) -> None:
        if self.is_away:
            raise StorageUnavailableError("away")
        if row.key.chunk_idx in self.fenced:
            raise SessionFencedError("another worker has it")
        self.rows.append(row)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "spool"


def kept(folder: Path, owner: str = "worker") -> UnlistedSnapshots:
    return UnlistedSnapshots({"": folder}, owner)


def test_what_was_noted_is_listed_in_order_and_the_file_goes(folder: Path) -> None:
    unlisted, taken = kept(folder), Taken()
    assert not folder.exists()
    unlisted.add(row(10))
    unlisted.add(row(20))
    assert (len(unlisted), len(list(folder.iterdir()))) == (2, 1)
    unlisted.bring_in(taken)
    assert (taken.rows, len(unlisted), list(folder.iterdir())) == ([row(10), row(20)], 0, [])
    unlisted.add(row(30))
    unlisted.bring_in(taken)
    assert taken.rows[2:] == [row(30)]


def test_what_the_catalogue_does_not_take_waits_and_what_is_anothers_is_left_out(folder: Path) -> None:
    unlisted, taken = kept(folder), Taken(is_away=True, fenced=frozenset({20}))
    for chunk_idx in (10, 20, 30):
        unlisted.add(row(chunk_idx))
    with pytest.raises(StorageUnavailableError):
        unlisted.bring_in(taken)
    assert len(unlisted) == 3
    taken.is_away = False
    unlisted.bring_in(taken)
    assert taken.rows == [row(10), row(30)]


def test_d02_what_a_dead_worker_noted_the_next_one_lists(folder: Path) -> None:
    dead = kept(folder, "dead")
    dead.add(row(10))
    dead.add(row(20))
    [file] = folder.iterdir()
    next_one, taken = kept(folder, "next"), Taken()
    assert next_one.bring_in_left(taken) == 0, "it lives: its file is locked"
    with file.open("a") as cut_off:
        cut_off.write('{"key": {"session')
    dead.close()
    taken.is_away = True
    with pytest.raises(StorageUnavailableError):
        next_one.bring_in_left(taken)
    taken.is_away = False
    assert next_one.bring_in_left(taken) == 2
    assert (taken.rows, list(folder.iterdir())) == ([row(10), row(20)], [])


def test_a_disk_that_refuses_costs_no_more_than_the_note_on_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "spool").write_text("a file where the folder should be")
    unlisted, taken = kept(tmp_path / "spool"), Taken()
    unlisted.add(row(10))
    assert "in memory alone" in caplog.text
    unlisted.bring_in(taken)
    assert taken.rows == [row(10)]


def test_as_many_are_noted_as_may_be_and_the_latest_stay(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.catalogue.unlisted.MAX_ROWS", 2)
    file, taken = UnlistedFile(folder / "w.snapshots"), Taken()
    for chunk_idx in (10, 20, 30):
        file.add(row(chunk_idx))
    file.bring_in(taken)
    assert taken.rows == [row(20), row(30)]


class Away(Snapshots):
    """The catalogue's, behind a line that can break."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.is_away = False

    def add(self, key: SnapshotKey, journal_position: int, num_bytes: int, name: str = "") -> None:
        if self.is_away:
            raise StorageUnavailableError("away")
        super().add(key, journal_position, num_bytes, name)


@dataclass(slots=True)
class Journals:
    """What a saver asks whether the catalogue has them."""

    is_whole: bool
    num_refusals: int = 0

    def look(self) -> bool:
        if not self.is_whole:
            self.num_refusals += 1
            return False
        return True

    def await_looks(self, num: int) -> None:
        """So many in vain."""
        end = self.num_refusals + num
        eventually(lambda: self.num_refusals >= end)


@contextmanager
def saving(
    snapshots: Snapshots, folder: Path, tmp_path: Path, has_journals: Callable[[], bool] = lambda: True
) -> Iterator[SnapshotSaver]:
    store = SnapshotStore.open(str(tmp_path / "snapshots"))
    saver = SnapshotSaver(
        store,
        snapshots,
        INFO,
        retention=RetentionConfig(step_s=10 * CHUNK_S),
        unlisted=kept(folder),
        has_journals=has_journals,
    )
    try:
        yield saver
    finally:
        saver.close()


def eventually(is_so: Callable[[], bool]) -> None:
    give_up_s = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < give_up_s, "it never came to be"
        time.sleep(0.005)


def submit(saver: SnapshotSaver, epoch: int, chunk_idx: int, num_noted: int) -> None:
    """Returns once it was looked at."""
    assert saver.submit(some_snapshot(chunk_idx=chunk_idx), epoch)
    eventually(lambda: len(saver._unlisted or ()) >= num_noted and not saver._waiting)


def test_d02_snapshots_of_an_outage_are_listed_when_it_is_over(
    database: Database, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(savers, "RETRY_S", 0.01)
    epoch, snapshots = held_session(database), Away(database)
    journals = Journals(is_whole=True)
    with saving(snapshots, folder, tmp_path, journals.look) as saver:
        snapshots.is_away = True
        submit(saver, epoch, 100, 1)
        submit(saver, epoch, 105, 1)
        submit(saver, epoch, 110, 2)
        with pytest.raises(StorageUnavailableError):
            saver.save(Save(snapshot=some_snapshot(chunk_idx=111), epoch=epoch), "by name")
        journals.is_whole = False
        journals.await_looks(1)  # and what was begun before is over
        snapshots.is_away = False
        journals.await_looks(3)
        assert snapshots.made_in("s-1") == [], "the journal up to it is not in the catalogue yet"
        journals.is_whole = True
        eventually(lambda: len(snapshots.made_in("s-1")) == 2)
        assert saver.submit(some_snapshot(chunk_idx=112), epoch)
        eventually(lambda: len(snapshots.made_in("s-1")) == 3)
    rows = snapshots.made_in("s-1")
    assert [each.key.chunk_idx for each in rows] == [112, 110, 100], "seldom, while nothing can be thinned"
    store = SnapshotStore.open(str(tmp_path / "snapshots"))
    assert_same_snapshot(some_snapshot(chunk_idx=110), store.load(rows[1].key, INFO))
    assert list(folder.iterdir()) == []


def test_what_a_worker_noted_before_it_died_is_listed_when_the_next_one_begins(
    database: Database, folder: Path, tmp_path: Path
) -> None:
    epoch, snapshots = held_session(database), Away(database)
    with saving(snapshots, folder, tmp_path) as saver:
        snapshots.is_away = True
        submit(saver, epoch, 100, 1)
    [file] = folder.iterdir()
    with file.open() as left:
        fcntl.flock(left, fcntl.LOCK_EX | fcntl.LOCK_NB)  # nobody's
    snapshots.is_away = False
    file.rename(folder / "dead.snapshots")
    with saving(snapshots, folder, tmp_path):
        assert [each.key.chunk_idx for each in snapshots.made_in("s-1")] == [100]


def test_of_a_session_that_another_worker_took_nothing_is_listed(
    database: Database, folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(savers, "RETRY_S", 0.01)
    epoch, snapshots = held_session(database), Away(database)
    with saving(snapshots, folder, tmp_path) as saver:
        snapshots.is_away = True
        submit(saver, epoch, 100, 1)
        Sessions(database).take_over("s-1", "another", epoch)
        with caplog.at_level(logging.WARNING):
            snapshots.is_away = False
            eventually(lambda: "is not listed" in caplog.text)
    assert (snapshots.made_in("s-1"), list(folder.iterdir())) == ([], [])
