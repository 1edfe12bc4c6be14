from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from model.interface import CAMERA_MOVES
from nacre.v1 import control_pb2, media_pb2, session_pb2, world_pb2
from serving.errors import InvalidFieldError, ModelUnknownError, NacreError
from serving.gateway.validation import (
    MAX_TOTAL_CREDIT,
    RawImage,
    check_attach,
    check_control_kind,
    check_credit,
    check_id,
    check_idempotency_key,
    check_world,
)
from serving.sessions.contract import CameraMove, Directive, Look, Move, SetPerspective
from tests.fakes import fake_info

INFO = fake_info()
IMAGE = world_pb2.Image(data=b"bytes")


def assert_refused(reason: str, field: str, check: Callable[[], object]) -> NacreError:
    with pytest.raises(NacreError) as caught:
        check()
    assert (caught.value.reason, caught.value.field) == (reason, field)
    return caught.value


@pytest.mark.parametrize(
    ("world", "reason", "field"),
    [
        (world_pb2.WorldSpec(), "WORLD_MISSING", "world.prompt"),
        (world_pb2.WorldSpec(prompt=" \n\t "), "TEXT_EMPTY", "world.prompt"),
        (world_pb2.WorldSpec(scene="  "), "TEXT_EMPTY", "world.scene"),
        (world_pb2.WorldSpec(prompt="x" * 2_001), "TEXT_TOO_LONG", "world.prompt"),
        (world_pb2.WorldSpec(scene="x" * 1_001), "TEXT_TOO_LONG", "world.scene"),
        (world_pb2.WorldSpec(scene="x", character="x" * 1_001), "TEXT_TOO_LONG", "world.character"),
        (world_pb2.WorldSpec(prompt="a", scene="b"), "WORLD_AMBIGUOUS", "world.scene"),
        (world_pb2.WorldSpec(prompt="a", character="b"), "WORLD_AMBIGUOUS", "world.character"),
        (world_pb2.WorldSpec(character="b"), "WORLD_AMBIGUOUS", "world.scene"),
        (world_pb2.WorldSpec(character="b", image=IMAGE), "WORLD_AMBIGUOUS", "world.scene"),
        (world_pb2.WorldSpec(prompt="a\x00b"), "FIELD_INVALID", "world.prompt"),
    ],
)
def test_a_world_that_cannot_start_is_refused(world: world_pb2.WorldSpec, reason: str, field: str) -> None:
    assert_refused(reason, field, lambda: check_world(world, INFO))


@pytest.mark.parametrize(
    ("controls", "world", "reason", "field"),
    [
        (("directive",), world_pb2.WorldSpec(prompt="a", image=IMAGE), "CONTROL_UNSUPPORTED", "world.image"),
        (("directive",), world_pb2.WorldSpec(), "WORLD_MISSING", "world.prompt"),
        (("move", "image"), world_pb2.WorldSpec(prompt="a", image=IMAGE), "CONTROL_UNSUPPORTED", "world.prompt"),
        (("move", "image"), world_pb2.WorldSpec(scene="a", image=IMAGE), "CONTROL_UNSUPPORTED", "world.scene"),
        (("move", "image"), world_pb2.WorldSpec(), "WORLD_MISSING", "world.image"),
    ],
)
def test_a_world_that_the_model_could_not_begin_with_is_refused(
    controls: tuple[str, ...], world: world_pb2.WorldSpec, reason: str, field: str
) -> None:
    info = fake_info(controls=controls)
    assert_refused(reason, field, lambda: check_world(world, info))
    possible = world_pb2.WorldSpec(prompt="a") if "directive" in controls else world_pb2.WorldSpec(image=IMAGE)
    assert check_world(possible, info).model == info.name


def test_an_unknown_model_is_refused_with_the_one_there_is() -> None:
    world = world_pb2.WorldSpec(prompt="a", model="other")
    error = assert_refused("MODEL_UNKNOWN", "world.model", lambda: check_world(world, INFO))
    assert isinstance(error, ModelUnknownError)
    assert error.allowed == ("fake-xs",)


def test_a_world_is_taken_with_effective_model_and_seed() -> None:
    world = check_world(world_pb2.WorldSpec(prompt="  a street\n", seed=7), INFO)
    assert (world.prompt, world.model, world.seed) == ("a street", "fake-xs", 7)
    assert check_world(world_pb2.WorldSpec(prompt="x" * 2_000), INFO).seed > 0
    assert check_world(world_pb2.WorldSpec(image=IMAGE), INFO).text == ""
    both = check_world(world_pb2.WorldSpec(character="a cat", scene="Paris", image=IMAGE), INFO)
    assert both.text == "a cat. Paris"


