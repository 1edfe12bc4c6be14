"""Sessions through the real gateway and the real workers on Ray Serve."""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path

import grpc.aio
import psutil
import pytest

from nacre.v1 import control_pb2, media_pb2, session_pb2, session_pb2_grpc, world_pb2
from tests.cluster.conftest import Service

pytestmark = pytest.mark.timeout(400)

NUM_CHUNKS = 30
WAIT_S = 60.0


@pytest.fixture
async def stub(service: Service) -> AsyncIterator[session_pb2_grpc.SessionServiceAsyncStub]:
    async with grpc.aio.insecure_channel(service.address) as channel:
        yield session_pb2_grpc.SessionServiceStub(channel)


async def create(stub) -> session_pb2.CreateSessionResponse:
    world = world_pb2.WorldSpec(prompt="a quiet street at dusk", seed=5)
    return await stub.CreateSession(session_pb2.CreateSessionRequest(world=world), timeout=WAIT_S)


def attach(created: session_pb2.CreateSessionResponse) -> session_pb2.PlayRequest:
    return session_pb2.PlayRequest(
        attach=session_pb2.Attach(
            session_id=created.session.session_id,
            resume_token=created.resume_token,
            video_codecs=[media_pb2.VIDEO_CODEC_RAW_RGB],
            audio_codecs=[media_pb2.AUDIO_CODEC_PCM_S16LE],
            initial_credit=4,
        )
    )


def move(control_id: str) -> session_pb2.PlayRequest:
    control = control_pb2.Control(control_id=control_id, move=control_pb2.Move(forward=1.0))
    return session_pb2.PlayRequest(control=control)


def say(control_id: str) -> session_pb2.PlayRequest:
    control = control_pb2.Control(control_id=control_id, directive=control_pb2.Directive(text="it rains"))
    return session_pb2.PlayRequest(control=control)


async def end(stub, created: session_pb2.CreateSessionResponse) -> None:
    request = session_pb2.EndSessionRequest(session_id=created.session.session_id)
    await stub.EndSession(request, timeout=WAIT_S)


async def take_media(call, num_chunks: int) -> tuple[list[media_pb2.MediaChunk], list[control_pb2.Ack]]:
    """So many chunks, giving credit for each, and the acks that came with them."""
    chunks, acks = [], []
    async with asyncio.timeout(WAIT_S):
        while len(chunks) < num_chunks:
            response = await call.read()
            assert isinstance(response, session_pb2.PlayResponse), "the stream ended early"
            match response.WhichOneof("message"):
                case "media":
                    chunks.append(response.media)
                    await call.write(session_pb2.PlayRequest(credit=session_pb2.Credit(chunks=1)))
                case "ack":
                    acks.append(response.ack)
                case "ended":
                    pytest.fail("the session ended early")
    return chunks, acks


async def test_a_session_streams_and_obeys(stub) -> None:
    created = await create(stub)
    call = stub.Play()
    await call.write(attach(created))
    before, _ = await take_media(call, 3)
    for request in (move("go"), say("rain")):
        await call.write(request)
    after, acks = await take_media(call, NUM_CHUNKS - 3)
    chunks = before + after
    assert [chunk.chunk_index for chunk in chunks] == list(range(NUM_CHUNKS))
    assert all(len(chunk.frames) == 1 and chunk.audio.num_samples == 1280 for chunk in chunks)
    assert [(ack.control_id, ack.WhichOneof("outcome")) for ack in acks if ack.control_id == "go"] == [
        ("go", "accepted"),
        ("go", "applied"),
    ]
    [applied] = [ack.applied for ack in acks if ack.control_id == "rain" and ack.HasField("applied")]
    assert 3 <= applied.chunk_index < NUM_CHUNKS
    assert chunks[-1].pose.x_m > chunks[0].pose.x_m
    await end(stub, created)


async def test_slots_run_out_with_a_clear_error_and_come_back(stub) -> None:
    held = [await create(stub) for _ in range(2)]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await create(stub)
    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    for created in held:
        await end(stub, created)
    await end(stub, await create(stub))


def test_every_process_tells_its_metrics(service: Service) -> None:
    assert len(service.metrics_urls) == 4
    pages = [urllib.request.urlopen(url, timeout=WAIT_S).read().decode() for url in service.metrics_urls]
    assert "nacre_chunks_delivered_total" in pages[0]
    assert any("nacre_slots_capacity 2.0" in page for page in pages[1:])


def test_the_gateway_does_not_load_torch(service: Service) -> None:
    maps = Path(f"/proc/{service.replica('Gateway').pid}/maps").read_text()
    assert "grpc" in maps
    assert "torch" not in maps


async def test_p01_a_lone_worker_that_dies_is_replaced_and_its_session_goes_on(service: Service, stub) -> None:
    created = await create(stub)
    call = stub.Play()
    await call.write(attach(created))
    before, _ = await take_media(call, 5)
    killed = service.replica("Transformer")
    killed.kill()
    await call.write(say("rain"))
    after, acks = await take_media(call, 20)
    assert [chunk.chunk_index for chunk in before + after] == list(range(25))
    assert [ack.WhichOneof("outcome") for ack in acks] == ["accepted", "applied"]
    assert service.replica("Transformer").pid != killed.pid
    await end(stub, created)


def test_its_workers_give_way_to_no_other_program(service: Service) -> None:
    for name in ("ServeReplica:nacre:Gateway", "ServeReplica:nacre:Encoder"):
        assert service.replica(name).nice() == psutil.Process(service.process.pid).nice()


def test_everything_listens_on_the_loopback_only(service: Service) -> None:
    family = [psutil.Process(service.process.pid), *service.descendants()]
    listening = {
        connection.laddr.ip.removeprefix("::ffff:")
        for process in family
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening <= {"127.0.0.1", "::1"}
