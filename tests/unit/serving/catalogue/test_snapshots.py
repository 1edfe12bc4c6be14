"""Snapshots that count, and the thread that stores them."""

from __future__ import annotations

from pathlib import Path

import pytest

from serving.catalogue.database import Database
from serving.catalogue.saver import NUM_KEPT, Save, SnapshotSaver
from serving.catalogue.sessions import Sessions
from serving.catalogue.snapshots import Snapshots
from serving.errors import SessionFencedError, StorageUnavailableError
from serving.sessions.snapshot_store import SnapshotKey, SnapshotStore
from tests.catalogues import held_session
from tests.fakes_model import INFO
from tests.snapshots import assert_same_snapshot, some_snapshot


@pytest.fixture
def store(tmp_path: Path) -> SnapshotStore:
    return SnapshotStore.open(str(tmp_path / "snapshots"))


def key(chunk_idx: int, epoch: int = 1) -> SnapshotKey:
    return SnapshotKey(session_id="s-1", epoch=epoch, chunk_idx=chunk_idx)


def test_the_latest_snapshot_comes_first_by_epoch_and_then_by_chunk(database: Database) -> None:
    epoch = held_session(database)
    snapshots = Snapshots(database)
    for chunk_idx in (100, 300, 200):
        snapshots.add(key(chunk_idx, epoch), 5, 1_000)
    sessions = Sessions(database, clock=lambda: 1e12)
    snapshots.add(key(150, sessions.acquire("s-1", "b").epoch), 9, 1_000)
    assert [(row.key.epoch, row.key.chunk_idx) for row in snapshots.of("s-1")] == [
        (2, 150),
        (1, 300),
        (1, 200),
        (1, 100),
    ]
    assert snapshots.of("s-2") == []


def test_a_holder_that_lost_its_session_can_neither_add_nor_drop_snapshots(database: Database) -> None:
    old = held_session(database)
    snapshots = Snapshots(database)
    snapshots.add(key(100, old), 5, 1_000)
    Sessions(database, clock=lambda: 1e12).acquire("s-1", "b")
    with pytest.raises(SessionFencedError):
        snapshots.add(key(200, old), 5, 1_000)
    with pytest.raises(SessionFencedError):
        snapshots.keep_newest("s-1", old, 0)
    assert [row.key.chunk_idx for row in snapshots.of("s-1")] == [100]


def test_named_snapshots_are_kept(database: Database) -> None:
    epoch = held_session(database)
    snapshots = Snapshots(database)
    for chunk_idx in (100, 200, 300, 400):
        snapshots.add(key(chunk_idx, epoch), 5, 1_000)
    snapshots.add(key(100, epoch), 5, 1_000, name="before the rain")
    assert snapshots.keep_newest("s-1", epoch, 2) == [key(200, epoch)]
    assert [(row.key.chunk_idx, row.name) for row in snapshots.of("s-1")] == [
        (400, ""),
        (300, ""),
        (100, "before the rain"),
    ]


def test_snapshots_are_stored_on_the_side_and_the_oldest_go(database: Database, store: SnapshotStore) -> None:
    epoch = held_session(database)
    for chunk_idx in range(100, 100 * (NUM_KEPT + 3), 100):
        saver = SnapshotSaver(store, Snapshots(database), INFO)
        assert saver.submit(some_snapshot(chunk_idx=chunk_idx), epoch)
        saver.close()
        assert (saver.num_saved, saver.num_failed) == (1, 0)
    rows = Snapshots(database).of("s-1")
    assert len(rows) == NUM_KEPT
    newest = 100 * (NUM_KEPT + 2)
    assert_same_snapshot(some_snapshot(chunk_idx=newest), store.load(rows[0].key, INFO))


class FullStore(SnapshotStore):
    def save(self, *_: object) -> None:  # type: ignore[override]
        raise StorageUnavailableError("no space left")


def test_a_save_that_fails_is_counted_and_the_next_is_tried(database: Database) -> None:
    epoch = held_session(database)
    saver = SnapshotSaver(FullStore(None), Snapshots(database), INFO)
    saver.submit(some_snapshot(), epoch)
    saver.close()
    assert (saver.num_saved, saver.num_failed) == (0, 1)
    assert Snapshots(database).of("s-1") == []


def test_a_session_waits_for_the_store_with_one_snapshot_at_most(store: SnapshotStore, database: Database) -> None:
    saver = SnapshotSaver(store, Snapshots(database), INFO)
    saver.close()  # its thread is gone: what comes now waits
    assert saver.submit(some_snapshot("s-1"), 1)
    assert not saver.submit(some_snapshot("s-1"), 1)
    assert saver.submit(some_snapshot("s-2"), 1)


def test_a_snapshot_that_comes_too_late_does_not_count(database: Database, store: SnapshotStore) -> None:
    old = held_session(database)
    Sessions(database, clock=lambda: 1e12).acquire("s-1", "b")
    saver = SnapshotSaver(store, Snapshots(database), INFO)
    with pytest.raises(SessionFencedError):
        saver.save(Save(snapshot=some_snapshot(), epoch=old))
    saver.close()
    assert Snapshots(database).of("s-1") == []
