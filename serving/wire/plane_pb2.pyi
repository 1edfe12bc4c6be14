from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EncodeTextRequest(_message.Message):
    __slots__ = ("text",)
    TEXT_FIELD_NUMBER: _ClassVar[int]
    text: str
    def __init__(self, text: _Optional[str] = ...) -> None: ...

class Understood(_message.Message):
    __slots__ = ("phrases",)
    PHRASES_FIELD_NUMBER: _ClassVar[int]
    phrases: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, phrases: _Optional[_Iterable[str]] = ...) -> None: ...

class EncodeTextResponse(_message.Message):
    __slots__ = ("tensors", "understood")
    TENSORS_FIELD_NUMBER: _ClassVar[int]
    UNDERSTOOD_FIELD_NUMBER: _ClassVar[int]
    tensors: bytes
    understood: Understood
    def __init__(self, tensors: _Optional[bytes] = ..., understood: _Optional[_Union[Understood, _Mapping]] = ...) -> None: ...

class EncodeImageRequest(_message.Message):
    __slots__ = ("picture",)
    PICTURE_FIELD_NUMBER: _ClassVar[int]
    picture: Picture
    def __init__(self, picture: _Optional[_Union[Picture, _Mapping]] = ...) -> None: ...

class EncodeImageResponse(_message.Message):
    __slots__ = ("tensors",)
    TENSORS_FIELD_NUMBER: _ClassVar[int]
    tensors: bytes
    def __init__(self, tensors: _Optional[bytes] = ...) -> None: ...

class Picture(_message.Message):
    __slots__ = ("height_px", "width_px", "data")
    HEIGHT_PX_FIELD_NUMBER: _ClassVar[int]
    WIDTH_PX_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    height_px: int
    width_px: int
    data: bytes
    def __init__(self, height_px: _Optional[int] = ..., width_px: _Optional[int] = ..., data: _Optional[bytes] = ...) -> None: ...

class RunRequest(_message.Message):
    __slots__ = ("open", "control", "grant", "take_snapshot", "close")
    OPEN_FIELD_NUMBER: _ClassVar[int]
    CONTROL_FIELD_NUMBER: _ClassVar[int]
    GRANT_FIELD_NUMBER: _ClassVar[int]
    TAKE_SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    CLOSE_FIELD_NUMBER: _ClassVar[int]
    open: Open
    control: Control
    grant: int
    take_snapshot: TakeSnapshot
    close: Close
    def __init__(self, open: _Optional[_Union[Open, _Mapping]] = ..., control: _Optional[_Union[Control, _Mapping]] = ..., grant: _Optional[int] = ..., take_snapshot: _Optional[_Union[TakeSnapshot, _Mapping]] = ..., close: _Optional[_Union[Close, _Mapping]] = ...) -> None: ...

class Close(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Open(_message.Message):
    __slots__ = ("session_id", "seed", "prompt_tensors", "image_tensors", "snapshot", "decoders", "epoch", "resume_from", "is_rewind", "due_s", "shown_until")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    PROMPT_TENSORS_FIELD_NUMBER: _ClassVar[int]
    IMAGE_TENSORS_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    DECODERS_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    RESUME_FROM_FIELD_NUMBER: _ClassVar[int]
    IS_REWIND_FIELD_NUMBER: _ClassVar[int]
    DUE_S_FIELD_NUMBER: _ClassVar[int]
    SHOWN_UNTIL_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    seed: int
    prompt_tensors: bytes
    image_tensors: bytes
    snapshot: bytes
    decoders: _containers.RepeatedCompositeFieldContainer[DecoderAddress]
    epoch: int
    resume_from: int
    is_rewind: bool
    due_s: float
    shown_until: int
    def __init__(self, session_id: _Optional[str] = ..., seed: _Optional[int] = ..., prompt_tensors: _Optional[bytes] = ..., image_tensors: _Optional[bytes] = ..., snapshot: _Optional[bytes] = ..., decoders: _Optional[_Iterable[_Union[DecoderAddress, _Mapping]]] = ..., epoch: _Optional[int] = ..., resume_from: _Optional[int] = ..., is_rewind: _Optional[bool] = ..., due_s: _Optional[float] = ..., shown_until: _Optional[int] = ...) -> None: ...

class DecoderAddress(_message.Message):
    __slots__ = ("address", "stages")
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    STAGES_FIELD_NUMBER: _ClassVar[int]
    address: str
    stages: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, address: _Optional[str] = ..., stages: _Optional[_Iterable[str]] = ...) -> None: ...

