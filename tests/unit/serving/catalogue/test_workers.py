"""Workers that say they live, and what is wanted of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from serving.catalogue.database import Database
from serving.catalogue.sessions import Sessions
from serving.catalogue.workers import DRAINED, DRAINING, LOST, UP, WorkerBeat, Workers, shown_state
from serving.errors import InvalidFieldError, WorkerNotFoundError
from tests.catalogues import held_session, new_session

BEAT = WorkerBeat(
    worker_id="w-1",
    model="fake",
    weights_sha256="0" * 64,
    num_slots=3,
    num_used_slots=1,
    state=UP,
    started_s=90.0,
)


@dataclass(slots=True)
class Clock:
    now_s: float = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def workers(database: Database, clock: Clock) -> Workers:
    return Workers(database, clock)


def test_a_worker_that_beats_is_listed_with_what_it_holds(workers: Workers, clock: Clock) -> None:
    assert workers.beat(BEAT) == UP
    clock.now_s = 101.0
    assert workers.beat(replace(BEAT, num_used_slots=2)) == UP
    assert workers.beat(replace(BEAT, worker_id="w-2", started_s=95.0)) == UP
    newer, older = workers.latest()
    assert (newer.worker_id, older.worker_id) == ("w-2", "w-1")
    assert (older.num_used_slots, older.num_slots, older.state) == (2, 3, UP)
    assert (older.started_s, older.seen_s) == (90.0, 101.0)
    assert workers.find("w-1") == older


def test_e01_what_an_operator_wants_reaches_the_worker_with_its_next_beat(workers: Workers) -> None:
    workers.beat(BEAT)
    assert (workers.want("w-1", DRAINED).state, workers.find("w-1").wanted) == (DRAINING, DRAINED)
    assert workers.beat(BEAT) == DRAINED
    assert workers.beat(replace(BEAT, state=DRAINED, num_used_slots=0)) == DRAINED
    assert workers.find("w-1").state == DRAINED
    assert workers.want("w-1", UP).wanted == UP
    assert workers.beat(replace(BEAT, state=DRAINED)) == UP


def test_nobody_drains_a_worker_there_is_none_of_nor_to_a_state_there_is_none_of(workers: Workers) -> None:
    with pytest.raises(WorkerNotFoundError):
        workers.want("w-1", DRAINED)
    with pytest.raises(WorkerNotFoundError):
        workers.find("w-1")
    workers.beat(BEAT)
    with pytest.raises(InvalidFieldError):
        workers.want("w-1", LOST)
    assert workers.find("w-1").wanted == UP


def test_a_silent_worker_is_lost_and_after_a_day_forgotten(workers: Workers, clock: Clock) -> None:
    workers.beat(BEAT)
    clock.now_s += 9.9
    assert workers.find("w-1").state == UP
    clock.now_s += 0.1
    assert workers.find("w-1").state == LOST
    workers.beat(replace(BEAT, worker_id="w-2"))
    assert {row.worker_id: row.state for row in workers.latest()} == {"w-1": LOST, "w-2": UP}
    clock.now_s += 24 * 3600.0 - 5.0
    assert [row.worker_id for row in workers.latest()] == ["w-2"]
    workers.beat(replace(BEAT, worker_id="w-3"))
    with pytest.raises(WorkerNotFoundError):
        workers.find("w-1")


def test_a_worker_that_was_forgotten_while_it_drained_goes_on_draining(workers: Workers, clock: Clock) -> None:
    workers.beat(BEAT)
    workers.want("w-1", DRAINED)
    clock.now_s += 25 * 3600.0
    assert workers.beat(replace(BEAT, state=DRAINING)) == DRAINED
    workers.forget("w-1")
    assert workers.latest() == []
    assert workers.beat(BEAT) == UP


def test_a_workers_sessions_are_those_it_holds_now(workers: Workers, database: Database, clock: Clock) -> None:
    sessions = Sessions(database, clock)
    for session_id in ("s-1", "s-2", "s-3"):
        sessions.create(new_session(session_id))
        sessions.acquire(session_id, "w-1")
    held_session(database, "s-4", owner="w-2")
    sessions.release("s-2", 1)
    sessions.end("s-3", 1, "REQUESTED")
    assert workers.sessions_of("w-1") == ["s-1"]
    clock.now_s += 60.0
    assert workers.sessions_of("w-1") == []


@pytest.mark.parametrize(
    ("state", "wanted", "silent_s", "shown"),
    [
        (UP, UP, 0.0, UP),
        (UP, DRAINED, 1.0, DRAINING),
        (DRAINING, DRAINED, 1.0, DRAINING),
        (DRAINED, DRAINED, 9.9, DRAINED),
        (DRAINED, UP, 0.0, DRAINED),
        (UP, UP, 10.0, LOST),
        (DRAINED, DRAINED, 3600.0, LOST),
    ],
)
def test_what_is_shown_of_a_worker(state: str, wanted: str, silent_s: float, shown: str) -> None:
    assert shown_state(state, wanted, silent_s) == shown
