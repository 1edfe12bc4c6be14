"""The usage book against a client that counts what it gets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import grpc.aio
import pytest

import nacre
from nacre.v1 import usage_pb2, usage_pb2_grpc
from serving.books.chain import Book, BookId
from serving.books.config import BooksConfig
from serving.books.ledger import Ledger
from serving.books.usage import Usage, UsageRow, read_usage, total_usage
from serving.gateway.config import GatewayConfig
from tests.integration.durable.harness import Service, service, take

OWN = BookId(Book.USAGE, "default")
PRICES = """
currency = "EUR"
[[prices]]
from = 2020-01-01
per_1000_frames = 1000
"""


def config(**books: object) -> GatewayConfig:
    return GatewayConfig(port=0, drain_s=0.2, books=BooksConfig(**{"row_every_s": 0.1, **books}))  # type: ignore[arg-type]


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Service]:
    async with service(tmp_path / "data", config=config()) as running:
        yield running


async def rows_of(kept: Service, session_id: str = "") -> list[UsageRow]:
    """All there is, once it is written."""

    def read() -> list[UsageRow]:
        with kept.database as database:
            ledger = Ledger(database)
            assert ledger.verify(OWN) is None
            return [row for row in read_usage(ledger.read(OWN)) if session_id in ("", row.session_id)]

    await asyncio.sleep(0.3)  # for the writer to gather
    return await asyncio.to_thread(read)


async def ended_usage(kept: Service, session: nacre.Session) -> Usage:
    await session.end()
    return total_usage(await rows_of(kept, session.id))


async def drink(world: nacre.World, num_chunks: int) -> int:
    return sum(len(chunk.frames) for chunk in await take(world, num_chunks))


async def test_b02_the_ledger_equals_what_a_client_counts_over_pauses_rewinds_and_reconnects(kept: Service) -> None:
    session = await kept.client.create(prompt="a quiet street at dusk", seed=7)
    counted = 0
    async with session.enter(video="rgb", buffer_chunks=1) as world:
        counted += await drink(world, 12)
        await session.pause()
        await asyncio.sleep(0.2)
        await session.resume()
        counted += await drink(world, 3)
        await session.rewind(chunk_index=4)
        async with asyncio.timeout(20):
            while (chunk := await anext(world)).index != 8:
                counted += len(chunk.frames)
            counted += len(chunk.frames)
        left = await rest_of(session, world)
    counted += left
    async with session.enter(video="rgb", buffer_chunks=1) as world:
        counted += await drink(world, 6)
        counted += await rest_of(session, world)
    usage = await ended_usage(kept, session)
    assert usage.num_delivered_frames == counted
    assert usage.num_blank_frames == usage.num_frozen_frames == usage.num_viewer_frames == 0
    assert usage.seconds > 0


async def rest_of(session: nacre.Session, world: nacre.World) -> int:
    """What is on the way still when the world is held."""
    await session.pause()
    num_frames = 0
    with pytest.raises(TimeoutError):
        while True:
            async with asyncio.timeout(0.6):
                num_frames += len((await anext(world)).frames)
    await session.resume()
    return num_frames
