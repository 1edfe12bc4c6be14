"""Requests checked and turned into plain values. Pure: pictures stay bytes, decoded elsewhere."""

from __future__ import annotations

import math
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from model.interface import CAMERA_MOVES, ModelInfo
from nacre.v1 import control_pb2, media_pb2, session_pb2, world_pb2
from serving.errors import (
    AttachExpectedError,
    ControlUnsupportedError,
    InvalidFieldError,
    ModelUnknownError,
    TextEmptyError,
    TextTooLongError,
    WorldAmbiguousError,
    WorldMissingError,
)
from serving.gateway.media import audio_codecs_for, video_codecs_for
from serving.gateway.roles import ATTACH_ROLES, Role, granted
from serving.sessions.contract import CameraMove, Directive, LatestWins, Look, Move, SetPerspective, WorldSpec

MAX_PROMPT_CHARS = 2_000
MAX_PART_CHARS = 1_000
MAX_LICENCE_CHARS = 200
MAX_DIRECTIVE_CHARS = 2_000
DEFAULT_CREDIT, MAX_CREDIT = 4, 16
# What a client may have in hand at all, given chunk by chunk or 16 at a time.
# As many controls as a session may have without an outcome.
MAX_UNANSWERED = 256
MAX_TOTAL_CREDIT = 1_024
ID_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,63}", re.ASCII)
# What the contract with the workers can carry; a model may list more than it is reached for.
CARRIED_CONTROLS = ("move", "look", "directive", "image", "perspective", "camera")
# Line breaks and tabs are ordinary in pasted text; the rest of the control characters are not words.
CONTROL_CHARACTER = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

Codec = TypeVar("Codec", bound=int)


@dataclass(frozen=True, slots=True, kw_only=True)
class RawImage:
    """An image control whose bytes are not decoded yet."""

    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachSpec:
    session_id: str
    resume_token: str
    video_codec: media_pb2.VideoCodec
    audio_codec: media_pb2.AudioCodec | None
    credit: int
    role: Role = Role.PLAYER
    wanted_role: Role | None = None  # as much as it may be when left out
    client_id: str = ""  # of its own choosing
    stands_by: bool = False  # to be in the session though another has control
    unanswered: tuple[str, ...] = ()  # controls that it sent before, whose outcome it never heard
    guest_token: str = ""  # of a guest who comes back
    shown_until: int = 0  # the first chunk that it has not got, of one that comes back

    def granted(self, allowed: Role, *, is_link: bool) -> AttachSpec:
        """As what it may be. Raises `ScopeExceededError`."""
        return replace(self, role=granted(allowed, self.wanted_role, is_link=is_link))


def supported_controls(info: ModelInfo) -> tuple[str, ...]:
    return tuple(name for name in info.controls if name in CARRIED_CONTROLS)


def check_model(name: str, info: ModelInfo, field: str) -> None:
    if name not in ("", info.name):
        raise ModelUnknownError(f"there is no model {name[:63]!r}", field=field, allowed=(info.name,))


def check_world(message: world_pb2.WorldSpec, info: ModelInfo) -> WorldSpec:
    """The world without its picture, with the effective model and seed."""
    check_model(message.model, info, "world.model")
    prompt = _check_optional_text(message.prompt, MAX_PROMPT_CHARS, "world.prompt")
    character = _check_optional_text(message.character, MAX_PART_CHARS, "world.character")
    scene = _check_optional_text(message.scene, MAX_PART_CHARS, "world.scene")
    if prompt and (character or scene):
        field = "world.scene" if scene else "world.character"
        raise WorldAmbiguousError("give a prompt or a scene (with or without a character), not both", field=field)
    if character and not scene:
        raise WorldAmbiguousError("a character needs a scene to be in", field="world.scene")
    _check_beginning(message, info)
    seed = message.seed or 1 + secrets.randbelow(2**63 - 1)
    licence = check_licence(message.licence, "world.licence")
    return WorldSpec(model=info.name, seed=seed, prompt=prompt, character=character, scene=scene, licence=licence)


