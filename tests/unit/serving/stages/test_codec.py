from __future__ import annotations

import numpy as np
import pytest

from model.interface import CameraPose
from serving.sessions.contract import (
    Accepted,
    Applied,
    CameraMove,
    InHand,
    Look,
    Move,
    Rejected,
    SetPerspective,
    Superseded,
)
from serving.sessions.encoded import (
    ChunkHeader,
    DecodedPart,
    EncodedControl,
    EncodedDirective,
    EncodedImage,
    EncodedKind,
    LatentChunk,
)
from serving.stages import codec
from serving.wire import plane_pb2 as wire
from tests.fakes_model import INFO

HEADER = ChunkHeader(
    chunk_idx=7,
    pose=CameraPose(x_m=1.5, y_m=-2.0, yaw_deg=90.0, pitch_deg=-5.0),
    due_s=1234.5,
    num_outcomes_before=3,
    stage_seconds={"transformer": 0.02},
)


@pytest.mark.parametrize(
    "kind",
    [
        Move(forward=0.0, strafe=0.0),
        Look(yaw=0.0, pitch=0.0),
        Move(forward=1, strafe=-1),
        SetPerspective(perspective="third_person"),
        CameraMove(move="orbit"),
        InHand(client_id="ann", subject_id="local"),
    ],
)
def test_what_needs_no_encoding_crosses_even_when_it_is_zero(kind: EncodedKind) -> None:
    control = EncodedControl(control_id="a", kind=kind, received_s=12.5)
    message = wire.Control.FromString(codec.control_to_wire(control).SerializeToString())
    assert codec.control_from_wire(message) == control


def test_directives_and_images_cross_with_their_tensors() -> None:
    tensors = {"x": np.arange(4, dtype=np.float32)}
    for kind in (EncodedDirective(text="it rains", tensors=tensors), EncodedImage(tensors=tensors)):
        control = EncodedControl(control_id="a", kind=kind, received_s=1.0)
        crossed = codec.control_from_wire(codec.control_to_wire(control)).kind
        assert type(crossed) is type(kind)
        assert isinstance(crossed, EncodedDirective | EncodedImage)
        np.testing.assert_array_equal(crossed.tensors["x"], tensors["x"])


def test_a_control_of_no_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="None"):
        codec.control_from_wire(wire.Control(control_id="a"))


def test_outcomes_cross_in_order() -> None:
    outcomes = (
        Accepted(control_id="a"),
        Applied(control_id="a", chunk_idx=0, frame_idx=0, world_time_s=0.0),
        Superseded(control_id="b", by_control_id="c"),
        Rejected(control_id="d", reason="RATE_EXCEEDED", message="slower", field="control"),
    )
    assert codec.outcomes_from_wire(codec.outcomes_to_wire(outcomes).outcomes) == outcomes


def test_latents_cross_with_their_header_and_absent_ones_stay_absent() -> None:
    chunk = LatentChunk(header=HEADER, video={"latents": np.ones((2, 3), np.float16)}, audio=None)
    crossed = codec.latents_from_wire(codec.latents_to_wire(chunk).latents)
    assert crossed.header == HEADER
    assert crossed.audio is None
    assert crossed.video is not None
    np.testing.assert_array_equal(crossed.video["latents"], np.ones((2, 3), np.float16))


def test_frames_and_sound_cross_as_they_are() -> None:
    frames = np.random.default_rng(0).integers(0, 255, (1, INFO.height_px, INFO.width_px, 3), np.uint8)
    samples = np.linspace(-1, 1, INFO.samples_per_chunk, dtype=np.float32)[:, None]
    part = DecodedPart(header=HEADER, frames_FHWC=frames, samples_SC=samples)
    crossed = codec.part_from_wire(codec.part_to_wire(part).decoded, INFO)
    np.testing.assert_array_equal(crossed.frames_FHWC, frames)
    np.testing.assert_array_equal(crossed.samples_SC, samples)
    silent = DecodedPart(header=HEADER, frames_FHWC=frames, samples_SC=None)
    assert codec.part_from_wire(codec.part_to_wire(silent).decoded, INFO).samples_SC is None


def test_pictures_cross_as_they_are() -> None:
    image_HWC = np.random.default_rng(0).integers(0, 255, (5, 7, 3), np.uint8)
    np.testing.assert_array_equal(codec.picture_from_wire(codec.picture_to_wire(image_HWC)), image_HWC)
