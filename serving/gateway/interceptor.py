"""Errors to gRPC statuses, in one place. Handlers raise; callers get google.rpc details, and a name for the call."""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from serving.access.principal import DEFAULT_TENANT, Caller, called_by
from serving.errors import (
    CallsExceededError,
    InternalError,
    InvalidFieldError,
    MessageTooLargeError,
    MethodUnknownError,
    NacreError,
)
from serving.gateway.config import GatewayConfig
from serving.gateway.metrics import GatewayMetrics
from serving.gateway.request_id import REQUEST_ID_KEY, answering, request_id_of
from serving.gateway.status import to_status

logger = logging.getLogger(__name__)

STATUS_DETAILS_KEY = "grpc-status-details-bin"
# To gRPC's own retries (gRFC A6): below zero, not to repeat the call. Who called hears at once how long to wait.
PUSHBACK = ("grpc-retry-pushback-ms", "-1")
# How long a status waits for a client that left messages unread in front of it.
ABORT_TIMEOUT_S = 2.0

Handler = grpc.RpcMethodHandler
Context = grpc.aio.ServicerContext


@dataclasses.dataclass(frozen=True, slots=True)
class _Refused:
    """Stands for a message that the method does not take."""

    error: NacreError


class ErrorInterceptor(grpc.aio.ServerInterceptor):
    """Wraps every method, unary and streaming. The first of its server's, for it to answer for the others too."""

    def __init__(self, metrics: GatewayMetrics, config: GatewayConfig) -> None:
        self._metrics = metrics
        self._config = config
        self._unknown_tenant = "" if config.access.is_on else DEFAULT_TENANT
        self._num_calls = 0

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler:
        request_id = request_id_of(handler_call_details.invocation_metadata or ())
        with answering(request_id):
            handler = await self._find(continuation, handler_call_details)
        wrap = self._wrap_streaming if handler.response_streaming else self._wrap_unary
        behaviour, make = _behaviour_of(handler)
        return make(
            wrap(behaviour, handler, request_id),
            request_deserializer=_tolerant(handler.request_deserializer, self._config.max_receive_bytes),
            response_serializer=handler.response_serializer,
        )

    async def _find(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        details: grpc.HandlerCallDetails,
    ) -> Handler:
        """The method's handler, or one that refuses where there is none and where another interceptor refuses."""
        try:
            handler = await continuation(details)
        except NacreError as error:
            return _refusing(error)
        return handler or _refusing(MethodUnknownError(f"there is no method {details.method}"))

    def _wrap_unary(self, behaviour: Any, handler: Handler, request_id: str) -> Any:
        async def call(request: Any, context: Context) -> Any:
            # Not before the answer: a client that saw the beginning of one does not try again by itself.
            context.set_trailing_metadata(((REQUEST_ID_KEY, request_id),))
            caller = Caller(self._unknown_tenant)
            with answering(request_id), called_by(caller):
                try:
                    with self._counted():
                        return await behaviour(_checked(request, handler), context)
                except Exception as error:
                    await self._answer(error, context, request_id, caller)

        return call

    def _wrap_streaming(self, behaviour: Any, handler: Handler, request_id: str) -> Any:
        async def call(request: Any, context: Context) -> None:
            announced, caller = _Announced(context, request_id), Caller(self._unknown_tenant)
            with answering(request_id), called_by(caller):
                try:
                    with self._counted():
                        responses = behaviour(_checked(request, handler), announced)
                        if inspect.isasyncgen(responses):
                            async for response in responses:
                                await announced.write(response)
                        else:
                            await responses
                    await announced.settle()
                except Exception as error:
                    await announced.settle()
                    await self._answer(error, context, request_id, caller)

        return call

    @contextmanager
    def _counted(self) -> Iterator[None]:
        """Below the server's own limit, which answers without details. Raises `CallsExceededError`."""
        if self._num_calls >= self._config.max_concurrent_calls:
            raise CallsExceededError(f"{self._num_calls} calls are being answered")
        self._num_calls += 1
        try:
            yield
        finally:
            self._num_calls -= 1

    async def _answer(self, error: Exception, context: Context, request_id: str, caller: Caller) -> NoReturn:
        if isinstance(error, grpc.aio.AbortError):
            raise error
        # A write into a stream whose client vanished fails before the context knows of it.
        if context.done() or isinstance(error, grpc.aio.InternalError):
            logger.debug("the client is gone")
            raise asyncio.CancelledError
        if isinstance(error, NotImplementedError):  # generated code's answer for a method that its service lacks
            error = MethodUnknownError("this version of the service does not have the method yet")
        if not isinstance(error, NacreError):
            logger.error("request %s failed", request_id, exc_info=error)
            error = InternalError("the service has a defect; its operator finds this request in the logs")
        self._metrics.of(caller.tenant_id).error(error.reason)
        try:
            async with asyncio.timeout(ABORT_TIMEOUT_S):
                await context.abort(error.status, error.message, _trailers(error, request_id))
        except TimeoutError:
            logger.debug("the client does not read; its stream is reset")
        raise asyncio.CancelledError


