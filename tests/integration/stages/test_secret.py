"""Workers speak to nobody who does not know their service's secret."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio
import pytest

from serving.errors import WorkerUnavailableError
from serving.stages import stage_server
from serving.stages.channels import Channels
from serving.stages.grpc_pipe import METHOD, SERVICE
from serving.stages.host import StageHost, WorkerConfig
from serving.stages.placement import Placement, StaticPlacer
from serving.stages.remote import RemotePlane
from serving.stages.routes import Route
from serving.stages.secret import SECRET_KEY, is_shown, new_secret
from serving.stages.stage import DECODERS, Stage
from serving.stages.transformer import DecoderPlace
from serving.wire import plane_pb2 as wire
from serving.wire import plane_pb2_grpc as wire_grpc
from tests.fakes_model import INFO, FakeModel
from tests.integration.stages.play import spec

SECRET = new_secret()
OTHERS = {"none": "", "another": "x" * len(SECRET), "shorter": SECRET[:-1], "longer": SECRET + "A"}
# Whoever is refused before it has said all may be told that its stream was cut off instead of why.
REFUSALS = {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.INTERNAL}
WAIT_S = 10.0


@asynccontextmanager
async def working(route: Route) -> AsyncIterator[StageHost]:
    host = StageHost(FakeModel(), WorkerConfig(stages=frozenset(Stage), latents=route, secret=SECRET))
    await host.load()
    await host.listen()
    try:
        yield host
    finally:
        await host.close()


@pytest.fixture(params=[Route.STREAM, Route.GRPC])
async def host(request: pytest.FixtureRequest) -> AsyncIterator[StageHost]:
    async with working(request.param) as host:
        yield host


def plane_of(host: StageHost, secret: str) -> RemotePlane:
    decoders = (DecoderPlace(address=host.stream_address, stages=DECODERS),)
    placement = Placement(encoder=host.address, transformer=host.stream_address, decoders=decoders)
    return RemotePlane(INFO, StaticPlacer(placement), secret)


async def test_n16_a_gateway_that_knows_the_secret_plays(host: StageHost) -> None:
    async with plane_of(host, SECRET) as plane, asyncio.timeout(WAIT_S):
        link = await plane.open(spec())
        link.end("REQUESTED", "done")
    channels = Channels(SECRET)
    encoder = wire_grpc.EncoderServiceStub(channels.to(host.address))
    assert (await encoder.EncodeText(wire.EncodeTextRequest(text="a quiet street at dusk"))).tensors
    await channels.close()


@pytest.mark.parametrize("other", OTHERS)
async def test_n16_one_that_does_not_is_refused_by_every_method(host: StageHost, other: str) -> None:
    secret = OTHERS[other]
    with pytest.raises(WorkerUnavailableError):
        async with plane_of(host, secret) as plane, asyncio.timeout(WAIT_S):
            await plane.open(spec())
    channels = Channels(secret)
    assert set(await codes(channels.to(host.address))) <= REFUSALS
    await channels.close()
    assert host.transformer is not None
    assert host.transformer.engine.num_used_slots == 0


async def codes(channel: grpc.aio.Channel) -> list[grpc.StatusCode]:
    """How each method of a worker's services answers."""
    encoder = wire_grpc.EncoderServiceStub(channel)
    calls: list[Any] = [
        encoder.EncodeText(wire.EncodeTextRequest(text="a quiet street at dusk")),
        encoder.EncodeImage(wire.EncodeImageRequest()),
    ]
    found = []
    async with asyncio.timeout(WAIT_S):
        for call in (*calls, _stage_stream(channel).read()):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call
            found.append(caught.value.code())
    return found


def _stage_stream(channel: grpc.aio.Channel) -> Any:
    make = channel.stream_stream(f"/{SERVICE}/{METHOD}", request_serializer=bytes, response_deserializer=bytes)
    return make(iter([b""]))


@pytest.mark.parametrize("first", [b"", b"x" * 43, wire.StreamRequest(watch=wire.Watch()).SerializeToString()])
async def test_n16_a_socket_that_does_not_begin_with_it_is_closed_unanswered(first: bytes) -> None:
    async with working(Route.STREAM) as host, asyncio.timeout(WAIT_S):
        address, _, port = host.stream_address.rpartition(":")
        reader, writer = await asyncio.open_connection(address, int(port))
        writer.write(struct.pack("<I", len(first)) + first)
        assert await reader.read() == b""
        writer.close()


async def test_n16_of_a_stranger_no_more_is_read_than_a_secret_takes() -> None:
    async with working(Route.STREAM) as host, asyncio.timeout(WAIT_S):
        address, _, port = host.stream_address.rpartition(":")
        reader, writer = await asyncio.open_connection(address, int(port))
        writer.write(struct.pack("<I", 1 << 20))  # announced, and never sent
        assert await reader.read() == b""
        writer.close()


async def test_n16_a_stranger_that_says_nothing_does_not_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage_server, "GREETING_TIMEOUT_S", 0.05)
    async with working(Route.STREAM) as host, asyncio.timeout(WAIT_S):
        address, _, port = host.stream_address.rpartition(":")
        reader, writer = await asyncio.open_connection(address, int(port))
        assert await reader.read() == b""
        writer.close()


def test_secrets_are_long_and_each_is_another() -> None:
    assert len({new_secret() for _ in range(10)}) == 10
    assert len(SECRET) >= 40
    assert is_shown(SECRET, SECRET)
    assert is_shown(SECRET.encode(), SECRET)
    assert not any(is_shown(other, SECRET) for other in OTHERS.values())
    assert SECRET not in repr(WorkerConfig(stages=DECODERS, secret=SECRET))
    assert SECRET_KEY.islower()
