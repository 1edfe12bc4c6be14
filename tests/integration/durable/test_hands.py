"""Many hands on one session, over real sockets: who gets what, who is told what, and what is on record of it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

import nacre
from serving.catalogue.journal import JournalTable
from serving.gateway.config import GatewayConfig
from serving.sessions.contract import InHand
from serving.sessions.journal import JournalEntry
from serving.sessions.record_codec import read_entries
from tests.integration.durable.harness import Service, service, take


@asynccontextmanager
async def crowd(
    kept: Service, policy: str, names: Sequence[str], roles: Sequence[str] = ()
) -> AsyncIterator[tuple[nacre.Session, list[nacre.World]]]:
    """Clients of one session, each reading all the time."""
    session = await kept.client.create(prompt="a quiet street", seed=5, arbitration=policy)
    async with AsyncExitStack() as stack:
        worlds = []
        for name, role in zip(names, [*roles, *("player" for _ in names[len(roles) :])], strict=True):
            world = session.enter(video="rgb", audio="pcm", client_id=name, role=role, stand_by=True)
            worlds.append(await stack.enter_async_context(world))
        async with asyncio.TaskGroup() as tasks:
            readers = [tasks.create_task(read(world)) for world in worlds]
            yield session, worlds
            for reader in readers:
                reader.cancel()


async def read(world: nacre.World) -> None:
    async for _ in world:
        pass


async def until(is_so: object, timeout_s: float = 20.0) -> None:
    assert callable(is_so)
    async with asyncio.timeout(timeout_s):
        while not is_so():
            await asyncio.sleep(0.01)


def on_record(kept: Service, session: nacre.Session) -> dict[str, JournalEntry]:
    with kept.database as database:
        table = JournalTable(database)
        assert table.verify(session.id) is None
        return {entry.control.control_id: entry for entry in read_entries(table.read(session.id))}


def holders(kept: Service, session: nacre.Session) -> list[tuple[str, str, bool]]:
    """Who had it in hand after another, by whose doing, and whether that is so yet."""
    entries = on_record(kept, session).values()
    kinds = [(entry.control.kind, client_of(entry), entry.applied_chunk_idx is not None) for entry in entries]
    return [(kind.client_id, by, is_so) for kind, by, is_so in kinds if isinstance(kind, InHand)]


def client_of(entry: JournalEntry) -> str:
    assert entry.control.sender is not None
    assert entry.control.sender.subject_id == "local"
    return entry.control.sender.client_id


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Service]:
    config = GatewayConfig(port=0, drain_s=0.2, take_control_after_s=0.3, vote_window_s=0.1)
    async with service(tmp_path, config=config) as running:
        yield running


async def test_p_03_four_controllers_are_merged_and_each_is_on_record(kept: Service) -> None:
    async with crowd(kept, "merge", ["ann", "bob", "cid", "dan"]) as (session, worlds):
        receipts = [world.move(forward=0.25, strafe=0.5) for world in worlds]
        outcomes = [await receipt for receipt in receipts]
        assert all(isinstance(outcome, nacre.Applied) for outcome in outcomes), "nobody loses to a sum"
        state = await session.state()
        assert (state.arbitration, len(state.participants)) == ("merge", 4)
        assert all(each.in_control and each.subject_id == "local" for each in state.participants)
    entries = on_record(kept, session)
    sent = {receipt.control_id: world.client_id for receipt, world in zip(receipts, worlds, strict=True)}
    assert {control_id: client_of(entries[control_id]) for control_id in sent} == sent
    last = max(
        (entry for entry in entries.values() if entry.applied_chunk_idx is not None),
        key=lambda entry: (entry.applied_chunk_idx or 0, entry.control.received_s),
    )
    assert not last.is_pending
    assert any(
        (getattr(entry.control.kind, "forward", 0), getattr(entry.control.kind, "strafe", 0)) == (1.0, 1.0)
        for entry in entries.values()
    ), "four quarters make one, and two are held down to it"
    await session.end()
    assert kept.replayed(session.id).is_same


async def test_one_who_leaves_lets_go_of_what_was_held(kept: Service) -> None:
    async with crowd(kept, "merge", ["ann", "bob"]) as (session, worlds):
        await worlds[0].look(yaw=0.5)
        async with session.enter(client_id="cid") as third:
            await third.look(yaw=0.25)
        await until(lambda: any(each.startswith("let-go.") for each in on_record(kept, session)))
        let_go = next(entry for key, entry in on_record(kept, session).items() if key.startswith("let-go."))
        assert client_of(let_go) == "cid"
        assert getattr(let_go.control.kind, "yaw", None) == 0.5, "what ann holds stays"
    await session.end()
    assert kept.replayed(session.id).is_same


async def test_a_directors_axes_win_while_they_are_held(kept: Service) -> None:
    async with crowd(kept, "director", ["dir", "ann", "bob"], ["director"]) as (session, worlds):
        director, ann, bob = worlds
        assert (director.role, ann.role) == ("director", "player")
        assert isinstance(await ann.move(forward=1.0), nacre.Applied)
        assert isinstance(await director.move(strafe=-1.0), nacre.Applied)
        lost = await bob.move(forward=1.0)
        assert isinstance(lost, nacre.Superseded)
        assert (lost.reason, lost.by_client_id) == ("director", "dir")
        released = director.move()
        assert isinstance(await released, nacre.Applied)
        assert isinstance(await bob.move(forward=-0.5), nacre.Applied)
    entries = on_record(kept, session)
    assert entries[lost.control_id].superseded_for == "DIRECTOR"
    assert getattr(entries[released.control_id].control.kind, "forward", None) == 1.0, "the players' again"


async def test_what_most_want_is_done_and_the_others_hear_why(kept: Service) -> None:
    async with crowd(kept, "vote", ["ann", "bob", "cid"]) as (session, worlds):
        receipts = [
            worlds[0].move(strafe=-1.0),
            worlds[1].move(forward=1.0),
            worlds[2].move(forward=0.5),
        ]
        outcomes = [await receipt for receipt in receipts]
        applied = [isinstance(outcome, nacre.Applied) for outcome in outcomes]
        # They may be counted in two windows on a busy machine; the last count is what most want.
        assert applied[1] or applied[2]
        again = await worlds[0].move(strafe=-0.9)
        assert isinstance(again, nacre.Superseded)
        assert (again.reason, again.by_client_id) == ("outvoted", "bob")
        assert isinstance(await worlds[0].say("it rains"), nacre.Applied), "sentences are not voted on"
    assert on_record(kept, session)[again.control_id].superseded_for == "OUTVOTED"


async def test_control_is_asked_for_given_and_taken(kept: Service) -> None:
    async with crowd(kept, "single", ["ann", "bob", "cid"]) as (session, worlds):
        ann, bob, cid = worlds
        assert [world.in_control for world in worlds] == [True, False, False]
        with pytest.raises(nacre.ControlRejected) as refused:
            await bob.move(forward=1.0)
        assert refused.value.reason == "NOT_IN_CONTROL"
        await ann.move(forward=1.0)
        assert isinstance(await bob.ask_control(), nacre.Applied)
        await until(lambda: ann.hands is not None and any(each.asks_control for each in ann.hands.participants))
        assert isinstance(await ann.give_control(), nacre.Applied)
        await until(lambda: bob.in_control and not ann.in_control)
        assert isinstance(await bob.look(yaw=1.0), nacre.Applied)
        with pytest.raises(nacre.ControlRejected):
            await ann.move(forward=1.0)
        with pytest.raises(nacre.ControlRejected, match="ask for control first"):
            await cid.take_control()
        await cid.ask_control()
        taken = None
        async with asyncio.timeout(20):
            while taken is None:  # not before its time is over
                with contextlib.suppress(nacre.ControlRejected):
                    taken = await cid.take_control()
                await asyncio.sleep(0.05)
        await until(lambda: cid.in_control and not bob.in_control)
        moves = [
            (getattr(entry.control.kind, "forward", None), key.startswith("let-go."))
            for key, entry in on_record(kept, session).items()
            if hasattr(entry.control.kind, "forward")
        ]
        assert (0.0, True) in moves, "ann let go of what she held"
        await until(lambda: holders(kept, session) == [("bob", "ann", True), ("cid", "cid", True)])
    await session.end()
    assert kept.replayed(session.id).is_same


async def test_control_passes_on_when_its_holder_leaves(kept: Service) -> None:
    session = await kept.client.create(prompt="a street", seed=5)
    async with session.enter(client_id="ann") as ann:
        await take(ann, 2)
        with pytest.raises(nacre.Conflict, match="another client"):
            await session.enter().__aenter__()
        bob = session.enter(client_id="bob", stand_by=True)
        await bob.__aenter__()
        assert not bob.in_control
    try:
        await until(lambda: bob.in_control)
        reading = asyncio.create_task(read(bob))
        assert isinstance(await bob.move(forward=1.0), nacre.Applied)
        reading.cancel()
    finally:
        await bob.__aexit__(None, None, None)


async def test_capabilities_say_which_policies_there_are(kept: Service) -> None:
    assert (await kept.client.capabilities()).arbitrations == ("single", "merge", "director", "vote")


async def test_links_limit_what_one_can_be(kept: Service) -> None:
    session = await kept.client.create(prompt="a street", seed=5, arbitration="director")
    join = await kept.client.open_share((await session.share("join")).token)
    async with session.enter(role="viewer") as viewing:
        assert (viewing.role, viewing.in_control) == ("viewer", False)
        with pytest.raises(nacre.PermissionDenied, match="allows to be"):
            await join.enter(role="director").__aenter__()
        async with join.enter(role="viewer") as other:
            assert other.role == "viewer"
