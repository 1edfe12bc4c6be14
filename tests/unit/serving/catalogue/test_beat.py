"""A worker tells what it holds, and does what is wanted of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from serving.catalogue.beat import BeatThread, Pulse, WorkerIdentity
from serving.catalogue.database import Database, sqlite_url
from serving.catalogue.workers import DRAINED, DRAINING, UP, Workers
from serving.errors import StorageUnavailableError, WorkerNotFoundError

IDENTITY = WorkerIdentity(worker_id="w-1", model="fake", weights_sha256="0" * 64, num_slots=3)


@dataclass(slots=True)
class FakeEngine:
    num_used_slots: int = 0
    num_staying: int = 0  # sessions that find no room elsewhere
    is_leaving: bool = False
    state_bytes: int = 0
    num_asked: int = 0

    def ask_to_leave(self) -> int:
        self.is_leaving = True
        self.num_asked += 1
        asked, self.num_used_slots = self.num_used_slots, min(self.num_used_slots, self.num_staying)
        return asked

    def accept_again(self) -> None:
        self.is_leaving = False


def wait_until(is_so: Callable[[], bool]) -> None:
    give_up_s = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < give_up_s
        time.sleep(0.01)


@pytest.fixture
def workers(database: Database) -> Workers:
    return Workers(database)


def test_a_worker_tells_what_it_holds(workers: Workers) -> None:
    engine = FakeEngine(num_used_slots=2, state_bytes=22_000_000)
    Pulse(workers, IDENTITY, engine).beat()
    row = workers.find("w-1")
    assert row.state_bytes == 22_000_000
    assert (row.model, row.num_slots, row.num_used_slots, row.state, row.wanted) == ("fake", 3, 2, UP, UP)
    engine.ask_to_leave()  # as by its own data server
    engine.num_used_slots = 1
    Pulse(workers, IDENTITY, engine).beat()
    assert (workers.find("w-1").state, engine.is_leaving) == (DRAINING, True)


def test_e01_a_worker_that_is_to_drain_asks_until_nobody_is_left_and_may_come_back(workers: Workers) -> None:
    engine = FakeEngine(num_used_slots=2, num_staying=1)
    pulse = Pulse(workers, IDENTITY, engine)
    pulse.beat()
    workers.want("w-1", DRAINED)
    for num_asked in (1, 2, 3):
        pulse.beat()
        row = workers.find("w-1")
        assert (row.state, row.num_used_slots, engine.num_asked) == (DRAINING, 1, num_asked)
    engine.num_staying = 0
    pulse.beat()
    pulse.beat()
    assert (workers.find("w-1").state, engine.is_leaving) == (DRAINED, True)
    workers.want("w-1", UP)
    pulse.beat()
    assert (workers.find("w-1").state, engine.is_leaving) == (UP, False)


def test_an_idle_worker_is_drained_at_its_next_beat(workers: Workers) -> None:
    pulse = Pulse(workers, IDENTITY, FakeEngine())
    pulse.beat()
    workers.want("w-1", DRAINED)
    pulse.beat()
    assert workers.find("w-1").state == DRAINED


def test_a_worker_beats_while_it_lives_and_is_not_listed_once_it_ended(workers: Workers, migrated_url: str) -> None:
    beat = BeatThread(migrated_url, IDENTITY, FakeEngine(), beat_s=0.01)
    beat.start()
    wait_until(lambda: bool(workers.latest()))
    first_s = workers.find("w-1").seen_s
    wait_until(lambda: workers.find("w-1").seen_s > first_s)
    beat.stop()
    beat.stop()
    assert workers.latest() == []
    with pytest.raises(WorkerNotFoundError):
        workers.find("w-1")


def test_while_the_catalogue_is_away_nothing_changes(tmp_path: Path) -> None:
    url, engine = sqlite_url(tmp_path / "catalogue.db"), FakeEngine(num_used_slots=1)
    with Database(url) as database, pytest.raises(StorageUnavailableError):
        Pulse(Workers(database), IDENTITY, engine).beat()
    beat = BeatThread(url, IDENTITY, engine, beat_s=0.01)
    beat.start()
    time.sleep(0.1)
    assert (engine.is_leaving, engine.num_asked) == (False, 0)
    with Database(url) as database:
        database.migrate()
        wait_until(lambda: [row.worker_id for row in Workers(database).latest()] == ["w-1"])
    beat.stop()
    assert not any(thread.name == "beat" for thread in threading.enumerate())
