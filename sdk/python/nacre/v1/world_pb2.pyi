from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Profile(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PROFILE_UNSPECIFIED: _ClassVar[Profile]
    PROFILE_EXACT: _ClassVar[Profile]
    PROFILE_FAST: _ClassVar[Profile]

class ControlKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONTROL_KIND_UNSPECIFIED: _ClassVar[ControlKind]
    CONTROL_KIND_MOVE: _ClassVar[ControlKind]
    CONTROL_KIND_LOOK: _ClassVar[ControlKind]
    CONTROL_KIND_DIRECTIVE: _ClassVar[ControlKind]
    CONTROL_KIND_IMAGE: _ClassVar[ControlKind]
    CONTROL_KIND_PERSPECTIVE: _ClassVar[ControlKind]
    CONTROL_KIND_CAMERA: _ClassVar[ControlKind]

class Perspective(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PERSPECTIVE_UNSPECIFIED: _ClassVar[Perspective]
    PERSPECTIVE_FIRST_PERSON: _ClassVar[Perspective]
    PERSPECTIVE_THIRD_PERSON: _ClassVar[Perspective]
PROFILE_UNSPECIFIED: Profile
PROFILE_EXACT: Profile
PROFILE_FAST: Profile
CONTROL_KIND_UNSPECIFIED: ControlKind
CONTROL_KIND_MOVE: ControlKind
CONTROL_KIND_LOOK: ControlKind
CONTROL_KIND_DIRECTIVE: ControlKind
CONTROL_KIND_IMAGE: ControlKind
CONTROL_KIND_PERSPECTIVE: ControlKind
CONTROL_KIND_CAMERA: ControlKind
PERSPECTIVE_UNSPECIFIED: Perspective
PERSPECTIVE_FIRST_PERSON: Perspective
PERSPECTIVE_THIRD_PERSON: Perspective

class WorldSpec(_message.Message):
    __slots__ = ("prompt", "character", "scene", "image", "model", "seed", "licence")
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    CHARACTER_FIELD_NUMBER: _ClassVar[int]
    SCENE_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    LICENCE_FIELD_NUMBER: _ClassVar[int]
    prompt: str
    character: str
    scene: str
    image: Image
    model: str
    seed: int
    licence: str
    def __init__(self, prompt: _Optional[str] = ..., character: _Optional[str] = ..., scene: _Optional[str] = ..., image: _Optional[_Union[Image, _Mapping]] = ..., model: _Optional[str] = ..., seed: _Optional[int] = ..., licence: _Optional[str] = ...) -> None: ...

class Provenance(_message.Message):
    __slots__ = ("tenant_id", "owner_id", "licence", "model", "weights_sha256", "model_licence", "inputs")
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    OWNER_ID_FIELD_NUMBER: _ClassVar[int]
    LICENCE_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_SHA256_FIELD_NUMBER: _ClassVar[int]
    MODEL_LICENCE_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    tenant_id: str
    owner_id: str
    licence: str
    model: str
    weights_sha256: str
    model_licence: str
    inputs: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, tenant_id: _Optional[str] = ..., owner_id: _Optional[str] = ..., licence: _Optional[str] = ..., model: _Optional[str] = ..., weights_sha256: _Optional[str] = ..., model_licence: _Optional[str] = ..., inputs: _Optional[_Iterable[str]] = ...) -> None: ...

class Image(_message.Message):
    __slots__ = ("data",)
    DATA_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    def __init__(self, data: _Optional[bytes] = ...) -> None: ...

class Capabilities(_message.Message):
    __slots__ = ("model", "weights_sha256", "width_px", "height_px", "frame_rate", "frames_per_chunk", "chunk_duration_s", "audio", "controls", "perspectives", "max_yaw_deg_per_s", "max_pitch_deg_per_s", "max_speed_m_per_s", "licence", "profile")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_SHA256_FIELD_NUMBER: _ClassVar[int]
    WIDTH_PX_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_PX_FIELD_NUMBER: _ClassVar[int]
    FRAME_RATE_FIELD_NUMBER: _ClassVar[int]
    FRAMES_PER_CHUNK_FIELD_NUMBER: _ClassVar[int]
    CHUNK_DURATION_S_FIELD_NUMBER: _ClassVar[int]
    AUDIO_FIELD_NUMBER: _ClassVar[int]
    CONTROLS_FIELD_NUMBER: _ClassVar[int]
    PERSPECTIVES_FIELD_NUMBER: _ClassVar[int]
    MAX_YAW_DEG_PER_S_FIELD_NUMBER: _ClassVar[int]
    MAX_PITCH_DEG_PER_S_FIELD_NUMBER: _ClassVar[int]
    MAX_SPEED_M_PER_S_FIELD_NUMBER: _ClassVar[int]
    LICENCE_FIELD_NUMBER: _ClassVar[int]
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    model: str
    weights_sha256: str
    width_px: int
    height_px: int
    frame_rate: float
    frames_per_chunk: int
    chunk_duration_s: float
    audio: AudioCapability
    controls: _containers.RepeatedScalarFieldContainer[ControlKind]
    perspectives: _containers.RepeatedScalarFieldContainer[Perspective]
    max_yaw_deg_per_s: float
    max_pitch_deg_per_s: float
    max_speed_m_per_s: float
    licence: str
    profile: Profile
    def __init__(self, model: _Optional[str] = ..., weights_sha256: _Optional[str] = ..., width_px: _Optional[int] = ..., height_px: _Optional[int] = ..., frame_rate: _Optional[float] = ..., frames_per_chunk: _Optional[int] = ..., chunk_duration_s: _Optional[float] = ..., audio: _Optional[_Union[AudioCapability, _Mapping]] = ..., controls: _Optional[_Iterable[_Union[ControlKind, str]]] = ..., perspectives: _Optional[_Iterable[_Union[Perspective, str]]] = ..., max_yaw_deg_per_s: _Optional[float] = ..., max_pitch_deg_per_s: _Optional[float] = ..., max_speed_m_per_s: _Optional[float] = ..., licence: _Optional[str] = ..., profile: _Optional[_Union[Profile, str]] = ...) -> None: ...

class AudioCapability(_message.Message):
    __slots__ = ("sample_rate_hz", "channels", "samples_per_chunk")
    SAMPLE_RATE_HZ_FIELD_NUMBER: _ClassVar[int]
    CHANNELS_FIELD_NUMBER: _ClassVar[int]
    SAMPLES_PER_CHUNK_FIELD_NUMBER: _ClassVar[int]
    sample_rate_hz: int
    channels: int
    samples_per_chunk: int
    def __init__(self, sample_rate_hz: _Optional[int] = ..., channels: _Optional[int] = ..., samples_per_chunk: _Optional[int] = ...) -> None: ...
