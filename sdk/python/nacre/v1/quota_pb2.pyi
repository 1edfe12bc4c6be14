import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Limits(_message.Message):
    __slots__ = ("concurrent_sessions", "session_seconds_per_day", "controls_per_second", "storage_bytes")
    CONCURRENT_SESSIONS_FIELD_NUMBER: _ClassVar[int]
    SESSION_SECONDS_PER_DAY_FIELD_NUMBER: _ClassVar[int]
    CONTROLS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    STORAGE_BYTES_FIELD_NUMBER: _ClassVar[int]
    concurrent_sessions: int
    session_seconds_per_day: float
    controls_per_second: float
    storage_bytes: int
    def __init__(self, concurrent_sessions: _Optional[int] = ..., session_seconds_per_day: _Optional[float] = ..., controls_per_second: _Optional[float] = ..., storage_bytes: _Optional[int] = ...) -> None: ...

class Admission(_message.Message):
    __slots__ = ("wait", "reservation_id")
    WAIT_FIELD_NUMBER: _ClassVar[int]
    RESERVATION_ID_FIELD_NUMBER: _ClassVar[int]
    wait: _duration_pb2.Duration
    reservation_id: str
    def __init__(self, wait: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., reservation_id: _Optional[str] = ...) -> None: ...
