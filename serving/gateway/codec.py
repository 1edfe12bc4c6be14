"""Plain values to messages. The only place where the gateway fills protobuf fields."""

from __future__ import annotations

from collections.abc import Iterable

from google.protobuf.duration_pb2 import Duration

from model.interface import CameraPose, ModelInfo
from nacre.v1 import control_pb2, error_pb2, media_pb2, session_pb2, world_pb2
from serving.errors import NacreError
from serving.gateway.arbitration import LossReason, Policy
from serving.gateway.media import AudioCodec, EncodedAudio, EncodedFrame, VideoCodec
from serving.gateway.request_id import current_request_id
from serving.gateway.seen import Seen
from serving.gateway.validation import supported_controls
from serving.sessions.contract import (
    Accepted,
    Applied,
    Outcome,
    QualityChanged,
    Rejected,
    Rewound,
    Superseded,
    WorldSpec,
)

NANOS_PER_S = 1_000_000_000


def to_duration(seconds: float) -> Duration:
    return _to_duration_ns(round(seconds * NANOS_PER_S))


def _to_duration_ns(nanos: int) -> Duration:
    # Both parts carry the sign, as the well-known type asks.
    sign = -1 if nanos < 0 else 1
    whole_s, rest_ns = divmod(abs(nanos), NANOS_PER_S)
    return Duration(seconds=sign * whole_s, nanos=sign * rest_ns)


def to_capabilities(info: ModelInfo) -> world_pb2.Capabilities:
    capabilities = world_pb2.Capabilities(
        model=info.name,
        weights_sha256=info.weights_sha256,
        width_px=info.width_px,
        height_px=info.height_px,
        frame_rate=info.frame_rate,
        frames_per_chunk=info.frames_per_chunk,
        chunk_duration_s=info.chunk_duration_s,
        controls=[f"CONTROL_KIND_{name.upper()}" for name in supported_controls(info)],
        perspectives=[f"PERSPECTIVE_{name.upper()}" for name in info.perspectives],
        max_yaw_deg_per_s=info.max_yaw_deg_per_s,
        max_pitch_deg_per_s=info.max_pitch_deg_per_s,
        max_speed_m_per_s=info.max_speed_m_per_s,
        licence=info.licence,
        profile=f"PROFILE_{info.profile.name}",
    )
    if info.audio_channels:
        capabilities.audio.sample_rate_hz = info.sample_rate_hz
        capabilities.audio.channels = info.audio_channels
        capabilities.audio.samples_per_chunk = info.samples_per_chunk
    return capabilities


def to_capabilities_response(info: ModelInfo) -> session_pb2.GetCapabilitiesResponse:
    return session_pb2.GetCapabilitiesResponse(
        capabilities=to_capabilities(info), arbitrations=[f"ARBITRATION_POLICY_{policy.name}" for policy in Policy]
    )


def to_world_spec(world: WorldSpec) -> world_pb2.WorldSpec:
    """Without its picture."""
    return world_pb2.WorldSpec(
        prompt=world.prompt,
        character=world.character,
        scene=world.scene,
        model=world.model,
        seed=world.seed,
        licence=world.licence,
    )


def to_session(
    *,
    session_id: str,
    state: str,
    end_reason: str,
    world: WorldSpec,
    info: ModelInfo,
    create_s: float,
    chunks_generated: int,
    is_paused: bool = False,
    end_s: float | None = None,
) -> session_pb2.Session:
    message = session_pb2.Session(
        session_id=session_id,
        state=f"SESSION_STATE_{state}",
        end_reason=f"END_REASON_{end_reason or 'UNSPECIFIED'}",
        world=to_world_spec(world),
        capabilities=to_capabilities(info),
        chunks_generated=chunks_generated,
        paused=is_paused,
        world_time=to_duration(chunks_generated * info.chunk_duration_s),
    )
    message.create_time.FromNanoseconds(round(create_s * NANOS_PER_S))
    if end_s is not None:
        message.end_time.FromNanoseconds(round(end_s * NANOS_PER_S))
    return message


def add_clients(
    message: session_pb2.Session, policy: Policy, seen: Iterable[Seen], take_control_after_s: float
) -> None:
    message.MergeFrom(
        session_pb2.Session(arbitration=f"ARBITRATION_POLICY_{policy.name}", participants=map(to_participant, seen))
    )
    if policy is Policy.SINGLE:
        message.take_control_after.CopyFrom(to_duration(take_control_after_s))


def to_participant(seen: Seen) -> session_pb2.Participant:
    participant = session_pb2.Participant(
        client_id=seen.client_id,
        subject_id=seen.subject_id,
        role=f"CLIENT_ROLE_{seen.role.name}",
        in_control=seen.is_in_control,
        asks_control=seen.asks_control,
    )
    participant.join_time.FromNanoseconds(round(seen.joined_s * NANOS_PER_S))
    return participant


def to_hands(seen: Iterable[Seen], num_viewers: int) -> session_pb2.PlayResponse:
    hands = session_pb2.Hands(participants=map(to_participant, seen), num_viewers=num_viewers)
    return session_pb2.PlayResponse(hands=hands)


