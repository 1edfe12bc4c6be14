import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class VideoCodec(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VIDEO_CODEC_UNSPECIFIED: _ClassVar[VideoCodec]
    VIDEO_CODEC_H264: _ClassVar[VideoCodec]
    VIDEO_CODEC_RAW_RGB: _ClassVar[VideoCodec]
    VIDEO_CODEC_VP8: _ClassVar[VideoCodec]

class AudioCodec(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AUDIO_CODEC_UNSPECIFIED: _ClassVar[AudioCodec]
    AUDIO_CODEC_OPUS: _ClassVar[AudioCodec]
    AUDIO_CODEC_PCM_S16LE: _ClassVar[AudioCodec]
VIDEO_CODEC_UNSPECIFIED: VideoCodec
VIDEO_CODEC_H264: VideoCodec
VIDEO_CODEC_RAW_RGB: VideoCodec
VIDEO_CODEC_VP8: VideoCodec
AUDIO_CODEC_UNSPECIFIED: AudioCodec
AUDIO_CODEC_OPUS: AudioCodec
AUDIO_CODEC_PCM_S16LE: AudioCodec

class MediaChunk(_message.Message):
    __slots__ = ("chunk_index", "sequence", "world_time", "frames", "audio", "pose", "late")
    CHUNK_INDEX_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    WORLD_TIME_FIELD_NUMBER: _ClassVar[int]
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    AUDIO_FIELD_NUMBER: _ClassVar[int]
    POSE_FIELD_NUMBER: _ClassVar[int]
    LATE_FIELD_NUMBER: _ClassVar[int]
    chunk_index: int
    sequence: int
    world_time: _duration_pb2.Duration
    frames: _containers.RepeatedCompositeFieldContainer[VideoFrame]
    audio: AudioBlock
    pose: Pose
    late: bool
    def __init__(self, chunk_index: _Optional[int] = ..., sequence: _Optional[int] = ..., world_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., frames: _Optional[_Iterable[_Union[VideoFrame, _Mapping]]] = ..., audio: _Optional[_Union[AudioBlock, _Mapping]] = ..., pose: _Optional[_Union[Pose, _Mapping]] = ..., late: _Optional[bool] = ...) -> None: ...

class VideoFrame(_message.Message):
    __slots__ = ("frame_index", "presentation_time", "data", "is_keyframe", "rtp_timestamp")
    FRAME_INDEX_FIELD_NUMBER: _ClassVar[int]
    PRESENTATION_TIME_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    IS_KEYFRAME_FIELD_NUMBER: _ClassVar[int]
    RTP_TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    frame_index: int
    presentation_time: _duration_pb2.Duration
    data: bytes
    is_keyframe: bool
    rtp_timestamp: int
    def __init__(self, frame_index: _Optional[int] = ..., presentation_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., data: _Optional[bytes] = ..., is_keyframe: _Optional[bool] = ..., rtp_timestamp: _Optional[int] = ...) -> None: ...

class AudioBlock(_message.Message):
    __slots__ = ("presentation_time", "packets", "num_samples", "rtp_timestamp")
    PRESENTATION_TIME_FIELD_NUMBER: _ClassVar[int]
    PACKETS_FIELD_NUMBER: _ClassVar[int]
    NUM_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    RTP_TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    presentation_time: _duration_pb2.Duration
    packets: _containers.RepeatedScalarFieldContainer[bytes]
    num_samples: int
    rtp_timestamp: int
    def __init__(self, presentation_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., packets: _Optional[_Iterable[bytes]] = ..., num_samples: _Optional[int] = ..., rtp_timestamp: _Optional[int] = ...) -> None: ...

class Pose(_message.Message):
    __slots__ = ("x_m", "y_m", "yaw_deg", "pitch_deg")
    X_M_FIELD_NUMBER: _ClassVar[int]
    Y_M_FIELD_NUMBER: _ClassVar[int]
    YAW_DEG_FIELD_NUMBER: _ClassVar[int]
    PITCH_DEG_FIELD_NUMBER: _ClassVar[int]
    x_m: float
    y_m: float
    yaw_deg: float
    pitch_deg: float
    def __init__(self, x_m: _Optional[float] = ..., y_m: _Optional[float] = ..., yaw_deg: _Optional[float] = ..., pitch_deg: _Optional[float] = ...) -> None: ...