def _check_beginning(message: world_pb2.WorldSpec, info: ModelInfo) -> None:
    """Something to begin with, and nothing that the model could not: one that answers to words begins with words, one
    that answers to pictures with a picture."""
    supported = supported_controls(info)
    words = ("prompt", "scene") if "directive" in supported else ()
    known = tuple(f"world.{name}" for name in (*words, *(("image",) if "image" in supported else ())))
    said = {"prompt": message.prompt.strip(), "scene": message.scene.strip(), "image": message.HasField("image")}
    for name in (name for name, is_given in said.items() if is_given and f"world.{name}" not in known):
        raise ControlUnsupportedError(f"{info.name} begins with no {name}", field=f"world.{name}", allowed=known)
    if not any(said.values()):
        needs = {1: "an image", 2: "a prompt or a scene", 3: "a prompt, a scene or an image"}[len(known)]
        raise WorldMissingError(f"a world needs {needs}", field=known[0], allowed=known)


def check_licence(value: str, field: str) -> str:
    return _check_optional_text(value, MAX_LICENCE_CHARS, field)


def check_idempotency_key(key: str) -> str:
    return check_id(key, "idempotency_key") if key else ""


def check_id(value: str, field: str) -> str:
    if not ID_PATTERN.fullmatch(value):
        raise InvalidFieldError("an id has 1 to 63 letters, digits, hyphens and underscores", field=field)
    return value


def check_attach(message: session_pb2.PlayRequest, info: ModelInfo) -> AttachSpec:
    """The first message of a Play stream."""
    if message.WhichOneof("message") != "attach":
        raise AttachExpectedError("the first message must be attach", field="attach")
    attach = message.attach
    check_id(attach.session_id, "attach.session_id")
    if not attach.resume_token:
        raise InvalidFieldError("the resume token of CreateSession is needed", field="attach.resume_token")
    if attach.initial_credit > MAX_CREDIT:
        raise InvalidFieldError(f"at most {MAX_CREDIT} chunks at once", field="attach.initial_credit")
    return AttachSpec(
        session_id=attach.session_id,
        resume_token=attach.resume_token,
        video_codec=_choose_video(attach.video_codecs, info),
        audio_codec=_choose_audio(attach.audio_codecs, info),
        credit=attach.initial_credit or DEFAULT_CREDIT,
        wanted_role=check_role(attach.role),
        client_id=check_id(attach.client_id, "attach.client_id") if attach.client_id else "",
        stands_by=attach.stand_by,
        unanswered=_check_unanswered(attach.unanswered_control_ids),
        guest_token=check_id(attach.guest_token, "attach.guest_token") if attach.guest_token else "",
        shown_until=attach.next_chunk_index,
    )


def _check_unanswered(control_ids: Sequence[str]) -> tuple[str, ...]:
    field = "attach.unanswered_control_ids"
    if len(control_ids) > MAX_UNANSWERED:
        raise InvalidFieldError(f"at most {MAX_UNANSWERED} controls", field=field)
    return tuple(check_id(each, field) for each in control_ids)


def check_role(value: session_pb2.ClientRole) -> Role | None:
    if value == session_pb2.CLIENT_ROLE_UNSPECIFIED:
        return None
    name = _enum_name(session_pb2.ClientRole, value, "CLIENT_ROLE_")
    if name not in ATTACH_ROLES:
        raise InvalidFieldError("there is no such role", field="attach.role", allowed=tuple(ATTACH_ROLES))
    return ATTACH_ROLES[name]


def check_credit(message: session_pb2.Credit, credit: int) -> int:
    """The client's credit after the message, `credit` before it."""
    if not 1 <= message.chunks <= MAX_CREDIT:
        raise InvalidFieldError(f"1 to {MAX_CREDIT} chunks at a time", field="credit.chunks")
    if credit + message.chunks > MAX_TOTAL_CREDIT:
        raise InvalidFieldError(f"at most {MAX_TOTAL_CREDIT} chunks of credit in all", field="credit.chunks")
    return credit + message.chunks


