"""The calls of nacre.v1.SessionService."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import time
from collections.abc import AsyncIterator, Callable

import grpc.aio

from nacre.v1 import session_pb2, session_pb2_grpc, world_pb2
from serving.errors import AttachExpectedError, AttachTimeoutError
from serving.gateway import codec
from serving.gateway.config import GatewayConfig
from serving.gateway.images import decode_image
from serving.gateway.metrics import GatewayMetrics
from serving.gateway.play import PlayStream, Pools
from serving.gateway.registry import SessionRegistry
from serving.gateway.validation import check_attach, check_id, check_idempotency_key, check_model, check_world
from serving.sessions.contract import WorldPlane, WorldSpec


class SessionService(session_pb2_grpc.SessionServiceServicer):
    """Checks what came, asks the registry, answers. Raises `serving.errors`."""

    def __init__(
        self,
        plane: WorldPlane,
        registry: SessionRegistry,
        config: GatewayConfig,
        pools: Pools,
        metrics: GatewayMetrics,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._plane = plane
        self._registry = registry
        self._config = config
        self._pools = pools
        self._metrics = metrics
        self._clock = clock

    async def GetCapabilities(  # noqa: N802
        self, request: session_pb2.GetCapabilitiesRequest, context: grpc.aio.ServicerContext
    ) -> session_pb2.GetCapabilitiesResponse:
        check_model(request.model, self._plane.info, "model")
        return session_pb2.GetCapabilitiesResponse(capabilities=codec.to_capabilities(self._plane.info))

    async def CreateSession(  # noqa: N802
        self, request: session_pb2.CreateSessionRequest, context: grpc.aio.ServicerContext
    ) -> session_pb2.CreateSessionResponse:
        started_s = self._clock()
        self._registry.check_open()
        key = check_idempotency_key(request.idempotency_key)
        world = await self._decode_world_image(check_world(request.world, self._plane.info), request.world)
        session = await self._registry.open(world, key, started_s)
        return session_pb2.CreateSessionResponse(
            session=session.to_message(), resume_token=session.identity.resume_token
        )

    async def GetSession(  # noqa: N802
        self, request: session_pb2.GetSessionRequest, context: grpc.aio.ServicerContext
    ) -> session_pb2.GetSessionResponse:
        session = self._registry.find(check_id(request.session_id, "session_id"), "session_id")
        return session_pb2.GetSessionResponse(session=session.to_message())

    async def EndSession(  # noqa: N802
        self, request: session_pb2.EndSessionRequest, context: grpc.aio.ServicerContext
    ) -> session_pb2.EndSessionResponse:
        """Answers when the slots are free. Ending a session twice is no error."""
        session = self._registry.find(check_id(request.session_id, "session_id"), "session_id")
        session.end("REQUESTED")
        await session.wait_closed()
        return session_pb2.EndSessionResponse(session=session.to_message())

    # A coroutine that writes, which grpc.aio takes as well: acks need not wait for a generator to be asked.
    async def Play(  # noqa: N802  # pyright: ignore[reportIncompatibleMethodOverride]
        self, request_iterator: AsyncIterator[session_pb2.PlayRequest], context: grpc.aio.ServicerContext
    ) -> None:
        requests = aiter(request_iterator)
        attach = check_attach(await self._first_message(requests), self._plane.info)
        session = await self._registry.authorize(attach.session_id, attach.resume_token)
        self._registry.check_open()
        stream = PlayStream(session, attach, self._config, self._pools, self._metrics, self._clock)
        session.attach(stream)
        try:
            await stream.run(requests, context.write)
        finally:
            session.detach(stream)

    async def _first_message(self, requests: AsyncIterator[session_pb2.PlayRequest]) -> session_pb2.PlayRequest:
        timeout_s = self._config.attach_timeout_s
        try:
            async with asyncio.timeout(timeout_s):
                return await anext(requests)
        except TimeoutError:
            raise AttachTimeoutError(f"the first message did not come within {timeout_s:g} s", field="attach") from None
        except StopAsyncIteration:
            raise AttachExpectedError("the stream ended before its first message", field="attach") from None

    async def _decode_world_image(self, world: WorldSpec, message: world_pb2.WorldSpec) -> WorldSpec:
        if not message.HasField("image"):
            return world
        decode = functools.partial(decode_image, message.image.data, self._config.images, "world.image.data")
        image_HWC = await asyncio.get_running_loop().run_in_executor(self._pools.images, decode)
        return dataclasses.replace(world, image_HWC=image_HWC)
