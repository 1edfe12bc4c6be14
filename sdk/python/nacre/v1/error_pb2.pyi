import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ErrorReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ERROR_REASON_UNSPECIFIED: _ClassVar[ErrorReason]
    ERROR_REASON_WORLD_MISSING: _ClassVar[ErrorReason]
    ERROR_REASON_TEXT_EMPTY: _ClassVar[ErrorReason]
    ERROR_REASON_TEXT_TOO_LONG: _ClassVar[ErrorReason]
    ERROR_REASON_WORLD_AMBIGUOUS: _ClassVar[ErrorReason]
    ERROR_REASON_IMAGE_UNREADABLE: _ClassVar[ErrorReason]
    ERROR_REASON_IMAGE_TRUNCATED: _ClassVar[ErrorReason]
    ERROR_REASON_IMAGE_TOO_LARGE: _ClassVar[ErrorReason]
    ERROR_REASON_SESSION_NOT_FOUND: _ClassVar[ErrorReason]
    ERROR_REASON_SESSION_ENDED: _ClassVar[ErrorReason]
    ERROR_REASON_SESSION_CONTROLLED: _ClassVar[ErrorReason]
    ERROR_REASON_RESUME_TOKEN_INVALID: _ClassVar[ErrorReason]
    ERROR_REASON_ATTACH_EXPECTED: _ClassVar[ErrorReason]
    ERROR_REASON_ATTACH_TIMEOUT: _ClassVar[ErrorReason]
    ERROR_REASON_CONTROL_UNSUPPORTED: _ClassVar[ErrorReason]
    ERROR_REASON_FIELD_INVALID: _ClassVar[ErrorReason]
    ERROR_REASON_CONTROL_DUPLICATE: _ClassVar[ErrorReason]
    ERROR_REASON_CAPACITY_EXHAUSTED: _ClassVar[ErrorReason]
    ERROR_REASON_MODEL_UNKNOWN: _ClassVar[ErrorReason]
    ERROR_REASON_UNAVAILABLE: _ClassVar[ErrorReason]
    ERROR_REASON_CLIENT_STALLED: _ClassVar[ErrorReason]
    ERROR_REASON_INTERNAL: _ClassVar[ErrorReason]
    ERROR_REASON_RATE_EXCEEDED: _ClassVar[ErrorReason]
    ERROR_REASON_REWOUND: _ClassVar[ErrorReason]
    ERROR_REASON_STORAGE_UNAVAILABLE: _ClassVar[ErrorReason]
    ERROR_REASON_CHUNK_UNKNOWN: _ClassVar[ErrorReason]
    ERROR_REASON_SESSION_STATE: _ClassVar[ErrorReason]
    ERROR_REASON_WORLD_NOT_FOUND: _ClassVar[ErrorReason]
    ERROR_REASON_SNAPSHOT_REFUSED: _ClassVar[ErrorReason]
    ERROR_REASON_SHARE_LINK_EXPIRED: _ClassVar[ErrorReason]
    ERROR_REASON_SHARE_LINK_REVOKED: _ClassVar[ErrorReason]
    ERROR_REASON_SCOPE_EXCEEDED: _ClassVar[ErrorReason]
    ERROR_REASON_WORKER_NOT_FOUND: _ClassVar[ErrorReason]
    ERROR_REASON_PERMISSION_MISSING: _ClassVar[ErrorReason]
    ERROR_REASON_METHOD_UNKNOWN: _ClassVar[ErrorReason]
    ERROR_REASON_MESSAGE_TOO_LARGE: _ClassVar[ErrorReason]
    ERROR_REASON_CALLS_EXCEEDED: _ClassVar[ErrorReason]
    ERROR_REASON_QUEUE_FULL: _ClassVar[ErrorReason]
    ERROR_REASON_QUOTA_EXCEEDED: _ClassVar[ErrorReason]
    ERROR_REASON_RESERVATION_NOT_FOUND: _ClassVar[ErrorReason]
    ERROR_REASON_IDEMPOTENCY_KEY_REUSED: _ClassVar[ErrorReason]
    ERROR_REASON_IDEMPOTENCY_OUTCOME_UNKNOWN: _ClassVar[ErrorReason]
    ERROR_REASON_UNAUTHENTICATED: _ClassVar[ErrorReason]
    ERROR_REASON_AUTHENTICATION_OFF: _ClassVar[ErrorReason]
    ERROR_REASON_TENANT_NOT_FOUND: _ClassVar[ErrorReason]
    ERROR_REASON_TENANT_EXISTS: _ClassVar[ErrorReason]
    ERROR_REASON_KEY_NOT_FOUND: _ClassVar[ErrorReason]
    ERROR_REASON_NOT_IN_CONTROL: _ClassVar[ErrorReason]
    ERROR_REASON_CONTROL_NOT_WAITING: _ClassVar[ErrorReason]
    ERROR_REASON_PREDECESSOR_LOST: _ClassVar[ErrorReason]
    ERROR_REASON_BUDGET_EXHAUSTED: _ClassVar[ErrorReason]
    ERROR_REASON_REGION_REFUSED: _ClassVar[ErrorReason]
    ERROR_REASON_ORIGIN_REFUSED: _ClassVar[ErrorReason]
    ERROR_REASON_RECORDING_NOT_FOUND: _ClassVar[ErrorReason]
    ERROR_REASON_WORKER_SATURATED: _ClassVar[ErrorReason]
    ERROR_REASON_CONTROL_LOST: _ClassVar[ErrorReason]
    ERROR_REASON_SERVICE_UNKNOWN: _ClassVar[ErrorReason]
