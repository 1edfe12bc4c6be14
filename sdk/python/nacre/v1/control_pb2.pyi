import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from nacre.v1 import error_pb2 as _error_pb2
from nacre.v1 import world_pb2 as _world_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CameraMoveKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CAMERA_MOVE_KIND_UNSPECIFIED: _ClassVar[CameraMoveKind]
    CAMERA_MOVE_KIND_STATIC: _ClassVar[CameraMoveKind]
    CAMERA_MOVE_KIND_PAN_LEFT: _ClassVar[CameraMoveKind]
    CAMERA_MOVE_KIND_PAN_RIGHT: _ClassVar[CameraMoveKind]
    CAMERA_MOVE_KIND_TILT_UP: _ClassVar[CameraMoveKind]
    CAMERA_MOVE_KIND_TILT_DOWN: _ClassVar[CameraMoveKind]
    CAMERA_MOVE_KIND_PUSH_IN: _ClassVar[CameraMoveKind]
    CAMERA_MOVE_KIND_PULL_BACK: _ClassVar[CameraMoveKind]
    CAMERA_MOVE_KIND_ORBIT: _ClassVar[CameraMoveKind]

class SupersededReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SUPERSEDED_REASON_UNSPECIFIED: _ClassVar[SupersededReason]
    SUPERSEDED_REASON_LATER: _ClassVar[SupersededReason]
    SUPERSEDED_REASON_CANCELLED: _ClassVar[SupersededReason]
    SUPERSEDED_REASON_DIRECTOR: _ClassVar[SupersededReason]
    SUPERSEDED_REASON_OUTVOTED: _ClassVar[SupersededReason]
CAMERA_MOVE_KIND_UNSPECIFIED: CameraMoveKind
CAMERA_MOVE_KIND_STATIC: CameraMoveKind
CAMERA_MOVE_KIND_PAN_LEFT: CameraMoveKind
CAMERA_MOVE_KIND_PAN_RIGHT: CameraMoveKind
CAMERA_MOVE_KIND_TILT_UP: CameraMoveKind
CAMERA_MOVE_KIND_TILT_DOWN: CameraMoveKind
CAMERA_MOVE_KIND_PUSH_IN: CameraMoveKind
CAMERA_MOVE_KIND_PULL_BACK: CameraMoveKind
CAMERA_MOVE_KIND_ORBIT: CameraMoveKind
SUPERSEDED_REASON_UNSPECIFIED: SupersededReason
SUPERSEDED_REASON_LATER: SupersededReason
SUPERSEDED_REASON_CANCELLED: SupersededReason
SUPERSEDED_REASON_DIRECTOR: SupersededReason
SUPERSEDED_REASON_OUTVOTED: SupersededReason

class Control(_message.Message):
    __slots__ = ("control_id", "move", "look", "directive", "image", "perspective", "camera", "cancel", "ask_control", "give_control", "take_control", "schedule")
    CONTROL_ID_FIELD_NUMBER: _ClassVar[int]
    MOVE_FIELD_NUMBER: _ClassVar[int]
    LOOK_FIELD_NUMBER: _ClassVar[int]
    DIRECTIVE_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    PERSPECTIVE_FIELD_NUMBER: _ClassVar[int]
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    CANCEL_FIELD_NUMBER: _ClassVar[int]
    ASK_CONTROL_FIELD_NUMBER: _ClassVar[int]
    GIVE_CONTROL_FIELD_NUMBER: _ClassVar[int]
    TAKE_CONTROL_FIELD_NUMBER: _ClassVar[int]
    SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    control_id: str
    move: Move
    look: Look
    directive: Directive
    image: _world_pb2.Image
    perspective: SetPerspective
    camera: CameraMove
    cancel: Cancel
    ask_control: AskControl
    give_control: GiveControl
    take_control: TakeControl
    schedule: Schedule
    def __init__(self, control_id: _Optional[str] = ..., move: _Optional[_Union[Move, _Mapping]] = ..., look: _Optional[_Union[Look, _Mapping]] = ..., directive: _Optional[_Union[Directive, _Mapping]] = ..., image: _Optional[_Union[_world_pb2.Image, _Mapping]] = ..., perspective: _Optional[_Union[SetPerspective, _Mapping]] = ..., camera: _Optional[_Union[CameraMove, _Mapping]] = ..., cancel: _Optional[_Union[Cancel, _Mapping]] = ..., ask_control: _Optional[_Union[AskControl, _Mapping]] = ..., give_control: _Optional[_Union[GiveControl, _Mapping]] = ..., take_control: _Optional[_Union[TakeControl, _Mapping]] = ..., schedule: _Optional[_Union[Schedule, _Mapping]] = ...) -> None: ...

class Schedule(_message.Message):
    __slots__ = ("at_chunk_index", "at_world_time", "after", "after_control_id")
    AT_CHUNK_INDEX_FIELD_NUMBER: _ClassVar[int]
    AT_WORLD_TIME_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    AFTER_CONTROL_ID_FIELD_NUMBER: _ClassVar[int]
    at_chunk_index: int
    at_world_time: _duration_pb2.Duration
    after: _duration_pb2.Duration
    after_control_id: str
    def __init__(self, at_chunk_index: _Optional[int] = ..., at_world_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., after: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., after_control_id: _Optional[str] = ...) -> None: ...

