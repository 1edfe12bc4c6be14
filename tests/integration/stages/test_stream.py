"""Messages over a socket: whole, in order, and without trust in the other end."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest
import uvloop

from serving.stages.host import StageHost, WorkerConfig
from serving.stages.stage import DECODERS
from serving.stages.stage_server import StageServer
from serving.stages.stream import MAX_MESSAGE_BYTES, MessageStream, connect_stream
from serving.wire import plane_pb2 as wire
from tests.fakes_model import FakeModel
from tests.integration.stages.play import WAIT_S, eventually


@dataclass(slots=True)
class Recorder:
    messages: list[bytes] = field(default_factory=list)
    is_lost: bool = False

    def received(self, stream: MessageStream, data: bytes) -> None:
        self.messages.append(data)

    def lost(self) -> None:
        assert not self.is_lost, "told twice"
        self.is_lost = True


@pytest.fixture
async def host() -> AsyncIterator[StageHost]:
    host = StageHost(FakeModel(), WorkerConfig(stages=DECODERS))
    await host.load()
    await host.listen()
    yield host
    await host.close()


@pytest.mark.parametrize("make_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_messages_of_any_size_arrive_whole_and_in_order(make_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    """On the loop of asyncio and on the one that Serve gives its replicas."""
    with asyncio.Runner(loop_factory=make_loop) as runner:
        runner.run(send_messages_of_any_size())


async def send_messages_of_any_size() -> None:
    recorder = Recorder()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: MessageStream(recorder), "127.0.0.1", 0)
    sender = await connect_stream(f"127.0.0.1:{server.sockets[0].getsockname()[1]}", Recorder())
    sent = [bytes([size % 251]) * size for size in (0, 1, 3, 100_000, 7, 3_000_000, 2)]
    for message in sent:
        sender.send_bytes(message)
    await eventually(lambda: len(recorder.messages) == len(sent))
    assert recorder.messages == sent
    sender.close()
    sender.close()
    sender.send_bytes(b"of no effect")
    await eventually(lambda: recorder.is_lost)
    assert len(recorder.messages) == len(sent)
    server.close()


@pytest.mark.parametrize(
    "data",
    [
        struct.pack("<I", MAX_MESSAGE_BYTES + 1),
        struct.pack("<I", 4) + b"\xff\xff\xff\xff",
        struct.pack("<I", 0),
        b"GET / HTTP/1.1\r\n\r\n",
    ],
    ids=["too long", "no message", "an empty message", "another protocol"],
)
async def test_a_decoder_worker_hangs_up_on_nonsense_and_goes_on(host: StageHost, data: bytes) -> None:
    address, _, port = host.stream_address.rpartition(":")
    reader, writer = await asyncio.open_connection(address, int(port))
    try:
        writer.write(data)
        async with asyncio.timeout(WAIT_S):
            assert await reader.read() == b""
    finally:
        writer.close()
        await writer.wait_closed()
    recorder = Recorder()
    stream = await connect_stream(host.stream_address, recorder)
    stream.send(wire.StreamRequest(watch=wire.Watch(session_id="a")))
    await eventually(lambda: bool(recorder.messages))
    stream.close()
    await eventually(lambda: recorder.is_lost)


async def test_latents_before_open_are_out_of_turn(host: StageHost) -> None:
    recorder = Recorder()
    stream = await connect_stream(host.stream_address, recorder)
    stream.send(wire.StreamRequest(latents=wire.Latents()))
    await eventually(lambda: recorder.is_lost)
    assert recorder.messages == []


async def test_a_closed_server_lets_go_of_everybody(host: StageHost) -> None:
    assert isinstance(host._stage_server, StageServer)
    recorder = Recorder()
    stream = await connect_stream(host.stream_address, recorder)
    stream.send(wire.StreamRequest(watch=wire.Watch(session_id="a")))
    await eventually(lambda: bool(recorder.messages))
    await host._stage_server.close()
    await eventually(lambda: recorder.is_lost)
