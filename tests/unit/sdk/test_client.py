from __future__ import annotations

import asyncio
import importlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import grpc.aio
import pytest

import nacre
from nacre.calls import repeatable_methods
from nacre.v1 import library_pb2
from tests.unit.sdk.scripted_service import TOKEN, ScriptedService, abort, serve

CONTRACT = Path(__file__).resolve().parents[3] / "protos/nacre/v1"


@pytest.fixture
def service() -> ScriptedService:
    return ScriptedService()


@pytest.fixture
async def client(service: ScriptedService) -> AsyncIterator[nacre.Client]:
    async with serve(service) as (_, port), nacre.connect(f"127.0.0.1:{port}") as client:
        yield client


async def test_capabilities_come_as_plain_values(client: nacre.Client) -> None:
    capabilities = await client.capabilities()
    assert (capabilities.model, capabilities.width_px, capabilities.height_px) == ("toy", 4, 2)
    assert capabilities.controls == ("move", "directive")
    assert capabilities.perspectives == ("first_person",)
    assert capabilities.can("move")
    assert not capabilities.can("camera")


async def test_a_session_echoes_what_is_in_effect(client: nacre.Client) -> None:
    session = await client.create(prompt="a quiet street")
    assert session.id == "s-1"
    assert session.resume_token == TOKEN
    assert session.record is not None
    assert session.record.world == nacre.WorldRecord(
        prompt="a quiet street", character="", scene="", model="toy", seed=7
    )
    assert session.record.state == "ready"


@pytest.mark.parametrize("form", ["bytes", "path", "text"])
async def test_an_image_is_given_as_bytes_or_path(
    client: nacre.Client, service: ScriptedService, tmp_path: Path, form: str
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"picture")
    await client.create(image={"bytes": b"picture", "path": path, "text": str(path)}[form])
    assert service.create_requests[0].world.image.data == b"picture"


async def test_without_an_image_none_is_sent(client: nacre.Client, service: ScriptedService) -> None:
    await client.create(character="a cat", scene="a roof", model="toy", seed=9)
    world = service.create_requests[0].world
    assert not world.HasField("image")
    assert (world.character, world.scene, world.model, world.seed) == ("a cat", "a roof", "toy", 9)


async def test_creating_twice_makes_two_unless_a_key_says_otherwise(
    client: nacre.Client, service: ScriptedService
) -> None:
    for _ in range(2):
        await client.create(prompt="x")
    await client.create(prompt="x", idempotency_key="mine")
    keys = [request.idempotency_key for request in service.create_requests]
    assert keys[0] != keys[1]
    assert all(keys)
    assert keys[2] == "mine"


async def test_state_and_end_tell_the_session(client: nacre.Client) -> None:
    session = await client.create(prompt="x")
    assert (await session.state()).state == "running"
    ended = await session.end()
    assert (ended.state, ended.end_reason, ended.chunks_generated) == ("ended", "requested", 5)


async def test_an_unknown_session_is_not_found(client: nacre.Client) -> None:
    with pytest.raises(nacre.NotFound) as caught:
        await client.session("s-2").state()
    assert (caught.value.reason, caught.value.field) == ("SESSION_NOT_FOUND", "session_id")


async def test_a_refusal_is_typed(client: nacre.Client, service: ScriptedService) -> None:
    async def refuse(context: grpc.aio.ServicerContext) -> None:
        await abort(context, grpc.StatusCode.RESOURCE_EXHAUSTED, "CAPACITY_EXHAUSTED", retry_after_s=5.0)

    service.refuse_create = refuse
    with pytest.raises(nacre.LimitReached) as caught:
        await client.create(prompt="x")
    assert (caught.value.reason, caught.value.retry_after_s) == ("CAPACITY_EXHAUSTED", 5.0)


async def test_a_service_that_is_briefly_unavailable_is_asked_again_with_the_same_key(
    client: nacre.Client, service: ScriptedService
) -> None:
    async def refuse_once(context: grpc.aio.ServicerContext) -> None:
        if len(service.create_requests) == 1:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "starting")

    service.refuse_create = refuse_once
    session = await client.create(prompt="x")
    assert session.id == "s-1"
    first, second = service.create_requests
    assert first.idempotency_key == second.idempotency_key