ERROR_REASON_UNSPECIFIED: ErrorReason
ERROR_REASON_WORLD_MISSING: ErrorReason
ERROR_REASON_TEXT_EMPTY: ErrorReason
ERROR_REASON_TEXT_TOO_LONG: ErrorReason
ERROR_REASON_WORLD_AMBIGUOUS: ErrorReason
ERROR_REASON_IMAGE_UNREADABLE: ErrorReason
ERROR_REASON_IMAGE_TRUNCATED: ErrorReason
ERROR_REASON_IMAGE_TOO_LARGE: ErrorReason
ERROR_REASON_SESSION_NOT_FOUND: ErrorReason
ERROR_REASON_SESSION_ENDED: ErrorReason
ERROR_REASON_SESSION_CONTROLLED: ErrorReason
ERROR_REASON_RESUME_TOKEN_INVALID: ErrorReason
ERROR_REASON_ATTACH_EXPECTED: ErrorReason
ERROR_REASON_ATTACH_TIMEOUT: ErrorReason
ERROR_REASON_CONTROL_UNSUPPORTED: ErrorReason
ERROR_REASON_FIELD_INVALID: ErrorReason
ERROR_REASON_CONTROL_DUPLICATE: ErrorReason
ERROR_REASON_CAPACITY_EXHAUSTED: ErrorReason
ERROR_REASON_MODEL_UNKNOWN: ErrorReason
ERROR_REASON_UNAVAILABLE: ErrorReason
ERROR_REASON_CLIENT_STALLED: ErrorReason
ERROR_REASON_INTERNAL: ErrorReason
ERROR_REASON_RATE_EXCEEDED: ErrorReason
ERROR_REASON_REWOUND: ErrorReason
ERROR_REASON_STORAGE_UNAVAILABLE: ErrorReason
ERROR_REASON_CHUNK_UNKNOWN: ErrorReason
ERROR_REASON_SESSION_STATE: ErrorReason
ERROR_REASON_WORLD_NOT_FOUND: ErrorReason
ERROR_REASON_SNAPSHOT_REFUSED: ErrorReason
ERROR_REASON_SHARE_LINK_EXPIRED: ErrorReason
ERROR_REASON_SHARE_LINK_REVOKED: ErrorReason
ERROR_REASON_SCOPE_EXCEEDED: ErrorReason
ERROR_REASON_WORKER_NOT_FOUND: ErrorReason
ERROR_REASON_PERMISSION_MISSING: ErrorReason
ERROR_REASON_METHOD_UNKNOWN: ErrorReason
ERROR_REASON_MESSAGE_TOO_LARGE: ErrorReason
ERROR_REASON_CALLS_EXCEEDED: ErrorReason
ERROR_REASON_QUEUE_FULL: ErrorReason
ERROR_REASON_QUOTA_EXCEEDED: ErrorReason
ERROR_REASON_RESERVATION_NOT_FOUND: ErrorReason
ERROR_REASON_IDEMPOTENCY_KEY_REUSED: ErrorReason
ERROR_REASON_IDEMPOTENCY_OUTCOME_UNKNOWN: ErrorReason
ERROR_REASON_UNAUTHENTICATED: ErrorReason
ERROR_REASON_AUTHENTICATION_OFF: ErrorReason
ERROR_REASON_TENANT_NOT_FOUND: ErrorReason
ERROR_REASON_TENANT_EXISTS: ErrorReason
ERROR_REASON_KEY_NOT_FOUND: ErrorReason
ERROR_REASON_NOT_IN_CONTROL: ErrorReason
ERROR_REASON_CONTROL_NOT_WAITING: ErrorReason
ERROR_REASON_PREDECESSOR_LOST: ErrorReason
ERROR_REASON_BUDGET_EXHAUSTED: ErrorReason
ERROR_REASON_REGION_REFUSED: ErrorReason
ERROR_REASON_ORIGIN_REFUSED: ErrorReason
ERROR_REASON_RECORDING_NOT_FOUND: ErrorReason
ERROR_REASON_WORKER_SATURATED: ErrorReason
ERROR_REASON_CONTROL_LOST: ErrorReason
ERROR_REASON_SERVICE_UNKNOWN: ErrorReason

class Error(_message.Message):
    __slots__ = ("reason", "message", "field", "allowed", "retry_after", "request_id")
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    ALLOWED_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    reason: ErrorReason
    message: str
    field: str
    allowed: _containers.RepeatedScalarFieldContainer[str]
    retry_after: _duration_pb2.Duration
    request_id: str
    def __init__(self, reason: _Optional[_Union[ErrorReason, str]] = ..., message: _Optional[str] = ..., field: _Optional[str] = ..., allowed: _Optional[_Iterable[str]] = ..., retry_after: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...