def check_control_kind(message: control_pb2.Control, info: ModelInfo) -> LatestWins | Directive | RawImage:
    supported = supported_controls(info)
    name = message.WhichOneof("kind")
    if name is None:
        raise InvalidFieldError("the control says nothing", field="control.kind", allowed=supported)
    if name not in supported:
        raise ControlUnsupportedError(
            f"{info.name} does not answer to {name}", field=f"control.{name}", allowed=supported
        )
    match name:
        case "move":
            forward = _check_axis(message.move.forward, "control.move.forward")
            return Move(forward=forward, strafe=_check_axis(message.move.strafe, "control.move.strafe"))
        case "look":
            yaw = _check_axis(message.look.yaw, "control.look.yaw")
            return Look(yaw=yaw, pitch=_check_axis(message.look.pitch, "control.look.pitch"))
        case "directive":
            return Directive(text=check_text(message.directive.text, MAX_DIRECTIVE_CHARS, "control.directive.text"))
        case "perspective":
            return SetPerspective(perspective=_check_perspective(message.perspective.perspective, info))
        case "camera":
            return CameraMove(move=_check_camera_move(message.camera.kind))
        case _:
            return RawImage(data=message.image.data)


def _check_perspective(value: world_pb2.Perspective, info: ModelInfo) -> str:
    name = _enum_name(world_pb2.Perspective, value, "PERSPECTIVE_")
    if name not in info.perspectives:
        field = "control.perspective.perspective"
        raise ControlUnsupportedError(f"{info.name} has no such perspective", field=field, allowed=info.perspectives)
    return name


def _check_camera_move(value: control_pb2.CameraMoveKind) -> str:
    name = _enum_name(control_pb2.CameraMoveKind, value, "CAMERA_MOVE_KIND_")
    if name not in CAMERA_MOVES:
        raise InvalidFieldError("there is no such camera move", field="control.camera.kind", allowed=CAMERA_MOVES)
    return name


def _enum_name(enum: Any, value: int, prefix: str) -> str:
    """Lower case without the prefix; empty for numbers that this version does not know."""
    return enum.Name(value).removeprefix(prefix).lower() if value in enum.values() else ""


def _check_axis(value: float, field: str) -> float:
    if not (math.isfinite(value) and -1.0 <= value <= 1.0):
        raise InvalidFieldError(f"an axis goes from -1 to 1, got {value}", field=field)
    return value


def _check_optional_text(text: str, max_chars: int, field: str) -> str:
    return check_text(text, max_chars, field) if text else ""


def check_text(text: str, max_chars: int, field: str) -> str:
    if len(text) > max_chars:
        raise TextTooLongError(f"the text has {len(text)} characters; {max_chars} are allowed", field=field)
    text = text.strip()
    if not text:
        raise TextEmptyError("the text is empty", field=field)
    if CONTROL_CHARACTER.search(text):
        raise InvalidFieldError("the text has control characters", field=field)
    return text


def _choose_video(wanted: Sequence[media_pb2.VideoCodec], info: ModelInfo) -> media_pb2.VideoCodec:
    available = video_codecs_for(info)
    names = [media_pb2.VideoCodec.Name(codec) for codec in available]
    return _choose(wanted, available, names, "attach.video_codecs")


def _choose_audio(wanted: Sequence[media_pb2.AudioCodec], info: ModelInfo) -> media_pb2.AudioCodec | None:
    available = audio_codecs_for(info)
    names = [media_pb2.AudioCodec.Name(codec) for codec in available]
    return _choose(wanted, available, names, "attach.audio_codecs") if available else None


def _choose(wanted: Sequence[Codec], available: Sequence[Codec], names: Sequence[str], field: str) -> Codec:
    if not wanted:
        return available[0]
    for codec in wanted:
        if codec in available:
            return codec
    raise InvalidFieldError("none of the codecs asked for is offered", field=field, allowed=names)