def test_two_worlds_without_a_seed_get_different_ones() -> None:
    world = world_pb2.WorldSpec(prompt="a")
    assert check_world(world, INFO).seed != check_world(world, INFO).seed


@pytest.mark.parametrize("value", ["", "a b", "a" * 64, "../x", "ä", "a\n"])
def test_ids_have_a_syntax(value: str) -> None:
    assert_refused("FIELD_INVALID", "x", lambda: check_id(value, "x"))


def test_an_idempotency_key_may_be_left_out_but_not_be_malformed() -> None:
    assert check_idempotency_key("") == ""
    assert check_idempotency_key("a-1_B") == "a-1_B"
    assert_refused("FIELD_INVALID", "idempotency_key", lambda: check_idempotency_key("a/b"))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1.001, -1.001])
@pytest.mark.parametrize(
    ("kind", "axis"), [("move", "forward"), ("move", "strafe"), ("look", "yaw"), ("look", "pitch")]
)
def test_an_axis_is_finite_and_within_one(kind: str, axis: str, value: float) -> None:
    control = control_pb2.Control(control_id="c")
    setattr(getattr(control, kind), axis, value)
    assert_refused("FIELD_INVALID", f"control.{kind}.{axis}", lambda: check_control_kind(control, INFO))


@pytest.mark.parametrize(
    ("control", "reason", "field"),
    [
        (control_pb2.Control(), "FIELD_INVALID", "control.kind"),
        (
            control_pb2.Control(perspective=control_pb2.SetPerspective()),
            "CONTROL_UNSUPPORTED",
            "control.perspective",
        ),
        (control_pb2.Control(camera=control_pb2.CameraMove()), "CONTROL_UNSUPPORTED", "control.camera"),
    ],
)
def test_a_control_the_model_does_not_answer_to_lists_those_it_does(
    control: control_pb2.Control, reason: str, field: str
) -> None:
    error = assert_refused(reason, field, lambda: check_control_kind(control, INFO))
    assert error.allowed == ("move", "look", "directive", "image")


def test_a_control_is_supported_only_if_the_model_lists_it() -> None:
    control = control_pb2.Control(look=control_pb2.Look(yaw=1.0))
    info = fake_info(controls=("move", "telepathy"))
    error = assert_refused("CONTROL_UNSUPPORTED", "control.look", lambda: check_control_kind(control, info))
    assert error.allowed == ("move",)  # what nothing can carry to a worker is not offered


CINEMA = fake_info(controls=("perspective", "camera"), perspectives=("first_person", "third_person"))


@pytest.mark.parametrize(
    ("control", "reason", "field", "allowed"),
    [
        (
            control_pb2.Control(perspective=control_pb2.SetPerspective()),
            "CONTROL_UNSUPPORTED",
            "control.perspective.perspective",
            CINEMA.perspectives,
        ),
        (
            control_pb2.Control(perspective=control_pb2.SetPerspective(perspective=7)),  # pyright: ignore[reportArgumentType]
            "CONTROL_UNSUPPORTED",
            "control.perspective.perspective",
            CINEMA.perspectives,
        ),
        (control_pb2.Control(camera=control_pb2.CameraMove()), "FIELD_INVALID", "control.camera.kind", CAMERA_MOVES),
    ],
)
def test_a_perspective_or_camera_move_there_is_not_lists_those_there_are(
    control: control_pb2.Control, reason: str, field: str, allowed: tuple[str, ...]
) -> None:
    error = assert_refused(reason, field, lambda: check_control_kind(control, CINEMA))
    assert error.allowed == allowed


def test_n09_perspectives_and_camera_moves_become_values() -> None:
    behind = control_pb2.SetPerspective(perspective=world_pb2.PERSPECTIVE_THIRD_PERSON)
    kind = check_control_kind(control_pb2.Control(perspective=behind), CINEMA)
    assert kind == SetPerspective(perspective="third_person")
    for name in CAMERA_MOVES:
        value = f"CAMERA_MOVE_KIND_{name.upper()}"
        control = control_pb2.Control(camera=control_pb2.CameraMove(kind=value))
        assert check_control_kind(control, CINEMA) == CameraMove(move=name)


