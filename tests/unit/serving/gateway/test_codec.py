from __future__ import annotations

import pytest

from model.interface import CameraPose
from nacre.v1 import error_pb2, session_pb2, world_pb2
from serving.errors import ControlUnsupportedError, NacreError
from serving.gateway import codec
from serving.gateway.media import EncodedAudio, EncodedFrame
from serving.sessions.contract import Accepted, Applied, Rejected, Superseded, WorldSpec
from tests.fakes import fake_info

POSE = CameraPose(x_m=1.0, y_m=2.0, yaw_deg=3.0, pitch_deg=4.0)


@pytest.mark.parametrize("seconds", [0.0, 0.08, 1.0, 3_600.24, -0.0025, -1.5])
def test_durations_keep_their_sign_and_value(seconds: float) -> None:
    duration = codec.to_duration(seconds)
    assert duration.seconds + duration.nanos / 1e9 == pytest.approx(seconds, abs=1e-9)
    assert duration.seconds * duration.nanos >= 0
    assert duration.ToNanoseconds() == round(seconds * 1e9)


def test_capabilities_carry_what_the_model_offers() -> None:
    capabilities = codec.to_capabilities(fake_info(controls=("move", "image", "telepathy")))
    assert (capabilities.width_px, capabilities.height_px, capabilities.chunk_duration_s) == (128, 80, 0.08)
    assert list(capabilities.controls) == [world_pb2.CONTROL_KIND_MOVE, world_pb2.CONTROL_KIND_IMAGE]
    assert list(capabilities.perspectives) == [world_pb2.PERSPECTIVE_FIRST_PERSON]
    assert capabilities.audio.samples_per_chunk == 1_280
    assert not codec.to_capabilities(fake_info(audio_channels=0)).HasField("audio")


def test_media_counts_frames_and_places_them_in_time() -> None:
    info = fake_info(frames_per_chunk=3, frame_rate=12.5, samples_per_chunk=3_840)
    shared = codec.to_media(
        chunk_idx=5,
        info=info,
        frames=[EncodedFrame(bytes([idx]), idx == 0) for idx in range(3)],
        audio=EncodedAudio([b"a", b"b"], 640, 7_640),
        first_chunk_idx=3,
        pose=POSE,
    )
    message = codec.to_delivery(shared, sequence=2, is_late=True).media
    assert (shared.sequence, shared.late) == (0, False), "what all get stays as it was"
    assert (message.chunk_index, message.sequence, message.late) == (5, 2, True)
    assert message.world_time.ToNanoseconds() == 1_200_000_000
    assert [frame.frame_index for frame in message.frames] == [15, 16, 17]
    assert [frame.presentation_time.ToMilliseconds() for frame in message.frames] == [1_200, 1_280, 1_360]
    assert [frame.is_keyframe for frame in message.frames] == [True, False, False]
    assert message.audio.presentation_time.ToNanoseconds() == 720_000_000 + 477_500_000
    assert (list(message.audio.packets), message.audio.num_samples) == ([b"a", b"b"], 640)
    assert (message.pose.x_m, message.pose.y_m, message.pose.yaw_deg, message.pose.pitch_deg) == (1, 2, 3, 4)


def test_a_silent_chunk_has_no_audio() -> None:
    message = codec.to_media(chunk_idx=0, info=fake_info(), frames=[], audio=None, first_chunk_idx=0, pose=POSE)
    assert not message.HasField("audio")


def test_outcomes_become_acks() -> None:
    assert codec.to_ack(Accepted(control_id="a")).ack.WhichOneof("outcome") == "accepted"
    applied = codec.to_ack(Applied(control_id="a", chunk_idx=3, frame_idx=9, world_time_s=0.24)).ack.applied
    assert (applied.chunk_index, applied.frame_index, applied.world_time.ToMilliseconds()) == (3, 9, 240)
    assert codec.to_ack(Superseded(control_id="a", by_control_id="b")).ack.superseded.by_control_id == "b"
    rejected = codec.to_ack(Rejected(control_id="a", reason="TEXT_EMPTY", message="m", field="f")).ack.rejected.error
    assert (rejected.reason, rejected.message, rejected.field) == (error_pb2.ERROR_REASON_TEXT_EMPTY, "m", "f")


def test_a_reason_from_the_future_is_internal() -> None:
    rejected = codec.to_ack(Rejected(control_id="a", reason="NEVER_HEARD_OF", message="m")).ack.rejected.error
    assert rejected.reason == error_pb2.ERROR_REASON_INTERNAL


def test_a_rejection_lists_what_is_allowed() -> None:
    error = ControlUnsupportedError("no", field="control.camera", allowed=("move", "look"))
    ack = codec.to_rejection("c1", error).ack
    assert ack.control_id == "c1"
    assert ack.rejected.error.reason == error_pb2.ERROR_REASON_CONTROL_UNSUPPORTED
    assert list(ack.rejected.error.allowed) == ["move", "look"]


def test_a_session_echoes_its_world_without_the_picture() -> None:
    message = codec.to_session(
        session_id="s-1",
        state="RUNNING",
        end_reason="",
        world=WorldSpec(model="fake-xs", seed=2**64 - 1, prompt="a"),
        info=fake_info(),
        create_s=1_700_000_000.5,
        chunks_generated=10,
    )
    assert message.state == session_pb2.SESSION_STATE_RUNNING
    assert message.world.seed == 2**64 - 1
    assert message.create_time.ToMilliseconds() == 1_700_000_000_500
    assert message.world_time.ToMilliseconds() == 800


def all_errors(kind: type[NacreError] = NacreError) -> list[type[NacreError]]:
    return [kind, *(each for child in kind.__subclasses__() for each in all_errors(child))]


def test_every_error_has_a_reason_of_the_contract() -> None:
    known = set(error_pb2.ErrorReason.DESCRIPTOR.values_by_name)
    assert {f"ERROR_REASON_{kind.reason}" for kind in all_errors()} == known - {"ERROR_REASON_UNSPECIFIED"}
