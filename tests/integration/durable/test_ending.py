"""Sessions are ended for good wherever they are: while they run, parked, or ended already."""

from __future__ import annotations

from pathlib import Path

import pytest

import nacre
from tests.integration.durable.harness import service, take


async def test_a_parked_session_is_ended_and_keeps_its_past(tmp_path: Path) -> None:
    async with service(tmp_path) as kept:
        session = await kept.client.create(prompt="a street")
        async with session.enter(video="rgb", audio="pcm") as world:
            await take(world, 3)
        await session.park()
        for _ in range(2):
            await session.end()
        with pytest.raises(nacre.SessionEnded):
            async with session.enter(video="rgb", audio="pcm"):
                pass
        rows = [row async for row in kept.client.sessions()]
        assert [row.state for row in rows] == ["ended"]
        fork = await session.fork(chunk_index=2)
        async with fork.enter(video="rgb", audio="pcm") as world:
            assert (await take(world, 1))[0].index == 2
        await fork.end()
        assert kept.used_slots() == [0]


async def test_one_that_was_deleted_is_not_found_whoever_asks(tmp_path: Path) -> None:
    async with service(tmp_path) as kept:
        session = await kept.client.create(prompt="a street")
        async with session.enter(video="rgb", audio="pcm") as world:
            await take(world, 2)
        await session.end()
        await session.delete()
        for ask in (session.state, session.end, session.delete, session.branches):
            with pytest.raises(nacre.NotFound):
                await ask()


async def test_ending_twice_is_no_error_for_a_gateway_that_did_not_run_it(tmp_path: Path) -> None:
    async with service(tmp_path) as kept:
        session = await kept.client.create(prompt="a street")
        async with session.enter(video="rgb", audio="pcm") as world:
            await take(world, 2)
        await session.end()
        session_id = session.id
    async with service(tmp_path) as kept:
        await kept.client.session(session_id).end()
        (row,) = [row async for row in kept.client.sessions()]
        assert (row.session_id, row.state) == (session_id, "ended")
