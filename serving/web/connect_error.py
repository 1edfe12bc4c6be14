"""Errors as HTTP tells them: the JSON and the status of the Connect protocol (connectrpc.com/docs/protocol). Pure."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from typing import Any

from google.protobuf import json_format
from google.rpc import error_details_pb2, status_pb2
from grpc import StatusCode

OK = {"code": "ok"}
DETAILS = (
    error_details_pb2.ErrorInfo,
    error_details_pb2.RequestInfo,
    error_details_pb2.BadRequest,
    error_details_pb2.QuotaFailure,
    error_details_pb2.RetryInfo,
)
TYPE_PREFIX = "type.googleapis.com/"
STATUS_DETAILS_KEY = "grpc-status-details-bin"
# As Connect names them: gRPC says CANCELLED.
_NAMES = {StatusCode.CANCELLED: "canceled"}
_HTTP_STATUSES = {
    StatusCode.CANCELLED: 499,
    StatusCode.INVALID_ARGUMENT: 400,
    StatusCode.DEADLINE_EXCEEDED: 504,
    StatusCode.NOT_FOUND: 404,
    StatusCode.ALREADY_EXISTS: 409,
    StatusCode.PERMISSION_DENIED: 403,
    StatusCode.RESOURCE_EXHAUSTED: 429,
    StatusCode.FAILED_PRECONDITION: 400,
    StatusCode.ABORTED: 409,
    StatusCode.OUT_OF_RANGE: 400,
    StatusCode.UNIMPLEMENTED: 501,
    StatusCode.UNAVAILABLE: 503,
    StatusCode.UNAUTHENTICATED: 401,
}
_BY_NUMBER = {code.value[0]: code for code in StatusCode}


def code_of(status: status_pb2.Status) -> StatusCode:
    return _BY_NUMBER.get(status.code, StatusCode.UNKNOWN)


def http_status(code: StatusCode) -> int:
    return _HTTP_STATUSES.get(code, 500)


def name_of(code: StatusCode) -> str:
    return _NAMES.get(code, code.name.lower())


def to_json(status: status_pb2.Status) -> bytes:
    document: dict[str, Any] = {"code": name_of(code_of(status)), "message": status.message}
    document["details"] = [_detail(each) for each in status.details]
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def status_in(code: StatusCode, message: str, trailers: Iterable[tuple[str, str | bytes]]) -> status_pb2.Status:
    """Of a call that was refused: what its trailing metadata have, or what is left without them."""
    for key, value in trailers:
        if key == STATUS_DETAILS_KEY and isinstance(value, bytes):
            return status_pb2.Status.FromString(value)
    return status_pb2.Status(code=code.value[0], message=message)


def _detail(packed: Any) -> dict[str, Any]:
    name = packed.type_url.removeprefix(TYPE_PREFIX)
    detail: dict[str, Any] = {"type": name, "value": base64.b64encode(packed.value).decode().rstrip("=")}
    for kind in DETAILS:
        if kind.DESCRIPTOR.full_name == name:
            detail["debug"] = json_format.MessageToDict(kind.FromString(packed.value))
    return detail
