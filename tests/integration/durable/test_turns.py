"""Sessions that change their worker while they play: moved, lost and found, with nothing lost and nothing twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

import nacre
from tests.integration.durable.harness import Service, assert_same, indices, service, take

NUM_CHUNKS = 30


async def create(kept: Service) -> nacre.Session:
    return await kept.client.create(prompt="a quiet street at dusk", seed=7)


async def play(
    kept: Service, disturb_at: int, disturb: Callable[[], Awaitable[None]]
) -> tuple[list[nacre.Chunk], list]:
    """The same controls at the same chunks, whatever happens; gives the outcomes as well."""
    session = await create(kept)
    receipts: list[nacre.Receipt] = []
    chunks: list[nacre.Chunk] = []
    async with session.enter(video="rgb", audio="pcm", buffer_chunks=1) as world:
        receipts.append(world.move(forward=0.1))
        while len(chunks) < NUM_CHUNKS:
            chunks += await take(world, 1)
            if len(chunks) == disturb_at:
                await disturb()
                receipts.append(world.say("it starts to rain"))
        async with asyncio.timeout(10):
            outcomes = [await receipt for receipt in receipts]
    assert indices(chunks) == list(range(NUM_CHUNKS))
    assert kept.replayed(session.id).is_same
    return chunks, outcomes


@pytest.mark.parametrize("disturb_at", [2, 9, 17])
@pytest.mark.parametrize("cause", ["transformer", "decoder", "leave"])
async def test_p01_frames_stay_those_of_the_record_over_a_change_of_worker(
    tmp_path: Path, cause: str, disturb_at: int
) -> None:
    async with service(tmp_path / "data", num_workers=2) as kept:

        async def disturb() -> None:
            if cause == "leave":
                assert await kept.leave(0) == 1
            else:
                kept.break_worker(0, decoder=cause == "decoder")

        _, outcomes = await play(kept, disturb_at, disturb)
        assert [type(outcome) for outcome in outcomes] == [nacre.Applied, nacre.Applied]
        assert kept.placer.num_placed == 2


async def test_w05_controls_sent_while_a_worker_is_lost_take_effect_once(tmp_path: Path) -> None:
    async with service(tmp_path / "data", num_workers=2) as kept:
        session = await create(kept)
        async with session.enter(video="rgb", audio="pcm") as world:
            await take(world, 10)
            receipts = [world.say(f"sentence {number}") for number in range(4)]
            kept.break_worker(0)
            receipts += [world.say(f"sentence {number}") for number in range(4, 8)]
            await take(world, 12)
            outcomes = [await receipt for receipt in receipts]
        applied_at = [outcome.chunk_index for outcome in outcomes if isinstance(outcome, nacre.Applied)]
        assert applied_at == sorted(applied_at)
        assert len(applied_at) == 8
        assert kept.replayed(session.id).is_same


async def test_p01_a_session_that_moves_while_it_forks_and_goes_back_comes_out_whole(tmp_path: Path) -> None:
    async with service(tmp_path / "data", num_workers=2) as kept:
        session = await create(kept)
        async with session.enter(video="rgb", audio="pcm") as world:
            await world.move(forward=0.1)
            before = await take(world, 14)
            rewinding = asyncio.create_task(session.rewind(chunk_index=6))
            await kept.leave(0)
            fork, rewind = await asyncio.gather(session.fork(chunk_index=4), rewinding)
            again: list[nacre.Chunk] = []
            while len(again) < 5:
                [chunk] = await take(world, 1)
                if world.rewinds:
                    again.append(chunk)
            assert world.rewinds == [rewind]
            assert_same(again, before[6:11])
        async with fork.enter(video="rgb", audio="pcm") as world:
            assert_same(await take(world, 5), before[4:9])
        assert kept.used_slots()[0] == 0


async def test_a_session_nobody_can_take_ends_and_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.catalogue.succession.RECOVERY_TIMEOUT_S", 0.5)
    async with service(tmp_path / "data", num_workers=2, num_slots=1) as kept:
        other = await create(kept)
        session = await create(kept)
        async with session.enter(video="rgb", audio="pcm") as world:
            await take(world, 4)
            kept.break_worker(1)
            with pytest.raises(nacre.SessionEnded) as caught:
                await take(world, 20)
            assert caught.value.reason == "WORKER_LOST"
        assert (await other.state()).state == "ready"
