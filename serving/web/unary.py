"""Calls with one answer: Connect's unary protocol over POST."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple

import grpc
import grpc.aio
from google.protobuf import descriptor_pool, json_format, message_factory
from google.protobuf.message import Message
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from serving.errors import InvalidFieldError, MessageTooLargeError, MethodUnknownError, NacreError
from serving.gateway.calls import CallContext, Calls
from serving.gateway.request_id import REQUEST_ID_KEY, request_id_of
from serving.gateway.status import to_status
from serving.web.answers import JSON, NO_STORE, refusal
from serving.web.config import WebConfig
from serving.web.connect_error import status_in
from serving.web.request import metadata_of, named, peer_of

PROTO = "application/proto"
PACKAGE = "/nacre.v1."
TIMEOUT_HEADER = "connect-timeout-ms"
MAX_TIMEOUT_DIGITS = 10  # as the protocol has it
# Reading more of it would hold up those who play; pictures come as bytes.
MAX_JSON_BYTES = 1 << 20
UNSUPPORTED_MEDIA_TYPE, CONTENT_TOO_LARGE, CLIENT_GONE = 415, 413, 499


class _Asked(NamedTuple):
    method: str
    media_type: str
    timeout_s: float | None  # as long as the caller waits
    body: bytes  # of the message


class UnaryCalls:
    """Answers `POST /nacre.v1.{Service}/{Method}`."""

    def __init__(self, calls: Calls, config: WebConfig, max_bytes: int) -> None:
        """`max_bytes`: of a message."""
        self._calls = calls
        self._config = config
        self._max_bytes = max_bytes

    async def __call__(self, request: Request) -> Response:
        metadata = metadata_of(request.headers)
        request_id = request_id_of(metadata)
        try:
            asked = await self._read(request)
        except NacreError as error:
            return refusal(to_status(error, request_id), request_id, http=_HTTP_STATUSES.get(type(error)))
        except ClientDisconnect:
            return Response(status_code=CLIENT_GONE)
        answers: list[bytes] = []

        async def take(answer: bytes) -> None:
            answers.append(answer)

        context = CallContext(named(metadata, request_id), peer_of(request.scope), take)
        try:
            is_answered = await self._answer(asked, context, request)
        except grpc.aio.AbortError:
            status = status_in(context.code(), context.details(), context.trailing_metadata())
            return refusal(status, request_id)
        except TimeoutError:
            code = grpc.StatusCode.DEADLINE_EXCEEDED
            return refusal(status_in(code, "the caller's own time is over", ()), request_id)
        if not is_answered:
            return Response(status_code=CLIENT_GONE)
        content = from_bytes(asked.method, asked.media_type, answers[0])
        return Response(content, 200, {**NO_STORE, REQUEST_ID_KEY: request_id}, asked.media_type)

    async def _read(self, request: Request) -> _Asked:
        """Raises `NacreError`, and `ClientDisconnect`."""
        method, media_type, timeout_s = _method_of(request, self._calls), _media_type_of(request), _timeout_s(request)
        body = to_bytes(method, media_type, await self._body(request, media_type))
        return _Asked(method, media_type, timeout_s, body)

    async def _answer(self, asked: _Asked, context: CallContext, request: Request) -> bool:
        """Until it is answered, its time is over, or its caller is gone, which gives False. Raises TimeoutError, and
        what `Calls.answer` does."""
        answering = asyncio.ensure_future(self._calls.answer(asked.method, one(asked.body), context))
        leaving = asyncio.ensure_future(_gone(request))
        try:
            async with asyncio.timeout(asked.timeout_s):
                await asyncio.wait((answering, leaving), return_when=asyncio.FIRST_COMPLETED)
            context.is_gone = not answering.done()
        finally:
            for task in (answering, leaving):
                task.cancel()
            await asyncio.gather(answering, leaving, return_exceptions=True)
        if context.is_gone or answering.cancelled():
            return False
        answering.result()
        return True

    async def _body(self, request: Request, media_type: str) -> bytes:
        """Raises `MessageTooLargeError`, or `InvalidFieldError` for one that does not come."""
        body = bytearray()
        max_bytes = self._max_bytes if media_type == PROTO else min(self._max_bytes, MAX_JSON_BYTES)
        try:
            async with asyncio.timeout(self._config.body_timeout_s):
                async for part in request.stream():
                    body += part
                    if len(body) > max_bytes:
                        raise MessageTooLargeError(f"the body has more than {max_bytes} bytes")
        except TimeoutError:
            raise InvalidFieldError("the body did not come in time", field="body") from None
        return bytes(body)


class _MediaTypeError(InvalidFieldError):
    """What is in the body is not said in a way that is taken."""


# Where HTTP has a better word than the code's own.
_HTTP_STATUSES = {_MediaTypeError: UNSUPPORTED_MEDIA_TYPE, MessageTooLargeError: CONTENT_TOO_LARGE}


def to_bytes(method: str, media_type: str, body: bytes) -> bytes:
    """The request's message. Raises `InvalidFieldError` for JSON that is none."""
    if media_type == PROTO:
        return body
    message = _message_class(method, lambda found: found.input_type)()
    try:
        return json_format.Parse(body or b"{}", message).SerializeToString()
    except (json_format.ParseError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidFieldError(f"the body is not this method's message as JSON: {error}", field="message") from None


def from_bytes(method: str, media_type: str, answer: bytes) -> bytes:
    if media_type == PROTO:
        return answer
    message = _message_class(method, lambda found: found.output_type).FromString(answer)
    return json_format.MessageToJson(message, indent=None).encode()


def _message_class(method: str, choose: Callable[[Any], Any]) -> type[Message]:
    name = method.removeprefix("/").replace("/", ".")
    return message_factory.GetMessageClass(choose(descriptor_pool.Default().FindMethodByName(name)))


def _method_of(request: Request, calls: Calls) -> str:
    """Raises `MethodUnknownError`."""
    method = f"/{request.path_params['service']}/{request.path_params['method']}"
    if not method.startswith(PACKAGE):
        raise MethodUnknownError(f"there is no method {method}")
    kind = calls.kind(method)
    if kind.is_request_streaming or kind.is_response_streaming:
        raise MethodUnknownError(f"{method} is a stream: open a WebSocket to it")
    return method


def _media_type_of(request: Request) -> str:
    if request.headers.get("content-encoding", "identity") != "identity":
        raise _MediaTypeError("compressed bodies are not taken", field="content-encoding", allowed=("identity",))
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in (PROTO, JSON):
        raise _MediaTypeError("a message comes as its bytes or as JSON", field="content-type", allowed=(PROTO, JSON))
    return media_type


def _timeout_s(request: Request) -> float | None:
    text = request.headers.get(TIMEOUT_HEADER)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_TIMEOUT_DIGITS):
        raise InvalidFieldError(f"1 to {MAX_TIMEOUT_DIGITS} digits", field=TIMEOUT_HEADER)
    return int(text) / 1000


async def one(body: bytes) -> AsyncIterator[bytes]:
    yield body


async def _gone(request: Request) -> None:
    """Returns when the client is."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
