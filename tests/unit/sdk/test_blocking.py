"""The blocking face, against a service on another thread's loop."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Iterator

import pytest

import nacre
import nacre.blocking
from nacre.v1 import control_pb2, session_pb2
from tests.unit.sdk.scripted_service import Attachment, ScriptedService, serve


async def three_chunks(attachment: Attachment) -> None:
    await attachment.answer()
    control = await attachment.control()
    await attachment.acknowledge(control.control_id, applied=control_pb2.Applied(chunk_index=1))
    for index in range(3):
        await attachment.send_chunk(index)
    await attachment.end(session_pb2.END_REASON_REQUESTED)


async def deaf(attachment: Attachment) -> None:
    await attachment.answer()
    await asyncio.Event().wait()


@pytest.fixture
def service() -> ScriptedService:
    return ScriptedService(scripts=[three_chunks])


@pytest.fixture
def address(service: ScriptedService) -> Iterator[str]:
    started, stop = threading.Event(), asyncio.Event()
    ports: list[int] = []

    async def host() -> None:
        async with serve(service) as (_, port):
            ports.append(port)
            started.set()
            await stop.wait()

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=lambda: loop.run_until_complete(host()))
    thread.start()
    assert started.wait(10)
    yield f"127.0.0.1:{ports[0]}"
    loop.call_soon_threadsafe(stop.set)
    thread.join(10)
    assert not thread.is_alive()
    loop.close()


def test_a_script_plays_a_world(address: str) -> None:
    with nacre.blocking.connect(address) as client:
        client.wait_until_ready(timeout_s=30.0)
        assert client.capabilities().model == "toy"
        session = client.create(prompt="a quiet street")
        assert session.state().state == "running"
        with session.enter(video="rgb", audio="pcm") as world:
            receipt = world.say("it starts to rain")
            outcome = receipt.wait(timeout_s=30.0)
            assert isinstance(outcome, nacre.Applied)
            assert outcome.chunk_index == 1
            assert receipt.outcome is outcome
            chunks = list(world)
        assert [chunk.index for chunk in chunks] == [0, 1, 2]
        assert chunks[1].frames[0].rgb.shape == (2, 4, 3)
        assert session.end().state == "ended"


def test_waiting_is_bounded_when_asked(address: str, service: ScriptedService) -> None:
    service.scripts = [deaf]
    with nacre.blocking.connect(address) as client, client.create(prompt="x").enter() as world:
        receipt = world.move(forward=1.0)
        with pytest.raises(nacre.Timeout):
            receipt.wait(timeout_s=0.05)
        assert not receipt.is_settled


def test_errors_are_those_of_the_asynchronous_client(address: str) -> None:
    with nacre.blocking.connect(address) as client:
        with pytest.raises(nacre.NotFound):
            client.session("s-2").state()
        with pytest.raises(ValueError, match="video must be"):
            client.session("s-1").enter(video="av1")


def test_closing_stops_its_thread(address: str) -> None:
    client = nacre.blocking.connect(address)
    client.close()
    assert not any(thread.name == "nacre-blocking" for thread in threading.enumerate())


PAIRS = [
    (nacre.Client, nacre.blocking.Client),
    (nacre.Session, nacre.blocking.Session),
    (nacre.World, nacre.blocking.World),
    (nacre.Admin, nacre.blocking.Admin),
    (nacre.Books, nacre.blocking.Books),
]


def public_verbs(cls: type) -> dict[str, list[str]]:
    """Names of verbs and properties, with the parameters of verbs."""
    found = {}
    for name, member in inspect.getmembers(cls):
        if not name.startswith("_"):
            found[name] = list(inspect.signature(member).parameters) if inspect.isfunction(member) else []
    return found


@pytest.mark.parametrize(("asynchronous", "blocking"), PAIRS, ids=lambda cls: f"{cls.__module__}.{cls.__name__}")
def test_b04_every_verb_is_there_with_the_same_parameters(asynchronous: type, blocking: type) -> None:
    theirs = public_verbs(blocking)
    assert {name: theirs.get(name) for name in public_verbs(asynchronous)} == public_verbs(asynchronous)


def test_attributes_of_an_entered_world_are_told(address: str) -> None:
    with nacre.blocking.connect(address) as client, client.create(prompt="x").enter(video="rgb") as world:
        assert (world.session_id, world.next_chunk_index, world.num_attachments) == ("s-1", 0, 1)
        assert (world.end, world.go_away, world.rewinds) == (None, None, ())
