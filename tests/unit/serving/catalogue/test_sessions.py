from __future__ import annotations

import threading

import pytest

from serving.catalogue.database import Database
from serving.catalogue.leases import LEASE_S
from serving.catalogue.sessions import DELETED, ENDED, OPEN, PARKED, Sessions
from serving.errors import InvalidFieldError, SessionFencedError, SessionHeldError, SessionNotFoundError
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


def test_who_knows_the_epoch_takes_over_whatever_the_lease_says(sessions: Sessions) -> None:
    sessions.create(new_session())
    sessions.acquire("s-1", "a")
    assert sessions.take_over("s-1", "b", 1).epoch == 2
    with pytest.raises(SessionFencedError, match="epoch 2"):
        sessions.take_over("s-1", "c", 1)
    with pytest.raises(SessionFencedError):
        sessions.end("s-1", 1, "REQUESTED")
    with pytest.raises(SessionNotFoundError):
        sessions.take_over("s-2", "c", 0)
    lease = sessions.find("s-1").lease
    assert (lease.owner, lease.epoch) == ("b", 2)


def test_a_parked_session_is_nobodys_and_wakes_when_somebody_takes_it(sessions: Sessions, clock: Clock) -> None:
    sessions.create(new_session())
    ways = (
        lambda: sessions.acquire("s-1", "a"),
        lambda: sessions.take_over("s-1", "a", 1),
        lambda: sessions.acquire("s-1", "b"),
    )
    for epoch, wake in enumerate(ways, start=1):
        assert wake().epoch == epoch
        assert sessions.find("s-1").state == OPEN
        sessions.park("s-1", epoch, 40 + epoch)
        row = sessions.find("s-1")
        assert (row.state, row.num_chunks, row.lease.owner, row.lease.epoch) == (PARKED, 40 + epoch, "", epoch)
        assert not row.lease.is_held(clock.now_s)
    with pytest.raises(SessionFencedError):
        sessions.park("s-1", 1, 7)


def test_the_number_of_chunks_follows_the_session(sessions: Sessions, database: Database) -> None:
    epoch = held_session(database)
    sessions.set_num_chunks("s-1", epoch, 25)
    assert sessions.find("s-1").num_chunks == 25
    with pytest.raises(SessionFencedError):
        sessions.set_num_chunks("s-1", epoch + 1, 26)


def test_pages_hold_still_while_sessions_are_added(sessions: Sessions, clock: Clock) -> None:
    for number in range(7):
        clock.now_s += number % 2  # some at the same time
        sessions.create(new_session(f"s-{number}"))
    listed, cursor = [], ""
    while True:
        rows, cursor = sessions.page(3, cursor)
        listed += [row.session_id for row in rows]
        if not cursor:
            break
        clock.now_s += 1
        sessions.create(new_session(f"late-{len(listed)}"))
    assert listed == [f"s-{number}" for number in (6, 5, 4, 3, 2, 1, 0)]


def test_pages_show_the_states_that_are_asked_for(sessions: Sessions) -> None:
    for number, session_id in enumerate(("open", "parked", "ended", "deleted")):
        sessions.create(new_session(session_id))
        assert sessions.acquire(session_id, "a").epoch == 1, number
    sessions.park("parked", 1, 5)
    sessions.end("ended", 1, "REQUESTED")
    sessions.release("deleted", 1)
    sessions.fork(new_session("branch"), "deleted", 0)
    sessions.delete("deleted")
    shown = {state: [row.session_id for row in sessions.page(10, states=(state,))[0]] for state in (PARKED, DELETED)}
    assert shown == {PARKED: ["parked"], DELETED: ["deleted"]}
    assert {row.session_id for row in sessions.page(10)[0]} == {"open", "parked", "ended", "branch"}


@pytest.mark.parametrize("cursor", ["no cursor", "e30=", "WzEsMl0=x", "bnVsbA=="])
def test_a_cursor_that_no_list_gave_is_refused(sessions: Sessions, cursor: str) -> None:
    with pytest.raises(InvalidFieldError, match="cursor"):
        sessions.page(3, cursor)
    with pytest.raises(InvalidFieldError, match="at least 1"):
        sessions.page(0)


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
