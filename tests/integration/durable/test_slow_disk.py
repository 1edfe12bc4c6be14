"""A catalogue whose disk is kept busy by others: writers hold its lock for longer than anybody would expect."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

from serving.catalogue.database import BUSY_TIMEOUT_S
from tests.integration.durable.harness import Service, assert_same, indices, service, take

STALL_S = BUSY_TIMEOUT_S / 2


@asynccontextmanager
async def stalled(kept: Service) -> AsyncIterator[None]:
    """Another writer waits for the disk; it is done while the block goes on."""
    with closing(sqlite3.connect(str(kept.database.url.database), isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        ending = asyncio.get_running_loop().call_later(STALL_S, lambda: writer.execute("ROLLBACK"))
        yield
        assert ending.when() < asyncio.get_running_loop().time(), "it was over before the disk was free"


async def test_d02_who_begins_waits_for_the_disk_and_who_plays_goes_on(tmp_path: Path) -> None:
    async with service(tmp_path / "data") as kept:
        playing = await kept.client.create(prompt="a quiet street at dusk", seed=7)
        async with playing.enter(video="rgb", audio="pcm") as world:
            seen = await take(world, 4)
            async with stalled(kept):
                beginning = asyncio.create_task(kept.client.create(prompt="a quiet street at dusk", seed=7))
                seen += await take(world, 6)
                begun = await beginning
        assert indices(seen) == list(range(10))
        async with begun.enter(video="rgb", audio="pcm") as world:
            assert_same(await take(world, 4), seen[:4])
