"""Snapshots that count, and the thread that stores them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from serving.catalogue.database import Database
from serving.catalogue.deletion import Removed
from serving.catalogue.journal import Batch, JournalTable
from serving.catalogue.keeper import SessionKeeper
from serving.catalogue.retention import RetentionConfig
from serving.catalogue.saver import Save, SnapshotSaver
from serving.catalogue.sessions import Sessions
from serving.catalogue.snapshots import SnapshotRow, Snapshots
from serving.catalogue.storage import storage_config
from serving.catalogue.worlds import NewWorld, Worlds
from serving.engine.metrics import NoStageMetrics
from serving.errors import SessionFencedError, StorageUnavailableError
from serving.sessions import record_codec
from serving.sessions.encoded import Opening
from serving.sessions.manifest import EXACT, PORTABLE
from serving.sessions.records import Record, seal
from serving.sessions.snapshot_store import SnapshotKey, SnapshotStore
from tests.catalogues import held_session, new_session
from tests.fakes_model import INFO
from tests.snapshots import assert_same_snapshot, some_snapshot


@pytest.fixture
def store(tmp_path: Path) -> SnapshotStore:
    return SnapshotStore.open(str(tmp_path / "snapshots"))


def key(chunk_idx: int, epoch: int = 1) -> SnapshotKey:
    return SnapshotKey(session_id="s-1", epoch=epoch, chunk_idx=chunk_idx)


class Counted(NoStageMetrics):
    """Counts what becomes of saves."""

    def __init__(self) -> None:
        self.num_saved = 0
        self.num_failed = 0

    def snapshot_saved(self, seconds: float) -> None:
        assert seconds > 0
        self.num_saved += 1

    def snapshot_failed(self) -> None:
        self.num_failed += 1


def begin_epoch(database: Database, record: Record | None = None, session_id: str = "s-1") -> int:
    """The next one, with its first record; the very first when none is given."""
    sessions, table = Sessions(database, clock=lambda: 1e12), JournalTable(database)
    epoch = sessions.take_over(session_id, "b", sessions.find(session_id).lease.epoch).epoch
    record = record or record_codec.opened(Opening(session_id=session_id, seed=7), "fake", "0" * 64)
    head = table.head(session_id)
    records = seal(session_id, epoch, head, [record])
    assert table.append([Batch(session_id=session_id, epoch=epoch, head=head, records=records)]) == set()
    return epoch


def chunks_and_epochs(rows: Iterable[SnapshotRow]) -> list[tuple[int, int]]:
    return [(row.key.chunk_idx, row.key.epoch) for row in rows]


def test_the_latest_snapshot_comes_first_whoever_made_it(database: Database) -> None:
    Sessions(database).create(new_session())
    first = begin_epoch(database)
    snapshots = Snapshots(database)
    for chunk_idx in (100, 300, 200):
        snapshots.add(key(chunk_idx, first), 5, 1_000)
    second = begin_epoch(database, record_codec.resumed(150))
    snapshots.add(key(200, second), 9, 1_000)
    assert chunks_and_epochs(snapshots.of("s-1")) == [(300, 1), (200, 2), (200, 1), (100, 1)]
    assert chunks_and_epochs(snapshots.made_in("s-1")) == [(200, 2), (300, 1), (200, 1), (100, 1)]
    assert snapshots.made_in("s-2") == []


def test_d10_a_rewound_session_does_not_go_on_from_what_it_left_behind_and_its_branch_does(database: Database) -> None:
    Sessions(database).create(new_session())
    first, snapshots = begin_epoch(database), Snapshots(database)
    for chunk_idx in (100, 200, 300):
        snapshots.add(key(chunk_idx, first), 5, 1_000)
    Sessions(database).fork(new_session("old"), "s-1", 300)
    Sessions(database).fork(new_session("early"), "s-1", 250)
    second = begin_epoch(database, record_codec.rewound(200))
    snapshots.add(key(260, second), 5, 1_000)
    assert chunks_and_epochs(snapshots.of("s-1")) == [(260, 2), (200, 1), (100, 1)]
    assert chunks_and_epochs(snapshots.of("old")) == [(300, 1), (200, 1), (100, 1)]
    assert chunks_and_epochs(snapshots.of("early")) == [(200, 1), (100, 1)]


def test_a_holder_that_lost_its_session_can_neither_add_nor_drop_snapshots(database: Database) -> None:
    old = held_session(database)
    snapshots = Snapshots(database)
    snapshots.add(key(100, old), 5, 1_000)
    Sessions(database, clock=lambda: 1e12).acquire("s-1", "b")
    with pytest.raises(SessionFencedError):
        snapshots.add(key(200, old), 5, 1_000)
    with pytest.raises(SessionFencedError):
        snapshots.thin("s-1", old, 1.0)
    assert [row.key.chunk_idx for row in snapshots.made_in("s-1")] == [100]


def test_what_has_a_name_or_a_world_or_a_branch_is_kept(database: Database) -> None:
    """Chunks of a second; all but the first of every 30 s may go, for the session is an hour old."""
    epoch, snapshots = held_session(database), Snapshots(database)
    for chunk_idx in (*range(300, 600, 60), 3_540, 3_600):
        snapshots.add(key(chunk_idx, epoch), 5, 1_000)
    snapshots.add(key(360, epoch), 5, 1_000, name="before the rain")
    snapshots.add(key(360, epoch), 5, 1_000)
    snapshots.add(replace(key(480, epoch), kind=PORTABLE), 5, 9)
    world = NewWorld(
        world_id="w",
        name="rain",
        model="fake",
        weights_sha256="0" * 64,
        spec={},
        session_id="s-1",
        epoch=epoch,
        chunk_idx=420,
    )
    Worlds(database).add(world)
    Sessions(database).fork(new_session("branch"), "s-1", 540)
    assert snapshots.thin("s-1", epoch, 1.0) == [key(480, epoch)]
    assert snapshots.thin("s-1", epoch, 1.0) == []
    rows = snapshots.made_in("s-1")
    assert [row.key.chunk_idx for row in rows] == [3_600, 3_540, 540, 480, 420, 360, 300]
    assert {row.key.chunk_idx: row.name for row in rows if row.name} == {360: "before the rain"}
    assert [row.key.chunk_idx for row in rows if row.key.kind == PORTABLE] == [480]
    assert Worlds(database).delete("w") == Removed()
    assert snapshots.thin("s-1", epoch, 1.0) == [key(420, epoch)]


def test_a_named_snapshot_lives_as_long_as_a_world_points_at_it(database: Database) -> None:
    epoch, snapshots, worlds = held_session(database), Snapshots(database), Worlds(database)
    snapshots.add(key(300, epoch), 5, 1_000)
    snapshots.add(key(360, epoch), 5, 1_000, name="rain")
    snapshots.add(key(3_600, epoch), 5, 1_000)
    for world_id in ("w-1", "w-2"):
        worlds.add(
            NewWorld(
                world_id=world_id,
                name="rain",
                model="fake",
                weights_sha256="0" * 64,
                spec={},
                session_id="s-1",
                epoch=epoch,
                chunk_idx=360,
            )
        )
    assert worlds.delete("w-1") == Removed()
    assert snapshots.thin("s-1", epoch, 1.0) == []
    assert worlds.delete("w-2") == Removed()
    assert snapshots.thin("s-1", epoch, 1.0) == [key(360, epoch)]


def test_earlier_epochs_are_thinned_without_regard_to_how_recent_they_were(database: Database) -> None:
    Sessions(database).create(new_session())
    first, snapshots = begin_epoch(database), Snapshots(database)
    for chunk_idx in range(0, 50, 10):
        snapshots.add(key(chunk_idx, first), 5, 1_000)
    assert snapshots.thin("s-1", first, 1.0) == []
    second = begin_epoch(database, record_codec.resumed(50))
    snapshots.add(key(50, second), 5, 1_000)
    assert snapshots.thin("s-1", second, 1.0) == [key(10, first), key(20, first), key(40, first)]


def test_snapshots_are_stored_on_the_side_and_what_goes_leaves_the_others_whole(
    database: Database, store: SnapshotStore, tmp_path: Path
) -> None:
    epoch = held_session(database)
    metrics = Counted()
    step = round(30 / INFO.chunk_duration_s)  # all are in one such step: the first stays
    rules = RetentionConfig(dense_s=0.0)
    chunk_idxs = range(step, 2 * step, step // 4)
    for chunk_idx in chunk_idxs:
        saver = SnapshotSaver(store, Snapshots(database), INFO, metrics=metrics, retention=rules)
        assert saver.submit(some_snapshot(chunk_idx=chunk_idx), epoch)
        saver.close()
    rows = Snapshots(database).of("s-1")
    assert [row.key.chunk_idx for row in rows] == [chunk_idxs[-1], step]
    assert (metrics.num_saved, metrics.num_failed) == (len(chunk_idxs), 0)
    for row in rows:  # they share most parts with those that went
        assert_same_snapshot(some_snapshot(chunk_idx=row.key.chunk_idx), store.load(row.key, INFO))
    assert len(list((tmp_path / "snapshots").rglob("*.json"))) == 2


def test_old_snapshots_are_looked_through_after_every_eighth(store: SnapshotStore, database: Database) -> None:
    epoch, step = held_session(database), round(30 / INFO.chunk_duration_s)
    rules, kept = RetentionConfig(dense_s=0.0), list[list[int]]()
    for chunk_idx in range(3, 3 + 10 * 20, 20):  # as of a session that went on at chunk 3
        saver = SnapshotSaver(store, Snapshots(database), INFO, retention=rules, snapshot_every_chunks=20)
        assert saver.submit(some_snapshot(chunk_idx=chunk_idx), epoch)
        saver.close()
        kept.append(sorted(row.key.chunk_idx for row in Snapshots(database).of("s-1")))
    assert step > 203, "all are in one step, of which the first and the newest stay"
    assert [len(each) for each in kept] == [1, 2, 3, 4, 5, 6, 7, 8, 2, 3]


class FullStore(SnapshotStore):
    def save(self, *_: object) -> None:  # type: ignore[override]
        raise StorageUnavailableError("no space left")


def test_a_save_that_fails_is_counted_and_the_next_is_tried(database: Database) -> None:
    epoch = held_session(database)
    metrics = Counted()
    saver = SnapshotSaver(FullStore(None), Snapshots(database), INFO, metrics=metrics)
    saver.submit(some_snapshot(), epoch)
    saver.close()
    with pytest.raises(StorageUnavailableError):
        saver.save(Save(snapshot=some_snapshot(), epoch=epoch))
    assert (metrics.num_saved, metrics.num_failed) == (0, 2)
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
    metrics = Counted()
    saver = SnapshotSaver(store, Snapshots(database), INFO, metrics=metrics)
    with pytest.raises(SessionFencedError):
        saver.save(Save(snapshot=some_snapshot(), epoch=old))
    saver.close()
    assert (metrics.num_saved, metrics.num_failed) == (0, 0)
    assert Snapshots(database).of("s-1") == []


def test_a_portable_snapshot_lies_beside_the_exact_one_and_is_not_gone_on_from_by_itself(
    database: Database, tmp_path: Path, migrated_url: str
) -> None:
    storage = storage_config(str(tmp_path / "data"), migrated_url)
    Sessions(database).create(new_session())
    begin_epoch(database, record_codec.opened(Opening(session_id="s-1", seed=7), INFO.name, INFO.weights_sha256))
    keeper = SessionKeeper(storage, INFO)
    try:
        for kind, chunk_idx in ((EXACT, 100), (PORTABLE, 100), (PORTABLE, 200)):
            keeper.saver.save(Save(snapshot=some_snapshot(chunk_idx=chunk_idx), epoch=1, kind=kind))
        past = keeper.recall("s-1", 250)
    finally:
        keeper.close()
    assert [(row.key.chunk_idx, row.key.kind) for row in Snapshots(database).of("s-1")] == [
        (200, PORTABLE),
        (100, EXACT),
        (100, PORTABLE),
    ]
    assert past.snapshot is not None
    assert past.snapshot.engine.next_chunk_idx == 100