class Control(_message.Message):
    __slots__ = ("control_id", "received_s", "move", "look", "directive", "image", "perspective", "camera_move", "cancel", "in_hand", "sender", "schedule", "superseded")
    CONTROL_ID_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_S_FIELD_NUMBER: _ClassVar[int]
    MOVE_FIELD_NUMBER: _ClassVar[int]
    LOOK_FIELD_NUMBER: _ClassVar[int]
    DIRECTIVE_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    PERSPECTIVE_FIELD_NUMBER: _ClassVar[int]
    CAMERA_MOVE_FIELD_NUMBER: _ClassVar[int]
    CANCEL_FIELD_NUMBER: _ClassVar[int]
    IN_HAND_FIELD_NUMBER: _ClassVar[int]
    SENDER_FIELD_NUMBER: _ClassVar[int]
    SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    SUPERSEDED_FIELD_NUMBER: _ClassVar[int]
    control_id: str
    received_s: float
    move: Move
    look: Look
    directive: Directive
    image: ImageControl
    perspective: str
    camera_move: str
    cancel: str
    in_hand: InHand
    sender: Sender
    schedule: Schedule
    superseded: Superseded
    def __init__(self, control_id: _Optional[str] = ..., received_s: _Optional[float] = ..., move: _Optional[_Union[Move, _Mapping]] = ..., look: _Optional[_Union[Look, _Mapping]] = ..., directive: _Optional[_Union[Directive, _Mapping]] = ..., image: _Optional[_Union[ImageControl, _Mapping]] = ..., perspective: _Optional[str] = ..., camera_move: _Optional[str] = ..., cancel: _Optional[str] = ..., in_hand: _Optional[_Union[InHand, _Mapping]] = ..., sender: _Optional[_Union[Sender, _Mapping]] = ..., schedule: _Optional[_Union[Schedule, _Mapping]] = ..., superseded: _Optional[_Union[Superseded, _Mapping]] = ...) -> None: ...

class Sender(_message.Message):
    __slots__ = ("subject_id", "client_id")
    SUBJECT_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    subject_id: str
    client_id: str
    def __init__(self, subject_id: _Optional[str] = ..., client_id: _Optional[str] = ...) -> None: ...

class InHand(_message.Message):
    __slots__ = ("subject_id", "client_id")
    SUBJECT_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    subject_id: str
    client_id: str
    def __init__(self, subject_id: _Optional[str] = ..., client_id: _Optional[str] = ...) -> None: ...

class Schedule(_message.Message):
    __slots__ = ("chunk_idx", "after_control_id", "delay_chunks")
    CHUNK_IDX_FIELD_NUMBER: _ClassVar[int]
    AFTER_CONTROL_ID_FIELD_NUMBER: _ClassVar[int]
    DELAY_CHUNKS_FIELD_NUMBER: _ClassVar[int]
    chunk_idx: int
    after_control_id: str
    delay_chunks: int
    def __init__(self, chunk_idx: _Optional[int] = ..., after_control_id: _Optional[str] = ..., delay_chunks: _Optional[int] = ...) -> None: ...

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
    __slots__ = ("text", "tensors")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    TENSORS_FIELD_NUMBER: _ClassVar[int]
    text: str
    tensors: bytes
    def __init__(self, text: _Optional[str] = ..., tensors: _Optional[bytes] = ...) -> None: ...

