"""A worker that cannot keep up: it says so to the client, keeps it in the session's record, and drops nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path

from serving.catalogue.journal import JournalTable
from serving.sessions.contract import SetQuality
from serving.sessions.record_codec import read_entries
from tests.integration.durable.harness import TIMEOUT_S, indices, service, take


async def test_x05_what_a_worker_takes_is_told_kept_and_replayed(tmp_path: Path) -> None:
    async with service(tmp_path) as kept:
        kept.models[0].transformer.step_s = 0.2  # a chunk is 80 ms
        session = await kept.client.create(prompt="a street")
        async with session.enter(video="rgb", audio="pcm") as world:
            chunks = []
            async with asyncio.timeout(TIMEOUT_S):
                while world.quality is None:
                    chunks.append(await anext(world))
            told = world.quality
            assert (told.denoise_share, told.rate) == (0.5, 1.0)
            assert (await session.state()).quality == told
            kept.models[0].transformer.step_s = 0.0
            chunks += await take(world, 5)
        await session.end()
        assert indices(chunks) == list(range(len(chunks)))
        with kept.database as database:
            entries = read_entries(JournalTable(database).read(session.id))
        [entry] = [each for each in entries if isinstance(each.control.kind, SetQuality)]
        assert (entry.control.kind, entry.applied_chunk_idx) == (SetQuality(quality=0.5), told.chunk_index)
        replayed = kept.replayed(session.id)
        assert replayed.is_same
        assert replayed.num_compared > told.chunk_index
