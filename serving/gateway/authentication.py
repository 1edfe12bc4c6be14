"""Who makes a call, found out before its handler runs, and again while a stream goes on."""

from __future__ import annotations

import asyncio
import inspect
import logging
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any

import grpc
import grpc.aio

from serving.access.authenticator import Authenticator, Standing
from serving.access.credentials import Credentials, read_credentials
from serving.access.principal import acting
from serving.errors import NacreError, UnavailableError

logger = logging.getLogger(__name__)

# Whoever probes whether the service lives, and whoever asks what it can be asked, need not say who they are.
OPEN_PREFIXES = ("/grpc.health.v1.Health/", "/grpc.reflection.")
# How often a stream's credential is looked at again; the rest is how long the directory believes what it knows.
RECHECK_S = 5.0
WARN_S = 60.0
# For the last word to be written before the status.
LAST_WORD_S = 0.2
EXPIRED = "CREDENTIAL_EXPIRED"

Handler = grpc.RpcMethodHandler
Warn = Callable[[str, float], None]


class Announcement:
    """That a stream will end, for those who can tell its client."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.expires_s: float | None = None  # once it was announced
        self.why: NacreError | None = None  # once its credential is no good
        self._clock = clock
        self._warns: list[Warn] = []

    def make(self, expires_s: float) -> None:
        self.expires_s = expires_s
        for warn in self._warns:
            self._tell(warn, expires_s)

    @contextmanager
    def heard(self, warn: Warn) -> Iterator[None]:
        self._warns.append(warn)
        if self.expires_s is not None:
            self._tell(warn, self.expires_s)
        try:
            yield
        finally:
            self._warns.remove(warn)

    def _tell(self, warn: Warn, expires_s: float) -> None:
        warn(EXPIRED, max(0.0, expires_s - self._clock()))


_announcement: ContextVar[Announcement | None] = ContextVar("announcement", default=None)


@contextmanager
def warned_of_expiry(warn: Warn) -> Iterator[None]:
    """`warn` is told why and how soon the stream that is being served will end, as its credential does."""
    announcement = _announcement.get()
    with nullcontext() if announcement is None else announcement.heard(warn):
        yield


class AuthenticationInterceptor(grpc.aio.ServerInterceptor):
    """Wraps every method but those that are open. Stands inside the interceptor that answers errors."""

    def __init__(self, authenticator: Authenticator, clock: Callable[[], float] = time.time) -> None:
        self._authenticator = authenticator
        self._clock = clock

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        handler = await continuation(handler_call_details)
        if handler is None or handler_call_details.method.startswith(OPEN_PREFIXES):
            return handler
        if handler.request_streaming and handler.response_streaming:
            behaviour, make = handler.stream_stream, grpc.stream_stream_rpc_method_handler
        elif handler.request_streaming:
            behaviour, make = handler.stream_unary, grpc.stream_unary_rpc_method_handler
        elif handler.response_streaming:
            behaviour, make = handler.unary_stream, grpc.unary_stream_rpc_method_handler
        else:
            behaviour, make = handler.unary_unary, grpc.unary_unary_rpc_method_handler
        wrap = self._wrap_streaming if handler.response_streaming else self._wrap_unary
        return make(
            wrap(behaviour),
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )

    def _wrap_unary(self, behaviour: Any) -> Any:
        async def call(request: Any, context: grpc.aio.ServicerContext) -> Any:
            standing = await self._authenticator.authenticate(_credentials(context))
            with acting(standing.principal):
                return await behaviour(request, context)

        return call

    def _wrap_streaming(self, behaviour: Any) -> Any:
        async def call(request: Any, context: grpc.aio.ServicerContext) -> None:
            credentials = _credentials(context)
            standing = await self._authenticator.authenticate(credentials)
            with acting(standing.principal):
                async with self._while_good(credentials, standing):
                    responses = behaviour(request, context)
                    if inspect.isasyncgen(responses):
                        async for response in responses:
                            await context.write(response)
                    else:
                        await responses

        return call

    @asynccontextmanager
    async def _while_good(self, credentials: Credentials, standing: Standing) -> AsyncIterator[None]:
        """Run the block until the credential is no good any more; then raises what `authenticate` does."""
        announcement = Announcement(self._clock)
        token = _announcement.set(announcement)
        limit = asyncio.timeout(None)
        try:
            async with limit:
                # Owned by this block, which ends it: a group would put the handler's own errors into groups.
                watch = asyncio.create_task(self._watch(credentials, standing, announcement, limit), name="credential")
                try:
                    yield
                finally:
                    watch.cancel()
        except TimeoutError:
            if announcement.why is not None and limit.expired():
                raise announcement.why from None
            raise
        finally:
            _announcement.reset(token)

    async def _watch(
        self, credentials: Credentials, standing: Standing, announcement: Announcement, limit: asyncio.Timeout
    ) -> None:
        while True:
            now_s = self._clock()
            left_s = math.inf if standing.expires_s is None else standing.expires_s - now_s
            if left_s <= WARN_S and announcement.expires_s is None:
                announcement.make(now_s + left_s)
            await self._authenticator.changed(next_look_s(left_s, has_warned=announcement.expires_s is not None))
            try:
                standing = await self._authenticator.authenticate(credentials)
            except UnavailableError as error:  # what goes on is not cut off for it
                logger.warning("a stream's credential cannot be looked at again: %s", error)
            except NacreError as error:
                announcement.why = error
                break
        announcement.make(self._clock())
        await asyncio.sleep(LAST_WORD_S)
        limit.reschedule(asyncio.get_running_loop().time())


def next_look_s(left_s: float, *, has_warned: bool) -> float:
    """How long until a credential with `left_s` to live is worth another look. Pure."""
    until_due_s = left_s if has_warned else left_s - WARN_S
    return max(0.0, min(RECHECK_S, until_due_s))


def _credentials(context: grpc.aio.ServicerContext) -> Credentials:
    return read_credentials(context.invocation_metadata() or (), context.auth_context())