def to_attached(
    session: session_pb2.Session,
    video_codec: VideoCodec,
    audio_codec: AudioCodec | None,
    credit: int,
    next_chunk_idx: int,
    me: Seen,
    guest_token: str = "",
) -> session_pb2.PlayResponse:
    return session_pb2.PlayResponse(
        attached=session_pb2.Attached(
            session=session,
            video_codec=video_codec,
            audio_codec=AudioCodec.AUDIO_CODEC_UNSPECIFIED if audio_codec is None else audio_codec,
            credit=credit,
            next_chunk_index=next_chunk_idx,
            role=f"CLIENT_ROLE_{me.role.name}",
            client_id=me.client_id,
            in_control=me.is_in_control,
            guest_token=guest_token,
        )
    )


def to_media(
    *,
    chunk_idx: int,
    info: ModelInfo,
    frames: list[EncodedFrame],
    audio: EncodedAudio | None,
    first_chunk_idx: int,
    pose: CameraPose,
) -> media_pb2.MediaChunk:
    """What all who take these codecs get. `first_chunk_idx`: where the encoders began, for `audio.first_sample_idx`
    counts from there."""
    first_frame_idx = chunk_idx * info.frames_per_chunk
    message = media_pb2.MediaChunk(
        chunk_index=chunk_idx,
        world_time=to_duration(chunk_idx * info.chunk_duration_s),
        frames=[
            media_pb2.VideoFrame(
                frame_index=frame_idx,
                presentation_time=to_duration(frame_idx / info.frame_rate),
                data=frame.data,
                is_keyframe=frame.is_keyframe,
            )
            for frame_idx, frame in enumerate(frames, first_frame_idx)
        ],
        pose=media_pb2.Pose(x_m=pose.x_m, y_m=pose.y_m, yaw_deg=pose.yaw_deg, pitch_deg=pose.pitch_deg),
    )
    if audio is not None:
        start_s = first_chunk_idx * info.chunk_duration_s + audio.first_sample_idx / info.sample_rate_hz
        message.audio.presentation_time.CopyFrom(to_duration(start_s))
        message.audio.packets.extend(audio.packets)
        message.audio.num_samples = audio.num_samples
    return message


def to_delivery(shared: media_pb2.MediaChunk, sequence: int, *, is_late: bool) -> session_pb2.PlayResponse:
    """One client's own."""
    response = session_pb2.PlayResponse(media=shared)
    response.media.sequence, response.media.late = sequence, is_late
    return response


def to_ack(outcome: Outcome, request_id: str = "") -> session_pb2.PlayResponse:
    ack = control_pb2.Ack(control_id=outcome.control_id)
    match outcome:
        case Accepted():
            ack.accepted.CopyFrom(
                control_pb2.Accepted(not_durable=not outcome.durable, due_chunk_index=outcome.due_chunk_idx)
            )
        case Applied():
            ack.applied.chunk_index = outcome.chunk_idx
            ack.applied.frame_index = outcome.frame_idx
            ack.applied.world_time.CopyFrom(to_duration(outcome.world_time_s))
            if outcome.understood is not None:
                ack.applied.understood.CopyFrom(control_pb2.Understood(phrases=outcome.understood))
        case Superseded():
            ack.superseded.CopyFrom(
                control_pb2.Superseded(
                    by_control_id=outcome.by_control_id,
                    reason=f"SUPERSEDED_REASON_{outcome.reason or LossReason.LATER}",
                    by_client_id=outcome.by_client_id,
                )
            )
        case Rejected():
            ack.rejected.error.CopyFrom(_to_error(outcome.reason, outcome.message, outcome.field, ()))
            ack.rejected.error.request_id = request_id
    return session_pb2.PlayResponse(ack=ack)


def to_rejection(control_id: str, error: NacreError) -> session_pb2.PlayResponse:
    message = _to_error(error.reason, error.message, error.field, error.allowed)
    message.request_id = current_request_id()
    if error.retry_after_s is not None:
        message.retry_after.CopyFrom(to_duration(error.retry_after_s))
    return session_pb2.PlayResponse(
        ack=control_pb2.Ack(control_id=control_id, rejected=control_pb2.Rejected(error=message))
    )


def to_go_away(reason: str, time_left_s: float) -> session_pb2.PlayResponse:
    return session_pb2.PlayResponse(
        go_away=session_pb2.GoAway(reason=f"END_REASON_{reason}", time_left=to_duration(time_left_s))
    )


def to_rewound(event: Rewound) -> session_pb2.PlayResponse:
    rewound = session_pb2.Rewound(chunk_index=event.chunk_idx, branch_session_id=event.branch_session_id)
    return session_pb2.PlayResponse(rewound=rewound)


def to_quality(event: QualityChanged) -> session_pb2.Quality:
    return session_pb2.Quality(chunk_index=event.chunk_idx, denoise_share=event.quality, rate=event.rate)


def to_quality_response(event: QualityChanged) -> session_pb2.PlayResponse:
    return session_pb2.PlayResponse(quality=to_quality(event))


def to_ended(session: session_pb2.Session) -> session_pb2.PlayResponse:
    return session_pb2.PlayResponse(ended=session_pb2.Ended(session=session))


def _to_error(reason: str, message: str, field: str, allowed: tuple[str, ...]) -> error_pb2.Error:
    name = f"ERROR_REASON_{reason}"
    if name not in error_pb2.ErrorReason.DESCRIPTOR.values_by_name:  # a worker of a newer version
        name = "ERROR_REASON_INTERNAL"
    return error_pb2.Error(reason=name, message=message, field=field, allowed=allowed)
