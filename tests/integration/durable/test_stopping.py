"""A service that stops in order keeps the sessions that it has: its clients go on in them once it is there again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

import nacre
from serving.books.ledger import Ledger, RowFilter
from serving.books.usage import SESSION
from serving.catalogue.link import DurableLink
from serving.errors import StorageUnavailableError
from serving.gateway import session as session_module
from serving.gateway.config import GatewayConfig
from serving.gateway.server import GatewayServer
from tests.integration.durable.harness import Service, assert_same, indices, service, take
from tests.integration.test_restart import OWN, chunks_by_epoch


async def create(kept: Service) -> nacre.Session:
    return await kept.client.create(prompt="a quiet street at dusk", seed=7)


async def until_ended(world: nacre.World) -> tuple[list[nacre.Chunk], nacre.SessionEnded]:
    chunks: list[nacre.Chunk] = []
    with pytest.raises(nacre.SessionEnded) as caught:
        async for chunk in world:
            chunks.append(chunk)
    return chunks, caught.value


async def state_of(kept: Service, session: nacre.Session) -> str:
    return (await kept.client.session(session.id).state()).state


async def go_on(folder: Path, session: nacre.Session, num_chunks: int) -> list[nacre.Chunk]:
    """In a service that is started anew, with what the client has of the session."""
    async with service(folder) as kept:
        same = kept.client.session(session.id, session.resume_token)
        assert await state_of(kept, same) == "parked"
        async with same.enter(video="rgb", audio="pcm") as world:
            chunks = await take(world, num_chunks)
            assert chunks[0].index == world.next_chunk_index
        assert kept.replayed(session.id).is_same
    return chunks


async def test_a_session_that_plays_goes_on_with_the_next_chunk_as_if_nothing_had_been(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with service(tmp_path) as kept:
        session = await create(kept)
        async with session.enter(video="rgb", audio="pcm") as world:
            await world.move(forward=1.0)
            await world.say("it starts to rain")
            shown = await take(world, 10)
            fork = await session.fork()
            async with fork.enter(video="rgb", audio="pcm") as other:
                uninterrupted = await take(other, 60)
            stopping = asyncio.create_task(kept.server.stop())
            rest, ended = await until_ended(world)
            assert world.go_away is not None
            assert (world.go_away.reason, ended.reason) == ("service_stopping", "SERVICE_STOPPING")
            await stopping
        shown += rest
        assert kept.used_slots() == [0]
        assert "without a last snapshot" not in caplog.text
    after = await go_on(tmp_path, session, 8)
    assert indices(shown + after) == list(range(len(shown) + 8)), "none is missing and none comes twice"
    by_index = {chunk.index: chunk for chunk in uninterrupted}
    assert_same(after, [by_index[chunk.index] for chunk in after])


@pytest.mark.parametrize("condition", ["not entered", "paused", "left", "without credit"])
async def test_sessions_that_stand_still_are_kept_too(tmp_path: Path, condition: str) -> None:
    async with service(tmp_path) as kept:
        session = await create(kept)
        num_chunks = 0
        if condition != "not entered":
            async with session.enter(video="rgb", audio="pcm") as world:
                num_chunks = len(await take(world, 6))
                if condition == "paused":
                    await session.pause()
                if condition in ("paused", "without credit"):
                    await kept.server.stop()
        await kept.server.stop()
    chunks = await go_on(tmp_path, session, 5)
    assert chunks[0].index >= num_chunks
    assert indices(chunks) == list(range(chunks[0].index, chunks[0].index + 5))


async def test_a_client_that_may_come_back_goes_on_by_itself_at_another_gateway(tmp_path: Path) -> None:
    async with service(tmp_path) as kept:
        port = kept.server.port
        session = await create(kept)
        policy = nacre.ResumePolicy(max_attempts=100, max_delay_s=0.1)
        async with session.enter(video="rgb", audio="pcm", resume=policy) as world:
            await world.move(forward=1.0)
            chunks = await take(world, 8)
            stopping = asyncio.create_task(kept.server.stop())
            while world.go_away is None:
                chunks += await take(world, 1)
            await asyncio.sleep(0)
            async with asyncio.TaskGroup() as tasks:
                taking = tasks.create_task(take(world, 40))
                await stopping
                async with another_gateway(kept, port):
                    chunks += await taking
            assert world.num_attachments == 2
        assert indices(chunks) == list(range(len(chunks)))


@asynccontextmanager
async def another_gateway(kept: Service, port: int) -> AsyncIterator[GatewayServer]:
    """Of the same workers and the same catalogue."""
    async with GatewayServer(kept.plane, GatewayConfig(port=port, drain_s=0.0), catalogue=kept.plane) as server:
        yield server


@pytest.mark.parametrize("fault", ["fails", "hangs"])
async def test_a_session_that_cannot_be_parked_in_time_is_on_record_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    async def park(link: DurableLink) -> None:
        if fault == "fails":
            raise StorageUnavailableError("the store is full")
        await asyncio.Event().wait()

    monkeypatch.setattr(session_module, "KEEP_TIMEOUT_S", 0.2)
    with monkeypatch.context() as patch:
        patch.setattr(DurableLink, "park", park)
        async with service(tmp_path) as kept:
            session = await create(kept)
            async with session.enter(video="rgb", audio="pcm") as world:
                await world.move(forward=1.0)
                shown = await take(world, 10)
                stopping = asyncio.create_task(kept.server.stop())
                rest, ended = await until_ended(world)
                assert ended.reason == "SERVICE_STOPPING"
                await stopping
        shown += rest
    after = await go_on(tmp_path, session, 8)
    assert indices(shown + after) == list(range(len(shown) + 8))


async def test_a_worker_that_stops_before_its_gateway_takes_no_session_along(tmp_path: Path) -> None:
    async with service(tmp_path, num_workers=2) as kept:
        session = await create(kept)
        async with session.enter(video="rgb", audio="pcm") as world:
            chunks = await take(world, 6)
            kept.placer.gone.add(kept.workers[0].address)
            await kept.workers[0].close()
            chunks += await take(world, 20)
        assert indices(chunks) == list(range(26))
        assert kept.replayed(session.id).is_same


async def test_one_that_was_ended_while_the_service_stops_has_ended(tmp_path: Path) -> None:
    async with service(tmp_path, config=GatewayConfig(port=0, drain_s=30.0)) as kept:
        session = await create(kept)
        async with session.enter(video="rgb", audio="pcm") as world:
            await take(world, 3)
            stopping = asyncio.create_task(kept.server.stop())
            while world.go_away is None:
                await take(world, 1)
            await session.end()
            await stopping
    async with service(tmp_path) as kept:
        assert await state_of(kept, session) == "ended"


async def test_what_was_used_is_in_the_books_once(tmp_path: Path) -> None:
    async with service(tmp_path) as kept:
        session = await create(kept)
        async with session.enter(video="rgb", audio="pcm") as world:
            shown = await take(world, 10)
            stopping = asyncio.create_task(kept.server.stop())
            rest, _ = await until_ended(world)
            await stopping
        with kept.database as database:
            rows = Ledger(database).read(OWN, RowFilter(kind=SESSION))
    [billed] = chunks_by_epoch(rows).values()
    assert sorted(billed) == list(range(len(shown) + len(rest)))
    after = await go_on(tmp_path, session, 4)
    assert after[0].index == len(billed)
