"""Calls with streams: a WebSocket each. Binary frames are the call's messages, text frames are about the call."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import DecodeError
from google.rpc import status_pb2
from starlette.websockets import WebSocket, WebSocketDisconnect

from nacre.v1 import session_pb2
from serving.errors import (
    AttachTimeoutError,
    CallsExceededError,
    InvalidFieldError,
    MethodUnknownError,
    NacreError,
)
from serving.gateway.calls import CallContext, Calls, Metadata
from serving.gateway.config import GatewayConfig
from serving.gateway.request_id import request_id_of
from serving.gateway.server import REFUSED_CALLS
from serving.gateway.status import to_status
from serving.web.answers import refusal
from serving.web.config import WebConfig
from serving.web.connect_error import OK, code_of, name_of, status_in, to_json
from serving.web.request import check_said, metadata_of, named, peer_of, with_token

logger = logging.getLogger(__name__)

SUBPROTOCOL = "nacre.v1"
PLAY = "/nacre.v1.SessionService/Play"
PACKAGE = "/nacre.v1."
MAX_SAID_CHARS = 16_384
# Read before the handler asks: enough to notice that a client is gone while its last message is looked at.
MAX_READ_AHEAD = 2
CLOSED_WELL, CLOSED_WITH_ERROR = 1000, 4000
BAD_REQUEST = 400


class StreamCalls:
    """Answers the WebSockets."""

    def __init__(self, calls: Calls, config: WebConfig, gateway: GatewayConfig) -> None:
        self._calls = calls
        self._config = config
        self._gateway = gateway
        self._num_open = 0
        self._is_idle = asyncio.Event()
        self._is_idle.set()

    async def wait_idle(self, timeout_s: float) -> None:
        """Until every call has ended and said so."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._is_idle.wait()

    async def play(self, websocket: WebSocket) -> None:
        await self._serve(websocket, PLAY)

    async def stream(self, websocket: WebSocket) -> None:
        await self._serve(websocket, "/{service}/{method}".format(**websocket.path_params))

    async def _serve(self, websocket: WebSocket, method: str) -> None:
        metadata = metadata_of(websocket.headers)
        try:
            if self._num_open >= self._gateway.max_concurrent_calls + REFUSED_CALLS:
                raise CallsExceededError(f"{self._num_open} sockets are open")
            is_streaming = self._check(websocket, method)
        except NacreError as error:
            request_id = request_id_of(metadata)
            http = BAD_REQUEST if isinstance(error, InvalidFieldError) else None
            answer = refusal(to_status(error, request_id), request_id, http=http)
            await answer(websocket.scope, websocket.receive, websocket.send)
            return
        self._num_open += 1
        self._is_idle.clear()
        try:
            await self._answer(websocket, method, is_streaming=is_streaming)
        finally:
            self._num_open -= 1
            if not self._num_open:
                self._is_idle.set()

    async def _answer(self, websocket: WebSocket, method: str, *, is_streaming: bool) -> None:
        await websocket.accept(SUBPROTOCOL)
        call = _SocketCall(websocket, method, self._gateway.attach_timeout_s, is_streaming=is_streaming)
        try:
            status = await call.answer(self._calls)
        except WebSocketDisconnect:
            return
        await self._end(websocket, status)

    def _check(self, websocket: WebSocket, method: str) -> bool:
        """Whether requests may follow the first. Raises `NacreError`."""
        if not method.startswith(PACKAGE):
            raise MethodUnknownError(f"there is no method {method}")
        kind = self._calls.kind(method)
        if not kind.is_response_streaming:
            raise MethodUnknownError(f"{method} has one answer: send it as a POST")
        if SUBPROTOCOL not in websocket.scope.get("subprotocols", ()):
            raise InvalidFieldError("say which protocol is spoken", field="subprotocol", allowed=(SUBPROTOCOL,))
        return kind.is_request_streaming

    async def _end(self, websocket: WebSocket, status: status_pb2.Status | None) -> None:
        """The last words, for a client that reads them in time."""
        text, code, reason = json.dumps(OK), CLOSED_WELL, OK["code"]
        if status is not None:
            text, code, reason = to_json(status).decode(), CLOSED_WITH_ERROR + status.code, name_of(code_of(status))
        try:
            async with asyncio.timeout(self._config.close_timeout_s):
                await websocket.send_text(text)
                await websocket.close(code, reason)
        except (WebSocketDisconnect, TimeoutError):
            logger.debug("the client is gone, or does not read; its connection is cut")


@dataclass(frozen=True, slots=True, kw_only=True)
class _First:
    """What a client says to begin with."""

    data: bytes
    said: Mapping[str, str] | None