class ImageControl(_message.Message):
    __slots__ = ("tensors",)
    TENSORS_FIELD_NUMBER: _ClassVar[int]
    tensors: bytes
    def __init__(self, tensors: _Optional[bytes] = ...) -> None: ...

class TakeSnapshot(_message.Message):
    __slots__ = ("request_id", "is_kept", "is_portable", "when_paused")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    IS_KEPT_FIELD_NUMBER: _ClassVar[int]
    IS_PORTABLE_FIELD_NUMBER: _ClassVar[int]
    WHEN_PAUSED_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    is_kept: bool
    is_portable: bool
    when_paused: bool
    def __init__(self, request_id: _Optional[str] = ..., is_kept: _Optional[bool] = ..., is_portable: _Optional[bool] = ..., when_paused: _Optional[bool] = ...) -> None: ...

class RunResponse(_message.Message):
    __slots__ = ("opened", "outcomes", "ended", "snapshot", "leave", "refused")
    OPENED_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    ENDED_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    LEAVE_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    opened: Opened
    outcomes: Outcomes
    ended: Ended
    snapshot: Snapshot
    leave: Leave
    refused: Refused
    def __init__(self, opened: _Optional[_Union[Opened, _Mapping]] = ..., outcomes: _Optional[_Union[Outcomes, _Mapping]] = ..., ended: _Optional[_Union[Ended, _Mapping]] = ..., snapshot: _Optional[_Union[Snapshot, _Mapping]] = ..., leave: _Optional[_Union[Leave, _Mapping]] = ..., refused: _Optional[_Union[Refused, _Mapping]] = ...) -> None: ...

class Snapshot(_message.Message):
    __slots__ = ("request_id", "chunk_idx", "data", "num_bytes", "error")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CHUNK_IDX_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    NUM_BYTES_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    chunk_idx: int
    data: bytes
    num_bytes: int
    error: str
    def __init__(self, request_id: _Optional[str] = ..., chunk_idx: _Optional[int] = ..., data: _Optional[bytes] = ..., num_bytes: _Optional[int] = ..., error: _Optional[str] = ...) -> None: ...

