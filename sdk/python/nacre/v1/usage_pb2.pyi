import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from nacre.v1 import world_pb2 as _world_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetQuoteRequest(_message.Message):
    __slots__ = ("duration", "num_viewers", "model", "world_id", "world")
    DURATION_FIELD_NUMBER: _ClassVar[int]
    NUM_VIEWERS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    WORLD_ID_FIELD_NUMBER: _ClassVar[int]
    WORLD_FIELD_NUMBER: _ClassVar[int]
    duration: _duration_pb2.Duration
    num_viewers: int
    model: str
    world_id: str
    world: _world_pb2.WorldSpec
    def __init__(self, duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., num_viewers: _Optional[int] = ..., model: _Optional[str] = ..., world_id: _Optional[str] = ..., world: _Optional[_Union[_world_pb2.WorldSpec, _Mapping]] = ...) -> None: ...

class GetQuoteResponse(_message.Message):
    __slots__ = ("bill", "session_budget", "tenant_budget_left", "num_frames", "model", "world_id")
    BILL_FIELD_NUMBER: _ClassVar[int]
    SESSION_BUDGET_FIELD_NUMBER: _ClassVar[int]
    TENANT_BUDGET_LEFT_FIELD_NUMBER: _ClassVar[int]
    NUM_FRAMES_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    WORLD_ID_FIELD_NUMBER: _ClassVar[int]
    bill: Bill
    session_budget: str
    tenant_budget_left: str
    num_frames: int
    model: str
    world_id: str
    def __init__(self, bill: _Optional[_Union[Bill, _Mapping]] = ..., session_budget: _Optional[str] = ..., tenant_budget_left: _Optional[str] = ..., num_frames: _Optional[int] = ..., model: _Optional[str] = ..., world_id: _Optional[str] = ...) -> None: ...

class GetUsageRequest(_message.Message):
    __slots__ = ("tenant_id", "session_id", "world_id", "month")
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    WORLD_ID_FIELD_NUMBER: _ClassVar[int]
    MONTH_FIELD_NUMBER: _ClassVar[int]
    tenant_id: str
    session_id: str
    world_id: str
    month: str
    def __init__(self, tenant_id: _Optional[str] = ..., session_id: _Optional[str] = ..., world_id: _Optional[str] = ..., month: _Optional[str] = ...) -> None: ...

class GetUsageResponse(_message.Message):
    __slots__ = ("tenant_id", "usage", "bill", "num_rows", "last_hash")
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    BILL_FIELD_NUMBER: _ClassVar[int]
    NUM_ROWS_FIELD_NUMBER: _ClassVar[int]
    LAST_HASH_FIELD_NUMBER: _ClassVar[int]
    tenant_id: str
    usage: Usage
    bill: Bill
    num_rows: int
    last_hash: bytes
    def __init__(self, tenant_id: _Optional[str] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., bill: _Optional[_Union[Bill, _Mapping]] = ..., num_rows: _Optional[int] = ..., last_hash: _Optional[bytes] = ...) -> None: ...

class Usage(_message.Message):
    __slots__ = ("num_frames", "num_viewer_frames", "num_blank_frames", "num_frozen_frames", "num_invalid_viewer_frames", "session_time", "byte_seconds")
    NUM_FRAMES_FIELD_NUMBER: _ClassVar[int]
    NUM_VIEWER_FRAMES_FIELD_NUMBER: _ClassVar[int]
    NUM_BLANK_FRAMES_FIELD_NUMBER: _ClassVar[int]
    NUM_FROZEN_FRAMES_FIELD_NUMBER: _ClassVar[int]
    NUM_INVALID_VIEWER_FRAMES_FIELD_NUMBER: _ClassVar[int]
    SESSION_TIME_FIELD_NUMBER: _ClassVar[int]
    BYTE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    num_frames: int
    num_viewer_frames: int
    num_blank_frames: int
    num_frozen_frames: int
    num_invalid_viewer_frames: int
    session_time: _duration_pb2.Duration
    byte_seconds: int
    def __init__(self, num_frames: _Optional[int] = ..., num_viewer_frames: _Optional[int] = ..., num_blank_frames: _Optional[int] = ..., num_frozen_frames: _Optional[int] = ..., num_invalid_viewer_frames: _Optional[int] = ..., session_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., byte_seconds: _Optional[int] = ...) -> None: ...

class Bill(_message.Message):
    __slots__ = ("currency", "lines", "total")
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    currency: str
    lines: _containers.RepeatedCompositeFieldContainer[BillLine]
    total: str
    def __init__(self, currency: _Optional[str] = ..., lines: _Optional[_Iterable[_Union[BillLine, _Mapping]]] = ..., total: _Optional[str] = ...) -> None: ...

class BillLine(_message.Message):
    __slots__ = ("item", "model", "quantity", "unit", "price", "amount", "price_time")
    ITEM_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    PRICE_TIME_FIELD_NUMBER: _ClassVar[int]
    item: str
    model: str
    quantity: str
    unit: str
    price: str
    amount: str
    price_time: _timestamp_pb2.Timestamp
    def __init__(self, item: _Optional[str] = ..., model: _Optional[str] = ..., quantity: _Optional[str] = ..., unit: _Optional[str] = ..., price: _Optional[str] = ..., amount: _Optional[str] = ..., price_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
