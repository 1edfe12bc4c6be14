import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from nacre.v1 import control_pb2 as _control_pb2
from nacre.v1 import media_pb2 as _media_pb2
from nacre.v1 import quota_pb2 as _quota_pb2
from nacre.v1 import world_pb2 as _world_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ArbitrationPolicy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ARBITRATION_POLICY_UNSPECIFIED: _ClassVar[ArbitrationPolicy]
    ARBITRATION_POLICY_SINGLE: _ClassVar[ArbitrationPolicy]
    ARBITRATION_POLICY_MERGE: _ClassVar[ArbitrationPolicy]
    ARBITRATION_POLICY_DIRECTOR: _ClassVar[ArbitrationPolicy]
    ARBITRATION_POLICY_VOTE: _ClassVar[ArbitrationPolicy]

class ClientRole(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CLIENT_ROLE_UNSPECIFIED: _ClassVar[ClientRole]
    CLIENT_ROLE_PLAYER: _ClassVar[ClientRole]
    CLIENT_ROLE_DIRECTOR: _ClassVar[ClientRole]
    CLIENT_ROLE_VIEWER: _ClassVar[ClientRole]

class SessionState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SESSION_STATE_UNSPECIFIED: _ClassVar[SessionState]
    SESSION_STATE_READY: _ClassVar[SessionState]
    SESSION_STATE_RUNNING: _ClassVar[SessionState]
    SESSION_STATE_DETACHED: _ClassVar[SessionState]
    SESSION_STATE_ENDED: _ClassVar[SessionState]
    SESSION_STATE_PARKED: _ClassVar[SessionState]

class EndReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    END_REASON_UNSPECIFIED: _ClassVar[EndReason]
    END_REASON_REQUESTED: _ClassVar[EndReason]
    END_REASON_ABANDONED: _ClassVar[EndReason]
    END_REASON_SERVICE_STOPPING: _ClassVar[EndReason]
    END_REASON_WORKER_LOST: _ClassVar[EndReason]
    END_REASON_PARKED: _ClassVar[EndReason]
    END_REASON_TIME_LIMIT: _ClassVar[EndReason]
    END_REASON_CREDENTIAL_EXPIRED: _ClassVar[EndReason]
    END_REASON_BUDGET: _ClassVar[EndReason]
    END_REASON_QUOTA: _ClassVar[EndReason]
ARBITRATION_POLICY_UNSPECIFIED: ArbitrationPolicy
ARBITRATION_POLICY_SINGLE: ArbitrationPolicy
ARBITRATION_POLICY_MERGE: ArbitrationPolicy
ARBITRATION_POLICY_DIRECTOR: ArbitrationPolicy
ARBITRATION_POLICY_VOTE: ArbitrationPolicy
CLIENT_ROLE_UNSPECIFIED: ClientRole
CLIENT_ROLE_PLAYER: ClientRole
CLIENT_ROLE_DIRECTOR: ClientRole
CLIENT_ROLE_VIEWER: ClientRole
SESSION_STATE_UNSPECIFIED: SessionState
SESSION_STATE_READY: SessionState
SESSION_STATE_RUNNING: SessionState
SESSION_STATE_DETACHED: SessionState
SESSION_STATE_ENDED: SessionState
SESSION_STATE_PARKED: SessionState
END_REASON_UNSPECIFIED: EndReason
END_REASON_REQUESTED: EndReason
END_REASON_ABANDONED: EndReason
END_REASON_SERVICE_STOPPING: EndReason
END_REASON_WORKER_LOST: EndReason
END_REASON_PARKED: EndReason
END_REASON_TIME_LIMIT: EndReason
END_REASON_CREDENTIAL_EXPIRED: EndReason
END_REASON_BUDGET: EndReason
END_REASON_QUOTA: EndReason

class GetCapabilitiesRequest(_message.Message):
    __slots__ = ("model",)
    MODEL_FIELD_NUMBER: _ClassVar[int]
    model: str
    def __init__(self, model: _Optional[str] = ...) -> None: ...

class GetCapabilitiesResponse(_message.Message):
    __slots__ = ("capabilities", "arbitrations")
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    ARBITRATIONS_FIELD_NUMBER: _ClassVar[int]
    capabilities: _world_pb2.Capabilities
    arbitrations: _containers.RepeatedScalarFieldContainer[ArbitrationPolicy]
    def __init__(self, capabilities: _Optional[_Union[_world_pb2.Capabilities, _Mapping]] = ..., arbitrations: _Optional[_Iterable[_Union[ArbitrationPolicy, str]]] = ...) -> None: ...

class CreateSessionRequest(_message.Message):
    __slots__ = ("world", "idempotency_key", "admission", "arbitration")
    WORLD_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    ADMISSION_FIELD_NUMBER: _ClassVar[int]
    ARBITRATION_FIELD_NUMBER: _ClassVar[int]
    world: _world_pb2.WorldSpec
    idempotency_key: str
    admission: _quota_pb2.Admission
    arbitration: ArbitrationPolicy
    def __init__(self, world: _Optional[_Union[_world_pb2.WorldSpec, _Mapping]] = ..., idempotency_key: _Optional[str] = ..., admission: _Optional[_Union[_quota_pb2.Admission, _Mapping]] = ..., arbitration: _Optional[_Union[ArbitrationPolicy, str]] = ...) -> None: ...

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
    __slots__ = ("session_id", "idempotency_key")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    idempotency_key: str
    def __init__(self, session_id: _Optional[str] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class EndSessionResponse(_message.Message):
    __slots__ = ("session",)
    SESSION_FIELD_NUMBER: _ClassVar[int]
    session: Session
    def __init__(self, session: _Optional[_Union[Session, _Mapping]] = ...) -> None: ...

class ListSessionsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "states")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    STATES_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    states: _containers.RepeatedScalarFieldContainer[SessionState]
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., states: _Optional[_Iterable[_Union[SessionState, str]]] = ...) -> None: ...

