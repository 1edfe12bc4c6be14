"""The details of a gRPC error: google.rpc.Status and what it carries.

The same messages come in googleapis-common-protos. Here they are built into a pool of their
own, from the fields we read, so that the client needs no further package and never clashes
with one that is installed. Source: google/rpc/status.proto and error_details.proto.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import grpc.aio
from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, duration_pb2, message, message_factory

STATUS_DETAILS_KEY = "grpc-status-details-bin"

_Field = descriptor_pb2.FieldDescriptorProto
_ANY, _DURATION = ".google.protobuf.Any", ".google.protobuf.Duration"
_REPEATED = "*"

# message -> field name -> (number, type); a message type starts with a dot, a repeated one ends with "*".
_MESSAGES = {
    "Status": {"code": (1, "int32"), "message": (2, "string"), "details": (3, _ANY + _REPEATED)},
    "ErrorInfo": {"reason": (1, "string"), "domain": (2, "string"), "metadata": (3, ".google.rpc.MetadataEntry*")},
    "MetadataEntry": {"key": (1, "string"), "value": (2, "string")},
    "BadRequest": {"field_violations": (1, ".google.rpc.FieldViolation*")},
    "FieldViolation": {"field": (1, "string"), "description": (2, "string")},
    "QuotaFailure": {"violations": (1, ".google.rpc.Violation*")},
    "Violation": {"subject": (1, "string"), "description": (2, "string"), "quota_metric": (4, "string")},
    "RetryInfo": {"retry_delay": (1, _DURATION)},
    "RequestInfo": {"request_id": (1, "string")},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorDetails:
    """What the service said about an error beyond its code."""

    message: str = ""
    reason: str = ""
    field: str = ""
    allowed: tuple[str, ...] = ()
    retry_after_s: float | None = None
    request_id: str = ""
    quota: str = ""


def parse(error: grpc.aio.AioRpcError) -> ErrorDetails:
    """The details of `error`; those it lacks, or that cannot be read, are empty."""
    for key, value in error.trailing_metadata() or ():
        if key == STATUS_DETAILS_KEY and isinstance(value, bytes):
            try:
                return _from_status(_CLASSES["Status"].FromString(value), error.details() or "")
            except message.DecodeError:
                break
    return ErrorDetails(message=error.details() or "")


def _from_status(status: Any, fallback: str) -> ErrorDetails:
    parts = {any_.type_url.rpartition(".")[2]: any_.value for any_ in status.details}
    info = _read("ErrorInfo", parts)
    violations = _read("BadRequest", parts).field_violations
    metadata = {entry.key: entry.value for entry in info.metadata}
    allowed = metadata.get("allowed", "")
    return ErrorDetails(
        message=status.message or fallback,
        reason=info.reason,
        field=violations[0].field if violations else metadata.get("field", ""),
        allowed=tuple(allowed.split(",")) if allowed else (),
        retry_after_s=_retry_after_s(parts),
        quota=next((each.quota_metric for each in _read("QuotaFailure", parts).violations), ""),
        request_id=_read("RequestInfo", parts).request_id or metadata.get("request_id", ""),
    )


def _retry_after_s(parts: dict[str, bytes]) -> float | None:
    if "RetryInfo" not in parts:
        return None
    delay = _read("RetryInfo", parts).retry_delay
    return delay.seconds + delay.nanos / 1e9


def _read(name: str, parts: dict[str, bytes]) -> Any:
    return _CLASSES[name].FromString(parts.get(name, b""))


def _build_classes() -> dict[str, Any]:
    pool = descriptor_pool.DescriptorPool()
    for well_known in (any_pb2, duration_pb2):
        pool.AddSerializedFile(well_known.DESCRIPTOR.serialized_pb)
    file = descriptor_pb2.FileDescriptorProto(name="google/rpc/details.proto", package="google.rpc", syntax="proto3")
    file.dependency.extend([any_pb2.DESCRIPTOR.name, duration_pb2.DESCRIPTOR.name])
    for name, fields in _MESSAGES.items():
        file.message_type.add(name=name).field.extend(
            _field(field_name, number, kind) for field_name, (number, kind) in fields.items()
        )
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"google.rpc.{name}")) for name in _MESSAGES
    }


def _field(name: str, number: int, kind: str) -> descriptor_pb2.FieldDescriptorProto:
    label = _Field.LABEL_REPEATED if kind.endswith(_REPEATED) else _Field.LABEL_OPTIONAL
    field = _Field(name=name, number=number, label=label)
    if kind.startswith("."):
        field.type, field.type_name = _Field.TYPE_MESSAGE, kind.rstrip(_REPEATED)
    else:
        field.type = {"string": _Field.TYPE_STRING, "int32": _Field.TYPE_INT32}[kind]
    return field


_CLASSES = _build_classes()