class Leave(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Opened(_message.Message):
    __slots__ = ("next_chunk_idx", "worker_id")
    NEXT_CHUNK_IDX_FIELD_NUMBER: _ClassVar[int]
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    next_chunk_idx: int
    worker_id: str
    def __init__(self, next_chunk_idx: _Optional[int] = ..., worker_id: _Optional[str] = ...) -> None: ...

class Outcomes(_message.Message):
    __slots__ = ("outcomes",)
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    outcomes: _containers.RepeatedCompositeFieldContainer[Outcome]
    def __init__(self, outcomes: _Optional[_Iterable[_Union[Outcome, _Mapping]]] = ...) -> None: ...

class Outcome(_message.Message):
    __slots__ = ("control_id", "accepted", "applied", "superseded", "rejected", "quality")
    CONTROL_ID_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    APPLIED_FIELD_NUMBER: _ClassVar[int]
    SUPERSEDED_FIELD_NUMBER: _ClassVar[int]
    REJECTED_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    control_id: str
    accepted: Accepted
    applied: Applied
    superseded: Superseded
    rejected: Rejected
    quality: Quality
    def __init__(self, control_id: _Optional[str] = ..., accepted: _Optional[_Union[Accepted, _Mapping]] = ..., applied: _Optional[_Union[Applied, _Mapping]] = ..., superseded: _Optional[_Union[Superseded, _Mapping]] = ..., rejected: _Optional[_Union[Rejected, _Mapping]] = ..., quality: _Optional[_Union[Quality, _Mapping]] = ...) -> None: ...

class Quality(_message.Message):
    __slots__ = ("chunk_idx", "quality", "rate")
    CHUNK_IDX_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    RATE_FIELD_NUMBER: _ClassVar[int]
    chunk_idx: int
    quality: float
    rate: float
    def __init__(self, chunk_idx: _Optional[int] = ..., quality: _Optional[float] = ..., rate: _Optional[float] = ...) -> None: ...

class Accepted(_message.Message):
    __slots__ = ("not_durable", "due_chunk_idx")
    NOT_DURABLE_FIELD_NUMBER: _ClassVar[int]
    DUE_CHUNK_IDX_FIELD_NUMBER: _ClassVar[int]
    not_durable: bool
    due_chunk_idx: int
    def __init__(self, not_durable: _Optional[bool] = ..., due_chunk_idx: _Optional[int] = ...) -> None: ...

class Applied(_message.Message):
    __slots__ = ("chunk_idx", "frame_idx", "world_time_s")
    CHUNK_IDX_FIELD_NUMBER: _ClassVar[int]
    FRAME_IDX_FIELD_NUMBER: _ClassVar[int]
    WORLD_TIME_S_FIELD_NUMBER: _ClassVar[int]
    chunk_idx: int
    frame_idx: int
    world_time_s: float
    def __init__(self, chunk_idx: _Optional[int] = ..., frame_idx: _Optional[int] = ..., world_time_s: _Optional[float] = ...) -> None: ...

class Superseded(_message.Message):
    __slots__ = ("by_control_id", "reason")
    BY_CONTROL_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    by_control_id: str
    reason: str
    def __init__(self, by_control_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class Rejected(_message.Message):
    __slots__ = ("reason", "message", "field")
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    reason: str
    message: str
    field: str
    def __init__(self, reason: _Optional[str] = ..., message: _Optional[str] = ..., field: _Optional[str] = ...) -> None: ...

class Ended(_message.Message):
    __slots__ = ("reason", "message")
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    reason: str
    message: str
    def __init__(self, reason: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class StreamRequest(_message.Message):
    __slots__ = ("open", "latents", "read_caches", "watch", "offer_lane", "lane_latents", "run")
    OPEN_FIELD_NUMBER: _ClassVar[int]
    LATENTS_FIELD_NUMBER: _ClassVar[int]
    READ_CACHES_FIELD_NUMBER: _ClassVar[int]
    WATCH_FIELD_NUMBER: _ClassVar[int]
    OFFER_LANE_FIELD_NUMBER: _ClassVar[int]
    LANE_LATENTS_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    open: OpenDecoder
    latents: Latents
    read_caches: ReadCaches
    watch: Watch
    offer_lane: OfferLane
    lane_latents: LaneLatents
    run: RunRequest
    def __init__(self, open: _Optional[_Union[OpenDecoder, _Mapping]] = ..., latents: _Optional[_Union[Latents, _Mapping]] = ..., read_caches: _Optional[_Union[ReadCaches, _Mapping]] = ..., watch: _Optional[_Union[Watch, _Mapping]] = ..., offer_lane: _Optional[_Union[OfferLane, _Mapping]] = ..., lane_latents: _Optional[_Union[LaneLatents, _Mapping]] = ..., run: _Optional[_Union[RunRequest, _Mapping]] = ...) -> None: ...

class OfferLane(_message.Message):
    __slots__ = ("shared_memory", "process_group")
    SHARED_MEMORY_FIELD_NUMBER: _ClassVar[int]
    PROCESS_GROUP_FIELD_NUMBER: _ClassVar[int]
    shared_memory: SharedMemory
    process_group: ProcessGroup
    def __init__(self, shared_memory: _Optional[_Union[SharedMemory, _Mapping]] = ..., process_group: _Optional[_Union[ProcessGroup, _Mapping]] = ...) -> None: ...

class SharedMemory(_message.Message):
    __slots__ = ("process_id", "file", "name", "num_slots", "slot_bytes")
    PROCESS_ID_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    NUM_SLOTS_FIELD_NUMBER: _ClassVar[int]
    SLOT_BYTES_FIELD_NUMBER: _ClassVar[int]
    process_id: int
    file: int
    name: str
    num_slots: int
    slot_bytes: int
    def __init__(self, process_id: _Optional[int] = ..., file: _Optional[int] = ..., name: _Optional[str] = ..., num_slots: _Optional[int] = ..., slot_bytes: _Optional[int] = ...) -> None: ...

class ProcessGroup(_message.Message):
    __slots__ = ("backend", "host", "port")
    BACKEND_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    PORT_FIELD_NUMBER: _ClassVar[int]
    backend: str
    host: str
    port: int
    def __init__(self, backend: _Optional[str] = ..., host: _Optional[str] = ..., port: _Optional[int] = ...) -> None: ...

class LaneLatents(_message.Message):
    __slots__ = ("header", "slot", "num_bytes", "video", "audio")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    SLOT_FIELD_NUMBER: _ClassVar[int]
    NUM_BYTES_FIELD_NUMBER: _ClassVar[int]
    VIDEO_FIELD_NUMBER: _ClassVar[int]
    AUDIO_FIELD_NUMBER: _ClassVar[int]
    header: ChunkHeader
    slot: int
    num_bytes: int
    video: PlacedTensors
    audio: PlacedTensors
    def __init__(self, header: _Optional[_Union[ChunkHeader, _Mapping]] = ..., slot: _Optional[int] = ..., num_bytes: _Optional[int] = ..., video: _Optional[_Union[PlacedTensors, _Mapping]] = ..., audio: _Optional[_Union[PlacedTensors, _Mapping]] = ...) -> None: ...

class PlacedTensors(_message.Message):
    __slots__ = ("tensors",)
    TENSORS_FIELD_NUMBER: _ClassVar[int]
    tensors: _containers.RepeatedCompositeFieldContainer[PlacedTensor]
    def __init__(self, tensors: _Optional[_Iterable[_Union[PlacedTensor, _Mapping]]] = ...) -> None: ...

class PlacedTensor(_message.Message):
    __slots__ = ("name", "dtype", "shape", "offset_bytes", "num_bytes")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    OFFSET_BYTES_FIELD_NUMBER: _ClassVar[int]
    NUM_BYTES_FIELD_NUMBER: _ClassVar[int]
    name: str
    dtype: str
    shape: _containers.RepeatedScalarFieldContainer[int]
    offset_bytes: int
    num_bytes: int
    def __init__(self, name: _Optional[str] = ..., dtype: _Optional[str] = ..., shape: _Optional[_Iterable[int]] = ..., offset_bytes: _Optional[int] = ..., num_bytes: _Optional[int] = ...) -> None: ...

class ReadCaches(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class OpenDecoder(_message.Message):
    __slots__ = ("session_id", "seed", "cache_tensors")
    class CacheTensorsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: bytes
        def __init__(self, key: _Optional[str] = ..., value: _Optional[bytes] = ...) -> None: ...
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    CACHE_TENSORS_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    seed: int
    cache_tensors: _containers.ScalarMap[str, bytes]
    def __init__(self, session_id: _Optional[str] = ..., seed: _Optional[int] = ..., cache_tensors: _Optional[_Mapping[str, bytes]] = ...) -> None: ...

class Latents(_message.Message):
    __slots__ = ("header", "video_tensors", "audio_tensors")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    VIDEO_TENSORS_FIELD_NUMBER: _ClassVar[int]
    AUDIO_TENSORS_FIELD_NUMBER: _ClassVar[int]
    header: ChunkHeader
    video_tensors: bytes
    audio_tensors: bytes
    def __init__(self, header: _Optional[_Union[ChunkHeader, _Mapping]] = ..., video_tensors: _Optional[bytes] = ..., audio_tensors: _Optional[bytes] = ...) -> None: ...

class ChunkHeader(_message.Message):
    __slots__ = ("chunk_idx", "due_s", "num_outcomes_before", "x_m", "y_m", "yaw_deg", "pitch_deg", "stage_seconds")
    class StageSecondsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    CHUNK_IDX_FIELD_NUMBER: _ClassVar[int]
    DUE_S_FIELD_NUMBER: _ClassVar[int]
    NUM_OUTCOMES_BEFORE_FIELD_NUMBER: _ClassVar[int]
    X_M_FIELD_NUMBER: _ClassVar[int]
    Y_M_FIELD_NUMBER: _ClassVar[int]
    YAW_DEG_FIELD_NUMBER: _ClassVar[int]
    PITCH_DEG_FIELD_NUMBER: _ClassVar[int]
    STAGE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    chunk_idx: int
    due_s: float
    num_outcomes_before: int
    x_m: float
    y_m: float
    yaw_deg: float
    pitch_deg: float
    stage_seconds: _containers.ScalarMap[str, float]
    def __init__(self, chunk_idx: _Optional[int] = ..., due_s: _Optional[float] = ..., num_outcomes_before: _Optional[int] = ..., x_m: _Optional[float] = ..., y_m: _Optional[float] = ..., yaw_deg: _Optional[float] = ..., pitch_deg: _Optional[float] = ..., stage_seconds: _Optional[_Mapping[str, float]] = ...) -> None: ...

class Watch(_message.Message):
    __slots__ = ("session_id",)
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    def __init__(self, session_id: _Optional[str] = ...) -> None: ...

class StreamResponse(_message.Message):
    __slots__ = ("opened", "snapshot", "watching", "decoded", "refused", "lane_answer", "run")
    OPENED_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    WATCHING_FIELD_NUMBER: _ClassVar[int]
    DECODED_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    LANE_ANSWER_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    opened: DecoderOpened
    snapshot: DecoderSnapshot
    watching: Watching
    decoded: Decoded
    refused: Refused
    lane_answer: LaneAnswer
    run: RunResponse
    def __init__(self, opened: _Optional[_Union[DecoderOpened, _Mapping]] = ..., snapshot: _Optional[_Union[DecoderSnapshot, _Mapping]] = ..., watching: _Optional[_Union[Watching, _Mapping]] = ..., decoded: _Optional[_Union[Decoded, _Mapping]] = ..., refused: _Optional[_Union[Refused, _Mapping]] = ..., lane_answer: _Optional[_Union[LaneAnswer, _Mapping]] = ..., run: _Optional[_Union[RunResponse, _Mapping]] = ...) -> None: ...

class LaneAnswer(_message.Message):
    __slots__ = ("is_taken",)
    IS_TAKEN_FIELD_NUMBER: _ClassVar[int]
    is_taken: bool
    def __init__(self, is_taken: _Optional[bool] = ...) -> None: ...

class DecoderOpened(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DecoderSnapshot(_message.Message):
    __slots__ = ("cache_tensors",)
    class CacheTensorsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: bytes
        def __init__(self, key: _Optional[str] = ..., value: _Optional[bytes] = ...) -> None: ...
    CACHE_TENSORS_FIELD_NUMBER: _ClassVar[int]
    cache_tensors: _containers.ScalarMap[str, bytes]
    def __init__(self, cache_tensors: _Optional[_Mapping[str, bytes]] = ...) -> None: ...

class Watching(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Refused(_message.Message):
    __slots__ = ("message", "reason")
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    message: str
    reason: str
    def __init__(self, message: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class Decoded(_message.Message):
    __slots__ = ("header", "frames", "samples")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    SAMPLES_FIELD_NUMBER: _ClassVar[int]
    header: ChunkHeader
    frames: bytes
    samples: bytes
    def __init__(self, header: _Optional[_Union[ChunkHeader, _Mapping]] = ..., frames: _Optional[bytes] = ..., samples: _Optional[bytes] = ...) -> None: ...
