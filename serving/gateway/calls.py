"""The gateway's calls without gRPC's transport: for whoever brings messages by another way.

A call made here goes through the very interceptors and handlers that answer it over gRPC: whoever asks is looked at,
let in, counted, written down and told of errors in the same places. Only how bytes come and go is another's business.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import grpc
import grpc.aio

from serving.errors import MethodUnknownError

Handler = grpc.RpcMethodHandler
Metadata = tuple[tuple[str, str | bytes], ...]
Send = Callable[[bytes], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallDetails(grpc.HandlerCallDetails):
    """As interceptors see a call before it is answered."""

    method: str  # "/package.Service/Method"
    invocation_metadata: Metadata


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What a method takes and gives."""

    is_request_streaming: bool
    is_response_streaming: bool


class CallContext(grpc.aio.ServicerContext):
    """What a handler is given: one call, answered by way of `send`, which waits until there is room for the bytes."""

    def __init__(self, metadata: Metadata, peer: str, send: Send) -> None:
        """`peer`: in gRPC's form, "ipv4:127.0.0.1:50000"."""
        self.is_gone = False  # the client; to be set by whoever notices
        self._metadata = metadata
        self._peer = peer
        self._send = send
        self._serialize: Callable[[Any], bytes] = bytes
        self._code = grpc.StatusCode.OK
        self._details = ""
        self._trailers: Metadata = ()

    def answer_by(self, serialize: Callable[[Any], bytes] | None) -> None:
        self._serialize = serialize or bytes

    async def write(self, message: Any) -> None:
        await self._send(self._serialize(message))

    async def abort(self, code: grpc.StatusCode, details: str = "", trailing_metadata: Iterable[Any] = ()) -> NoReturn:
        self._code, self._details, self._trailers = code, details, tuple(trailing_metadata)
        raise grpc.aio.AbortError(details)

    async def abort_with_status(self, status: grpc.Status) -> NoReturn:
        await self.abort(status.code, status.details, status.trailing_metadata or ())

    async def read(self) -> Any:
        raise NotImplementedError("requests come by the iterator that the handler is given")

    async def send_initial_metadata(self, initial_metadata: Any) -> None:
        """There is nothing that could carry it."""

    def set_trailing_metadata(self, trailing_metadata: Any) -> None:
        self._trailers = tuple(trailing_metadata)

    # gRPC's own type is a class that acts as such a tuple.
    def invocation_metadata(self) -> Metadata:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self._metadata

    def trailing_metadata(self) -> Metadata:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self._trailers

    def set_code(self, code: grpc.StatusCode) -> None:
        self._code = code

    def set_details(self, details: str) -> None:
        self._details = details

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return self._details

    def set_compression(self, compression: grpc.Compression) -> None:
        """Pictures and sound are as small as they get."""

    def disable_next_message_compression(self) -> None: ...

    def peer(self) -> str:
        return self._peer

    def peer_identities(self) -> Iterable[bytes] | None:
        return None

    def peer_identity_key(self) -> str | None:
        return None

    def auth_context(self) -> Mapping[str, Iterable[bytes]]:
        return {}

    def done(self) -> bool:
        return self.is_gone

    def cancelled(self) -> bool:
        return self.is_gone


class Calls:
    """Every method of the services that are added, behind the interceptors of the gateway's server, the first of them
    outermost.

    Takes services as a `grpc.aio.Server` does: generated code adds them to both.
    """

    def __init__(self, interceptors: Sequence[grpc.aio.ServerInterceptor]) -> None:
        self._interceptors = tuple(interceptors)
        self._handlers: dict[str, Handler] = {}

    def add_generic_rpc_handlers(self, generic_rpc_handlers: Sequence[grpc.GenericRpcHandler]) -> None:
        """Has what `add_registered_method_handlers` is told as well."""

    def add_registered_method_handlers(self, service_name: str, method_handlers: Mapping[str, Handler]) -> None:
        self._handlers |= {f"/{service_name}/{name}": handler for name, handler in method_handlers.items()}

    def kind(self, method: str) -> Kind:
        """Raises `MethodUnknownError`."""
        handler = self._handlers.get(method)
        if handler is None:
            raise MethodUnknownError(f"there is no method {method}")
        return Kind(is_request_streaming=handler.request_streaming, is_response_streaming=handler.response_streaming)

    async def answer(self, method: str, requests: AsyncIterator[bytes], context: CallContext) -> None:
        """Answer one call; its messages leave by the context's `send`. Raises `grpc.aio.AbortError` for one that was
        refused, of which the context then has the status, and is cancelled where its client is gone."""
        handler = await self._find(CallDetails(method=method, invocation_metadata=context.invocation_metadata()))
        context.answer_by(handler.response_serializer)
        responses = _behaviour_of(handler)(await _request(handler, requests), context)
        if not handler.response_streaming:
            await context.write(await responses)
        elif inspect.isasyncgen(responses):
            async for response in responses:
                await context.write(response)
        else:
            await responses

    async def _find(self, details: CallDetails) -> Handler:
        async def lookup(details: grpc.HandlerCallDetails) -> Handler | None:
            return self._handlers.get(str(details.method))

        find: Callable[[grpc.HandlerCallDetails], Awaitable[Any]] = lookup
        for interceptor in reversed(self._interceptors):
            find = _inside(interceptor, find)
        handler = await find(details)
        assert handler is not None, "the interceptor of errors has an answer for every method"
        return handler


def _inside(
    interceptor: grpc.aio.ServerInterceptor, find: Callable[[grpc.HandlerCallDetails], Awaitable[Any]]
) -> Callable[[grpc.HandlerCallDetails], Awaitable[Any]]:
    async def intercepted(details: grpc.HandlerCallDetails) -> Any:
        return await interceptor.intercept_service(find, details)

    return intercepted


def _behaviour_of(handler: Handler) -> Any:
    if handler.request_streaming:
        return handler.stream_stream if handler.response_streaming else handler.stream_unary
    return handler.unary_stream if handler.response_streaming else handler.unary_unary


async def _request(handler: Handler, requests: AsyncIterator[bytes]) -> Any:
    """All of them, or the only one, which has come."""
    deserialize: Callable[[bytes], Any] = handler.request_deserializer or bytes
    if not handler.request_streaming:
        return deserialize(await anext(requests))

    async def each() -> AsyncIterator[Any]:
        async for data in requests:
            yield deserialize(data)

    return each()
