import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from nacre.v1 import quota_pb2 as _quota_pb2
from nacre.v1 import session_pb2 as _session_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class OpenSessionRequest(_message.Message):
    __slots__ = ("create",)
    CREATE_FIELD_NUMBER: _ClassVar[int]
    create: _session_pb2.CreateSessionRequest
    def __init__(self, create: _Optional[_Union[_session_pb2.CreateSessionRequest, _Mapping]] = ...) -> None: ...

class OpenSessionResponse(_message.Message):
    __slots__ = ("queued", "opened")
    QUEUED_FIELD_NUMBER: _ClassVar[int]
    OPENED_FIELD_NUMBER: _ClassVar[int]
    queued: QueueStanding
    opened: _session_pb2.CreateSessionResponse
    def __init__(self, queued: _Optional[_Union[QueueStanding, _Mapping]] = ..., opened: _Optional[_Union[_session_pb2.CreateSessionResponse, _Mapping]] = ...) -> None: ...

class QueueStanding(_message.Message):
    __slots__ = ("position", "num_waiting", "eta", "reservation_id", "give_up_time", "limits")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    NUM_WAITING_FIELD_NUMBER: _ClassVar[int]
    ETA_FIELD_NUMBER: _ClassVar[int]
    RESERVATION_ID_FIELD_NUMBER: _ClassVar[int]
    GIVE_UP_TIME_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    position: int
    num_waiting: int
    eta: _duration_pb2.Duration
    reservation_id: str
    give_up_time: _timestamp_pb2.Timestamp
    limits: _quota_pb2.Limits
    def __init__(self, position: _Optional[int] = ..., num_waiting: _Optional[int] = ..., eta: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., reservation_id: _Optional[str] = ..., give_up_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., limits: _Optional[_Union[_quota_pb2.Limits, _Mapping]] = ...) -> None: ...

class ReserveRequest(_message.Message):
    __slots__ = ("idempotency_key", "wait")
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    WAIT_FIELD_NUMBER: _ClassVar[int]
    idempotency_key: str
    wait: _duration_pb2.Duration
    def __init__(self, idempotency_key: _Optional[str] = ..., wait: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class ReserveResponse(_message.Message):
    __slots__ = ("queued", "reserved")
    QUEUED_FIELD_NUMBER: _ClassVar[int]
    RESERVED_FIELD_NUMBER: _ClassVar[int]
    queued: QueueStanding
    reserved: Reservation
    def __init__(self, queued: _Optional[_Union[QueueStanding, _Mapping]] = ..., reserved: _Optional[_Union[Reservation, _Mapping]] = ...) -> None: ...

class Reservation(_message.Message):
    __slots__ = ("reservation_id", "expire_time", "limits")
    RESERVATION_ID_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    reservation_id: str
    expire_time: _timestamp_pb2.Timestamp
    limits: _quota_pb2.Limits
    def __init__(self, reservation_id: _Optional[str] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., limits: _Optional[_Union[_quota_pb2.Limits, _Mapping]] = ...) -> None: ...

class CancelReservationRequest(_message.Message):
    __slots__ = ("reservation_id", "idempotency_key")
    RESERVATION_ID_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    reservation_id: str
    idempotency_key: str
    def __init__(self, reservation_id: _Optional[str] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class CancelReservationResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetQuotaRequest(_message.Message):
    __slots__ = ("tenant_id",)
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    tenant_id: str
    def __init__(self, tenant_id: _Optional[str] = ...) -> None: ...

class GetQuotaResponse(_message.Message):
    __slots__ = ("quota",)
    QUOTA_FIELD_NUMBER: _ClassVar[int]
    quota: Quota
    def __init__(self, quota: _Optional[_Union[Quota, _Mapping]] = ...) -> None: ...

class Quota(_message.Message):
    __slots__ = ("tenant_id", "limits", "use", "left", "reset_time", "weight")
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    USE_FIELD_NUMBER: _ClassVar[int]
    LEFT_FIELD_NUMBER: _ClassVar[int]
    RESET_TIME_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    tenant_id: str
    limits: _quota_pb2.Limits
    use: Use
    left: _quota_pb2.Limits
    reset_time: _timestamp_pb2.Timestamp
    weight: float
    def __init__(self, tenant_id: _Optional[str] = ..., limits: _Optional[_Union[_quota_pb2.Limits, _Mapping]] = ..., use: _Optional[_Union[Use, _Mapping]] = ..., left: _Optional[_Union[_quota_pb2.Limits, _Mapping]] = ..., reset_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., weight: _Optional[float] = ...) -> None: ...

class Use(_message.Message):
    __slots__ = ("concurrent_sessions", "session_seconds_today", "storage_bytes", "num_waiting")
    CONCURRENT_SESSIONS_FIELD_NUMBER: _ClassVar[int]
    SESSION_SECONDS_TODAY_FIELD_NUMBER: _ClassVar[int]
    STORAGE_BYTES_FIELD_NUMBER: _ClassVar[int]
    NUM_WAITING_FIELD_NUMBER: _ClassVar[int]
    concurrent_sessions: int
    session_seconds_today: float
    storage_bytes: int
    num_waiting: int
    def __init__(self, concurrent_sessions: _Optional[int] = ..., session_seconds_today: _Optional[float] = ..., storage_bytes: _Optional[int] = ..., num_waiting: _Optional[int] = ...) -> None: ...
