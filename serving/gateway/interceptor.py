"""Errors to gRPC statuses, in one place. Handlers raise; callers get google.rpc details."""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
import logging
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NoReturn

import grpc
import grpc.aio
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from serving.errors import InternalError, InvalidFieldError, NacreError
from serving.gateway.codec import to_duration
from serving.gateway.metrics import GatewayMetrics

logger = logging.getLogger(__name__)

DOMAIN = "nacre"
STATUS_DETAILS_KEY = "grpc-status-details-bin"
REQUEST_ID_KEY = "x-request-id"
REQUEST_ID_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,63}", re.ASCII)
# How long a status waits for a client that left messages unread in front of it.
ABORT_TIMEOUT_S = 2.0

Handler = grpc.RpcMethodHandler
Context = grpc.aio.ServicerContext


@dataclasses.dataclass(frozen=True, slots=True)
class _Malformed:
    """Stands for a message whose bytes are not what the method takes."""

    detail: str


class ErrorInterceptor(grpc.aio.ServerInterceptor):
    """Wraps every method, unary and streaming."""

    def __init__(self, metrics: GatewayMetrics) -> None:
        self._metrics = metrics

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        handler = await continuation(handler_call_details)
        if handler is None:
            return handler
        request_id = _request_id(handler_call_details)
        wrap = self._wrap_streaming if handler.response_streaming else self._wrap_unary
        behaviour, make = _behaviour_of(handler)
        return make(
            wrap(behaviour, handler, request_id),
            request_deserializer=_tolerant(handler.request_deserializer),
            response_serializer=handler.response_serializer,
        )

    def _wrap_unary(self, behaviour: Any, handler: Handler, request_id: str) -> Any:
        async def call(request: Any, context: Context) -> Any:
            try:
                return await behaviour(_checked(request, handler), context)
            except Exception as error:
                await self._answer(error, context, request_id)

        return call

    def _wrap_streaming(self, behaviour: Any, handler: Handler, request_id: str) -> Any:
        async def call(request: Any, context: Context) -> None:
            try:
                responses = behaviour(_checked(request, handler), context)
                if inspect.isasyncgen(responses):
                    async for response in responses:
                        await context.write(response)
                else:
                    await responses
            except Exception as error:
                await self._answer(error, context, request_id)

        return call

    async def _answer(self, error: Exception, context: Context, request_id: str) -> NoReturn:
        if isinstance(error, grpc.aio.AbortError):
            raise error
        # A write into a stream whose client vanished fails before the context knows of it.
        if context.done() or isinstance(error, grpc.aio.InternalError):
            logger.debug("request %s: the client is gone", request_id)
            raise asyncio.CancelledError
        if not isinstance(error, NacreError):
            logger.error("request %s failed", request_id, exc_info=error)
            error = InternalError("the service has a defect; its operator finds this request in the logs")
        self._metrics.error(error.reason)
        status = to_status(error, request_id)
        trailers = ((STATUS_DETAILS_KEY, status.SerializeToString()), (REQUEST_ID_KEY, request_id))
        try:
            async with asyncio.timeout(ABORT_TIMEOUT_S):
                await context.abort(error.status, error.message, trailers)
        except TimeoutError:
            logger.debug("request %s: the client does not read; its stream is reset", request_id)
        raise asyncio.CancelledError


def to_status(error: NacreError, request_id: str) -> status_pb2.Status:
    """The error as google.rpc.Status: ErrorInfo always, BadRequest and RetryInfo where they say something."""
    status = status_pb2.Status(code=error.status.value[0], message=error.message)
    metadata = {"request_id": request_id}
    if error.field:
        metadata["field"] = error.field
    if error.allowed:
        metadata["allowed"] = ",".join(error.allowed)
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=metadata))
    if error.field:
        violation = error_details_pb2.BadRequest.FieldViolation(
            field=error.field, description=error.message, reason=error.reason
        )
        status.details.add().Pack(error_details_pb2.BadRequest(field_violations=[violation]))
    if error.retry_after_s is not None:
        status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=to_duration(error.retry_after_s)))
    return status


def _behaviour_of(handler: Handler) -> tuple[Any, Any]:
    if handler.request_streaming and handler.response_streaming:
        return handler.stream_stream, grpc.stream_stream_rpc_method_handler
    if handler.request_streaming:
        return handler.stream_unary, grpc.stream_unary_rpc_method_handler
    if handler.response_streaming:
        return handler.unary_stream, grpc.unary_stream_rpc_method_handler
    return handler.unary_unary, grpc.unary_unary_rpc_method_handler


def _tolerant(deserializer: Callable[[bytes], Any] | None) -> Callable[[bytes], Any] | None:
    """Undecodable bytes become a value, for an error in a deserializer bypasses every handler."""
    if deserializer is None:
        return None

    def deserialize(data: bytes) -> Any:
        try:
            return deserializer(data)
        except DecodeError as error:
            return _Malformed(str(error))

    return deserialize


def _checked(request: Any, handler: Handler) -> Any:
    return _check_each(request) if handler.request_streaming else _check(request)


async def _check_each(requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
    async for request in requests:
        yield _check(request)


def _check(request: Any) -> Any:
    if isinstance(request, _Malformed):
        raise InvalidFieldError("the bytes are not a message of this method", field="message")
    return request


def _request_id(details: grpc.HandlerCallDetails) -> str:
    for key, value in details.invocation_metadata or ():
        if key == REQUEST_ID_KEY and isinstance(value, str) and REQUEST_ID_PATTERN.fullmatch(value):
            return value
    return secrets.token_hex(8)
