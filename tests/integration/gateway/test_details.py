"""Whatever goes wrong, the caller is told what and in which call: over real connections, for every kind of call."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio
import pytest

import nacre
from nacre.v1 import control_pb2, session_pb2, world_pb2
from serving.errors import NacreError, QuotaExceededError, ScopeExceededError, WorkerUnavailableError, error_classes
from serving.gateway.config import GatewayConfig
from serving.gateway.interceptor import ErrorInterceptor
from serving.gateway.request_id import current_request_id
from tests.fakes import FakeFaults, FakeWorldPlane
from tests.integration.gateway.harness import WORLD, Call, Gateway, Recorder, StartGateway, refusal

StatusCode = grpc.StatusCode
BY_NAME = {kind.__name__: kind for kind in error_classes()}


def make(kind: type[NacreError]) -> NacreError:
    if issubclass(kind, QuotaExceededError):
        return kind("as the test wants it", quota="max_sessions", tenant_id="acme", retry_after_s=2.0)
    return kind("as the test wants it")


class RaisingService(grpc.GenericRpcHandler):
    """Each method raises the error it is named after."""

    def __init__(self) -> None:
        self.num_calls: Counter[str] = Counter()

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        name = handler_call_details.method.rpartition("/")[2]
        self.num_calls[name] += 1
        error = make(BY_NAME[name])

        async def unary(request: bytes, context: object) -> bytes:
            raise error

        async def stream(request: bytes, context: object) -> AsyncIterator[bytes]:
            yield current_request_id().encode()
            raise error

        if handler_call_details.method.startswith("/Stream/"):
            return grpc.unary_stream_rpc_method_handler(stream)
        return grpc.unary_unary_rpc_method_handler(unary)


class RefusingInterceptor(grpc.aio.ServerInterceptor):
    async def intercept_service(
        self, continuation: Callable[..., Awaitable[Any]], handler_call_details: grpc.HandlerCallDetails
    ) -> Any:
        raise ScopeExceededError("nobody comes in")


@asynccontextmanager
async def raising(
    *more: grpc.aio.ServerInterceptor, service: RaisingService | None = None, channel_options: Any = None
) -> AsyncIterator[grpc.aio.Channel]:
    interceptor = ErrorInterceptor(Recorder(), GatewayConfig())
    server = grpc.aio.server(interceptors=[interceptor, *more])
    server.add_generic_rpc_handlers((service or RaisingService(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=channel_options) as channel:
            yield channel
    finally:
        await server.stop(0)


async def test_every_error_of_the_tree_reaches_the_caller_with_details_b_04() -> None:
    async with raising() as channel:
        for name, kind in BY_NAME.items():
            error = await refusal(channel.unary_unary(f"/Unary/{name}")(b"", metadata=(("x-request-id", name),)))
            assert (error.code, error.reason, error.request_id) == (kind.status, kind.reason, name)
            assert error.retry_after_s == make(kind).retry_after_s


async def test_every_error_in_the_middle_of_a_stream_too() -> None:
    async with raising() as channel:
        for name, kind in BY_NAME.items():
            call = channel.unary_stream(f"/Stream/{name}")(b"", metadata=(("x-request-id", name),))
            assert await call.read() == name.encode(), "the handler knows in which call it is"
            error = await refusal(call.read())
            assert (error.code, error.reason, error.request_id) == (kind.status, kind.reason, name)


async def test_where_waiting_helps_no_client_of_grpc_repeats_the_call_by_itself() -> None:
    waits = {name for name, kind in BY_NAME.items() if make(kind).retry_after_s is not None}
    policy = {"maxAttempts": 2, "initialBackoff": "0.01s", "maxBackoff": "0.01s", "backoffMultiplier": 1}
    codes = sorted({kind.status.name for kind in BY_NAME.values()})
    config = {"methodConfig": [{"name": [{}], "retryPolicy": {**policy, "retryableStatusCodes": codes}}]}
    service = RaisingService()
    async with raising(service=service, channel_options=[("grpc.service_config", json.dumps(config))]) as channel:
        for name in BY_NAME:
            await refusal(channel.unary_unary(f"/Unary/{name}")(b""))
    assert waits
    assert service.num_calls == {name: 1 if name in waits else 2 for name in BY_NAME}


async def test_our_client_hears_at_once_how_long_to_wait(start_gateway: StartGateway) -> None:
    faults = FakeFaults(open_error=WorkerUnavailableError("the worker is gone", retry_after_s=5.0))
    gateway = await start_gateway(plane=FakeWorldPlane(faults=faults))
    async with nacre.connect(gateway.server.address) as client:
        with pytest.raises(nacre.Unavailable) as caught:
            await client.create(prompt="x")
    assert caught.value.retry_after_s == 5.0
    assert gateway.metrics.errors == ["UNAVAILABLE"]


async def test_what_another_interceptor_refuses_has_details_for_every_kind_of_method() -> None:
    async with raising(RefusingInterceptor()) as channel:
        unary = await refusal(channel.unary_unary("/Unary/InternalError")(b""))
        stream = await refusal(channel.stream_stream("/Stream/InternalError")().read())
    assert (
        (unary.code, unary.reason) == (stream.code, stream.reason) == (StatusCode.PERMISSION_DENIED, "SCOPE_EXCEEDED")
    )
    assert unary.request_id != stream.request_id


@pytest.mark.parametrize("method", ["/nacre.v1.SessionService/Nonsense", "/nacre.v9.Nonsense/Get", "/x"])
async def test_an_unknown_method(gateway: Gateway, method: str) -> None:
    error = await refusal(gateway.channel.unary_unary(method)(b""))
    assert (error.code, error.reason) == (StatusCode.UNIMPLEMENTED, "METHOD_UNKNOWN")
    error = await refusal(gateway.channel.stream_stream(method)().read())
    assert (error.code, error.reason) == (StatusCode.UNIMPLEMENTED, "METHOD_UNKNOWN")
    assert error.request_id


async def test_a_message_that_is_too_large(gateway: Gateway) -> None:
    data = bytes(10 << 20)
    error = await refusal(gateway.create(world_pb2.WorldSpec(image=world_pb2.Image(data=data))))
    assert (error.code, error.reason) == (StatusCode.RESOURCE_EXHAUSTED, "MESSAGE_TOO_LARGE")
    call = await gateway.play()
    await call.chunks(1)
    await call.control("c1", image=world_pb2.Image(data=data))
    error = await refusal(call.last_words())
    assert (error.code, error.reason) == (StatusCode.RESOURCE_EXHAUSTED, "MESSAGE_TOO_LARGE")
    await gateway.assert_works()


async def test_more_calls_at_once_than_are_answered(start_gateway: StartGateway) -> None:
    gateway = await start_gateway(max_concurrent_calls=2)
    calls = [await gateway.play() for _ in range(2)]
    for call in calls:
        await call.chunks(1)
    error = await refusal(gateway.create())
    assert (error.code, error.reason, error.retry_after_s) == (StatusCode.RESOURCE_EXHAUSTED, "CALLS_EXCEEDED", 1.0)
    await calls[0].raw.done_writing()
    await calls[0].last_words()
    assert (await gateway.create()).resume_token


async def test_answers_name_their_call(gateway: Gateway) -> None:
    call = gateway.stub.CreateSession(
        session_pb2.CreateSessionRequest(world=WORLD), metadata=(("x-request-id", "r-1"),)
    )
    created = await call
    assert dict(await call.trailing_metadata())["x-request-id"] == "r-1"
    play = Call(gateway.stub.Play(metadata=(("x-request-id", "r-2"),)))
    await play.send(attach=session_pb2.Attach(session_id=created.session.session_id, resume_token=created.resume_token))
    assert dict(await play.raw.initial_metadata())["x-request-id"] == "r-2"
    await play.control("c1", move=control_pb2.Move(forward=2))
    rejected = (await play.ack("c1")).rejected.error
    assert (rejected.request_id, rejected.field) == ("r-2", "control.move.forward")


async def test_a_control_that_comes_too_fast_is_told_when_to_come_again(start_gateway: StartGateway) -> None:
    gateway = await start_gateway(control_rate_per_s=4.0, control_burst=1)
    call = await gateway.play()
    await call.control("c1", move=control_pb2.Move(forward=1))
    await call.control("c2", move=control_pb2.Move(forward=0))
    rejected = (await call.ack("c2")).rejected.error
    assert rejected.retry_after.ToMilliseconds() == 250


async def test_calls_at_the_same_time_keep_their_names(gateway: Gateway) -> None:
    async def ask(idx: int) -> None:
        request = session_pb2.GetSessionRequest(session_id=f"s-{idx}")
        error = await refusal(gateway.stub.GetSession(request, metadata=(("x-request-id", f"r-{idx}"),)))
        assert error.request_id == f"r-{idx}"

    await asyncio.gather(*(ask(idx) for idx in range(20)))