@pytest.mark.parametrize(("text", "reason"), [("", "TEXT_EMPTY"), (" ", "TEXT_EMPTY"), ("x" * 2_001, "TEXT_TOO_LONG")])
def test_a_directive_says_something(text: str, reason: str) -> None:
    control = control_pb2.Control(directive=control_pb2.Directive(text=text))
    assert_refused(reason, "control.directive.text", lambda: check_control_kind(control, INFO))


def test_valid_controls_become_values() -> None:
    move = control_pb2.Control(move=control_pb2.Move(forward=1.0, strafe=-1.0))
    look = control_pb2.Control(look=control_pb2.Look())
    say = control_pb2.Control(directive=control_pb2.Directive(text=" night falls "))
    assert check_control_kind(move, INFO) == Move(forward=1.0, strafe=-1.0)
    assert check_control_kind(look, INFO) == Look(yaw=0.0, pitch=0.0)
    assert check_control_kind(say, INFO) == Directive(text="night falls")
    assert check_control_kind(control_pb2.Control(image=IMAGE), INFO) == RawImage(data=b"bytes")


def attach(**fields: object) -> session_pb2.PlayRequest:
    values = {"session_id": "s-1", "resume_token": "t", **fields}
    return session_pb2.PlayRequest(attach=session_pb2.Attach(**values))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("message", "reason", "field"),
    [
        (session_pb2.PlayRequest(), "ATTACH_EXPECTED", "attach"),
        (session_pb2.PlayRequest(credit=session_pb2.Credit(chunks=1)), "ATTACH_EXPECTED", "attach"),
        (attach(session_id=""), "FIELD_INVALID", "attach.session_id"),
        (attach(session_id="a/b"), "FIELD_INVALID", "attach.session_id"),
        (attach(resume_token=""), "FIELD_INVALID", "attach.resume_token"),
        (attach(initial_credit=17), "FIELD_INVALID", "attach.initial_credit"),
        (attach(video_codecs=[0]), "FIELD_INVALID", "attach.video_codecs"),
        (attach(audio_codecs=[99]), "FIELD_INVALID", "attach.audio_codecs"),
    ],
)
def test_a_malformed_attach_is_refused(message: session_pb2.PlayRequest, reason: str, field: str) -> None:
    assert_refused(reason, field, lambda: check_attach(message, INFO))


def test_attach_has_defaults_and_takes_the_first_codec_on_offer() -> None:
    spec = check_attach(attach(), INFO)
    assert (spec.video_codec, spec.audio_codec, spec.credit) == (
        media_pb2.VIDEO_CODEC_H264,
        media_pb2.AUDIO_CODEC_OPUS,
        4,
    )
    spec = check_attach(attach(video_codecs=[99, 2, 1], audio_codecs=[2], initial_credit=16), INFO)
    assert (spec.video_codec, spec.audio_codec, spec.credit) == (
        media_pb2.VIDEO_CODEC_RAW_RGB,
        media_pb2.AUDIO_CODEC_PCM_S16LE,
        16,
    )


def test_what_a_model_cannot_be_sent_as_is_not_offered() -> None:
    odd = fake_info(width_px=127)
    assert check_attach(attach(), odd).video_codec == media_pb2.VIDEO_CODEC_RAW_RGB
    silent = fake_info(audio_channels=0)
    assert check_attach(attach(audio_codecs=[1]), silent).audio_codec is None
    strange_rate = fake_info(sample_rate_hz=22_050)
    assert check_attach(attach(), strange_rate).audio_codec == media_pb2.AUDIO_CODEC_PCM_S16LE


@pytest.mark.parametrize("chunks", [0, 17])
def test_credit_is_one_to_sixteen_at_a_time(chunks: int) -> None:
    with pytest.raises(InvalidFieldError):
        check_credit(session_pb2.Credit(chunks=chunks), 0)


def test_credit_adds_up_to_a_bound() -> None:
    assert check_credit(session_pb2.Credit(chunks=3), 2) == 5
    assert check_credit(session_pb2.Credit(chunks=16), MAX_TOTAL_CREDIT - 16) == MAX_TOTAL_CREDIT
    with pytest.raises(InvalidFieldError):
        check_credit(session_pb2.Credit(chunks=16), MAX_TOTAL_CREDIT - 15)
