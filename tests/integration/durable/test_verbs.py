"""What can be done with a running world as an object, over the real gateway with the client's package."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import nacre
from serving.gateway.config import GatewayConfig
from tests.fakes_model import FakeEncoder
from tests.integration.durable.harness import Service, assert_same, indices, service, take


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Service]:
    async with service(tmp_path / "data") as running:
        yield running


async def create(kept: Service) -> nacre.Session:
    return await kept.client.create(prompt="a quiet street at dusk", seed=7)


async def until_state(session: nacre.Session, state: str) -> nacre.SessionRecord:
    async with asyncio.timeout(10):
        while (record := await session.state()).state != state:
            await asyncio.sleep(0.05)
    return record


async def test_w14_a_world_is_built_walked_told_saved_left_and_gone_on_with(kept: Service) -> None:
    session = await create(kept)
    async with session.enter(video="rgb", audio="pcm") as world:
        await world.move(forward=1.0)
        await world.say("it starts to rain")
        saved = await session.save("dusk", note="before the storm")
        after = [chunk for chunk in await take(world, 24) if chunk.index >= saved.chunk_index]
    assert (saved.name, saved.version, saved.note) == ("dusk", 1, "before the storm")
    loaded = await kept.client.load(name="dusk")
    assert loaded.id != session.id
    async with loaded.enter(video="rgb", audio="pcm") as world:
        assert_same(await take(world, len(after)), after)
    assert [each.world_id async for each in kept.client.worlds()] == [saved.world_id]


async def test_a_sentence_tells_what_it_was_taken_for(kept: Service) -> None:
    session = await create(kept)
    async with session.enter(video="rgb", audio="pcm") as world:
        receipts = [world.say("it starts to rain"), world.say("night falls"), world.move(forward=1.0)]
        outcomes = [await receipt for receipt in receipts]
    encoder = FakeEncoder()
    assert [outcome.understood for outcome in outcomes if isinstance(outcome, nacre.Applied)] == [
        encoder.understood(encoder.encode_text("it starts to rain")),
        encoder.understood(encoder.encode_text("night falls")),
        None,
    ]


async def test_p01_a_saved_name_gets_versions_and_the_latest_is_loaded(kept: Service) -> None:
    session = await create(kept)
    async with session.enter(video="rgb", audio="pcm") as world:
        first = await session.save("street")
        await take(world, 6)
        second = await session.save("street")
        assert (first.version, second.version) == (1, 2)
        assert second.chunk_index > first.chunk_index
    loaded = await kept.client.load(name="street")
    async with loaded.enter(video="rgb", audio="pcm") as world:
        assert world.next_chunk_index == second.chunk_index
    with pytest.raises(nacre.NotFound, match="no saved world"):
        await kept.client.load(name="avenue")


async def test_p01_a_fork_goes_on_from_now_while_the_session_plays_on(kept: Service) -> None:
    session = await create(kept)
    async with session.enter(video="rgb", audio="pcm") as world:
        await world.move(forward=1.0)
        fork = await session.fork(label="another way")
        async with fork.enter(video="rgb", audio="pcm") as other:
            start = other.next_chunk_index
            mine, its = await take(world, start + 8), await take(other, 6)
    together = [chunk for chunk in mine if chunk.index >= start][:6]
    assert_same(its[: len(together)], together)
    tree = {branch.session_id: branch for branch in await session.branches()}
    assert tree[fork.id].parent_session_id == session.id
    assert (tree[fork.id].parent_chunk_index, tree[fork.id].label) == (start, "another way")


async def test_p01_a_fork_from_a_past_chunk_shares_all_before_it(kept: Service) -> None:
    session = await create(kept)
    async with session.enter(video="rgb", audio="pcm") as world:
        await world.move(forward=1.0)
        chunks = await take(world, 20)
        fork = await session.fork(chunk_index=11)
    async with fork.enter(video="rgb", audio="pcm") as world:
        assert_same(await take(world, 6), chunks[11:17])
        await world.look(yaw=1.0)
        assert (await take(world, 3))[-1].pose != chunks[19].pose
    difference = await session.diff(fork)
    assert difference.parted_chunk_index == 11
    assert [control.kind for control in difference.other_controls] == ["look"]
    with pytest.raises(nacre.InvalidArgument, match="has made"):
        await session.fork(chunk_index=10_000)


async def test_d10_going_back_keeps_the_old_future_and_takes_a_new_one(kept: Service) -> None:
    session = await create(kept)
    async with session.enter(video="rgb", audio="pcm") as world:
        await world.move(forward=1.0)
        before = await take(world, 20)
        rewind = await session.rewind(chunk_index=9)
        again: list[nacre.Chunk] = []
        while len(again) < 6:
            [chunk] = await take(world, 1)
            if world.rewinds:
                again.append(chunk)
        assert world.rewinds == [rewind]
        assert_same(again, before[9:15])
        applied = await world.look(yaw=1.0)
        assert isinstance(applied, nacre.Applied)
        new = {chunk.index: chunk for chunk in await take(world, 10)}
        assert new[applied.chunk_index].pose.yaw_deg != before[14].pose.yaw_deg
    branch = kept.client.session(rewind.branch_session_id)
    assert (await branch.state()).state == "parked"
    old = await branch.fork()
    async with old.enter(video="rgb", audio="pcm") as world:
        assert world.next_chunk_index >= 20
    assert kept.replayed(session.id).is_same


async def test_d10_seconds_back_are_counted_in_world_time(kept: Service) -> None:
    session = await create(kept)
    async with session.enter(video="rgb", audio="pcm") as world:
        await take(world, 20)
        rewind = await session.rewind(seconds=0.8)
        made = (await session.state()).chunks_generated
        assert 10 <= rewind.chunk_index <= 14
        assert made < 20
    with pytest.raises(nacre.Conflict, match="does not run"):
        await kept.client.session(rewind.branch_session_id).rewind(seconds=1)


async def test_w05_a_control_that_waits_when_the_session_goes_back_is_told_so(kept: Service) -> None:
    session = await create(kept)
    async with session.enter(video="rgb", audio="pcm") as world:
        await take(world, 6)
        await session.pause()
        await asyncio.sleep(0.4)
        receipt = world.say("it snows")
        await receipt.accepted
        await session.rewind(chunk_index=2)
        with pytest.raises(nacre.ControlRejected) as caught:
            await receipt
        assert caught.value.reason == "REWOUND"
        await session.resume()
        assert 2 in indices(await take(world, 6))


async def test_w05_a_paused_world_stands_still_and_takes_controls(kept: Service) -> None:
    session = await create(kept)
    async with session.enter(video="rgb", audio="pcm") as world:
        await take(world, 5)
        assert (await session.pause()).is_paused
        await asyncio.sleep(0.5)
        made = (await session.state()).chunks_generated
        receipt = world.say("it rains")
        await receipt.accepted
        await asyncio.sleep(0.3)
        assert (await session.state()).chunks_generated == made
        assert not receipt.is_settled
        assert not (await session.resume()).is_paused
        applied = await receipt
        assert isinstance(applied, nacre.Applied)
        assert applied.chunk_index == made


async def test_w15_a_parked_session_holds_nothing_and_goes_on_when_somebody_enters(kept: Service) -> None:
    session = await create(kept)
    async with session.enter(video="rgb", audio="pcm") as world:
        await world.move(forward=1.0)
        before = await take(world, 10)
    parked = await session.park()
    assert parked.state == "parked"
    engine = kept.workers[0].transformer
    assert engine is not None
    assert engine.engine.num_used_slots == 0
    assert (await session.park()).state == "parked"
    async with session.enter(video="rgb", audio="pcm") as world:
        assert world.next_chunk_index == parked.chunks_generated >= len(before)
        assert indices(await take(world, 3))[0] == parked.chunks_generated
    assert kept.replayed(session.id).is_same


async def test_w15_a_session_that_its_client_left_parks_by_itself(tmp_path: Path) -> None:
    config = GatewayConfig(port=0, drain_s=0.2, detach_grace_s=0.3)
    async with service(tmp_path / "data", config=config) as kept:
        session = await create(kept)
        async with session.enter(video="rgb", audio="pcm") as world:
            await take(world, 5)
        await until_state(session, "parked")
        async with session.enter(video="rgb", audio="pcm") as world:
            await take(world, 3)
        assert [each.state async for each in kept.client.sessions(states=["parked"])] == []


async def test_p02_links_give_what_their_scope_says_and_no_more(kept: Service) -> None:
    session = await create(kept)
    links = {can: await session.share(can) for can in ("view", "join", "fork", "direct")}
    async with session.enter(video="rgb", audio="pcm") as world:
        await take(world, 2)
        viewer = await kept.client.open_share(links["view"].token)
        director = await kept.client.open_share(links["direct"].token)
        async with (
            viewer.enter(video="rgb", audio="pcm") as watching,
            director.enter(video="rgb", audio="pcm") as directing,
        ):
            seen, played = asyncio.create_task(take(watching, 6)), asyncio.create_task(take(world, 10))
            with pytest.raises(nacre.ControlRejected, match="see the session"):
                await watching.move(forward=1.0)
            with pytest.raises(nacre.ControlRejected, match="sentences only"):
                await directing.move(forward=1.0)
            applied = await directing.say("night falls")
            assert isinstance(applied, nacre.Applied)
            by_index = {chunk.index: chunk for chunk in await played}
            shared = [chunk for chunk in await seen if chunk.index in by_index]
            assert shared
            assert_same(shared, [by_index[chunk.index] for chunk in shared])
        joiner = await kept.client.open_share(links["join"].token)
        with pytest.raises(nacre.Conflict, match="another client"):
            await joiner.enter(video="rgb", audio="pcm").__aenter__()
        fork = await kept.client.open_share(links["fork"].token)
        assert fork.id != session.id
    async with joiner.enter(video="rgb", audio="pcm") as world:
        await world.move(forward=1.0)


async def test_p02_links_end_by_time_and_by_being_taken_back(kept: Service) -> None:
    session = await create(kept)
    link = await session.share("join", seconds=60)
    await session.revoke(link)
    with pytest.raises(nacre.PermissionDenied) as caught:
        await kept.client.open_share(link.token)
    assert caught.value.reason == "SHARE_LINK_REVOKED"
    [listed] = await session.share_links()
    assert (listed.is_revoked, listed.token) == (True, "")
    with pytest.raises(nacre.NotFound):
        await kept.client.open_share("share-of-nobody")
    with pytest.raises(nacre.InvalidArgument, match="1 minute"):
        await session.share("join", seconds=1)


async def test_p01_what_others_need_outlives_what_was_deleted(kept: Service) -> None:
    session = await create(kept)
    async with session.enter(video="rgb", audio="pcm") as world:
        await world.move(forward=1.0)
        chunks = await take(world, 14)
        saved = await session.save("street")
        fork = await session.fork(chunk_index=10)
        with pytest.raises(nacre.Conflict, match="running"):
            await session.delete()
    await session.end()
    await kept.client.delete_world(saved.world_id)
    await session.delete()
    assert session.id not in [each.session_id async for each in kept.client.sessions()]
    async with fork.enter(video="rgb", audio="pcm") as world:
        assert_same(await take(world, 4), chunks[10:14])
    with pytest.raises(nacre.NotFound):
        await kept.client.load(world_id=saved.world_id)


async def test_n05_a_limit_of_the_operator_is_announced_and_warned_of_before_it_bites(tmp_path: Path) -> None:
    config = GatewayConfig(port=0, drain_s=0.2, max_session_s=2.5, warn_before_limit_s=1.5)
    async with service(tmp_path / "data", config=config) as kept:
        session = await create(kept)
        assert session.record is not None
        assert session.record.ends_at is not None
        assert 2.0 < (session.record.ends_at - session.record.created_at).total_seconds() < 3.0
        async with session.enter(video="rgb", audio="pcm") as world:
            with pytest.raises(nacre.SessionEnded) as caught:
                await take(world, 100)
            assert world.go_away is not None
            assert (world.go_away.reason, caught.value.reason) == ("time_limit", "TIME_LIMIT")
            assert 0.5 < world.go_away.time_left_s <= 1.5
        fork = await session.fork(chunk_index=5)
        assert (await fork.state()).state == "ready"


async def test_p04_a_script_that_takes_no_chunk_has_each_of_its_lines_answered(kept: Service) -> None:
    session = await create(kept)
    async with asyncio.timeout(30), session.enter() as world:
        applied = [await world.say(f"line {number}") for number in range(25)]
        assert all(isinstance(each, nacre.Applied) for each in applied)
        assert world.num_dropped > 0
        first, second = await take(world, 2)
        assert second.index == first.index + 1
    await session.end()