class _SocketCall:
    """One call: a task reads what comes, another answers; whichever ends first ends it."""

    def __init__(self, websocket: WebSocket, method: str, first_timeout_s: float, *, is_streaming: bool) -> None:
        """`is_streaming`: requests may follow the first."""
        self._websocket = websocket
        self._method = method
        self._first_timeout_s = first_timeout_s
        self._is_streaming = is_streaming
        self._requests: asyncio.Queue[bytes | NacreError] = asyncio.Queue(MAX_READ_AHEAD)

    async def answer(self, calls: Calls) -> status_pb2.Status | None:
        """How it ended; None for well. Raises `WebSocketDisconnect` once the client is gone."""
        metadata = metadata_of(self._websocket.headers)
        try:
            first = await self._first()
        except NacreError as error:
            return to_status(error, request_id_of(metadata))
        metadata = self._named(metadata_of(self._websocket.headers, first.said), first.data)
        context = CallContext(metadata, peer_of(self._websocket.scope), self._send)
        answering = asyncio.ensure_future(calls.answer(self._method, self._each(first.data), context))
        reading = asyncio.ensure_future(self._read())
        try:
            await asyncio.wait((answering, reading), return_when=asyncio.FIRST_COMPLETED)
            context.is_gone = not answering.done() and reading.result() is None
        finally:
            for task in (answering, reading):
                task.cancel()
            await asyncio.gather(answering, reading, return_exceptions=True)
        if context.is_gone or (answering.cancelled() and reading.cancelled()):
            raise WebSocketDisconnect
        if answering.cancelled():
            fault = reading.result()
            assert fault is not None, "or the client would be gone"
            return to_status(fault, request_id_of(metadata))
        return _outcome(answering, context)

    async def _first(self) -> _First:
        """Raises `NacreError` and `WebSocketDisconnect`."""
        timeout_s = self._first_timeout_s
        try:
            async with asyncio.timeout(timeout_s):
                message, said = await self._receive(), None
                if message.get("text") is not None:
                    said = _read_said(message["text"])
                    message = await self._receive()
        except TimeoutError:
            raise AttachTimeoutError(f"the first message did not come within {timeout_s:g} s", field="attach") from None
        if message.get("bytes") is None:
            raise _not_a_message()
        return _First(data=message["bytes"], said=said)

    def _named(self, metadata: Metadata, first: bytes) -> Metadata:
        """With a name for the call, and the token of who calls, where the first message has one."""
        if self._method == PLAY:
            metadata = with_token(metadata, _token_in(first))
        return named(metadata, request_id_of(metadata))

    async def _receive(self) -> Mapping[str, Any]:
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect
        return message

    async def _read(self) -> NacreError | None:
        """Until the client is gone, which gives None, or says what it may not where nobody listens any more."""
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                return None
            data = message.get("bytes")
            request = _not_a_message() if data is None else data
            if not self._is_streaming:
                return request if isinstance(request, NacreError) else _not_expected()
            await self._requests.put(request)

    async def _each(self, first: bytes) -> AsyncIterator[bytes]:
        yield first
        while self._is_streaming:
            request = await self._requests.get()
            if isinstance(request, NacreError):
                raise request
            yield request

    async def _send(self, data: bytes) -> None:
        try:
            await self._websocket.send_bytes(data)
        except WebSocketDisconnect:
            raise grpc.aio.InternalError("the client is gone") from None


def _outcome(answering: asyncio.Task[None], context: CallContext) -> status_pb2.Status | None:
    try:
        answering.result()
    except grpc.aio.AbortError:
        return status_in(context.code(), context.details(), context.trailing_metadata())
    return None


def _token_in(first: bytes) -> str:
    """Of the message that attaches. One that cannot be read is its handler's to refuse."""
    try:
        return session_pb2.PlayRequest.FromString(first).attach.token
    except DecodeError:
        return ""


def _read_said(text: str) -> Mapping[str, str]:
    said = None
    if len(text) <= MAX_SAID_CHARS:
        try:
            said = check_said(json.loads(text))
        except (ValueError, RecursionError):
            said = None
    if said is None:
        raise InvalidFieldError(
            "a text frame before the first message is a JSON object of texts",
            field="message",
            allowed=("authorization", "traceparent", "x-request-id"),
        )
    return said


def _not_a_message() -> InvalidFieldError:
    return InvalidFieldError("messages are binary frames", field="message")


def _not_expected() -> InvalidFieldError:
    return InvalidFieldError("the call takes one message", field="message")
