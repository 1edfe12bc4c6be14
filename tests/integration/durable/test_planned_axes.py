"""Moves of several clients at later chunks, and votes, over real sockets and with a real worker."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import nacre
from serving.catalogue.journal import JournalTable
from serving.gateway.config import GatewayConfig
from serving.sessions.record_codec import read_entries
from tests.integration.durable.harness import service


async def outcome_of(receipt: nacre.Receipt, *worlds: nacre.World) -> object:
    """What comes meanwhile is thrown away."""
    async with asyncio.timeout(20):
        while not receipt.is_settled:
            for world in worlds:
                await anext(world)
    return await receipt


async def test_p_03_what_two_planned_is_merged_at_the_chunk_that_was_asked_for(tmp_path: Path) -> None:
    async with service(tmp_path) as kept:
        async with AsyncExitStack() as stack:
            session = await kept.client.create(prompt="a quiet street", seed=5, arbitration="merge")
            ann = await stack.enter_async_context(session.enter(client_id="ann", video="rgb", audio="pcm"))
            bob = await stack.enter_async_context(session.enter(client_id="bob", video="rgb", audio="pcm"))
            later = ann.move(forward=0.5, when=nacre.at(chunk=30))
            beside = bob.move(forward=0.25, when=nacre.at(chunk=30))
            await later.accepted
            assert later.due_chunk_index == 30
            now = bob.move(forward=-1.0)
            for receipt in (now, later, beside):
                outcome = await outcome_of(receipt, ann, bob)
                assert isinstance(outcome, nacre.Applied)
                assert outcome.chunk_index == 30 or receipt is now
        await session.end()
        with kept.database as database:
            entries = read_entries(JournalTable(database).read(session.id))
        [at_30] = [each for each in entries if each.applied_chunk_idx == 30]
        assert getattr(at_30.control.kind, "forward", None) == 0.75


async def test_p_03_a_vote_is_accepted_before_anybody_counts(tmp_path: Path) -> None:
    config = GatewayConfig(port=0, drain_s=0.2, vote_window_s=1.5)
    async with service(tmp_path, config=config) as kept:
        async with AsyncExitStack() as stack:
            session = await kept.client.create(prompt="a quiet street", seed=5, arbitration="vote")
            crowd = [
                await stack.enter_async_context(session.enter(client_id=f"c{idx}", video="rgb", audio="pcm"))
                for idx in range(3)
            ]
            votes = [world.move(forward=forward) for world, forward in zip(crowd, (1.0, -1.0, 1.0), strict=True)]
            for vote in votes:
                await vote.accepted
                assert vote.due_chunk_index is None
            assert not any(vote.is_settled for vote in votes), "nobody counted yet"
            outcomes = [await outcome_of(vote, *crowd) for vote in votes]
            assert [type(each) for each in outcomes] == [nacre.Applied, nacre.Superseded, nacre.Applied], outcomes
            assert [each.reason for each in outcomes if isinstance(each, nacre.Superseded)] == ["outvoted"]
        await session.end()
        assert kept.replayed(session.id).is_same
