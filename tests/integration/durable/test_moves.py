"""Sessions that are moved while they play: rehearsed where they go, at their own pace, with all that waits."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

import nacre
from serving.catalogue.schema import sessions
from serving.sessions.encoded import EncodedImage
from tests.integration.durable.harness import Service, indices, service, take
from tests.integration.durable.test_hands import on_record
from tests.integration.durable.test_schedules import applied_at
from tests.pictures import encode, gradient


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Service]:
    async with service(tmp_path, num_workers=2) as running:
        yield running


async def create(kept: Service) -> nacre.Session:
    return await kept.client.create(prompt="a quiet street", seed=5)


def count_restores(kept: Service, worker_idx: int) -> list[int]:
    """One more for each session that its model goes on with."""
    transformer: Any = kept.models[worker_idx].transformer
    counted, restore = list[int](), transformer.restore
    transformer.restore = lambda snapshot: (counted.append(worker_idx), restore(snapshot))[1]
    return counted


async def test_p01_a_session_is_rehearsed_where_nothing_was_played_yet(kept: Service) -> None:
    session = await create(kept)
    restored = count_restores(kept, 1)
    async with session.enter(video="rgb", audio="pcm") as world:
        chunks = await take(world, 4)
        for num_restored in (2, 2, 3):  # to the other and back, and once more
            await kept.move(session)
            chunks += await take(world, 4)
            assert len(restored) == num_restored
    assert indices(chunks) == list(range(16))
    await session.end()
    assert kept.replayed(session.id).is_same
    with kept.database as database, database.read() as connection:
        assert list(connection.execute(select(sessions.c.session_id)).scalars()) == [session.id]


async def test_p01_a_session_that_would_not_play_elsewhere_plays_on_where_it_is(kept: Service) -> None:
    session = await create(kept)
    async with session.enter(video="rgb", audio="pcm") as world:
        chunks = await take(world, 4)
        kept.models[1].transformer.is_broken = True
        with pytest.raises(nacre.Unavailable, match="cannot play the session"):
            await kept.move(session)
        chunks += await take(world, 4)
        kept.models[1].transformer.is_broken = False
        kept.placer.num_placed = 1
        await kept.move(session)
        chunks += await take(world, 4)
        assert kept.used_slots() == [0, 1]
    assert indices(chunks) == list(range(12))
    assert kept.replayed(session.id).is_same


async def test_p01_a_session_moves_to_another_worker_whose_turn_it_is_not(kept: Service) -> None:
    session = await create(kept)
    async with session.enter(video="rgb", audio="pcm") as world:
        await take(world, 2)
        kept.placer.num_placed = 2  # the first one's turn, where the session is
        await kept.move(session)
        assert indices(await take(world, 2)) == [2, 3]
        assert kept.used_slots() == [0, 1]


async def test_p01_a_session_moves_unrehearsed_where_there_is_room_for_itself_alone(tmp_path: Path) -> None:
    async with service(tmp_path, num_workers=2, num_slots=1) as kept:
        session = await create(kept)
        restored = count_restores(kept, 1)
        async with session.enter(video="rgb", audio="pcm") as world:
            chunks = await take(world, 4)
            await kept.move(session)
            chunks += await take(world, 4)
        assert (indices(chunks), len(restored)) == (list(range(8)), 1)


@pytest.mark.parametrize("is_parked", [False, True])
async def test_x05_a_picture_that_waits_moves_with_its_session(kept: Service, is_parked: bool) -> None:
    """Parked and woken, its session has it from the record, where it is what the encoder made of it."""
    session = await create(kept)
    async with session.enter(video="rgb", audio="pcm") as world:
        await take(world, 2)
        shown = world.show(encode(gradient()), when=nacre.at(chunk=30))
        await shown.accepted
        if not is_parked:
            await kept.move(session)
            assert await applied_at(shown, world) == 30
    if is_parked:
        await session.park()
        async with session.enter(video="rgb", audio="pcm") as world:
            await take(world, 2)
            await kept.move(session)
            while (await anext(world)).index < 31:
                pass
    await session.end()
    entry = on_record(kept, session)[shown.control_id]
    assert isinstance(entry.control.kind, EncodedImage)
    assert entry.applied_chunk_idx == 30
    assert kept.replayed(session.id).is_same
