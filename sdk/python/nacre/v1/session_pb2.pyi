import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from nacre.v1 import control_pb2 as _control_pb2
from nacre.v1 import media_pb2 as _media_pb2
from nacre.v1 import world_pb2 as _world_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SessionState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SESSION_STATE_UNSPECIFIED: _ClassVar[SessionState]
    SESSION_STATE_READY: _ClassVar[SessionState]
    SESSION_STATE_RUNNING: _ClassVar[SessionState]
    SESSION_STATE_DETACHED: _ClassVar[SessionState]
    SESSION_STATE_ENDED: _ClassVar[SessionState]

class EndReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    END_REASON_UNSPECIFIED: _ClassVar[EndReason]
    END_REASON_REQUESTED: _ClassVar[EndReason]
    END_REASON_ABANDONED: _ClassVar[EndReason]
    END_REASON_SERVICE_STOPPING: _ClassVar[EndReason]
    END_REASON_WORKER_LOST: _ClassVar[EndReason]
SESSION_STATE_UNSPECIFIED: SessionState
SESSION_STATE_READY: SessionState
SESSION_STATE_RUNNING: SessionState
SESSION_STATE_DETACHED: SessionState
SESSION_STATE_ENDED: SessionState
END_REASON_UNSPECIFIED: EndReason
END_REASON_REQUESTED: EndReason
END_REASON_ABANDONED: EndReason
END_REASON_SERVICE_STOPPING: EndReason
END_REASON_WORKER_LOST: EndReason

class GetCapabilitiesRequest(_message.Message):
    __slots__ = ("model",)
    MODEL_FIELD_NUMBER: _ClassVar[int]
    model: str
    def __init__(self, model: _Optional[str] = ...) -> None: ...

class GetCapabilitiesResponse(_message.Message):
    __slots__ = ("capabilities",)
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    capabilities: _world_pb2.Capabilities
    def __init__(self, capabilities: _Optional[_Union[_world_pb2.Capabilities, _Mapping]] = ...) -> None: ...

