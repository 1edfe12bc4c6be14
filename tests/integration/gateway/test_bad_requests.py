"""What a stranger can send wrong, over a real connection: a clear answer, and a service that goes on."""

from __future__ import annotations

import asyncio

import grpc.aio
import pytest

from nacre.v1 import session_pb2, world_pb2
from serving.errors import CapacityExhaustedError, WorkerUnavailableError
from tests.fakes import FakeFaults, FakeWorldPlane
from tests.integration.gateway.harness import QUICK, WORLD, Call, Gateway, StartGateway, eventually, refusal
from tests.pictures import encode, gradient, png_bomb

StatusCode = grpc.StatusCode
PNG = encode(gradient(320, 200))


def image_world(data: bytes) -> world_pb2.WorldSpec:
    return world_pb2.WorldSpec(image=world_pb2.Image(data=data))


@pytest.mark.parametrize(
    ("world", "reason", "field"),
    [
        (world_pb2.WorldSpec(), "WORLD_MISSING", "world.prompt"),
        (world_pb2.WorldSpec(prompt=""), "WORLD_MISSING", "world.prompt"),
        (world_pb2.WorldSpec(prompt="   "), "TEXT_EMPTY", "world.prompt"),
        (world_pb2.WorldSpec(prompt="x" * 2_001), "TEXT_TOO_LONG", "world.prompt"),
        (world_pb2.WorldSpec(prompt="a", scene="b", character="c"), "WORLD_AMBIGUOUS", "world.scene"),
        (world_pb2.WorldSpec(character="c"), "WORLD_AMBIGUOUS", "world.scene"),
        (image_world(b""), "IMAGE_UNREADABLE", "world.image.data"),
        (image_world(b"this is not a picture"), "IMAGE_UNREADABLE", "world.image.data"),
        (image_world(PNG[: len(PNG) // 2]), "IMAGE_TRUNCATED", "world.image.data"),
        (image_world(bytes((8 << 20) + 1)), "IMAGE_TOO_LARGE", "world.image.data"),
    ],
)
async def test_a_world_that_cannot_start(gateway: Gateway, world: world_pb2.WorldSpec, reason: str, field: str) -> None:
    error = await refusal(gateway.create(world))
    assert (error.code, error.reason, error.field) == (StatusCode.INVALID_ARGUMENT, reason, field)
    assert error.request_id
    assert gateway.metrics.errors == [reason]
    assert not gateway.plane.links, "no worker was asked"
    await gateway.assert_works()


async def test_a_request_without_a_world(gateway: Gateway) -> None:
    error = await refusal(gateway.stub.CreateSession(session_pb2.CreateSessionRequest()))
    assert (error.code, error.reason) == (StatusCode.INVALID_ARGUMENT, "WORLD_MISSING")


async def test_a_pixel_bomb(gateway: Gateway) -> None:
    bomb = png_bomb(12_000, 12_000)
    assert len(bomb) < 8 << 20, "its bytes alone would pass"
    error = await refusal(gateway.create(image_world(bomb)))
    assert (error.code, error.reason) == (StatusCode.INVALID_ARGUMENT, "IMAGE_TOO_LARGE")
    assert "16000000 pixels" in error.message
    await gateway.assert_works()


async def test_a_message_over_the_transport_limit(gateway: Gateway) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await gateway.create(image_world(bytes(10 << 20)))
    assert caught.value.code() is StatusCode.RESOURCE_EXHAUSTED
    await gateway.assert_works()


async def test_an_unknown_model(gateway: Gateway) -> None:
    error = await refusal(gateway.create(world_pb2.WorldSpec(prompt="a", model="other")))
    assert (error.code, error.reason, error.field) == (StatusCode.NOT_FOUND, "MODEL_UNKNOWN", "world.model")
    assert error.allowed == ["fake-xs"]
    error = await refusal(gateway.stub.GetCapabilities(session_pb2.GetCapabilitiesRequest(model="other")))
    assert (error.reason, error.field) == ("MODEL_UNKNOWN", "model")


async def test_an_unknown_session(gateway: Gateway) -> None:
    for answer in (
        gateway.stub.GetSession(session_pb2.GetSessionRequest(session_id="s-none")),
        gateway.stub.EndSession(session_pb2.EndSessionRequest(session_id="s-none")),
    ):
        error = await refusal(answer)
        assert (error.code, error.reason, error.field) == (StatusCode.NOT_FOUND, "SESSION_NOT_FOUND", "session_id")
    call = Call(gateway.stub.Play())
    await call.send(attach=session_pb2.Attach(session_id="s-none", resume_token="t"))
    error = await refusal(call.read())
    assert (error.code, error.reason, error.field) == (
        StatusCode.NOT_FOUND,
        "SESSION_NOT_FOUND",
        "attach.session_id",
    )


async def test_a_malformed_id(gateway: Gateway) -> None:
    error = await refusal(gateway.stub.GetSession(session_pb2.GetSessionRequest(session_id="../etc")))
    assert (error.code, error.reason, error.field) == (StatusCode.INVALID_ARGUMENT, "FIELD_INVALID", "session_id")
    error = await refusal(gateway.create(key="no spaces"))
    assert (error.reason, error.field) == ("FIELD_INVALID", "idempotency_key")


async def test_a_wrong_resume_token(gateway: Gateway) -> None:
    created = await gateway.create()
    call = await gateway.play(created, resume_token="guess")
    error = await refusal(call.read())
    assert (error.code, error.reason) == (StatusCode.PERMISSION_DENIED, "RESUME_TOKEN_INVALID")
    assert created.resume_token not in error.message
    assert (await gateway.state(created)).state == session_pb2.SESSION_STATE_READY


async def test_an_ended_session(gateway: Gateway) -> None:
    created = await gateway.create()
    await gateway.end(created)
    error = await refusal((await gateway.play(created)).read())
    assert (error.code, error.reason) == (StatusCode.FAILED_PRECONDITION, "SESSION_ENDED")


async def test_a_second_controller(gateway: Gateway) -> None:
    created = await gateway.create()
    first = await gateway.play(created)
    await first.chunks(2)
    error = await refusal((await gateway.play(created)).read())
    assert (error.code, error.reason) == (StatusCode.FAILED_PRECONDITION, "SESSION_CONTROLLED")
    assert error.retry_after_s == 2.0
    await first.chunks(2)  # the first goes on
    first.raw.cancel()
    await eventually(lambda: gateway.metrics.num_attached == 0)
    assert len(await (await gateway.play(created)).chunks(2)) == 2


@pytest.mark.parametrize(
    ("first", "reason", "field"),
    [
        ({}, "ATTACH_EXPECTED", "attach"),
        ({"credit": session_pb2.Credit(chunks=1)}, "ATTACH_EXPECTED", "attach"),
        ({"attach": session_pb2.Attach()}, "FIELD_INVALID", "attach.session_id"),
        ({"attach": session_pb2.Attach(session_id="s-1")}, "FIELD_INVALID", "attach.resume_token"),
    ],
)
async def test_a_malformed_first_message(gateway: Gateway, first: dict[str, object], reason: str, field: str) -> None:
    call = Call(gateway.stub.Play())
    await call.send(**first)
    error = await refusal(call.read())
    assert (error.code, error.reason, error.field) == (StatusCode.INVALID_ARGUMENT, reason, field)
    await gateway.assert_works()


@pytest.mark.parametrize("position", ["first", "later"])
async def test_bytes_that_are_no_message(gateway: Gateway, position: str) -> None:
    play = gateway.channel.stream_stream("/nacre.v1.SessionService/Play")
    call = play()
    if position == "later":
        created = await gateway.create()
        attach = session_pb2.Attach(session_id=created.session.session_id, resume_token=created.resume_token)
        await call.write(session_pb2.PlayRequest(attach=attach).SerializeToString())
        await call.read()
    await call.write(b"\xff\xff\xff\xff")

    async def read_all() -> None:
        while isinstance(await call.read(), bytes):
            pass

    error = await refusal(read_all())
    assert (error.code, error.reason, error.field) == (StatusCode.INVALID_ARGUMENT, "FIELD_INVALID", "message")
    await gateway.assert_works()


async def test_a_unary_call_with_bytes_that_are_no_message(gateway: Gateway) -> None:
    create = gateway.channel.unary_unary("/nacre.v1.SessionService/CreateSession")
    error = await refusal(create(b"\xff\xff\xff\xff"))
    assert (error.code, error.reason) == (StatusCode.INVALID_ARGUMENT, "FIELD_INVALID")


async def test_no_first_message_within_the_deadline(start_gateway: StartGateway) -> None:
    gateway = await start_gateway(attach_timeout_s=0.05)
    error = await refusal(Call(gateway.stub.Play()).read())
    assert (error.code, error.reason) == (StatusCode.DEADLINE_EXCEEDED, "ATTACH_TIMEOUT")
    await gateway.assert_works()


async def test_a_stream_that_ends_before_its_first_message(gateway: Gateway) -> None:
    call = Call(gateway.stub.Play())
    await call.raw.done_writing()
    error = await refusal(call.read())
    assert error.reason == "ATTACH_EXPECTED"


async def test_a_second_attach_ends_the_stream_but_not_the_session(gateway: Gateway) -> None:
    created = await gateway.create()
    call = await gateway.play(created)
    await call.chunks(1)
    await call.send(attach=session_pb2.Attach(session_id="s-1", resume_token="t"))
    error = await refusal(call.last_words())
    assert (error.code, error.reason) == (StatusCode.INVALID_ARGUMENT, "ATTACH_EXPECTED")
    await eventually(lambda: gateway.metrics.num_attached == 0)
    assert (await gateway.state(created)).state == session_pb2.SESSION_STATE_DETACHED


@pytest.mark.parametrize(
    ("message", "field"), [({}, "message"), ({"credit": session_pb2.Credit(chunks=17)}, "credit.chunks")]
)
async def test_a_malformed_later_message(gateway: Gateway, message: dict[str, object], field: str) -> None:
    call = await gateway.play()
    await call.chunks(1)
    await call.send(**message)
    error = await refusal(call.last_words())
    assert (error.code, error.reason, error.field) == (StatusCode.INVALID_ARGUMENT, "FIELD_INVALID", field)


async def test_no_slot_is_free(start_gateway: StartGateway) -> None:
    gateway = await start_gateway(plane=FakeWorldPlane(info=QUICK, num_slots=1))
    created = await gateway.create()
    error = await refusal(gateway.create())
    assert (error.code, error.reason) == (StatusCode.RESOURCE_EXHAUSTED, "CAPACITY_EXHAUSTED")
    assert error.retry_after_s == 5.0
    await gateway.end(created)
    await gateway.assert_works()


@pytest.mark.parametrize(
    ("failure", "code", "reason"),
    [
        (WorkerUnavailableError("no worker"), StatusCode.UNAVAILABLE, "UNAVAILABLE"),
        (CapacityExhaustedError("full", retry_after_s=9.0), StatusCode.RESOURCE_EXHAUSTED, "CAPACITY_EXHAUSTED"),
    ],
)
async def test_workers_that_do_not_open(
    start_gateway: StartGateway, failure: WorkerUnavailableError, code: StatusCode, reason: str
) -> None:
    faults = FakeFaults(open_error=failure)
    gateway = await start_gateway(plane=FakeWorldPlane(info=QUICK, faults=faults))
    error = await refusal(gateway.create())
    assert (error.code, error.reason, error.retry_after_s) == (code, reason, failure.retry_after_s)
    faults.open_error = None
    await gateway.assert_works()


async def test_workers_that_take_too_long_to_open(start_gateway: StartGateway) -> None:
    plane = FakeWorldPlane(info=QUICK, faults=FakeFaults(open_delay_s=10.0))
    gateway = await start_gateway(plane=plane, open_timeout_s=0.05)
    error = await refusal(gateway.create())
    assert (error.code, error.reason) == (StatusCode.UNAVAILABLE, "UNAVAILABLE")


async def test_a_defect_is_internal_and_found_by_its_request_id(
    gateway: Gateway, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(spec: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(gateway.plane, "open", fail)
    request = session_pb2.CreateSessionRequest(world=WORLD)
    error = await refusal(gateway.stub.CreateSession(request, metadata=(("x-request-id", "find-me"),)))
    assert (error.code, error.reason, error.request_id) == (StatusCode.INTERNAL, "INTERNAL", "find-me")
    assert "secret" not in error.message
    assert "find-me" in caplog.text
    assert "secret detail" in caplog.text
    assert gateway.metrics.errors == ["INTERNAL"]


async def test_an_unknown_method(gateway: Gateway) -> None:
    call = gateway.channel.unary_unary("/nacre.v1.SessionService/Nonsense")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(b"")
    assert caught.value.code() is StatusCode.UNIMPLEMENTED


async def test_many_bad_calls_at_once_leave_nothing_behind(gateway: Gateway) -> None:
    worlds = [world_pb2.WorldSpec(), image_world(b"x"), world_pb2.WorldSpec(prompt="x" * 3_000)] * 10
    errors = await asyncio.gather(*(refusal(gateway.create(world)) for world in worlds))
    assert {error.reason for error in errors} == {"WORLD_MISSING", "IMAGE_UNREADABLE", "TEXT_TOO_LONG"}
    assert gateway.plane.num_open == 0
