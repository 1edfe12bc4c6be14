"""Controls that wait for their time, over real sockets: through moves, parking and losses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import nacre
from nacre.blocking import connect
from serving.catalogue.journal import JournalTable
from serving.sessions.record_codec import read_entries
from tests.integration.durable.harness import Service, service, take


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Service]:
    async with service(tmp_path, num_workers=2) as running:
        yield running


async def create(kept: Service) -> nacre.Session:
    return await kept.client.create(prompt="a quiet street", seed=5)


async def applied_at(receipt: nacre.Receipt, world: nacre.World) -> int:
    """The chunk; what comes meanwhile is thrown away."""
    async with asyncio.timeout(20):
        while not receipt.is_settled:
            await anext(world)
    outcome = await receipt
    assert isinstance(outcome, nacre.Applied)
    return outcome.chunk_index


async def test_controls_wait_for_a_chunk_a_time_and_each_other(kept: Service) -> None:
    session = await create(kept)
    async with session.enter(video="rgb", audio="pcm") as world:
        chunk_s = world.capabilities.chunk_duration_s
        at_chunk = world.move(forward=1.0, when=nacre.at(chunk=15))
        at_time = world.say("it rains", when=nacre.at(20 * chunk_s))
        then = world.say("it snows", when=nacre.after(at_time))
        later = world.look(yaw=1.0, when=nacre.after(then, 3 * chunk_s))
        await at_chunk.accepted
        assert at_chunk.due_chunk_index == 15
        await later.accepted
        assert later.due_chunk_index is None, "nobody knows yet"
        assert [await applied_at(each, world) for each in (at_chunk, at_time, then, later)] == [15, 20, 21, 24]
        soon = await applied_at(world.say("night", when=nacre.after(2 * chunk_s)), world)
        assert soon > 24
        past = await applied_at(world.say("day", when=nacre.at(chunk=3)), world)
        assert past > 24, "one that is made already means the next"
    await session.end()
    assert kept.replayed(session.id).is_same


async def test_sentences_of_one_chunk_are_replayed_in_order(kept: Service) -> None:
    session = await create(kept)
    async with session.enter(video="rgb", audio="pcm") as world:
        later = world.say("snow falls", when=nacre.at(chunk=10))
        sooner = [world.say(f"rain {idx}", when=nacre.at(chunk=10 - idx)) for idx in range(3)]
        for each in (later, *sooner):
            await applied_at(each, world)
        await take(world, 4)
    await session.end()
    assert kept.replayed(session.id).is_same


async def test_a_control_that_waits_can_be_taken_back(kept: Service) -> None:
    session = await create(kept)
    async with session.enter(video="rgb", audio="pcm") as world:
        waits = world.say("it rains", when=nacre.at(chunk=100_000))
        then = world.say("it snows", when=nacre.after(waits))
        await then.accepted
        cancelled = world.cancel(waits)
        outcome = await waits
        assert isinstance(outcome, nacre.Superseded)
        assert (outcome.reason, outcome.by_control_id) == ("cancelled", cancelled.control_id)
        assert isinstance(await cancelled, nacre.Applied)
        with pytest.raises(nacre.ControlRejected) as lost:
            await then
        assert lost.value.reason == "PREDECESSOR_LOST"
        for control in (waits, "never-sent"):
            with pytest.raises(nacre.ControlRejected) as refused:
                await world.cancel(control)
            assert refused.value.reason == "CONTROL_NOT_WAITING"
        with pytest.raises(nacre.ControlRejected) as after_lost:
            await world.say("fog", when=nacre.after(waits))
        assert after_lost.value.reason == "PREDECESSOR_LOST"
    with kept.database as database:
        [entry] = [
            each
            for each in read_entries(JournalTable(database).read(session.id))
            if each.control.control_id == waits.control_id
        ]
    assert (entry.superseded_for, entry.superseded_by) == ("CANCELLED", cancelled.control_id)


async def test_what_is_scheduled_outlives_its_worker(kept: Service) -> None:
    session = await create(kept)
    async with session.enter(video="rgb", audio="pcm") as world:
        first = world.look(yaw=0.5, when=nacre.at(chunk=30))
        then = world.move(forward=1.0, when=nacre.after(first, 10 * world.capabilities.chunk_duration_s))
        await asyncio.gather(first.accepted, then.accepted)
        await kept.move(session)
        await take(world, 10)
        kept.break_worker(1)  # where it went
        kept.placer.gone = {kept.workers[1].address}
        assert await applied_at(first, world) == 30
        assert await applied_at(then, world) == 40
        await take(world, 3)
    await session.end()
    assert kept.replayed(session.id).is_same


async def test_what_is_scheduled_waits_while_its_session_is_parked(kept: Service) -> None:
    session = await create(kept)
    async with session.enter(video="rgb", audio="pcm") as world:
        await world.say("it rains", when=nacre.at(chunk=40)).accepted
        await take(world, 5)
    await session.park()
    async with session.enter(video="rgb", audio="pcm") as world:
        await take(world, 50 - world.next_chunk_index)
    with kept.database as database:
        [entry] = read_entries(JournalTable(database).read(session.id))
    assert entry.applied_chunk_idx == 40
    await session.end()
    assert kept.replayed(session.id).is_same


async def test_what_waited_while_its_session_was_parked_moves_with_it(kept: Service) -> None:
    session = await create(kept)
    async with session.enter(video="rgb", audio="pcm") as world:
        walk = world.move(forward=1.0, when=nacre.at(chunk=60))
        await world.say("it rains", when=nacre.after(walk)).accepted
        await take(world, 5)
    await session.park()
    async with session.enter(video="rgb", audio="pcm") as world:
        await take(world, 3)
        await kept.move(session)
        await take(world, 65 - world.next_chunk_index)
    with kept.database as database:
        entries = read_entries(JournalTable(database).read(session.id))
    assert [entry.applied_chunk_idx for entry in entries] == [60, 61]
    await session.end()
    assert kept.replayed(session.id).is_same


async def test_a_rewind_and_the_end_settle_what_waits(kept: Service) -> None:
    session = await create(kept)
    async with session.enter(video="rgb", audio="pcm") as world:
        waits = world.say("it rains", when=nacre.at(chunk=10_000))
        await take(world, 10)
        await session.rewind(chunk_index=5)
        with pytest.raises(nacre.ControlRejected) as refused:
            await waits
        assert refused.value.reason == "REWOUND"
        ends = world.say("it rains", when=nacre.at(chunk=10_000))
        await ends.accepted
        await session.end()
        with pytest.raises(nacre.ControlRejected) as over:
            await ends
        assert over.value.reason == "SESSION_ENDED"


async def test_schedules_that_make_no_sense_are_refused(kept: Service) -> None:
    session = await create(kept)
    async with session.enter(video="rgb", audio="pcm") as world:
        await take(world, 1)
        for when, field in (
            (nacre.after(-1.0), "control.schedule.after"),
            (nacre.after(1e9), "control.schedule.after"),
            (nacre.at(1e9), "control.schedule"),
            (nacre.When(), "control.schedule"),
            (nacre.When(after_control_id="nobody"), "control.schedule.after_control_id"),
            (nacre.When(chunk=5, after_control_id="nobody"), "control.schedule.after_control_id"),
        ):
            with pytest.raises(nacre.ControlRejected) as refused:
                await world.say("it rains", when=when)
            assert (refused.value.reason, refused.value.field) == ("FIELD_INVALID", field)


async def test_the_blocking_client_schedules_and_cancels(kept: Service) -> None:
    def play() -> None:
        with connect(kept.server.address) as client:
            session = client.create(prompt="a street", arbitration="merge")
            with session.enter(video="rgb", audio="pcm", client_id="ann", role="player") as world:
                assert (world.client_id, world.role, world.in_control) == ("ann", "player", True)
                waits = world.say("it rains", when=nacre.at(chunk=100_000))
                after = world.say("it snows", when=nacre.after(waits, 1.0))
                assert isinstance(world.cancel(waits).wait(10), nacre.Applied)
                assert isinstance(waits.wait(10), nacre.Superseded)
                with pytest.raises(nacre.ControlRejected):
                    after.wait(10)

    await asyncio.to_thread(play)
