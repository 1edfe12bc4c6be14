"""What the service tells about its models and sessions, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from google.protobuf import duration_pb2

from nacre.enums import name_of, words_of
from nacre.v1 import session_pb2, world_pb2


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a model can do; an interface can be built from it."""

    model: str
    weights_sha256: str
    width_px: int
    height_px: int
    frame_rate: float
    frames_per_chunk: int
    chunk_duration_s: float
    sample_rate_hz: int  # 0 for a silent model, as the next two
    audio_channels: int
    samples_per_chunk: int
    controls: tuple[str, ...]  # of "move", "look", "directive", "image", "perspective", "camera"
    perspectives: tuple[str, ...]  # of "first_person", "third_person"
    max_yaw_deg_per_s: float
    max_pitch_deg_per_s: float
    max_speed_m_per_s: float
    licence: str

    def can(self, control: str) -> bool:
        return control in self.controls


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldRecord:
    """What a world started from, with the effective model and seed."""

    prompt: str
    character: str
    scene: str
    model: str
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRecord:
    """A session at the moment of asking."""

    session_id: str
    state: str  # "ready", "running", "detached" or "ended"
    end_reason: str  # empty while it lives, else "requested", "abandoned", "service_stopping" or "worker_lost"
    world: WorldRecord
    capabilities: Capabilities
    created_at: datetime
    chunks_generated: int
    world_time_s: float


def seconds_of(duration: duration_pb2.Duration) -> float:
    return duration.seconds + duration.nanos / 1e9


def to_capabilities(message: world_pb2.Capabilities) -> Capabilities:
    return Capabilities(
        model=message.model,
        weights_sha256=message.weights_sha256,
        width_px=message.width_px,
        height_px=message.height_px,
        frame_rate=message.frame_rate,
        frames_per_chunk=message.frames_per_chunk,
        chunk_duration_s=message.chunk_duration_s,
        sample_rate_hz=message.audio.sample_rate_hz,
        audio_channels=message.audio.channels,
        samples_per_chunk=message.audio.samples_per_chunk,
        controls=words_of(world_pb2.ControlKind, message.controls, "CONTROL_KIND_"),
        perspectives=words_of(world_pb2.Perspective, message.perspectives, "PERSPECTIVE_"),
        max_yaw_deg_per_s=message.max_yaw_deg_per_s,
        max_pitch_deg_per_s=message.max_pitch_deg_per_s,
        max_speed_m_per_s=message.max_speed_m_per_s,
        licence=message.licence,
    )


def to_session_record(message: session_pb2.Session) -> SessionRecord:
    world = message.world
    end_reason = name_of(session_pb2.EndReason, message.end_reason, "END_REASON_").lower()
    return SessionRecord(
        session_id=message.session_id,
        state=name_of(session_pb2.SessionState, message.state, "SESSION_STATE_").lower(),
        end_reason="" if end_reason == "unspecified" else end_reason,
        world=WorldRecord(
            prompt=world.prompt, character=world.character, scene=world.scene, model=world.model, seed=world.seed
        ),
        capabilities=to_capabilities(message.capabilities),
        created_at=message.create_time.ToDatetime(UTC),
        chunks_generated=message.chunks_generated,
        world_time_s=seconds_of(message.world_time),
    )