async def test_a_refusal_that_says_how_long_to_wait_is_heard_at_once(
    client: nacre.Client, service: ScriptedService
) -> None:
    async def refuse(context: grpc.aio.ServicerContext) -> None:
        await abort(context, grpc.StatusCode.UNAVAILABLE, "STORAGE_UNAVAILABLE", retry_after_s=5.0)

    service.refuse_create = refuse
    with pytest.raises(nacre.Unavailable) as caught:
        await client.create(prompt="x")
    assert (caught.value.reason, caught.value.retry_after_s) == ("STORAGE_UNAVAILABLE", 5.0)
    assert len(service.create_requests) == 1


async def test_a_service_that_is_not_there_is_asked_again(service: ScriptedService) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # taken but not listening
        port = bound.getsockname()[1]
    async with nacre.connect(f"127.0.0.1:{port}") as client:
        asked = asyncio.ensure_future(client.create(prompt="x"))
        await asyncio.sleep(0.1)
        assert not asked.done()
        async with serve(service, port=port):
            assert (await asked).id == "s-1"
    assert len(service.create_requests) == 1


async def test_calls_of_the_other_services_are_asked_again_with_the_same_key() -> None:
    keys: list[str] = []

    async def refuse_once(
        request: library_pb2.DeleteWorldRequest, context: grpc.aio.ServicerContext
    ) -> library_pb2.DeleteWorldResponse:
        keys.append(request.idempotency_key)
        if len(keys) == 1:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "starting")
        return library_pb2.DeleteWorldResponse()

    method = grpc.unary_unary_rpc_method_handler(
        refuse_once,
        request_deserializer=library_pb2.DeleteWorldRequest.FromString,
        response_serializer=library_pb2.DeleteWorldResponse.SerializeToString,
    )
    server = grpc.aio.server()
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler("nacre.v1.LibraryService", {"DeleteWorld": method})]
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with nacre.connect(f"127.0.0.1:{port}") as client:
        await client.delete_world("w-1")
    await server.stop(None)
    assert keys[0]
    assert keys == [keys[0]] * 2


def test_every_call_is_repeated_that_reads_or_has_a_key_and_no_stream_is() -> None:
    """What the service does not know again when it comes twice would be done twice."""
    repeated = set(repeatable_methods())
    # By the contract: what the client forgets is not to be forgotten here too.
    files = [importlib.import_module(f"nacre.v1.{path.stem}_pb2").DESCRIPTOR for path in CONTRACT.glob("*.proto")]
    services = [service for file in files for service in file.services_by_name.values()]
    every = {(service.full_name, method.name) for service in services for method in service.methods}
    assert len(services) > 5
    assert repeated <= every
    once = {"Play", "OpenSession", "Reserve", "DownloadRecording"}
    assert {method for _, method in every - repeated} == once
    assert len(repeated) > 50


async def test_no_service_at_all_is_unavailable() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # taken but not listening
        async with nacre.connect(f"127.0.0.1:{bound.getsockname()[1]}") as client:
            with pytest.raises(nacre.Unavailable):
                await client.capabilities()
            with pytest.raises(nacre.Unavailable, match="no service on"):
                await client.wait_until_ready(timeout_s=0.05)


async def test_waiting_ends_when_the_service_answers(client: nacre.Client) -> None:
    await client.wait_until_ready(timeout_s=30.0)


async def test_arguments_that_contradict_each_other_are_refused(client: nacre.Client) -> None:
    session = client.session("s-1", TOKEN)
    asks = {
        "name or a world_id": [lambda: client.load(name="a", world_id="w-1"), lambda: client.load()],
        "seconds or a chunk_index": [lambda: session.rewind(seconds=1, chunk_index=1), lambda: session.rewind()],
    }
    for named, calls in asks.items():
        for call in calls:
            with pytest.raises(ValueError, match=named):
                await call()


async def test_numbers_out_of_range_are_refused_by_their_names(client: nacre.Client) -> None:
    session = client.session("s-1", TOKEN)
    asks = {
        "seed": lambda: client.create(prompt="x", seed=-1),
        "chunk_index": lambda: session.fork(chunk_index=-1),
        "chunk_index must": lambda: session.rewind(chunk_index=1 << 64),
    }
    for named, call in asks.items():
        with pytest.raises(ValueError, match=named):
            await call()
    with pytest.raises(ValueError, match="chunk must be"):
        nacre.at(chunk=-1)
