"""A gateway that asks who calls, its keys in a catalogue, with fake workers behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc.aio

from nacre.v1 import access_pb2, access_pb2_grpc, admin_pb2_grpc, library_pb2_grpc, session_pb2, session_pb2_grpc
from serving.access.config import AccessConfig
from serving.access.principal import DEFAULT_TENANT
from serving.access.roles import Role
from serving.catalogue.library import Library
from serving.catalogue.plane import catalogued
from serving.catalogue.storage import prepare_storage, storage_config
from serving.gateway.config import GatewayConfig
from serving.gateway.metrics import GatewayMetrics
from serving.gateway.server import GatewayServer
from tests.fakes import FakeWorldPlane
from tests.integration.gateway.harness import QUICK, WORLD, Call, Refusal, refusal

TIMEOUT_S = 10.0
Metadata = Sequence[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class Door:
    """What a test knocks at."""

    server: GatewayServer
    library: Library
    channel: grpc.aio.Channel
    plane: FakeWorldPlane

    def key(self, role: Role = Role.OWNER, tenant_id: str = DEFAULT_TENANT, **values: Any) -> tuple[str, str]:
        """A new key's id and text."""
        row, text = self.library.keys.create(tenant_id, role, **values)
        return row.key_id, text

    @property
    def access(self) -> access_pb2_grpc.AccessServiceAsyncStub:
        return access_pb2_grpc.AccessServiceStub(self.channel)  # pyright: ignore[reportReturnType]

    @property
    def admin(self) -> admin_pb2_grpc.AdminServiceAsyncStub:
        return admin_pb2_grpc.AdminServiceStub(self.channel)  # pyright: ignore[reportReturnType]

    @property
    def sessions(self) -> session_pb2_grpc.SessionServiceAsyncStub:
        return session_pb2_grpc.SessionServiceStub(self.channel)  # pyright: ignore[reportReturnType]

    @property
    def worlds(self) -> library_pb2_grpc.LibraryServiceAsyncStub:
        return library_pb2_grpc.LibraryServiceStub(self.channel)  # pyright: ignore[reportReturnType]

    async def caller(self, metadata: Metadata) -> access_pb2.Caller:
        return (await self.access.GetCaller(access_pb2.GetCallerRequest(), metadata=metadata)).caller

    async def refused(self, metadata: Metadata) -> Refusal:
        return await refusal(self.access.GetCaller(access_pb2.GetCallerRequest(), metadata=metadata))

    async def until(self, text: str, *, is_let_in: bool) -> None:
        """Knocks until the answer is that. With the same key again and again: what is known of it is old some day."""
        async with asyncio.timeout(TIMEOUT_S):
            while await self._is_let_in(text) != is_let_in:
                await asyncio.sleep(0.01)

    async def _is_let_in(self, text: str) -> bool:
        try:
            await self.caller(bearer(text))
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.UNAUTHENTICATED:
                return False
            raise
        return True

    async def mint(self, key: str, **order: Any) -> access_pb2.MintTokenResponse:
        values = {"role": access_pb2.ROLE_PLAYER, **order}
        return await self.access.MintToken(access_pb2.MintTokenRequest(**values), metadata=bearer(key))

    async def create(self, key: str) -> session_pb2.CreateSessionResponse:
        return await self.sessions.CreateSession(session_pb2.CreateSessionRequest(world=WORLD), metadata=bearer(key))

    async def play(self, created: session_pb2.CreateSessionResponse, bearer_text: str) -> Call:
        """A stream whose first message is sent."""
        call = Call(self.sessions.Play(metadata=bearer(bearer_text)))
        attach = session_pb2.Attach(session_id=created.session.session_id, resume_token=created.resume_token)
        await call.send(attach=attach)
        return call


def bearer(text: str, **more: str) -> Metadata:
    return [("authorization", f"Bearer {text}"), *more.items()]


@asynccontextmanager
async def door(
    folder: Path,
    *,
    access: AccessConfig | None = None,
    credentials: grpc.ChannelCredentials | None = None,
    metrics: GatewayMetrics | None = None,
    **settings: Any,
) -> AsyncIterator[Door]:
    """With `credentials` the channel's line is TLS."""
    access = access or AccessConfig(is_on=True, own_key_file=str(folder / "signing.key"))
    storage = storage_config(str(folder))
    prepare_storage(storage)
    plane = FakeWorldPlane(info=QUICK)
    async with AsyncExitStack() as stack:
        kept = await stack.enter_async_context(catalogued(plane, storage))
        config = GatewayConfig(**{"port": 0, "drain_s": 0.05, "access": access, **settings})
        server = await stack.enter_async_context(GatewayServer(kept, config, metrics, catalogue=kept))
        address = f"localhost:{server.port}"
        make = (
            grpc.aio.insecure_channel(address) if credentials is None else grpc.aio.secure_channel(address, credentials)
        )
        channel = await stack.enter_async_context(make)
        yield Door(server=server, library=kept.library, channel=channel, plane=plane)
