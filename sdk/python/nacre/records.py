"""What the service tells about its models and sessions, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from google.protobuf import duration_pb2

from nacre.enums import name_of, words_of
from nacre.hands import Participant, to_participant, to_policy
from nacre.sharing import Provenance, to_provenance
from nacre.v1 import library_pb2, session_pb2, world_pb2


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
    profile: str = "exact"  # or "fast": chunks are within a tolerance of what the session's record gives
    arbitrations: tuple[str, ...] = ()  # what sessions may be created with; told by `client.capabilities` alone

    def can(self, control: str) -> bool:
        return control in self.controls


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """What a session gets from a chunk on of a worker that cannot keep up, or can again."""

    chunk_index: int
    denoise_share: float  # of the model's denoise passes, above 0 to 1
    rate: float  # share of the model's chunks per second, above 0 to 1: with less, the world's clock goes slower

    @property
    def is_whole(self) -> bool:
        return self.denoise_share == 1.0 and self.rate == 1.0


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
    state: str  # "ready", "running", "detached", "parked" or "ended"
    end_reason: str  # empty while it lives, else such as "requested", "abandoned" or "worker_lost"
    world: WorldRecord
    capabilities: Capabilities
    created_at: datetime
    chunks_generated: int
    world_time_s: float
    is_paused: bool
    ends_at: datetime | None  # by the operator's policy; None without a limit
    provenance: Provenance
    arbitration: str = "single"  # or "merge", "director" or "vote"
    participants: tuple[Participant, ...] = ()  # who is in it, those that drive first
    quality: Quality | None = None  # while it gets less than all of its worker
    take_control_after_s: float | None = None  # with "single": how long one who asked waits before taking it


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSummary:
    """A session as it is kept."""

    session_id: str
    state: str  # "running" for all that are neither "parked" nor "ended"
    world: WorldRecord
    created_at: datetime
    updated_at: datetime
    chunks_generated: int
    world_time_s: float
    provenance: Provenance


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedWorld:
    """A moment of a session under a name."""

    world_id: str
    name: str
    version: int  # counts the worlds of that name from 1
    session_id: str
    chunk_index: int  # the first that a session loaded from it makes
    world: WorldRecord
    note: str
    num_bytes: int
    created_at: datetime
    provenance: Provenance


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewind:
    """Where a session went back to."""

    chunk_index: int  # the first that is made anew
    branch_session_id: str  # the old future, as a session of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A session among those that came from the same beginning."""

    session_id: str
    parent_session_id: str  # empty for the first
    parent_chunk_index: int  # the first chunk that is its own
    label: str
    state: str
    chunks_generated: int
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PastControl:
    """A control that took effect."""

    chunk_index: int
    kind: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Of two sessions."""

    parted_chunk_index: int | None  # the first they do not share; None when they never were one
    world_fields: tuple[str, ...]  # that are not the same
    controls: tuple[PastControl, ...]  # of the one, since then
    other_controls: tuple[PastControl, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareLink:
    share_id: str
    session_id: str
    can: str  # "view", "join", "fork" or "direct"
    token: str  # whoever has it may; empty where it was shown before
    created_at: datetime
    expires_at: datetime
    is_revoked: bool
    num_uses: int


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
        profile=name_of(world_pb2.Profile, message.profile, "PROFILE_").lower(),
    )


def to_quality(message: session_pb2.Quality) -> Quality:
    return Quality(chunk_index=message.chunk_index, denoise_share=message.denoise_share, rate=message.rate)


def to_session_record(message: session_pb2.Session) -> SessionRecord:
    end_reason = name_of(session_pb2.EndReason, message.end_reason, "END_REASON_").lower()
    return SessionRecord(
        session_id=message.session_id,
        state=_state_of(message.state),
        end_reason="" if end_reason == "unspecified" else end_reason,
        world=_to_world(message.world),
        capabilities=to_capabilities(message.capabilities),
        created_at=message.create_time.ToDatetime(UTC),
        chunks_generated=message.chunks_generated,
        world_time_s=seconds_of(message.world_time),
        is_paused=message.paused,
        ends_at=message.end_time.ToDatetime(UTC) if message.HasField("end_time") else None,
        provenance=to_provenance(message.provenance),
        arbitration=to_policy(message.arbitration),
        participants=tuple(map(to_participant, message.participants)),
        quality=to_quality(message.quality) if message.HasField("quality") else None,
        take_control_after_s=(
            seconds_of(message.take_control_after) if message.HasField("take_control_after") else None
        ),
    )


def to_session_summary(message: session_pb2.SessionSummary) -> SessionSummary:
    return SessionSummary(
        session_id=message.session_id,
        state=_state_of(message.state),
        world=_to_world(message.world),
        created_at=message.create_time.ToDatetime(UTC),
        updated_at=message.update_time.ToDatetime(UTC),
        chunks_generated=message.chunks_generated,
        world_time_s=seconds_of(message.world_time),
        provenance=to_provenance(message.provenance),
    )


def to_saved_world(message: library_pb2.World) -> SavedWorld:
    return SavedWorld(
        world_id=message.world_id,
        name=message.name,
        version=message.version,
        session_id=message.session_id,
        chunk_index=message.chunk_index,
        world=_to_world(message.spec),
        note=message.note,
        num_bytes=message.num_bytes,
        created_at=message.create_time.ToDatetime(UTC),
        provenance=to_provenance(message.provenance),
    )


def to_branch(message: session_pb2.Branch) -> Branch:
    return Branch(
        session_id=message.session_id,
        parent_session_id=message.parent_session_id,
        parent_chunk_index=message.parent_chunk_index,
        label=message.label,
        state=_state_of(message.state),
        chunks_generated=message.chunks_generated,
        created_at=message.create_time.ToDatetime(UTC),
    )


def to_difference(message: session_pb2.DiffSessionsResponse) -> Difference:
    has_parted = message.HasField("parted_chunk_index")
    return Difference(
        parted_chunk_index=message.parted_chunk_index if has_parted else None,
        world_fields=tuple(message.world_fields),
        controls=tuple(_to_past_control(each) for each in message.controls),
        other_controls=tuple(_to_past_control(each) for each in message.other_controls),
    )


def to_share_link(message: library_pb2.ShareLink, token: str = "") -> ShareLink:
    return ShareLink(
        share_id=message.share_id,
        session_id=message.session_id,
        can=name_of(library_pb2.ShareScope, message.scope, "SHARE_SCOPE_").lower(),
        token=token,
        created_at=message.create_time.ToDatetime(UTC),
        expires_at=message.expire_time.ToDatetime(UTC),
        is_revoked=message.revoked,
        num_uses=message.num_uses,
    )


def _to_past_control(message: session_pb2.PastControl) -> PastControl:
    kind = name_of(world_pb2.ControlKind, message.kind, "CONTROL_KIND_").lower()
    return PastControl(chunk_index=message.chunk_index, kind=kind, text=message.text)


def _to_world(world: world_pb2.WorldSpec) -> WorldRecord:
    return WorldRecord(
        prompt=world.prompt, character=world.character, scene=world.scene, model=world.model, seed=world.seed
    )


def _state_of(value: session_pb2.SessionState) -> str:
    return name_of(session_pb2.SessionState, value, "SESSION_STATE_").lower()
