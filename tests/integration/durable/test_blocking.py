"""The blocking client over the real gateway: a script without asyncio does with a session what there is to do."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import nacre
import nacre.blocking
from tests.integration.durable.harness import TIMEOUT_S, service

NUM_WORKERS = 2


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A service on the loop of another thread."""
    started, addresses = threading.Event(), []
    loop, stop = asyncio.new_event_loop(), asyncio.Event()

    async def host() -> None:
        try:
            async with service(tmp_path / "data", num_workers=NUM_WORKERS) as kept:
                addresses.append(kept.server.address)
                started.set()
                await stop.wait()
        finally:
            started.set()

    thread = threading.Thread(target=lambda: loop.run_until_complete(host()))
    thread.start()
    assert started.wait(TIMEOUT_S)
    yield addresses[0]
    loop.call_soon_threadsafe(stop.set)
    thread.join(TIMEOUT_S)
    assert not thread.is_alive()
    loop.close()


@pytest.fixture
def client(address: str) -> Iterator[nacre.blocking.Client]:
    with nacre.blocking.connect(address, timeout_s=TIMEOUT_S) as client:
        yield client


def create(client: nacre.blocking.Client) -> nacre.blocking.Session:
    return client.create(prompt="a quiet street at dusk", seed=7)


def take(world: nacre.blocking.World, num_chunks: int) -> list[int]:
    return [next(world).index for _ in range(num_chunks)]


def test_p01_a_script_saves_loads_forks_and_goes_back(client: nacre.blocking.Client) -> None:
    session = create(client)
    with session.enter(video="rgb", audio="pcm") as world:
        assert take(world, 8) == list(range(8))
        saved = session.save("dusk", note="quiet")
        fork = session.fork(chunk_index=4, label="another way")
        rewind = session.rewind(chunk_index=2)
        again = take(world, 12)
        assert 2 in again
        assert (world.rewinds, again[-1] < 19) == ((rewind,), True)
    assert session.diff(fork).parted_chunk_index == 2
    parents = {branch.session_id: branch.parent_session_id for branch in session.branches()}
    assert parents == {session.id: "", fork.id: session.id, rewind.branch_session_id: session.id}
    loaded = client.load(name="dusk")
    with loaded.enter(video="rgb", audio="pcm") as world:
        assert world.next_chunk_index == saved.chunk_index
    assert [each.world_id for each in client.worlds(page_size=1)] == [saved.world_id]
    client.delete_world(saved.world_id)
    assert list(client.worlds()) == []
    with pytest.raises(nacre.NotFound):
        client.load(name="dusk")


def test_w15_a_script_pauses_parks_wakes_and_deletes(client: nacre.blocking.Client) -> None:
    session, other = create(client), create(client)
    with session.enter(video="rgb", audio="pcm") as world:
        take(world, 3)
        assert session.pause().is_paused
        assert not session.resume().is_paused
    assert session.park().state == "parked"
    assert [each.session_id for each in client.sessions(states=["parked"])] == [session.id]
    assert session.wake().state != "parked"
    assert {each.session_id for each in client.sessions(page_size=1)} == {session.id, other.id}
    session.end()
    session.delete()
    assert [each.session_id for each in client.sessions()] == [other.id]


def test_p02_a_script_shares_and_takes_back(client: nacre.blocking.Client) -> None:
    session = create(client)
    link = session.share("view", seconds=3600)
    assert client.open_share(link.token).id == session.id
    session.revoke(link)
    assert [each.is_revoked for each in session.share_links()] == [True]
    with pytest.raises(nacre.PermissionDenied):
        client.open_share(link.token)


def test_e01_a_script_drains_and_moves(client: nacre.blocking.Client) -> None:
    session = create(client)
    with session.enter(video="rgb", audio="pcm") as world:
        take(world, 3)
        client.admin.move(session)
        assert take(world, 6) == list(range(3, 9))
    deadline = threading.Event()
    while len(workers := client.admin.workers()) < NUM_WORKERS:
        deadline.wait(0.05)
    assert client.admin.drain(workers[0].worker_id).state == "draining"
    assert client.admin.undrain(workers[0].worker_id).worker_id == workers[0].worker_id
