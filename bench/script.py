"""What a player does, second by second: timed controls, and the words for what is held."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

# No control in the last second: its first frame must still fall within the play.
LEAD_OUT_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    forward: float = 0.0
    strafe: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    yaw: float = 0.0
    pitch: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    text: str


Action = Walk | Turn | Say


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """One control and when it is sent, in seconds after the first frame."""

    at_s: float
    action: Action


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    name: str
    title: str
    duration_s: float
    cues: tuple[Cue, ...]

    def __post_init__(self) -> None:
        times_s = [cue.at_s for cue in self.cues]
        if times_s != sorted(times_s):
            raise ValueError(f"{self.name}: cues must be in order")
        if times_s and not 0.0 <= times_s[0] <= times_s[-1] <= self.duration_s - LEAD_OUT_S:
            raise ValueError(f"{self.name}: cues must lie within the first {self.duration_s - LEAD_OUT_S} s")

    def scaled_to(self, duration_s: float) -> Script:
        """The same cues in less or more time."""
        if duration_s <= LEAD_OUT_S:
            raise ValueError(f"a play takes more than {LEAD_OUT_S} s, got {duration_s}")
        factor = (duration_s - LEAD_OUT_S) / (self.duration_s - LEAD_OUT_S)
        cues = tuple(replace(cue, at_s=cue.at_s * factor) for cue in self.cues)
        return replace(self, duration_s=duration_s, cues=cues)


def num_chunks(duration_s: float, chunk_duration_s: float) -> int:
    """Chunks that fill the time; a part of a chunk counts as one."""
    return math.ceil(round(duration_s / chunk_duration_s, 6))


def words_of_keys(walk: Walk, turn: Turn) -> str:
    """What is held, as a person would say it."""
    parts = [
        *_direction(walk.forward, "walking ahead", "walking back"),
        *_direction(walk.strafe, "stepping right", "stepping left"),
        *_direction(turn.yaw, "turning right", "turning left"),
        *_direction(turn.pitch, "looking up", "looking down"),
    ]
    return ", ".join(parts) or "standing still"


def words_of_action(action: Action) -> str:
    match action:
        case Walk():
            return words_of_keys(action, Turn()).replace("standing still", "keys released")
        case Turn():
            return words_of_keys(Walk(), action).replace("standing still", "look released")
        case Say():
            return f'"{action.text}"'


def _direction(value: float, positive: str, negative: str) -> Sequence[str]:
    return () if value == 0 else (positive if value > 0 else negative,)


def _cue(at_s: float, action: Action) -> Cue:
    return Cue(at_s=at_s, action=action)


# The fractions differ so that controls fall at every phase of an 80 ms chunk.
STREET = Script(
    name="text",
    title="from the words: a quiet street at dusk",
    duration_s=20.0,
    cues=(
        _cue(1.51, Walk(forward=1.0)),
        _cue(3.53, Turn(yaw=0.6)),
        _cue(5.02, Turn()),
        _cue(5.56, Say(text="it starts to rain")),
        _cue(7.07, Walk()),
        _cue(7.58, Turn(yaw=-0.8)),
        _cue(9.54, Turn(pitch=0.7)),
        _cue(10.45, Turn(pitch=-0.7)),
        _cue(11.39, Turn()),
        _cue(12.05, Say(text="night falls")),
        _cue(13.48, Walk(forward=0.7, strafe=0.7)),
        _cue(15.01, Walk(forward=1.0)),
        _cue(15.43, Turn(yaw=0.5)),
        _cue(16.97, Turn()),
        _cue(17.46, Walk(forward=-0.6)),
        _cue(18.52, Walk()),
    ),
)
PICTURE = Script(
    name="image",
    title="from the picture: bench/assets/start.png",
    duration_s=20.0,
    cues=(
        _cue(1.04, Turn(yaw=1.0)),
        _cue(2.57, Turn(yaw=-1.0)),
        _cue(4.06, Turn()),
        _cue(4.49, Walk(forward=1.0)),
        _cue(6.52, Say(text="night falls")),
        _cue(8.03, Walk(strafe=-1.0)),
        _cue(9.01, Walk(strafe=1.0)),
        _cue(9.99, Walk()),
        _cue(10.46, Turn(pitch=0.6)),
        _cue(11.45, Turn(pitch=-0.6)),
        _cue(12.44, Turn()),
        _cue(13.03, Say(text="it starts to rain")),
        _cue(14.52, Walk(forward=1.0)),
        _cue(15.01, Turn(yaw=-0.4)),
        _cue(17.08, Turn()),
        _cue(18.55, Walk()),
    ),
)