class _Announced:
    """A stream's context that names the call before the first message."""

    def __init__(self, context: Context, request_id: str) -> None:
        self._context = context
        self._request_id = request_id
        self._announcing: asyncio.Task[None] | None = None

    async def write(self, message: Any) -> None:
        if self._announcing is None:
            metadata = ((REQUEST_ID_KEY, self._request_id),)
            self._announcing = asyncio.ensure_future(self._context.send_initial_metadata(metadata))
            # To the end, even where the writer is cancelled: a status that comes in between is never sent.
            await asyncio.shield(self._announcing)
        await self._context.write(message)

    async def settle(self) -> None:
        """Before a status."""
        if self._announcing is not None:
            await asyncio.wait([self._announcing])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)


def _trailers(error: NacreError, request_id: str) -> tuple[tuple[str, str | bytes], ...]:
    details = (STATUS_DETAILS_KEY, to_status(error, request_id).SerializeToString())
    return (details, (REQUEST_ID_KEY, request_id), *(() if error.retry_after_s is None else (PUSHBACK,)))


def _refusing(error: NacreError) -> Handler:
    """Of whichever kind the method is: to the transport they are all streams."""

    async def refuse(requests: object, context: object) -> NoReturn:
        raise error

    return grpc.stream_stream_rpc_method_handler(refuse)


def _behaviour_of(handler: Handler) -> tuple[Any, Any]:
    if handler.request_streaming and handler.response_streaming:
        return handler.stream_stream, grpc.stream_stream_rpc_method_handler
    if handler.request_streaming:
        return handler.stream_unary, grpc.stream_unary_rpc_method_handler
    if handler.response_streaming:
        return handler.unary_stream, grpc.unary_stream_rpc_method_handler
    return handler.unary_unary, grpc.unary_unary_rpc_method_handler


def _tolerant(deserializer: Callable[[bytes], Any] | None, max_bytes: int) -> Callable[[bytes], Any] | None:
    """What cannot be taken becomes a value, for an error in a deserializer bypasses every handler."""
    if deserializer is None:
        return None

    def deserialize(data: bytes) -> Any:
        if len(data) > max_bytes:
            return _Refused(MessageTooLargeError(f"the message has {len(data)} bytes; {max_bytes} are allowed"))
        try:
            return deserializer(data)
        except DecodeError:
            return _Refused(InvalidFieldError("the bytes are not a message of this method", field="message"))

    return deserialize


def _checked(request: Any, handler: Handler) -> Any:
    return _check_each(request) if handler.request_streaming else _check(request)


async def _check_each(requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
    async for request in requests:
        yield _check(request)


def _check(request: Any) -> Any:
    if isinstance(request, _Refused):
        raise request.error
    return request
