"""Between the messages of protos/nacre/internal/v1 and the plain values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from model.interface import CameraPose, ModelInfo, Tensors
from serving.sessions.attribution import Loss, Schedule, Sender
from serving.sessions.contract import (
    Accepted,
    Applied,
    CameraMove,
    Cancel,
    InHand,
    Look,
    Move,
    Notice,
    QualityChanged,
    Rejected,
    SetPerspective,
    SetQuality,
    SnapshotRequest,
    Superseded,
    TakenSnapshot,
)
from serving.sessions.encoded import (
    ChunkHeader,
    DecodedPart,
    EncodedControl,
    EncodedDirective,
    EncodedImage,
    LatentChunk,
    Opening,
)
from serving.sessions.tensor_bytes import from_bytes, optional_from_bytes, optional_to_bytes, to_bytes
from serving.wire import plane_pb2 as wire

SAMPLE_DTYPE = np.dtype("<f4")
RGB = 3


def opening_from_wire(message: wire.Open) -> Opening:
    return Opening(
        session_id=message.session_id,
        seed=message.seed,
        prompt=optional_from_bytes(message.prompt_tensors),
        image=optional_from_bytes(message.image_tensors),
        epoch=message.epoch,
        resume_from=message.resume_from if message.HasField("resume_from") else None,
        is_rewind=message.is_rewind,
        due_s=message.due_s if message.HasField("due_s") else None,
        shown_until=message.shown_until,
    )


def control_to_wire(control: EncodedControl) -> wire.Control:
    message = wire.Control(control_id=control.control_id, received_s=control.received_s)
    _describe(message, control)
    match control.kind:
        case Move(forward=forward, strafe=strafe):
            message.move.forward, message.move.strafe = forward, strafe
            message.move.SetInParent()
        case Look(yaw=yaw, pitch=pitch):
            message.look.yaw, message.look.pitch = yaw, pitch
            message.look.SetInParent()
        case SetPerspective(perspective=perspective):
            message.perspective = perspective
        case CameraMove(move=move):
            message.camera_move = move
        case EncodedDirective(text=text, tensors=tensors):
            message.directive.text, message.directive.tensors = text, to_bytes(tensors)
        case EncodedImage(tensors=tensors):
            message.image.tensors = to_bytes(tensors)
        case Cancel(control_id=control_id):
            message.cancel = control_id
        case InHand(subject_id=subject_id, client_id=client_id):
            message.in_hand.CopyFrom(wire.InHand(subject_id=subject_id, client_id=client_id))
        case SetQuality():
            raise ValueError("a worker sets its sessions' quality itself")
        case _ as never:
            assert_never(never)
    return message


def _describe(message: wire.Control, control: EncodedControl) -> None:
    """What there is beside what it says."""
    if (sender := control.sender) is not None:
        message.sender.CopyFrom(wire.Sender(subject_id=sender.subject_id, client_id=sender.client_id))
    if (schedule := control.schedule) is not None:
        described = wire.Schedule(
            chunk_idx=schedule.chunk_idx,
            after_control_id=schedule.after_control_id,
            delay_chunks=schedule.delay_chunks,
        )
        message.schedule.CopyFrom(described)
    if (loss := control.loss) is not None:
        message.superseded.CopyFrom(wire.Superseded(by_control_id=loss.by_control_id, reason=loss.reason))


def control_from_wire(message: wire.Control) -> EncodedControl:
    match message.WhichOneof("kind"):
        case "move":
            kind = Move(forward=message.move.forward, strafe=message.move.strafe)
        case "look":
            kind = Look(yaw=message.look.yaw, pitch=message.look.pitch)
        case "perspective":
            kind = SetPerspective(perspective=message.perspective)
        case "camera_move":
            kind = CameraMove(move=message.camera_move)
        case "directive":
            kind = EncodedDirective(text=message.directive.text, tensors=from_bytes(message.directive.tensors))
        case "image":
            kind = EncodedImage(tensors=from_bytes(message.image.tensors))
        case "cancel":
            kind = Cancel(control_id=message.cancel)
        case "in_hand":
            kind = InHand(subject_id=message.in_hand.subject_id, client_id=message.in_hand.client_id)
        case unknown:
            raise ValueError(f"control of kind {unknown}")
    return EncodedControl(
        control_id=message.control_id,
        kind=kind,
        received_s=message.received_s,
        sender=_sender(message.sender) if message.HasField("sender") else None,
        schedule=_schedule(message.schedule) if message.HasField("schedule") else None,
        loss=_loss(message.superseded) if message.HasField("superseded") else None,
    )


def _sender(message: wire.Sender) -> Sender:
    return Sender(subject_id=message.subject_id, client_id=message.client_id)


def _schedule(message: wire.Schedule) -> Schedule:
    return Schedule(
        chunk_idx=message.chunk_idx if message.HasField("chunk_idx") else None,
        after_control_id=message.after_control_id,
        delay_chunks=message.delay_chunks,
    )


def _loss(message: wire.Superseded) -> Loss:
    return Loss(by_control_id=message.by_control_id, reason=message.reason)


def outcomes_to_wire(outcomes: Iterable[Notice]) -> wire.RunResponse:
    return wire.RunResponse(outcomes=wire.Outcomes(outcomes=[_outcome_to_wire(outcome) for outcome in outcomes]))


def snapshot_request_to_wire(request: SnapshotRequest) -> wire.RunRequest:
    return wire.RunRequest(
        take_snapshot=wire.TakeSnapshot(
            request_id=request.request_id,
            is_kept=request.is_kept,
            is_portable=request.is_portable,
            when_paused=request.when_paused,
        )
    )


def snapshot_request_from_wire(message: wire.TakeSnapshot) -> SnapshotRequest:
    return SnapshotRequest(
        request_id=message.request_id,
        is_kept=message.is_kept,
        is_portable=message.is_portable,
        when_paused=message.when_paused,
    )


def taken_snapshot_to_wire(taken: TakenSnapshot) -> wire.RunResponse:
    return wire.RunResponse(
        snapshot=wire.Snapshot(
            request_id=taken.request_id,
            chunk_idx=taken.chunk_idx,
            data=taken.data,
            num_bytes=taken.num_bytes,
            error=taken.error,
        )
    )


def taken_snapshot_from_wire(message: wire.Snapshot) -> TakenSnapshot:
    return TakenSnapshot(
        request_id=message.request_id,
        chunk_idx=message.chunk_idx,
        data=message.data,
        num_bytes=message.num_bytes,
        error=message.error,
    )


def _outcome_to_wire(outcome: Notice) -> wire.Outcome:
    if isinstance(outcome, QualityChanged):
        quality = wire.Quality(chunk_idx=outcome.chunk_idx, quality=outcome.quality, rate=outcome.rate)
        return wire.Outcome(quality=quality)
    message = wire.Outcome(control_id=outcome.control_id)
    match outcome:
        case Accepted(durable=durable, due_chunk_idx=due_chunk_idx):
            message.accepted.CopyFrom(wire.Accepted(not_durable=not durable, due_chunk_idx=due_chunk_idx))
        case Applied(chunk_idx=chunk_idx, frame_idx=frame_idx, world_time_s=world_time_s):
            message.applied.SetInParent()
            message.applied.chunk_idx = chunk_idx
            message.applied.frame_idx = frame_idx
            message.applied.world_time_s = world_time_s
        case Superseded(by_control_id=by_control_id, reason=reason):
            message.superseded.CopyFrom(wire.Superseded(by_control_id=by_control_id, reason=reason))
        case Rejected(reason=reason, message=text, field=field):
            message.rejected.CopyFrom(wire.Rejected(reason=reason, message=text, field=field))
        case _ as never:
            assert_never(never)
    return message


def outcomes_from_wire(message: wire.Outcomes) -> tuple[Notice, ...]:
    return tuple(_outcome_from_wire(outcome) for outcome in message.outcomes)


def _outcome_from_wire(message: wire.Outcome) -> Notice:
    control_id = message.control_id
    match message.WhichOneof("outcome"):
        case "accepted":
            accepted = message.accepted
            due_chunk_idx = accepted.due_chunk_idx if accepted.HasField("due_chunk_idx") else None
            return Accepted(control_id=control_id, durable=not accepted.not_durable, due_chunk_idx=due_chunk_idx)
        case "applied":
            applied = message.applied
            return Applied(
                control_id=control_id,
                chunk_idx=applied.chunk_idx,
                frame_idx=applied.frame_idx,
                world_time_s=applied.world_time_s,
            )
        case "superseded":
            superseded = message.superseded
            return Superseded(control_id=control_id, by_control_id=superseded.by_control_id, reason=superseded.reason)
        case "rejected":
            rejected = message.rejected
            return Rejected(
                control_id=control_id, reason=rejected.reason, message=rejected.message, field=rejected.field
            )
        case "quality":
            told = message.quality
            return QualityChanged(chunk_idx=told.chunk_idx, quality=told.quality, rate=told.rate)
        case unknown:
            raise ValueError(f"outcome of kind {unknown}")


def header_to_wire(header: ChunkHeader) -> wire.ChunkHeader:
    pose = header.pose
    return wire.ChunkHeader(
        chunk_idx=header.chunk_idx,
        due_s=header.due_s,
        num_outcomes_before=header.num_outcomes_before,
        x_m=pose.x_m,
        y_m=pose.y_m,
        yaw_deg=pose.yaw_deg,
        pitch_deg=pose.pitch_deg,
        stage_seconds=header.stage_seconds,
    )


def header_from_wire(message: wire.ChunkHeader) -> ChunkHeader:
    return ChunkHeader(
        chunk_idx=message.chunk_idx,
        pose=CameraPose(x_m=message.x_m, y_m=message.y_m, yaw_deg=message.yaw_deg, pitch_deg=message.pitch_deg),
        due_s=message.due_s,
        num_outcomes_before=message.num_outcomes_before,
        stage_seconds=dict(message.stage_seconds),
    )


def latents_to_wire(chunk: LatentChunk) -> wire.StreamRequest:
    return wire.StreamRequest(
        latents=wire.Latents(
            header=header_to_wire(chunk.header),
            video_tensors=optional_to_bytes(chunk.video),
            audio_tensors=optional_to_bytes(chunk.audio),
        )
    )


def latents_from_wire(message: wire.Latents) -> LatentChunk:
    return LatentChunk(
        header=header_from_wire(message.header),
        video=optional_from_bytes(message.video_tensors),
        audio=optional_from_bytes(message.audio_tensors),
    )


def part_to_wire(part: DecodedPart) -> wire.StreamResponse:
    frames, samples = part.frames_FHWC, part.samples_SC
    return wire.StreamResponse(
        decoded=wire.Decoded(
            header=header_to_wire(part.header),
            frames=b"" if frames is None else frames.tobytes(),
            samples=b"" if samples is None else samples.astype(SAMPLE_DTYPE, copy=False).tobytes(),
        )
    )


def part_from_wire(message: wire.Decoded, info: ModelInfo) -> DecodedPart:
    frames = samples = None
    # Once each: every look at such a field is a copy.
    if frame_bytes := message.frames:
        frames = np.frombuffer(frame_bytes, np.uint8).reshape(-1, info.height_px, info.width_px, RGB)
    if sample_bytes := message.samples:
        samples = np.frombuffer(sample_bytes, SAMPLE_DTYPE).reshape(-1, info.audio_channels)
    elif not info.audio_channels:
        samples = np.zeros((0, 0), SAMPLE_DTYPE)  # a model without sound: every part has all there is of it
    return DecodedPart(header=header_from_wire(message.header), frames_FHWC=frames, samples_SC=samples)


def picture_to_wire(image_HWC: NDArray[np.uint8]) -> wire.Picture:
    height_px, width_px, _ = image_HWC.shape
    return wire.Picture(height_px=height_px, width_px=width_px, data=image_HWC.tobytes())


def picture_from_wire(message: wire.Picture) -> NDArray[np.uint8]:
    return np.frombuffer(message.data, np.uint8).reshape(message.height_px, message.width_px, RGB)


def caches_to_wire(caches: Mapping[str, Tensors]) -> dict[str, bytes]:
    return {stage: to_bytes(tensors) for stage, tensors in caches.items()}


def caches_from_wire(messages: Mapping[str, bytes]) -> dict[str, Tensors]:
    return {stage: from_bytes(data) for stage, data in messages.items()}
