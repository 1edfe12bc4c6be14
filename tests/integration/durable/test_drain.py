"""Workers as operators see them over the real gateway: listed, drained while sessions play, and taken back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

import nacre
from tests.integration.durable.harness import TIMEOUT_S, Service, indices, service, take


@pytest.fixture(autouse=True)
def quick_beats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.stages.host.BEAT_S", 0.05)


async def create(kept: Service) -> nacre.Session:
    return await kept.client.create(prompt="a quiet street at dusk", seed=7)


async def until(kept: Service, worker_idx: int, is_so: Callable[[nacre.Worker], bool]) -> nacre.Worker:
    """The worker once it is listed, and so."""
    worker_id = kept.workers[worker_idx].worker_id
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            for found in await kept.client.admin.workers():
                if found.worker_id == worker_id and is_so(found):
                    return found
            await asyncio.sleep(0.02)


async def until_state(kept: Service, worker_idx: int, state: str) -> nacre.Worker:
    return await until(kept, worker_idx, lambda worker: worker.state == state)


async def test_workers_tell_what_they_hold(tmp_path: Path) -> None:
    async with service(tmp_path / "data", num_workers=2) as kept:
        await until_state(kept, 0, "up")
        await until_state(kept, 1, "up")
        assert len(await kept.client.admin.workers()) == 2
        session = await create(kept)
        found = await until(kept, 0, lambda worker: worker.num_used_slots == 1)
        assert (found.model, found.num_slots, found.started_at <= found.seen_at) == ("fake", 3, True)
        await session.end()
        await until(kept, 0, lambda worker: worker.num_used_slots == 0)


async def test_e01_a_worker_is_drained_while_its_sessions_play_on(tmp_path: Path) -> None:
    async with service(tmp_path / "data", num_workers=2) as kept:
        session = await create(kept)
        async with session.enter(video="rgb", audio="pcm") as world:
            chunks = await take(world, 5)
            await until_state(kept, 0, "up")
            receipts = [world.say("it starts to rain")]
            assert (await kept.client.admin.drain(kept.workers[0].worker_id)).state == "draining"
            receipts.append(world.move(forward=1.0))
            assert (await until_state(kept, 0, "drained")).num_used_slots == 0
            chunks += await take(world, 20)
            outcomes = [await receipt for receipt in receipts]
        assert indices(chunks) == list(range(25))
        assert [type(outcome) for outcome in outcomes] == [nacre.Applied, nacre.Applied]
        assert kept.used_slots() == [0, 1]
        assert kept.replayed(session.id).is_same
        await kept.client.admin.undrain(kept.workers[0].worker_id)
        await until_state(kept, 0, "up")
        await kept.client.admin.drain(kept.workers[1].worker_id)
        await until_state(kept, 1, "drained")
        assert kept.used_slots() == [1, 0]


async def test_e01_a_session_for_which_there_is_no_room_plays_on_and_goes_when_there_is(tmp_path: Path) -> None:
    async with service(tmp_path / "data", num_workers=2, num_slots=1) as kept:
        session, other = await create(kept), await create(kept)
        async with session.enter(video="rgb", audio="pcm") as world:
            await take(world, 3)
            await until_state(kept, 0, "up")
            await kept.client.admin.drain(kept.workers[0].worker_id)
            assert indices(await take(world, 15)) == list(range(3, 18))
            await until_state(kept, 0, "draining")
            with pytest.raises(nacre.LimitReached):
                await kept.client.admin.move(session)
            await other.end()
            await until_state(kept, 0, "drained")
            assert indices(await take(world, 6)) == list(range(18, 24))
        assert kept.used_slots() == [0, 1]
        assert kept.replayed(session.id).is_same


@pytest.mark.parametrize("condition", ["not entered", "paused", "left"])
async def test_e01_sessions_that_stand_still_leave_a_worker_too(tmp_path: Path, condition: str) -> None:
    async with service(tmp_path / "data", num_workers=2) as kept:
        session = await create(kept)
        num_chunks = 0
        if condition != "not entered":
            async with session.enter(video="rgb", audio="pcm") as world:
                num_chunks = len(await take(world, 6))
                if condition == "paused":
                    await session.pause()
        await until_state(kept, 0, "up")
        await kept.client.admin.drain(kept.workers[0].worker_id)
        await until_state(kept, 0, "drained")
        assert kept.used_slots() == [0, 1]
        if condition == "paused":
            await session.resume()
        async with session.enter(video="rgb", audio="pcm") as world:
            assert world.next_chunk_index >= num_chunks
            first = world.next_chunk_index
            assert indices(await take(world, 5)) == list(range(first, first + 5))
        assert kept.replayed(session.id).is_same


async def test_e01_every_session_of_a_worker_leaves_it(tmp_path: Path) -> None:
    async with service(tmp_path / "data", num_workers=3, num_slots=3) as kept:
        kept.placer.gone = {worker.address for worker in kept.workers[1:]}
        sessions = [await create(kept) for _ in range(3)]
        kept.placer.gone = set()
        async with AsyncExitStack() as stack:
            entered = [each.enter(video="rgb", audio="pcm") for each in sessions]
            worlds = [await stack.enter_async_context(each) for each in entered]
            before = [await take(world, 3) for world in worlds]
            await until(kept, 0, lambda worker: worker.num_used_slots == 3)
            await kept.client.admin.drain(kept.workers[0].worker_id)
            await until_state(kept, 0, "drained")
            after = await asyncio.gather(*(take(world, 12) for world in worlds))
        for early, late in zip(before, after, strict=True):
            assert indices([*early, *late]) == list(range(15))
        assert kept.used_slots()[0] == 0
        assert sum(kept.used_slots()) == 3


async def test_a_drained_worker_takes_no_session(tmp_path: Path) -> None:
    async with service(tmp_path / "data", num_workers=1) as kept:
        await until_state(kept, 0, "up")
        await kept.client.admin.drain(kept.workers[0].worker_id)
        await until_state(kept, 0, "drained")
        with pytest.raises(nacre.LimitReached):
            await create(kept)
        await kept.client.admin.undrain(kept.workers[0].worker_id)
        await until_state(kept, 0, "up")
        await (await create(kept)).end()


async def test_p01_one_session_is_moved_by_an_operator(tmp_path: Path) -> None:
    async with service(tmp_path / "data", num_workers=2) as kept:
        session = await create(kept)
        async with session.enter(video="rgb", audio="pcm") as world:
            await take(world, 4)
            await kept.client.admin.move(session.id)
            assert indices(await take(world, 10)) == list(range(4, 14))
        assert kept.used_slots() == [0, 1]


async def test_a_worker_there_is_none_of_is_told(tmp_path: Path) -> None:
    async with service(tmp_path / "data") as kept:
        for call in (kept.client.admin.drain, kept.client.admin.undrain):
            with pytest.raises(nacre.NotFound) as caught:
                await call("nobody-1")
            assert caught.value.reason == "WORKER_NOT_FOUND"
            with pytest.raises(nacre.InvalidArgument) as refused:
                await call("no body")
            assert refused.value.field == "worker_id"


async def test_a_worker_that_ended_in_order_is_not_listed(tmp_path: Path) -> None:
    async with service(tmp_path / "data", num_workers=2) as kept:
        await until_state(kept, 1, "up")
        await kept.workers[1].close()
        assert [each.worker_id for each in await kept.client.admin.workers()] == [kept.workers[0].worker_id]