class ListSessionsResponse(_message.Message):
    __slots__ = ("sessions", "next_page_token", "page_size")
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    sessions: _containers.RepeatedCompositeFieldContainer[SessionSummary]
    next_page_token: str
    page_size: int
    def __init__(self, sessions: _Optional[_Iterable[_Union[SessionSummary, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., page_size: _Optional[int] = ...) -> None: ...

class SessionSummary(_message.Message):
    __slots__ = ("session_id", "state", "world", "create_time", "update_time", "chunks_generated", "world_time", "provenance")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    WORLD_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    CHUNKS_GENERATED_FIELD_NUMBER: _ClassVar[int]
    WORLD_TIME_FIELD_NUMBER: _ClassVar[int]
    PROVENANCE_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    state: SessionState
    world: _world_pb2.WorldSpec
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    chunks_generated: int
    world_time: _duration_pb2.Duration
    provenance: _world_pb2.Provenance
    def __init__(self, session_id: _Optional[str] = ..., state: _Optional[_Union[SessionState, str]] = ..., world: _Optional[_Union[_world_pb2.WorldSpec, _Mapping]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., chunks_generated: _Optional[int] = ..., world_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., provenance: _Optional[_Union[_world_pb2.Provenance, _Mapping]] = ...) -> None: ...

class DeleteSessionRequest(_message.Message):
    __slots__ = ("session_id", "idempotency_key")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    idempotency_key: str
    def __init__(self, session_id: _Optional[str] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class DeleteSessionResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class PauseSessionRequest(_message.Message):
    __slots__ = ("session_id", "idempotency_key")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    idempotency_key: str
    def __init__(self, session_id: _Optional[str] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class PauseSessionResponse(_message.Message):
    __slots__ = ("session",)
    SESSION_FIELD_NUMBER: _ClassVar[int]
    session: Session
    def __init__(self, session: _Optional[_Union[Session, _Mapping]] = ...) -> None: ...

class ResumeSessionRequest(_message.Message):
    __slots__ = ("session_id", "idempotency_key")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    idempotency_key: str
    def __init__(self, session_id: _Optional[str] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class ResumeSessionResponse(_message.Message):
    __slots__ = ("session",)
    SESSION_FIELD_NUMBER: _ClassVar[int]
    session: Session
    def __init__(self, session: _Optional[_Union[Session, _Mapping]] = ...) -> None: ...

class ParkSessionRequest(_message.Message):
    __slots__ = ("session_id", "idempotency_key")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    idempotency_key: str
    def __init__(self, session_id: _Optional[str] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class ParkSessionResponse(_message.Message):
    __slots__ = ("session",)
    SESSION_FIELD_NUMBER: _ClassVar[int]
    session: Session
    def __init__(self, session: _Optional[_Union[Session, _Mapping]] = ...) -> None: ...

class WakeSessionRequest(_message.Message):
    __slots__ = ("session_id", "resume_token", "idempotency_key", "admission")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    ADMISSION_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    resume_token: str
    idempotency_key: str
    admission: _quota_pb2.Admission
    def __init__(self, session_id: _Optional[str] = ..., resume_token: _Optional[str] = ..., idempotency_key: _Optional[str] = ..., admission: _Optional[_Union[_quota_pb2.Admission, _Mapping]] = ...) -> None: ...

class WakeSessionResponse(_message.Message):
    __slots__ = ("session",)
    SESSION_FIELD_NUMBER: _ClassVar[int]
    session: Session
    def __init__(self, session: _Optional[_Union[Session, _Mapping]] = ...) -> None: ...

class ForkSessionRequest(_message.Message):
    __slots__ = ("session_id", "chunk_index", "label", "idempotency_key", "admission")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    CHUNK_INDEX_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    ADMISSION_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    chunk_index: int
    label: str
    idempotency_key: str
    admission: _quota_pb2.Admission
    def __init__(self, session_id: _Optional[str] = ..., chunk_index: _Optional[int] = ..., label: _Optional[str] = ..., idempotency_key: _Optional[str] = ..., admission: _Optional[_Union[_quota_pb2.Admission, _Mapping]] = ...) -> None: ...

class ForkSessionResponse(_message.Message):
    __slots__ = ("session", "resume_token")
    SESSION_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    session: Session
    resume_token: str
    def __init__(self, session: _Optional[_Union[Session, _Mapping]] = ..., resume_token: _Optional[str] = ...) -> None: ...

class RewindSessionRequest(_message.Message):
    __slots__ = ("session_id", "chunk_index", "back", "idempotency_key")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    CHUNK_INDEX_FIELD_NUMBER: _ClassVar[int]
    BACK_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    chunk_index: int
    back: _duration_pb2.Duration
    idempotency_key: str
    def __init__(self, session_id: _Optional[str] = ..., chunk_index: _Optional[int] = ..., back: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class RewindSessionResponse(_message.Message):
    __slots__ = ("chunk_index", "branch_session_id", "session")
    CHUNK_INDEX_FIELD_NUMBER: _ClassVar[int]
    BRANCH_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    chunk_index: int
    branch_session_id: str
    session: Session
    def __init__(self, chunk_index: _Optional[int] = ..., branch_session_id: _Optional[str] = ..., session: _Optional[_Union[Session, _Mapping]] = ...) -> None: ...

class GetBranchesRequest(_message.Message):
    __slots__ = ("session_id",)
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    def __init__(self, session_id: _Optional[str] = ...) -> None: ...

class GetBranchesResponse(_message.Message):
    __slots__ = ("branches",)
    BRANCHES_FIELD_NUMBER: _ClassVar[int]
    branches: _containers.RepeatedCompositeFieldContainer[Branch]
    def __init__(self, branches: _Optional[_Iterable[_Union[Branch, _Mapping]]] = ...) -> None: ...

class Branch(_message.Message):
    __slots__ = ("session_id", "parent_session_id", "parent_chunk_index", "label", "state", "chunks_generated", "create_time")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    PARENT_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    PARENT_CHUNK_INDEX_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CHUNKS_GENERATED_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    parent_session_id: str
    parent_chunk_index: int
    label: str
    state: SessionState
    chunks_generated: int
    create_time: _timestamp_pb2.Timestamp
    def __init__(self, session_id: _Optional[str] = ..., parent_session_id: _Optional[str] = ..., parent_chunk_index: _Optional[int] = ..., label: _Optional[str] = ..., state: _Optional[_Union[SessionState, str]] = ..., chunks_generated: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class DiffSessionsRequest(_message.Message):
    __slots__ = ("session_id", "other_session_id")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    OTHER_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    other_session_id: str
    def __init__(self, session_id: _Optional[str] = ..., other_session_id: _Optional[str] = ...) -> None: ...

class DiffSessionsResponse(_message.Message):
    __slots__ = ("parted_chunk_index", "world_fields", "controls", "other_controls")
    PARTED_CHUNK_INDEX_FIELD_NUMBER: _ClassVar[int]
    WORLD_FIELDS_FIELD_NUMBER: _ClassVar[int]
    CONTROLS_FIELD_NUMBER: _ClassVar[int]
    OTHER_CONTROLS_FIELD_NUMBER: _ClassVar[int]
    parted_chunk_index: int
    world_fields: _containers.RepeatedScalarFieldContainer[str]
    controls: _containers.RepeatedCompositeFieldContainer[PastControl]
    other_controls: _containers.RepeatedCompositeFieldContainer[PastControl]
    def __init__(self, parted_chunk_index: _Optional[int] = ..., world_fields: _Optional[_Iterable[str]] = ..., controls: _Optional[_Iterable[_Union[PastControl, _Mapping]]] = ..., other_controls: _Optional[_Iterable[_Union[PastControl, _Mapping]]] = ...) -> None: ...

class PastControl(_message.Message):
    __slots__ = ("chunk_index", "kind", "text")
    CHUNK_INDEX_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    chunk_index: int
    kind: _world_pb2.ControlKind
    text: str
    def __init__(self, chunk_index: _Optional[int] = ..., kind: _Optional[_Union[_world_pb2.ControlKind, str]] = ..., text: _Optional[str] = ...) -> None: ...

class Session(_message.Message):
    __slots__ = ("session_id", "state", "world", "capabilities", "create_time", "chunks_generated", "world_time", "end_reason", "paused", "end_time", "limits", "arbitration", "participants", "take_control_after", "provenance", "quality")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    WORLD_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    CHUNKS_GENERATED_FIELD_NUMBER: _ClassVar[int]
    WORLD_TIME_FIELD_NUMBER: _ClassVar[int]
    END_REASON_FIELD_NUMBER: _ClassVar[int]
    PAUSED_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    ARBITRATION_FIELD_NUMBER: _ClassVar[int]
    PARTICIPANTS_FIELD_NUMBER: _ClassVar[int]
    TAKE_CONTROL_AFTER_FIELD_NUMBER: _ClassVar[int]
    PROVENANCE_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    state: SessionState
    world: _world_pb2.WorldSpec
    capabilities: _world_pb2.Capabilities
    create_time: _timestamp_pb2.Timestamp
    chunks_generated: int
    world_time: _duration_pb2.Duration
    end_reason: EndReason
    paused: bool
    end_time: _timestamp_pb2.Timestamp
    limits: _quota_pb2.Limits
    arbitration: ArbitrationPolicy
    participants: _containers.RepeatedCompositeFieldContainer[Participant]
    take_control_after: _duration_pb2.Duration
    provenance: _world_pb2.Provenance
    quality: Quality
    def __init__(self, session_id: _Optional[str] = ..., state: _Optional[_Union[SessionState, str]] = ..., world: _Optional[_Union[_world_pb2.WorldSpec, _Mapping]] = ..., capabilities: _Optional[_Union[_world_pb2.Capabilities, _Mapping]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., chunks_generated: _Optional[int] = ..., world_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., end_reason: _Optional[_Union[EndReason, str]] = ..., paused: _Optional[bool] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., limits: _Optional[_Union[_quota_pb2.Limits, _Mapping]] = ..., arbitration: _Optional[_Union[ArbitrationPolicy, str]] = ..., participants: _Optional[_Iterable[_Union[Participant, _Mapping]]] = ..., take_control_after: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., provenance: _Optional[_Union[_world_pb2.Provenance, _Mapping]] = ..., quality: _Optional[_Union[Quality, _Mapping]] = ...) -> None: ...

class Participant(_message.Message):
    __slots__ = ("client_id", "subject_id", "role", "in_control", "asks_control", "join_time")
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_ID_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    IN_CONTROL_FIELD_NUMBER: _ClassVar[int]
    ASKS_CONTROL_FIELD_NUMBER: _ClassVar[int]
    JOIN_TIME_FIELD_NUMBER: _ClassVar[int]
    client_id: str
    subject_id: str
    role: ClientRole
    in_control: bool
    asks_control: bool
    join_time: _timestamp_pb2.Timestamp
    def __init__(self, client_id: _Optional[str] = ..., subject_id: _Optional[str] = ..., role: _Optional[_Union[ClientRole, str]] = ..., in_control: _Optional[bool] = ..., asks_control: _Optional[bool] = ..., join_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class PlayRequest(_message.Message):
    __slots__ = ("attach", "control", "credit", "keyframe_wish")
    ATTACH_FIELD_NUMBER: _ClassVar[int]
    CONTROL_FIELD_NUMBER: _ClassVar[int]
    CREDIT_FIELD_NUMBER: _ClassVar[int]
    KEYFRAME_WISH_FIELD_NUMBER: _ClassVar[int]
    attach: Attach
    control: _control_pb2.Control
    credit: Credit
    keyframe_wish: KeyframeWish
    def __init__(self, attach: _Optional[_Union[Attach, _Mapping]] = ..., control: _Optional[_Union[_control_pb2.Control, _Mapping]] = ..., credit: _Optional[_Union[Credit, _Mapping]] = ..., keyframe_wish: _Optional[_Union[KeyframeWish, _Mapping]] = ...) -> None: ...

class KeyframeWish(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Attach(_message.Message):
    __slots__ = ("session_id", "resume_token", "video_codecs", "audio_codecs", "initial_credit", "role", "client_id", "stand_by", "token", "unanswered_control_ids", "guest_token", "next_chunk_index")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    VIDEO_CODECS_FIELD_NUMBER: _ClassVar[int]
    AUDIO_CODECS_FIELD_NUMBER: _ClassVar[int]
    INITIAL_CREDIT_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    STAND_BY_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    UNANSWERED_CONTROL_IDS_FIELD_NUMBER: _ClassVar[int]
    GUEST_TOKEN_FIELD_NUMBER: _ClassVar[int]
    NEXT_CHUNK_INDEX_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    resume_token: str
    video_codecs: _containers.RepeatedScalarFieldContainer[_media_pb2.VideoCodec]
    audio_codecs: _containers.RepeatedScalarFieldContainer[_media_pb2.AudioCodec]
    initial_credit: int
    role: ClientRole
    client_id: str
    stand_by: bool
    token: str
    unanswered_control_ids: _containers.RepeatedScalarFieldContainer[str]
    guest_token: str
    next_chunk_index: int
    def __init__(self, session_id: _Optional[str] = ..., resume_token: _Optional[str] = ..., video_codecs: _Optional[_Iterable[_Union[_media_pb2.VideoCodec, str]]] = ..., audio_codecs: _Optional[_Iterable[_Union[_media_pb2.AudioCodec, str]]] = ..., initial_credit: _Optional[int] = ..., role: _Optional[_Union[ClientRole, str]] = ..., client_id: _Optional[str] = ..., stand_by: _Optional[bool] = ..., token: _Optional[str] = ..., unanswered_control_ids: _Optional[_Iterable[str]] = ..., guest_token: _Optional[str] = ..., next_chunk_index: _Optional[int] = ...) -> None: ...

class Credit(_message.Message):
    __slots__ = ("chunks",)
    CHUNKS_FIELD_NUMBER: _ClassVar[int]
    chunks: int
    def __init__(self, chunks: _Optional[int] = ...) -> None: ...

class PlayResponse(_message.Message):
    __slots__ = ("attached", "media", "ack", "go_away", "ended", "rewound", "hands", "quality")
    ATTACHED_FIELD_NUMBER: _ClassVar[int]
    MEDIA_FIELD_NUMBER: _ClassVar[int]
    ACK_FIELD_NUMBER: _ClassVar[int]
    GO_AWAY_FIELD_NUMBER: _ClassVar[int]
    ENDED_FIELD_NUMBER: _ClassVar[int]
    REWOUND_FIELD_NUMBER: _ClassVar[int]
    HANDS_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    attached: Attached
    media: _media_pb2.MediaChunk
    ack: _control_pb2.Ack
    go_away: GoAway
    ended: Ended
    rewound: Rewound
    hands: Hands
    quality: Quality
    def __init__(self, attached: _Optional[_Union[Attached, _Mapping]] = ..., media: _Optional[_Union[_media_pb2.MediaChunk, _Mapping]] = ..., ack: _Optional[_Union[_control_pb2.Ack, _Mapping]] = ..., go_away: _Optional[_Union[GoAway, _Mapping]] = ..., ended: _Optional[_Union[Ended, _Mapping]] = ..., rewound: _Optional[_Union[Rewound, _Mapping]] = ..., hands: _Optional[_Union[Hands, _Mapping]] = ..., quality: _Optional[_Union[Quality, _Mapping]] = ...) -> None: ...

class Hands(_message.Message):
    __slots__ = ("participants", "num_viewers")
    PARTICIPANTS_FIELD_NUMBER: _ClassVar[int]
    NUM_VIEWERS_FIELD_NUMBER: _ClassVar[int]
    participants: _containers.RepeatedCompositeFieldContainer[Participant]
    num_viewers: int
    def __init__(self, participants: _Optional[_Iterable[_Union[Participant, _Mapping]]] = ..., num_viewers: _Optional[int] = ...) -> None: ...

class Quality(_message.Message):
    __slots__ = ("chunk_index", "denoise_share", "rate")
    CHUNK_INDEX_FIELD_NUMBER: _ClassVar[int]
    DENOISE_SHARE_FIELD_NUMBER: _ClassVar[int]
    RATE_FIELD_NUMBER: _ClassVar[int]
    chunk_index: int
    denoise_share: float
    rate: float
    def __init__(self, chunk_index: _Optional[int] = ..., denoise_share: _Optional[float] = ..., rate: _Optional[float] = ...) -> None: ...

class Rewound(_message.Message):
    __slots__ = ("chunk_index", "branch_session_id")
    CHUNK_INDEX_FIELD_NUMBER: _ClassVar[int]
    BRANCH_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    chunk_index: int
    branch_session_id: str
    def __init__(self, chunk_index: _Optional[int] = ..., branch_session_id: _Optional[str] = ...) -> None: ...

class Attached(_message.Message):
    __slots__ = ("session", "video_codec", "audio_codec", "credit", "next_chunk_index", "role", "client_id", "in_control", "guest_token")
    SESSION_FIELD_NUMBER: _ClassVar[int]
    VIDEO_CODEC_FIELD_NUMBER: _ClassVar[int]
    AUDIO_CODEC_FIELD_NUMBER: _ClassVar[int]
    CREDIT_FIELD_NUMBER: _ClassVar[int]
    NEXT_CHUNK_INDEX_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    IN_CONTROL_FIELD_NUMBER: _ClassVar[int]
    GUEST_TOKEN_FIELD_NUMBER: _ClassVar[int]
    session: Session
    video_codec: _media_pb2.VideoCodec
    audio_codec: _media_pb2.AudioCodec
    credit: int
    next_chunk_index: int
    role: ClientRole
    client_id: str
    in_control: bool
    guest_token: str
    def __init__(self, session: _Optional[_Union[Session, _Mapping]] = ..., video_codec: _Optional[_Union[_media_pb2.VideoCodec, str]] = ..., audio_codec: _Optional[_Union[_media_pb2.AudioCodec, str]] = ..., credit: _Optional[int] = ..., next_chunk_index: _Optional[int] = ..., role: _Optional[_Union[ClientRole, str]] = ..., client_id: _Optional[str] = ..., in_control: _Optional[bool] = ..., guest_token: _Optional[str] = ...) -> None: ...

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
