"""The client: a connection to a service, and the sessions one asks it for."""

from __future__ import annotations

import asyncio
import json
import secrets
from types import TracebackType
from typing import Self

import grpc
import grpc.aio

from nacre.errors import Unavailable, from_rpc_error
from nacre.image import ImageSource, to_image
from nacre.records import Capabilities, to_capabilities, to_session_record
from nacre.session import Session
from nacre.v1 import session_pb2, session_pb2_grpc, world_pb2

# Raw frames of a 720p chunk of a dozen frames fit.
MAX_RECEIVE_BYTES = 64 << 20
# Calls that may safely be repeated: reading, and those the service answers twice alike.
_REPEATABLE_METHODS = ("GetCapabilities", "CreateSession", "GetSession", "EndSession")
_SERVICE_CONFIG = {
    "methodConfig": [
        {
            "name": [{"service": "nacre.v1.SessionService", "method": method} for method in _REPEATABLE_METHODS],
            "retryPolicy": {
                "maxAttempts": 4,
                "initialBackoff": "0.2s",
                "maxBackoff": "2s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ]
}
_CHANNEL_OPTIONS = (
    ("grpc.max_receive_message_length", MAX_RECEIVE_BYTES),
    ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
    # A peer that vanished without a word is noticed after the two together. The service allows a ping every 5 s.
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    # Below what a person would wait; the default grows to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    # One client's broken connection is not another's.
    ("grpc.use_local_subchannel_pool", 1),
)


class Client:
    """Use with `async with`, or call `close`. Nothing is sent before the first call."""

    def __init__(self, address: str, *, credentials: grpc.ChannelCredentials | None, timeout_s: float) -> None:
        self.address = address
        self._timeout_s = timeout_s
        if credentials is None:
            self._channel = grpc.aio.insecure_channel(address, options=_CHANNEL_OPTIONS)
        else:
            self._channel = grpc.aio.secure_channel(address, credentials, options=_CHANNEL_OPTIONS)
        self._stub = session_pb2_grpc.SessionServiceStub(self._channel)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Worlds that are still entered lose their connection; their sessions live on."""
        await self._channel.close()

    async def wait_until_ready(self, timeout_s: float = 60.0) -> None:
        """Wait for a service to answer on the address. Raises `Unavailable` if none does."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._channel.channel_ready()
        except TimeoutError:
            raise Unavailable(f"no service on {self.address} within {timeout_s:g} s") from None

    async def capabilities(self, model: str = "") -> Capabilities:
        """What `model` can do; empty means the service's default model."""
        request = session_pb2.GetCapabilitiesRequest(model=model)
        try:
            response = await self._stub.GetCapabilities(request, timeout=self._timeout_s)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from error
        return to_capabilities(response.capabilities)

    async def create(
        self,
        *,
        prompt: str = "",
        character: str = "",
        scene: str = "",
        image: ImageSource | None = None,
        model: str = "",
        seed: int = 0,
        idempotency_key: str = "",
    ) -> Session:
        """A new session. Its world starts when somebody enters.

        Describe it by `prompt`, or by `scene` with or without `character`; `image` (bytes or a path) may
        stand alone or beside words. `seed` 0 lets the service choose. Asking again with the same
        `idempotency_key` gives the same session.
        """
        world = world_pb2.WorldSpec(
            prompt=prompt,
            character=character,
            scene=scene,
            image=None if image is None else to_image(image),
            model=model,
            seed=seed,
        )
        request = session_pb2.CreateSessionRequest(
            world=world, idempotency_key=idempotency_key or secrets.token_hex(16)
        )
        try:
            response = await self._stub.CreateSession(request, timeout=self._timeout_s)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from error
        record = to_session_record(response.session)
        return Session(self._stub, record.session_id, response.resume_token, self._timeout_s, record)

    def session(self, session_id: str, resume_token: str = "") -> Session:
        """A session that exists. Entering it needs the token that creating it gave."""
        return Session(self._stub, session_id, resume_token, self._timeout_s)


def connect(address: str, *, credentials: grpc.ChannelCredentials | None = None, timeout_s: float = 30.0) -> Client:
    """A client for the service at `address` ("localhost:50051"). Without `credentials` the line is plain.

    `timeout_s` holds for every single call; streams have none.
    """
    return Client(address, credentials=credentials, timeout_s=timeout_s)
