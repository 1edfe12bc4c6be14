"""What gateway and workers of one service show each other, so that a stranger on their network drives no worker.

It is made when the service starts and goes to its processes with their settings. Over gRPC it comes with each call, on
a worker's own sockets it is the first message; a session is a connection. Nothing is asked of single messages.
It tells who may speak; it hides nothing: that is the network's business, or TLS before it.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import grpc.aio

SECRET_KEY = "nacre-wire-secret"
SECRET_BYTES = 32
# More than a secret with what is around it; what strangers send is read up to here.
MAX_GREETING_BYTES = 256

Handler = grpc.RpcMethodHandler


def new_secret() -> str:
    return secrets.token_urlsafe(SECRET_BYTES)


def showing(secret: str) -> tuple[tuple[str, str], ...]:
    """As a call's metadata."""
    return ((SECRET_KEY, secret),) if secret else ()


def is_shown(shown: str | bytes, secret: str) -> bool:
    """In a time that tells nothing of how much of it fits."""
    return hmac.compare_digest(shown.encode() if isinstance(shown, str) else shown, secret.encode())


class SecretInterceptor(grpc.aio.ServerInterceptor):
    """Refuses calls that do not show it, before anything that they send is read."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        shown = dict(handler_call_details.invocation_metadata or ()).get(SECRET_KEY, "")
        if is_shown(shown, self._secret):
            return await continuation(handler_call_details)
        # As a stream, whatever the method is: a handler of single requests would read one first.
        return grpc.stream_stream_rpc_method_handler(_refuse)  # pyright: ignore[reportArgumentType]


async def _refuse(requests: Any, context: Any) -> None:
    await context.abort(grpc.StatusCode.UNAUTHENTICATED, "whoever calls a worker shows its service's secret")


class SecretChannel:
    """A channel as generated stubs use it, whose calls show the secret. Once for each call: what passes in it does not
    come by here, as it would with an interceptor."""

    def __init__(self, channel: grpc.aio.Channel, secret: str) -> None:
        self._channel = channel
        self._metadata = showing(secret)

    async def channel_ready(self) -> None:
        await self._channel.channel_ready()

    def unary_unary(self, *method: Any, **options: Any) -> Any:
        return self._showing(self._channel.unary_unary(*method, **options))

    def unary_stream(self, *method: Any, **options: Any) -> Any:
        return self._showing(self._channel.unary_stream(*method, **options))

    def stream_unary(self, *method: Any, **options: Any) -> Any:
        return self._showing(self._channel.stream_unary(*method, **options))

    def stream_stream(self, *method: Any, **options: Any) -> Any:
        return self._showing(self._channel.stream_stream(*method, **options))

    def _showing(self, make_call: Any) -> Any:
        def call(*request: Any, metadata: tuple[tuple[str, str], ...] = (), **options: Any) -> Any:
            return make_call(*request, metadata=(*metadata, *self._metadata), **options)

        return call
