"""The calls of nacre.v1.SessionService."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import hashlib
import time
from collections.abc import AsyncIterator, Callable

import grpc.aio

from nacre.v1 import session_pb2, session_pb2_grpc, world_pb2
from serving.catalogue.sessions import SessionRow
from serving.errors import AttachExpectedError, AttachTimeoutError
from serving.gateway import codec, library_codec
from serving.gateway.auditing import note_attached
from serving.gateway.authentication import warned_of_expiry
from serving.gateway.client_validation import check_policy
from serving.gateway.config import GatewayConfig
from serving.gateway.images import decode_image
from serving.gateway.library_validation import check_label, check_page_size, check_rewind, check_states
from serving.gateway.metrics import GatewayMetrics
from serving.gateway.play import PlayStream, Pools
from serving.gateway.registry import SessionRegistry
from serving.gateway.session import Session
from serving.gateway.standing import while_allowed
from serving.gateway.validation import check_attach, check_id, check_model, check_world
from serving.gateway.verbs import SessionVerbs
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
        verbs: SessionVerbs,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._plane = plane
        self._registry = registry
        self._verbs = verbs
        self._config = config
        self._pools = pools
        self._metrics = metrics
        self._clock = clock

    async def GetCapabilities(  # noqa: N802
        self, request: session_pb2.GetCapabilitiesRequest, context: grpc.aio.ServicerContext
    ) -> session_pb2.GetCapabilitiesResponse:
        check_model(request.model, self._plane.info, "model")
        return codec.to_capabilities_response(self._plane.info)

    async def CreateSession(  # noqa: N802
        self, request: session_pb2.CreateSessionRequest, context: grpc.aio.ServicerContext
    ) -> session_pb2.CreateSessionResponse:
        started_s = self._clock()
        session = await self._registry.open(await self._world_of(request), started_s)
        return session_pb2.CreateSessionResponse(
            session=session.to_message(), resume_token=session.identity.resume_token
        )

    async def check_create(self, request: session_pb2.CreateSessionRequest) -> None:
        """Raises what CreateSession refuses whatever room there is."""
        await self._world_of(request)
        await self._registry.check_budget()

    async def _world_of(self, request: session_pb2.CreateSessionRequest) -> WorldSpec:
        self._registry.check_open()
        world = await self._decode_world_image(check_world(request.world, self._plane.info), request.world)
        return dataclasses.replace(world, arbitration=check_policy(request.arbitration))

    async def GetSession(  # noqa: N802
        self, request: session_pb2.GetSessionRequest, context: grpc.aio.ServicerContext
    ) -> session_pb2.GetSessionResponse:
        found = await self._verbs.find(check_id(request.session_id, "session_id"))
        return session_pb2.GetSessionResponse(session=self._message(found))

    async def EndSession(  # noqa: N802
        self, request: session_pb2.EndSessionRequest, context: grpc.aio.ServicerContext
    ) -> session_pb2.EndSessionResponse:
        """Answers when the slots are free. Ending a session twice is no error."""
        session = await self._verbs.end(check_id(request.session_id, "session_id"))
        return session_pb2.EndSessionResponse(session=self._message(session))

    async def ListSessions(  # noqa: N802
        self, request: session_pb2.ListSessionsRequest, context: object
    ) -> session_pb2.ListSessionsResponse:
        limit, states = check_page_size(request.page_size, "page_size"), check_states(request.states, "states")
        rows, cursor = await self._verbs.page(limit, request.page_token, states)
        summaries = [library_codec.to_summary(row, self._plane.info) for row in rows]
        return session_pb2.ListSessionsResponse(sessions=summaries, next_page_token=cursor, page_size=limit)

    async def DeleteSession(  # noqa: N802
        self, request: session_pb2.DeleteSessionRequest, context: object
    ) -> session_pb2.DeleteSessionResponse:
        await self._verbs.delete(check_id(request.session_id, "session_id"))
        return session_pb2.DeleteSessionResponse()

    async def PauseSession(  # noqa: N802
        self, request: session_pb2.PauseSessionRequest, context: object
    ) -> session_pb2.PauseSessionResponse:
        session = await self._verbs.running(check_id(request.session_id, "session_id"))
        session.pause()
        return session_pb2.PauseSessionResponse(session=session.to_message())

    async def ResumeSession(  # noqa: N802
        self, request: session_pb2.ResumeSessionRequest, context: object
    ) -> session_pb2.ResumeSessionResponse:
        session = await self._verbs.running(check_id(request.session_id, "session_id"))
        session.resume()
        return session_pb2.ResumeSessionResponse(session=session.to_message())

    async def ParkSession(  # noqa: N802
        self, request: session_pb2.ParkSessionRequest, context: object
    ) -> session_pb2.ParkSessionResponse:
        """Answers when it is kept and its slots are free. Parking a session twice is no error."""
        session_id = check_id(request.session_id, "session_id")
        await self._verbs.park(session_id)
        return session_pb2.ParkSessionResponse(session=self._message(await self._verbs.find(session_id)))

    async def WakeSession(  # noqa: N802
        self, request: session_pb2.WakeSessionRequest, context: object
    ) -> session_pb2.WakeSessionResponse:
        session_id = check_id(request.session_id, "session_id")
        session = await self._registry.authorize(session_id, request.resume_token)
        return session_pb2.WakeSessionResponse(session=session.to_message())

    async def ForkSession(  # noqa: N802
        self, request: session_pb2.ForkSessionRequest, context: object
    ) -> session_pb2.ForkSessionResponse:
        session_id, label = check_id(request.session_id, "session_id"), check_label(request.label, "label")
        chunk_idx = request.chunk_index if request.HasField("chunk_index") else None
        fork = await self._verbs.fork(session_id, chunk_idx, label)
        return session_pb2.ForkSessionResponse(session=fork.to_message(), resume_token=fork.identity.resume_token)

    async def RewindSession(  # noqa: N802
        self, request: session_pb2.RewindSessionRequest, context: object
    ) -> session_pb2.RewindSessionResponse:
        session = await self._verbs.running(check_id(request.session_id, "session_id"))
        chunk_idx = check_rewind(request, session.arrivals.num_arrived, self._plane.info.chunk_duration_s)
        await self._verbs.check_own(session.identity.session_id, chunk_idx)
        branch_id = await session.kept.rewind(chunk_idx)
        return session_pb2.RewindSessionResponse(
            chunk_index=chunk_idx, branch_session_id=branch_id, session=session.to_message()
        )

    async def GetBranches(  # noqa: N802
        self, request: session_pb2.GetBranchesRequest, context: object
    ) -> session_pb2.GetBranchesResponse:
        nodes = await self._verbs.tree(check_id(request.session_id, "session_id"))
        return session_pb2.GetBranchesResponse(branches=[library_codec.to_branch(node) for node in nodes])

    async def DiffSessions(  # noqa: N802
        self, request: session_pb2.DiffSessionsRequest, context: object
    ) -> session_pb2.DiffSessionsResponse:
        session_id = check_id(request.session_id, "session_id")
        other_id = check_id(request.other_session_id, "other_session_id")
        return library_codec.to_difference(await self._verbs.difference(session_id, other_id))

    def _message(self, found: Session | SessionRow) -> session_pb2.Session:
        if isinstance(found, Session):
            return found.to_message()
        return library_codec.to_known_session(found, self._plane.info)

    # A coroutine that writes, which grpc.aio takes as well: acks need not wait for a generator to be asked.
    async def Play(  # noqa: N802  # pyright: ignore[reportIncompatibleMethodOverride]
        self, request_iterator: AsyncIterator[session_pb2.PlayRequest], context: grpc.aio.ServicerContext
    ) -> None:
        requests = aiter(request_iterator)
        attach = check_attach(await self._first_message(requests), self._plane.info)
        self._registry.check_open()
        session, attach = await self._verbs.enter(attach)
        allowed = while_allowed(lambda: self._verbs.check_stay(attach), self._config.access_check_s)
        metrics = self._metrics.of(session.identity.ownership.tenant_id)
        stream = PlayStream(session, attach, self._config, self._pools, metrics, self._clock)
        with session.joined(stream, attach) as member, warned_of_expiry(stream.go_away):
            note_attached(session.identity.session_id, member.role.name.lower())
            async with allowed:
                await stream.run(member, requests, context.write)

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
        image_HWC, sha256 = await asyncio.get_running_loop().run_in_executor(
            self._pools.images, lambda: (decode(), hashlib.sha256(message.image.data).hexdigest())
        )
        return dataclasses.replace(world, image_HWC=image_HWC, image_sha256=sha256)
