"""Writes down every call that changes something and every refusal. Two interceptors: the first of all sees how each
call ends, refusals by any other included; the second, behind authentication, sees who asks."""

from __future__ import annotations

import functools
import secrets
from collections.abc import Awaitable, Callable, Iterable
from contextvars import ContextVar
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from serving.access.principal import LOCAL, current
from serving.books.audit import ATTACHED, CallNote, audit_entry
from serving.books.bookkeeper import Bookkeeper
from serving.errors import StorageUnavailableError
from serving.gateway.request_id import REQUEST_ID_KEY, current_request_id

STATUS_DETAILS_KEY = "grpc-status-details-bin"
PACKAGE = "/nacre."
# The transport's own answers; everything else that is asked is ours to refuse.
OPEN_PREFIXES = ("/grpc.health.v1.Health/", "/grpc.reflection.")
CANCELLED = "CANCELLED"
MAX_ID_CHARS = 64
KEY_BYTES, SALT_BYTES = 12, 16
NOT_THINGS = ("request_id",)

Handler = grpc.RpcMethodHandler
Continuation = Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]]

_note: ContextVar[CallNote | None] = ContextVar("audit_note", default=None)
_write_now: ContextVar[Callable[[CallNote], None] | None] = ContextVar("audit_write", default=None)


def note_attached(session_id: str, role: str) -> None:
    """A client plays or looks on from now; the end of its call is written down when it comes."""
    note, write = _note.get(), _write_now.get()
    if note is None or write is None:
        return
    note.ids |= {"session_id": session_id, "client_role": role}
    method = note.method
    note.method = ATTACHED
    write(note)
    note.method = method


class AuditInterceptor(grpc.aio.ServerInterceptor):
    """The first of its server's."""

    def __init__(self, bookkeeper: Bookkeeper) -> None:
        self._bookkeeper = bookkeeper
        # Where nobody is asked who they are, whoever is there is known even before the call is looked at.
        self._known = None if bookkeeper.is_authenticated else LOCAL
        self._clock = bookkeeper.clock

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> Handler | None:
        handler = await continuation(handler_call_details)
        if handler is None or handler_call_details.method.startswith(OPEN_PREFIXES):
            return handler
        behaviour, make = _behaviour_of(handler)
        return make(
            self._wrap(behaviour, handler_call_details),
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )

    def _wrap(self, behaviour: Any, details: grpc.HandlerCallDetails) -> Any:
        async def call(request: Any, context: Any) -> Any:
            note = _new_note(details, context, self._clock())
            note.principal = self._known
            note.ids |= ids_in(request)
            tokens = _note.set(note), _write_now.set(self._write)
            try:
                response = await behaviour(request, context)
            except BaseException:
                self._failed(note, context)
                raise
            else:
                self._answered(note, response)
                return response
            finally:
                _note.reset(tokens[0])
                _write_now.reset(tokens[1])

        return call

    def _answered(self, note: CallNote, response: object) -> None:
        if note.changes_something:
            note.ids |= ids_below(response)
            self._write(note)

    def _failed(self, note: CallNote, context: Any) -> None:
        trailers = context.trailing_metadata() or ()
        reason = reason_in(trailers)
        note.request_id = note.request_id or _value(trailers, REQUEST_ID_KEY)
        if reason:
            self._write(note, reason, is_allowed=False)
        elif note.changes_something and note.principal is not None:
            self._write(note, CANCELLED)  # whether it was done before its caller left is in other records

    def _write(self, note: CallNote, reason: str = "", *, is_allowed: bool = True) -> None:
        key, salt = secrets.token_hex(KEY_BYTES), secrets.token_hex(SALT_BYTES)
        book_id, entry = audit_entry(note, key, salt, reason=reason, is_allowed=is_allowed)
        self._bookkeeper.writer.write(book_id, entry)


class AuditWitness(grpc.aio.ServerInterceptor):
    """Behind authentication."""

    def __init__(self, bookkeeper: Bookkeeper) -> None:
        self._bookkeeper = bookkeeper

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> Handler | None:
        handler = await continuation(handler_call_details)
        if handler is None or handler_call_details.method.startswith(OPEN_PREFIXES):
            return handler
        behaviour, make = _behaviour_of(handler)
        return make(
            self._wrap(behaviour),
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )

    def _wrap(self, behaviour: Any) -> Any:
        def call(request: Any, context: Any) -> Any:
            self._see()
            return behaviour(request, context)

        return call

    def _see(self) -> None:
        note = _note.get()
        if note is None:
            return
        note.principal, note.request_id = current(), current_request_id()
        if note.changes_something and self._bookkeeper.must_refuse:
            raise StorageUnavailableError("the audit log cannot be written, and nothing is done without it")


def ids_in(message: object) -> dict[str, str]:
    """Of the things that a message names."""
    if not isinstance(message, Message):
        return {}
    names = _id_fields(message.DESCRIPTOR)
    return {name: value[:MAX_ID_CHARS] for name in names if (value := getattr(message, name))}


def ids_below(message: object) -> dict[str, str]:
    """Of the things that an answer is about: those in it and in what it holds."""
    if not isinstance(message, Message):
        return {}
    found: dict[str, str] = {}
    for name in _message_fields(message.DESCRIPTOR):
        if message.HasField(name):
            found |= ids_in(getattr(message, name))
    return found | ids_in(message)


def reason_in(trailers: Iterable[tuple[str, str | bytes]]) -> str:
    """Why a call was refused, as its caller was told; empty where it was not."""
    data = next((value for key, value in trailers if key == STATUS_DETAILS_KEY), None)
    if not isinstance(data, bytes):
        return ""
    info = error_details_pb2.ErrorInfo()
    for detail in status_pb2.Status.FromString(data).details:
        if detail.Unpack(info):
            return info.reason
    return ""


@functools.cache
def _id_fields(descriptor: Any) -> tuple[str, ...]:
    strings = [each for each in descriptor.fields if each.type == each.TYPE_STRING and not each.is_repeated]
    return tuple(each.name for each in strings if each.name.endswith("_id") and each.name not in NOT_THINGS)


@functools.cache
def _message_fields(descriptor: Any) -> tuple[str, ...]:
    return tuple(each.name for each in descriptor.fields if each.type == each.TYPE_MESSAGE and not each.is_repeated)


def _new_note(details: grpc.HandlerCallDetails, context: Any, now_s: float) -> CallNote:
    metadata = details.invocation_metadata or ()
    traceparent = _value(metadata, "traceparent").split("-")
    return CallNote(
        method=details.method,
        time_s=now_s,
        peer=context.peer(),
        user_agent=_value(metadata, "user-agent"),
        trace_id=traceparent[1][:32] if len(traceparent) == 4 else "",
    )


def _value(metadata: Iterable[tuple[str, str | bytes]], wanted: str) -> str:
    value = next((value for key, value in metadata if key == wanted), "")
    return value if isinstance(value, str) else ""


def _behaviour_of(handler: Handler) -> tuple[Any, Any]:
    if handler.request_streaming and handler.response_streaming:
        return handler.stream_stream, grpc.stream_stream_rpc_method_handler
    if handler.request_streaming:
        return handler.stream_unary, grpc.stream_unary_rpc_method_handler
    if handler.response_streaming:
        return handler.unary_stream, grpc.unary_stream_rpc_method_handler
    return handler.unary_unary, grpc.unary_unary_rpc_method_handler