class Cancel(_message.Message):
    __slots__ = ("control_id",)
    CONTROL_ID_FIELD_NUMBER: _ClassVar[int]
    control_id: str
    def __init__(self, control_id: _Optional[str] = ...) -> None: ...

class AskControl(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GiveControl(_message.Message):
    __slots__ = ("client_id",)
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    client_id: str
    def __init__(self, client_id: _Optional[str] = ...) -> None: ...

class TakeControl(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Move(_message.Message):
    __slots__ = ("forward", "strafe")
    FORWARD_FIELD_NUMBER: _ClassVar[int]
    STRAFE_FIELD_NUMBER: _ClassVar[int]
    forward: float
    strafe: float
    def __init__(self, forward: _Optional[float] = ..., strafe: _Optional[float] = ...) -> None: ...

class Look(_message.Message):
    __slots__ = ("yaw", "pitch")
    YAW_FIELD_NUMBER: _ClassVar[int]
    PITCH_FIELD_NUMBER: _ClassVar[int]
    yaw: float
    pitch: float
    def __init__(self, yaw: _Optional[float] = ..., pitch: _Optional[float] = ...) -> None: ...

class Directive(_message.Message):
    __slots__ = ("text",)
    TEXT_FIELD_NUMBER: _ClassVar[int]
    text: str
    def __init__(self, text: _Optional[str] = ...) -> None: ...

class SetPerspective(_message.Message):
    __slots__ = ("perspective",)
    PERSPECTIVE_FIELD_NUMBER: _ClassVar[int]
    perspective: _world_pb2.Perspective
    def __init__(self, perspective: _Optional[_Union[_world_pb2.Perspective, str]] = ...) -> None: ...

class CameraMove(_message.Message):
    __slots__ = ("kind",)
    KIND_FIELD_NUMBER: _ClassVar[int]
    kind: CameraMoveKind
    def __init__(self, kind: _Optional[_Union[CameraMoveKind, str]] = ...) -> None: ...

class Ack(_message.Message):
    __slots__ = ("control_id", "accepted", "applied", "superseded", "rejected")
    CONTROL_ID_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    APPLIED_FIELD_NUMBER: _ClassVar[int]
    SUPERSEDED_FIELD_NUMBER: _ClassVar[int]
    REJECTED_FIELD_NUMBER: _ClassVar[int]
    control_id: str
    accepted: Accepted
    applied: Applied
    superseded: Superseded
    rejected: Rejected
    def __init__(self, control_id: _Optional[str] = ..., accepted: _Optional[_Union[Accepted, _Mapping]] = ..., applied: _Optional[_Union[Applied, _Mapping]] = ..., superseded: _Optional[_Union[Superseded, _Mapping]] = ..., rejected: _Optional[_Union[Rejected, _Mapping]] = ...) -> None: ...

class Accepted(_message.Message):
    __slots__ = ("not_durable", "due_chunk_index")
    NOT_DURABLE_FIELD_NUMBER: _ClassVar[int]
    DUE_CHUNK_INDEX_FIELD_NUMBER: _ClassVar[int]
    not_durable: bool
    due_chunk_index: int
    def __init__(self, not_durable: _Optional[bool] = ..., due_chunk_index: _Optional[int] = ...) -> None: ...

class Applied(_message.Message):
    __slots__ = ("chunk_index", "frame_index", "world_time", "understood")
    CHUNK_INDEX_FIELD_NUMBER: _ClassVar[int]
    FRAME_INDEX_FIELD_NUMBER: _ClassVar[int]
    WORLD_TIME_FIELD_NUMBER: _ClassVar[int]
    UNDERSTOOD_FIELD_NUMBER: _ClassVar[int]
    chunk_index: int
    frame_index: int
    world_time: _duration_pb2.Duration
    understood: Understood
    def __init__(self, chunk_index: _Optional[int] = ..., frame_index: _Optional[int] = ..., world_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., understood: _Optional[_Union[Understood, _Mapping]] = ...) -> None: ...

class Understood(_message.Message):
    __slots__ = ("phrases",)
    PHRASES_FIELD_NUMBER: _ClassVar[int]
    phrases: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, phrases: _Optional[_Iterable[str]] = ...) -> None: ...

class Superseded(_message.Message):
    __slots__ = ("by_control_id", "reason", "by_client_id")
    BY_CONTROL_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    BY_CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    by_control_id: str
    reason: SupersededReason
    by_client_id: str
    def __init__(self, by_control_id: _Optional[str] = ..., reason: _Optional[_Union[SupersededReason, str]] = ..., by_client_id: _Optional[str] = ...) -> None: ...

class Rejected(_message.Message):
    __slots__ = ("error",)
    ERROR_FIELD_NUMBER: _ClassVar[int]
    error: _error_pb2.Error
    def __init__(self, error: _Optional[_Union[_error_pb2.Error, _Mapping]] = ...) -> None: ...