class CreateSessionRequest(_message.Message):
    __slots__ = ("world", "idempotency_key")
    WORLD_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    world: _world_pb2.WorldSpec
    idempotency_key: str
    def __init__(self, world: _Optional[_Union[_world_pb2.WorldSpec, _Mapping]] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class CreateSessionResponse(_message.Message):
    __slots__ = ("session", "resume_token")
    SESSION_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    session: Session
    resume_token: str
    def __init__(self, session: _Optional[_Union[Session, _Mapping]] = ..., resume_token: _Optional[str] = ...) -> None: ...

class GetSessionRequest(_message.Message):
    __slots__ = ("session_id",)
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    def __init__(self, session_id: _Optional[str] = ...) -> None: ...

class GetSessionResponse(_message.Message):
    __slots__ = ("session",)
    SESSION_FIELD_NUMBER: _ClassVar[int]
    session: Session
    def __init__(self, session: _Optional[_Union[Session, _Mapping]] = ...) -> None: ...

class EndSessionRequest(_message.Message):
    __slots__ = ("session_id",)
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    def __init__(self, session_id: _Optional[str] = ...) -> None: ...

class EndSessionResponse(_message.Message):
    __slots__ = ("session",)
    SESSION_FIELD_NUMBER: _ClassVar[int]
    session: Session
    def __init__(self, session: _Optional[_Union[Session, _Mapping]] = ...) -> None: ...

class Session(_message.Message):
    __slots__ = ("session_id", "state", "world", "capabilities", "create_time", "chunks_generated", "world_time", "end_reason")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    WORLD_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    CHUNKS_GENERATED_FIELD_NUMBER: _ClassVar[int]
    WORLD_TIME_FIELD_NUMBER: _ClassVar[int]
    END_REASON_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    state: SessionState
    world: _world_pb2.WorldSpec
    capabilities: _world_pb2.Capabilities
    create_time: _timestamp_pb2.Timestamp
    chunks_generated: int
    world_time: _duration_pb2.Duration
    end_reason: EndReason
    def __init__(self, session_id: _Optional[str] = ..., state: _Optional[_Union[SessionState, str]] = ..., world: _Optional[_Union[_world_pb2.WorldSpec, _Mapping]] = ..., capabilities: _Optional[_Union[_world_pb2.Capabilities, _Mapping]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., chunks_generated: _Optional[int] = ..., world_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., end_reason: _Optional[_Union[EndReason, str]] = ...) -> None: ...

class PlayRequest(_message.Message):
    __slots__ = ("attach", "control", "credit")
    ATTACH_FIELD_NUMBER: _ClassVar[int]
    CONTROL_FIELD_NUMBER: _ClassVar[int]
    CREDIT_FIELD_NUMBER: _ClassVar[int]
    attach: Attach
    control: _control_pb2.Control
    credit: Credit
    def __init__(self, attach: _Optional[_Union[Attach, _Mapping]] = ..., control: _Optional[_Union[_control_pb2.Control, _Mapping]] = ..., credit: _Optional[_Union[Credit, _Mapping]] = ...) -> None: ...

class Attach(_message.Message):
    __slots__ = ("session_id", "resume_token", "video_codecs", "audio_codecs", "initial_credit")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    VIDEO_CODECS_FIELD_NUMBER: _ClassVar[int]
    AUDIO_CODECS_FIELD_NUMBER: _ClassVar[int]
    INITIAL_CREDIT_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    resume_token: str
    video_codecs: _containers.RepeatedScalarFieldContainer[_media_pb2.VideoCodec]
    audio_codecs: _containers.RepeatedScalarFieldContainer[_media_pb2.AudioCodec]
    initial_credit: int
    def __init__(self, session_id: _Optional[str] = ..., resume_token: _Optional[str] = ..., video_codecs: _Optional[_Iterable[_Union[_media_pb2.VideoCodec, str]]] = ..., audio_codecs: _Optional[_Iterable[_Union[_media_pb2.AudioCodec, str]]] = ..., initial_credit: _Optional[int] = ...) -> None: ...

class Credit(_message.Message):
    __slots__ = ("chunks",)
    CHUNKS_FIELD_NUMBER: _ClassVar[int]
    chunks: int
    def __init__(self, chunks: _Optional[int] = ...) -> None: ...

class PlayResponse(_message.Message):
    __slots__ = ("attached", "media", "ack", "go_away", "ended")
    ATTACHED_FIELD_NUMBER: _ClassVar[int]
    MEDIA_FIELD_NUMBER: _ClassVar[int]
    ACK_FIELD_NUMBER: _ClassVar[int]
    GO_AWAY_FIELD_NUMBER: _ClassVar[int]
    ENDED_FIELD_NUMBER: _ClassVar[int]
    attached: Attached
    media: _media_pb2.MediaChunk
    ack: _control_pb2.Ack
    go_away: GoAway
    ended: Ended
    def __init__(self, attached: _Optional[_Union[Attached, _Mapping]] = ..., media: _Optional[_Union[_media_pb2.MediaChunk, _Mapping]] = ..., ack: _Optional[_Union[_control_pb2.Ack, _Mapping]] = ..., go_away: _Optional[_Union[GoAway, _Mapping]] = ..., ended: _Optional[_Union[Ended, _Mapping]] = ...) -> None: ...

class Attached(_message.Message):
    __slots__ = ("session", "video_codec", "audio_codec", "credit", "next_chunk_index")
    SESSION_FIELD_NUMBER: _ClassVar[int]
    VIDEO_CODEC_FIELD_NUMBER: _ClassVar[int]
    AUDIO_CODEC_FIELD_NUMBER: _ClassVar[int]
    CREDIT_FIELD_NUMBER: _ClassVar[int]
    NEXT_CHUNK_INDEX_FIELD_NUMBER: _ClassVar[int]
    session: Session
    video_codec: _media_pb2.VideoCodec
    audio_codec: _media_pb2.AudioCodec
    credit: int
    next_chunk_index: int
    def __init__(self, session: _Optional[_Union[Session, _Mapping]] = ..., video_codec: _Optional[_Union[_media_pb2.VideoCodec, str]] = ..., audio_codec: _Optional[_Union[_media_pb2.AudioCodec, str]] = ..., credit: _Optional[int] = ..., next_chunk_index: _Optional[int] = ...) -> None: ...

class GoAway(_message.Message):
    __slots__ = ("reason", "time_left")
    REASON_FIELD_NUMBER: _ClassVar[int]
    TIME_LEFT_FIELD_NUMBER: _ClassVar[int]
    reason: EndReason
    time_left: _duration_pb2.Duration
    def __init__(self, reason: _Optional[_Union[EndReason, str]] = ..., time_left: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Ended(_message.Message):
    __slots__ = ("session",)
    SESSION_FIELD_NUMBER: _ClassVar[int]
    session: Session
    def __init__(self, session: _Optional[_Union[Session, _Mapping]] = ...) -> None: ...
