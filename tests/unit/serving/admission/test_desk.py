from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from sqlalchemy import select

from serving.admission import desk as desk_module
from serving.admission.asking import Asking, asking_as
from serving.admission.desk import Desk
from serving.admission.limits import AdmissionConfig, Limits
from serving.admission.turn import LEASE_S
from serving.catalogue.database import Database
from serving.catalogue.schema import places
from serving.errors import CapacityExhaustedError, QuotaExceededError, StorageUnavailableError

ONE_AT_ONCE = AdmissionConfig(limits=Limits(concurrent_sessions=1, controls_per_second=20.0))


class Clock:
    now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def desk(database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    monkeypatch.setattr(desk_module, "BEAT_S", 0.02)
    monkeypatch.setattr(desk_module, "LOOK_S", 0.02)
    desk = Desk(database, ONE_AT_ONCE, clock)
    desk.start()
    yield desk
    await desk.close()


async def opened() -> str:
    return "open"


async def failed() -> str:
    raise CapacityExhaustedError("the worker has no slot after all")


async def eventually(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not is_so():
            await asyncio.sleep(0.01)


def until_s(database: Database) -> list[float]:
    with database.read() as connection:
        return list(connection.execute(select(places.c.until_s)).scalars())


async def test_a_place_is_kept_for_as_long_as_its_session_runs(desk: Desk, database: Database, clock: Clock) -> None:
    assert await desk.begin("s-1", opened) == "open"
    clock.now_s += LEASE_S - 1
    await eventually(lambda: until_s(database) == [clock.now_s + LEASE_S])
    desk.left("s-1")
    await eventually(lambda: until_s(database) == [])


async def test_a_session_that_did_not_begin_holds_no_place(desk: Desk) -> None:
    with pytest.raises(CapacityExhaustedError):
        await desk.begin("s-1", failed)
    assert await desk.begin("s-2", opened) == "open"


async def test_whoever_asks_after_one_left_finds_its_place_free(desk: Desk) -> None:
    for number in range(5):
        await desk.begin(f"s-{number}", opened)
        desk.left(f"s-{number}")


async def test_whoever_waits_is_let_in_when_one_leaves_and_not_before(desk: Desk) -> None:
    await desk.begin("s-1", opened)
    with asking_as(Asking(wait_s=10.0)):
        waiting = asyncio.ensure_future(desk.begin("s-2", opened))
    with asking_as(Asking(wait_s=0.1)), pytest.raises(CapacityExhaustedError, match=r"within 0\.1 s"):
        await desk.begin("s-3", opened)
    assert not waiting.done()
    desk.left("s-1")
    assert await waiting == "open"


class Counted:
    def __init__(self) -> None:
        self.outcomes: list[tuple[str, str]] = []
        self.length = 0
        self.waited_s: list[float] = []

    def of(self, tenant_id: str) -> Counted:
        assert tenant_id == "default"
        return self

    def place_asked(self, outcome: str) -> None:
        self.outcomes.append(("at once", outcome))

    def queue_joined(self) -> None:
        self.length += 1

    def queue_left(self, outcome: str, waited_s: float) -> None:
        self.length -= 1
        self.outcomes.append(("waited", outcome))
        self.waited_s.append(waited_s)


async def test_whoever_asks_for_a_place_is_counted_by_how_it_ended(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk_module, "LOOK_S", 0.02)
    counted = Counted()
    desk = Desk(database, ONE_AT_ONCE, clock, counted.of)
    desk.start()
    await desk.begin("s-1", opened)
    with pytest.raises(QuotaExceededError):
        await desk.begin("s-2", opened)
    with asking_as(Asking(wait_s=0.1)), pytest.raises(CapacityExhaustedError):
        await desk.begin("s-3", opened)
    with asking_as(Asking(wait_s=10.0)):
        leaves = asyncio.ensure_future(desk.begin("s-4", opened))
        waits = asyncio.ensure_future(desk.begin("s-5", opened))
    await eventually(lambda: counted.length == 2)
    leaves.cancel()
    await eventually(lambda: counted.length == 1)
    desk.left("s-1")
    await waits
    await desk.close()
    assert counted.outcomes == [
        ("at once", "at_once"),
        ("at once", "refused"),
        ("waited", "given_up"),
        ("waited", "left"),
        ("waited", "admitted"),
    ]
    assert counted.length == 0
    assert all(0.0 <= each <= 10.0 for each in counted.waited_s)


async def test_sessions_of_a_tenant_share_its_rate_of_controls(desk: Desk) -> None:
    await desk.begin("s-1", opened)
    grant = desk.grant("s-1")
    assert grant.limits == ONE_AT_ONCE.limits
    for _ in range(20):
        grant.controls.take(0.0)
    with pytest.raises(QuotaExceededError) as caught:
        grant.controls.take(0.0)
    assert caught.value.quota == "controls_per_second"
    grant.controls.take(0.06)


async def test_while_the_catalogue_is_away_nobody_begins_and_what_was_left_is_given_back_after(
    desk: Desk, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.begin("s-1", opened)

    def fail() -> None:
        raise StorageUnavailableError("the catalogue is away")

    with monkeypatch.context() as away:
        away.setattr(database, "write", fail)
        with pytest.raises(StorageUnavailableError):
            await desk.begin("s-2", opened)
        desk.left("s-1")
        await asyncio.sleep(0.1)
        assert len(until_s(database)) == 1
    await eventually(lambda: until_s(database) == [])


async def test_without_a_catalogue_everybody_is_let_in() -> None:
    desk = Desk(None, ONE_AT_ONCE)
    assert [await desk.begin(f"s-{number}", opened) for number in range(3)] == ["open"] * 3
    assert desk.grant("s-1").limits == Limits()
    await desk.close()
