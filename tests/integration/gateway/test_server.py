"""Binding, health, reflection and stopping."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from nacre.v1 import session_pb2
from serving.gateway.config import GatewayConfig
from serving.gateway.server import SERVICE_NAMES, GatewayServer
from tests.fakes import FakeWorldPlane
from tests.integration.gateway.harness import QUICK, Gateway, StartGateway, eventually, refusal

SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


async def test_health_is_told_by_service(gateway: Gateway) -> None:
    health: Any = health_pb2_grpc.HealthStub(gateway.channel)
    for name in ("", *SERVICE_NAMES):
        assert (await health.Check(health_pb2.HealthCheckRequest(service=name))).status == SERVING
    refused = await refusal(health.Check(health_pb2.HealthCheckRequest(service="other")))
    assert (refused.code, refused.reason, refused.field) == (grpc.StatusCode.NOT_FOUND, "SERVICE_UNKNOWN", "service")
    assert refused.request_id


async def test_watched_health_falls_when_the_service_stops(start_gateway: StartGateway) -> None:
    gateway = await start_gateway(drain_s=0.3)
    await gateway.play()
    health: Any = health_pb2_grpc.HealthStub(gateway.channel)
    watch = health.Watch(health_pb2.HealthCheckRequest(service=SERVICE_NAMES[0]))
    assert (await watch.read()).status == SERVING
    stopping = asyncio.ensure_future(gateway.server.stop())
    assert (await watch.read()).status == NOT_SERVING
    watch.cancel()
    await stopping


async def test_reflection_lists_the_services(gateway: Gateway) -> None:
    channel: Any = gateway.channel  # the generated stub is typed for the other kind
    stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
    call = stub.ServerReflectionInfo()
    await call.write(reflection_pb2.ServerReflectionRequest(list_services=""))
    answer = await call.read()
    assert set(SERVICE_NAMES) <= {service.name for service in answer.list_services_response.service}
    await call.write(reflection_pb2.ServerReflectionRequest(file_containing_symbol=SERVICE_NAMES[0]))
    assert (await call.read()).file_descriptor_response.file_descriptor_proto
    call.cancel()


async def test_a_taken_port_is_said_clearly(gateway: Gateway) -> None:
    second = GatewayServer(FakeWorldPlane(info=QUICK), GatewayConfig(port=gateway.server.port))
    with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{gateway.server.port}"):
        await second.start()
    await second.stop()
    await gateway.assert_works()


async def test_the_port_is_free_again_after_a_stop() -> None:
    first = GatewayServer(FakeWorldPlane(info=QUICK), GatewayConfig(port=0))
    await first.start()
    await first.stop()
    second = GatewayServer(FakeWorldPlane(info=QUICK), GatewayConfig(port=first.port))
    await second.start()
    await second.stop()


async def test_a_stop_warns_then_ends_then_closes(start_gateway: StartGateway) -> None:
    gateway = await start_gateway()
    created = await gateway.create()
    idle = await gateway.create()
    call = await gateway.play(created)
    await call.chunks(2)
    stopping = asyncio.ensure_future(gateway.server.stop(drain_s=0.3))
    go_away = await call.until("go_away")
    assert go_away.reason == session_pb2.END_REASON_SERVICE_STOPPING
    assert go_away.time_left.ToMilliseconds() == 300
    assert len(await call.chunks(3)) == 3, "the world goes on until the time is up"
    error = await refusal(gateway.create())
    assert (error.code, error.reason) == (grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE")
    assert error.retry_after_s == 1.0
    messages = await call.rest()
    assert messages[-1].ended.session.end_reason == session_pb2.END_REASON_SERVICE_STOPPING
    assert await call.status() is grpc.StatusCode.OK
    await stopping
    assert gateway.plane.num_open == 0
    assert sorted(gateway.metrics.ended) == ["SERVICE_STOPPING"] * 2
    assert idle.session.session_id
    with pytest.raises(grpc.aio.AioRpcError):
        await gateway.create()


async def test_a_stop_does_not_wait_for_clients_that_left(start_gateway: StartGateway) -> None:
    gateway = await start_gateway()
    created = await gateway.create()
    call = await gateway.play(created)
    await call.chunks(1)
    stopping = asyncio.ensure_future(gateway.server.stop(drain_s=60.0))
    await call.until("go_away")
    await gateway.end(created)
    await call.rest()
    async with asyncio.timeout(10):
        await stopping


async def test_a_stop_ends_a_session_that_was_being_opened(start_gateway: StartGateway) -> None:
    plane = FakeWorldPlane(info=QUICK)
    plane.faults.open_delay_s = 0.2
    gateway = await start_gateway(plane=plane)
    creating = asyncio.ensure_future(gateway.create())
    await asyncio.sleep(0.05)
    stopping = asyncio.ensure_future(gateway.server.stop(drain_s=0.01))
    created = await creating
    assert created.session.session_id
    await stopping
    assert plane.num_open == 0


async def test_stopping_twice_and_without_a_start_is_harmless(gateway: Gateway) -> None:
    await GatewayServer(FakeWorldPlane(), GatewayConfig(port=0)).stop()
    await asyncio.gather(gateway.server.stop(), gateway.server.stop())
    await eventually(lambda: gateway.plane.num_open == 0)
