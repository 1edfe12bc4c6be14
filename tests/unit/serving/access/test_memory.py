"""What was looked up a moment ago."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor

import pytest

from serving.access import memory
from serving.access.memory import FRESH_S, MAX_ENTRIES, MAX_WAITING, STALE_S, Memory
from serving.errors import StorageUnavailableError, UnavailableError


class Records:
    def __init__(self) -> None:
        self.value = "first"
        self.num_asked = 0
        self.is_away = False
        self.may_answer = threading.Event()
        self.may_answer.set()

    def look_up(self, key: str) -> str:
        self.num_asked += 1
        assert self.may_answer.wait(10)
        if self.is_away:
            raise StorageUnavailableError("the catalogue is away")
        return f"{key} {self.value}"


class Clock:
    now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def thread() -> Iterator[Executor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


@pytest.fixture
def records() -> Records:
    return Records()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def known(records: Records, thread: Executor, clock: Clock) -> AsyncIterator[Memory[str, str]]:
    yield Memory(records.look_up, thread, clock)
    records.may_answer.set()


async def test_what_is_known_costs_no_question(known: Memory, records: Records) -> None:
    assert [await known.get("k") for _ in range(5)] == ["k first"] * 5
    assert records.num_asked == 1


async def test_e03_what_was_taken_back_is_noticed_in_time(known: Memory, records: Records, clock: Clock) -> None:
    await known.get("k")
    records.value = "second"
    clock.now_s += FRESH_S - 0.001
    assert await known.get("k") == "k first"
    clock.now_s += 0.001
    assert await known.get("k") == "k second"


async def test_what_is_forgotten_is_asked_anew(known: Memory, records: Records) -> None:
    await known.get("k")
    records.value = "second"
    known.forget("k")
    known.forget("never known")
    assert await known.get("k") == "k second"


async def test_while_the_catalogue_is_away_what_was_known_counts_for_a_while(
    known: Memory, records: Records, clock: Clock
) -> None:
    await known.get("k")
    records.is_away = True
    clock.now_s += FRESH_S
    assert [await known.get("k") for _ in range(3)] == ["k first"] * 3
    assert records.num_asked == 2  # and it is not asked at every call
    clock.now_s += STALE_S
    with pytest.raises(StorageUnavailableError):
        await known.get("k")
    with pytest.raises(StorageUnavailableError):
        await known.get("never known")


async def test_a_catalogue_that_says_nothing_is_not_waited_for(
    known: Memory, records: Records, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await known.get("k")
    monkeypatch.setattr(memory, "LOOK_UP_TIMEOUT_S", 0.01)
    clock.now_s += FRESH_S
    records.may_answer.clear()
    assert await known.get("k") == "k first"
    with pytest.raises(StorageUnavailableError):
        await known.get("another")


async def test_many_who_ask_the_same_ask_once(known: Memory, records: Records) -> None:
    records.may_answer.clear()
    asking = [asyncio.create_task(known.get("k")) for _ in range(10)]
    await asyncio.sleep(0)
    asking[0].cancel()  # one that goes away takes nobody along
    records.may_answer.set()
    assert await asyncio.gather(*asking[1:]) == ["k first"] * 9
    assert records.num_asked == 1


async def test_strangers_do_not_pile_up(known: Memory, records: Records) -> None:
    await known.get("k")
    records.may_answer.clear()
    asking = [asyncio.create_task(known.get(f"stranger {idx}")) for idx in range(MAX_WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(UnavailableError, match="come back"):
        await known.get("one more")
    assert await known.get("k") == "k first"  # who is known need not wait behind them
    records.may_answer.set()
    await asyncio.gather(*asking)


async def test_no_more_is_kept_than_is_allowed(known: Memory, records: Records) -> None:
    for idx in range(0, MAX_ENTRIES + 64, 64):
        await asyncio.gather(*(known.get(str(each)) for each in range(idx, idx + 64)))
    asked = records.num_asked
    await known.get(str(MAX_ENTRIES))
    assert records.num_asked == asked
    await known.get("0")  # the oldest
    assert records.num_asked == asked + 1
