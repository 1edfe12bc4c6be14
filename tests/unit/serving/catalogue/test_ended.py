"""What is left of the snapshots of sessions that are over: what somebody needs, and few of the rest."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from serving.catalogue import tidier as tidiers
from serving.catalogue.database import Database
from serving.catalogue.retention import RetentionConfig
from serving.catalogue.saver import Save, SnapshotSaver
from serving.catalogue.sessions import DELETED, Sessions
from serving.catalogue.shares import FORK, Shares
from serving.catalogue.snapshots import Snapshots
from serving.catalogue.tidier import Tidier, TidierThread
from serving.catalogue.worlds import NewWorld, Worlds
from serving.errors import StorageUnavailableError
from serving.sessions import record_codec
from serving.sessions.snapshot_store import SnapshotKey, SnapshotStore
from tests.catalogues import held_session, new_session
from tests.fakes_model import INFO
from tests.snapshots import assert_same_snapshot, some_snapshot
from tests.unit.serving.catalogue.test_snapshots import begin_epoch, key

HOUR_S = 3_600.0
NOW_S = 1e9
# Chunks of a second; the first of every ten is left.
RULES = RetentionConfig(ended_after_s=HOUR_S, ended_step_s=10.0)


@dataclass
class Clock:
    now_s: float = NOW_S

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def chunks(keys: list[SnapshotKey]) -> list[int]:
    return sorted(each.chunk_idx for each in keys)


def ended(database: Database, clock: Clock, session_id: str = "s-1") -> Snapshots:
    """A session that was over an hour ago, with a snapshot at every second chunk of 50."""
    snapshots, sessions = Snapshots(database, clock), Sessions(database, clock)
    sessions.create(new_session(session_id))
    epoch = sessions.acquire(session_id, "a").epoch
    for chunk_idx in range(2, 51, 2):
        snapshots.add(replace(key(chunk_idx, epoch), session_id=session_id), 5, 1_000)
    sessions.end(session_id, epoch, "CLOSED")
    clock.now_s += HOUR_S + 1
    return snapshots


def test_of_what_nobody_needs_few_are_left(database: Database, clock: Clock) -> None:
    snapshots = ended(database, clock)
    snapshots.thin_ended("s-1", 1.0, RULES)
    assert chunks([row.key for row in snapshots.made_in("s-1")]) == [2, 10, 20, 30, 40, 50]
    assert snapshots.thin_ended("s-1", 1.0, RULES) == []
    assert snapshots.thin_ended("nobody", 1.0, RULES) == []


def test_neither_one_that_ended_lately_nor_one_that_may_go_on_is_touched(database: Database, clock: Clock) -> None:
    snapshots = ended(database, clock)
    clock.now_s -= 2
    assert snapshots.thin_ended("s-1", 1.0, RULES) == []
    parked = held_session(database, "s-2")
    Sessions(database, clock).park("s-2", parked, 9)
    snapshots.add(replace(key(3, parked), session_id="s-2"), 5, 1_000)
    snapshots.add(replace(key(4, parked), session_id="s-2"), 5, 1_000)
    clock.now_s += 100 * HOUR_S
    assert snapshots.thin_ended("s-2", 1.0, RULES) == []


def test_what_worlds_links_and_branches_point_at_stays(database: Database, clock: Clock) -> None:
    snapshots = ended(database, clock)
    world = NewWorld(
        world_id="w",
        name="rain",
        model="fake",
        weights_sha256="0" * 64,
        spec={},
        session_id="s-1",
        epoch=1,
        chunk_idx=14,
    )
    Worlds(database).add(world)
    Sessions(database).fork(new_session("branch"), "s-1", 24)
    links = Shares(database, clock)
    for chunk_idx, expires_s in ((26, None), (28, clock.now_s + 9), (32, clock.now_s - 9)):
        links.create(scope=FORK, session_id="s-1", epoch=1, chunk_idx=chunk_idx, expires_s=expires_s)
    revoked, _ = links.create(scope=FORK, session_id="s-1", epoch=1, chunk_idx=34)
    links.revoke(revoked.share_id)
    snapshots.thin_ended("s-1", 1.0, RULES)
    left = chunks([row.key for row in snapshots.made_in("s-1")])
    assert set(left) - {2, 10, 20, 30, 40, 50} == {14, 24, 26, 28}
    Worlds(database).delete("w")
    assert chunks(snapshots.thin_ended("s-1", 1.0, RULES)) == [14]


def test_one_that_was_deleted_and_that_a_branch_needs_is_thinned_too(database: Database, clock: Clock) -> None:
    snapshots = ended(database, clock)
    Sessions(database).fork(new_session("branch"), "s-1", 24)
    Sessions(database, clock).delete("s-1")
    assert Sessions(database).find("s-1", with_deleted=True).state == DELETED
    clock.now_s += HOUR_S + 1
    snapshots.thin_ended("s-1", 1.0, RULES)
    assert chunks([row.key for row in snapshots.made_in("s-1")]) == [2, 10, 20, 24, 30, 40, 50]


def test_d10_epochs_of_one_timeline_are_thinned_together_and_what_a_rewind_left_behind_by_itself(
    database: Database, clock: Clock
) -> None:
    Sessions(database).create(new_session())
    first, snapshots = begin_epoch(database), Snapshots(database, clock)
    for chunk_idx in (1, 5, 12, 18, 25):
        snapshots.add(key(chunk_idx, first), 5, 1_000)
    second = begin_epoch(database, record_codec.resumed(6))
    snapshots.add(key(7, second), 5, 1_000)
    third = begin_epoch(database, record_codec.rewound(10))
    for chunk_idx in (13, 19, 27):
        snapshots.add(key(chunk_idx, third), 5, 1_000)
    Sessions(database, clock).end("s-1", third, "CLOSED")
    clock.now_s += HOUR_S + 1
    snapshots.thin_ended("s-1", 1.0, RULES)
    left = {(row.key.epoch, row.key.chunk_idx) for row in snapshots.made_in("s-1")}
    assert left == {(first, 1), (third, 13), (third, 27), (first, 12), (first, 25)}


def tidier(database: Database, tmp_path: Path, clock: Clock) -> Tidier:
    store = SnapshotStore.open(str(tmp_path / "snapshots"))
    saver = SnapshotSaver(store, Snapshots(database, clock), INFO, retention=rules_of_model())
    saver.close()
    return Tidier(database, saver, INFO, rules_of_model(), clock)


def rules_of_model() -> RetentionConfig:
    return replace(RULES, ended_step_s=100 * INFO.chunk_duration_s)


def test_what_goes_from_the_catalogue_goes_from_the_store_and_leaves_the_others_whole(
    database: Database, tmp_path: Path, clock: Clock
) -> None:
    epoch, store = held_session(database), SnapshotStore.open(str(tmp_path / "snapshots"))
    saver = SnapshotSaver(store, Snapshots(database), INFO, retention=RULES)
    for chunk_idx in (110, 120, 130, 140):
        saver.save(Save(snapshot=some_snapshot(chunk_idx=chunk_idx), epoch=epoch))
    saver.close()
    Sessions(database, clock).end("s-1", epoch, "CLOSED")
    clock.now_s += HOUR_S + 1
    assert not tidier(database, tmp_path, clock).step()
    rows = Snapshots(database).of("s-1")
    assert chunks([row.key for row in rows]) == [110, 140]
    for row in rows:
        assert_same_snapshot(some_snapshot(chunk_idx=row.key.chunk_idx), store.load(row.key, INFO))
    assert len(list((tmp_path / "snapshots").rglob("*.json"))) == 2


@dataclass
class Noted:
    """A saver that says what it was asked."""

    asked: list[str] = field(default_factory=list)
    is_away: bool = False

    def thin_ended(self, session_id: str) -> int:
        if self.is_away:
            raise StorageUnavailableError("away")
        self.asked.append(session_id)
        return 1


def test_all_that_ended_are_looked_at_once_a_few_at_a_time(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tidiers, "SESSIONS_AT_ONCE", 2)
    sessions = Sessions(database, clock)
    for idx, model in enumerate(("fake", "fake", "other", "fake")):
        sessions.create(replace(new_session(f"s-{idx}"), model=model))
        sessions.end(f"s-{idx}", sessions.acquire(f"s-{idx}", "a").epoch, "CLOSED")
    sessions.create(new_session("plays"))
    clock.now_s += HOUR_S
    saver = Noted()
    steps = Tidier(database, saver, INFO, RULES, clock)  # type: ignore[arg-type]
    saver.is_away = True
    with pytest.raises(StorageUnavailableError):
        steps.step()
    saver.is_away = False
    assert [steps.step() for _ in range(3)] == [True, False, False]
    assert saver.asked == ["s-0", "s-1", "s-3"], "those of the model that the worker has"
    sessions.end("plays", sessions.acquire("plays", "a").epoch, "CLOSED")
    clock.now_s += HOUR_S
    assert steps.step() is False
    assert saver.asked[3:] == ["plays"]


def test_a_step_that_fails_does_not_end_the_thread_and_stopping_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tidiers, "EVERY_S", 0.001)

    class Failing:
        num_steps = 0

        def step(self) -> bool:
            self.num_steps += 1
            raise StorageUnavailableError("away")

    failing = Failing()
    thread = TidierThread(failing)  # type: ignore[arg-type]
    thread.start()
    while failing.num_steps < 3:
        time.sleep(0.001)
    thread.stop()
    thread.stop()
    assert not thread._thread.is_alive()
