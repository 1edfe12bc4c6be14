from __future__ import annotations

import threading

import pytest

from serving.catalogue.database import Database
from serving.catalogue.leases import LEASE_S
from serving.catalogue.sessions import ENDED, OPEN, Branch, Sessions
from serving.errors import SessionFencedError, SessionHeldError, SessionNotFoundError
from tests.catalogues import held_session, new_session


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(database: Database, clock: Clock) -> Sessions:
    return Sessions(database, clock)


def test_a_session_is_found_as_it_was_written(sessions: Sessions) -> None:
    sessions.create(new_session(seed=2**63 + 5))
    row = sessions.find("s-1")
    assert (row.model, row.seed, row.state, row.created_s) == ("fake", 2**63 + 5, OPEN, 1_000.0)
    assert row.spec["prompt"] == "a quiet street at dusk"
    assert row.lease.epoch == 0
    with pytest.raises(SessionNotFoundError):
        sessions.find("s-2")


def test_the_newest_sessions_come_first(sessions: Sessions, clock: Clock) -> None:
    for number in range(5):
        clock.now_s += 1
        sessions.create(new_session(f"s-{number}"))
    assert [row.session_id for row in sessions.latest(3)] == ["s-4", "s-3", "s-2"]


def test_a_session_knows_its_ancestors_and_its_branches(sessions: Sessions) -> None:
    sessions.create(new_session("root"))
    branches = []
    for parent, child, chunk_idx in (("root", "one", 10), ("one", "two", 25), ("root", "three", 4)):
        branches.append(Branch(session_id=child, parent_session_id=parent, parent_chunk_idx=chunk_idx))
        sessions.create(new_session(child), branches[-1])
    assert sessions.lineage("two") == [branches[1], branches[0]]
    assert sessions.lineage("root") == []
    assert {branch.session_id for branch in sessions.branches_of("root")} == {"one", "three"}


def test_one_worker_holds_a_session_until_its_lease_runs_out(sessions: Sessions, clock: Clock) -> None:
    sessions.create(new_session())
    assert sessions.acquire("s-1", "a").epoch == 1
    with pytest.raises(SessionHeldError, match="a holds") as held:
        sessions.acquire("s-1", "b")
    assert held.value.retry_after_s == pytest.approx(LEASE_S)
    clock.now_s += LEASE_S - 1
    assert sessions.renew({"s-1": 1}, "a") == set()
    clock.now_s += LEASE_S - 1
    with pytest.raises(SessionHeldError):
        sessions.acquire("s-1", "b")
    clock.now_s += 1
    assert sessions.acquire("s-1", "b").epoch == 2


def test_a_paused_worker_that_returns_is_told_and_can_change_nothing(sessions: Sessions, clock: Clock) -> None:
    for session_id in ("s-1", "s-2"):
        sessions.create(new_session(session_id))
        sessions.acquire(session_id, "a")
    clock.now_s += LEASE_S
    sessions.acquire("s-1", "b")
    assert sessions.renew({"s-1": 1, "s-2": 1, "never": 1}, "a") == {"s-1", "never"}
    for write in (lambda: sessions.release("s-1", 1), lambda: sessions.end("s-1", 1, "REQUESTED")):
        with pytest.raises(SessionFencedError):
            write()
    row = sessions.find("s-1")
    assert (row.lease.owner, row.lease.epoch, row.state) == ("b", 2, OPEN)


def test_a_released_session_is_free_at_once(sessions: Sessions) -> None:
    sessions.create(new_session())
    sessions.acquire("s-1", "a")
    sessions.release("s-1", 1)
    assert sessions.acquire("s-1", "b").epoch == 2


def test_an_ended_session_says_why(sessions: Sessions, database: Database) -> None:
    epoch = held_session(database)
    sessions.end("s-1", epoch, "REQUESTED")
    row = sessions.find("s-1")
    assert (row.state, row.end_reason) == (ENDED, "REQUESTED")


def test_of_many_that_grab_a_session_at_once_one_gets_it(database: Database) -> None:
    Sessions(database).create(new_session())
    won, refused = [], []

    def grab(owner: str) -> None:
        try:
            won.append(Sessions(database).acquire("s-1", owner).epoch)
        except SessionHeldError:
            refused.append(owner)

    threads = [threading.Thread(target=grab, args=(f"worker-{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert won == [1]
    assert len(refused) == 5
