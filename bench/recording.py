"""What a client held in its hands: every chunk with its time of arrival, every control with its answer.

Times ending in `received_s` and `sent_s` are of the client's monotonic clock; world and
presentation times count from the session's first frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from bench.script import Cue, Say, Turn, Walk


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedFrame:
    frame_idx: int
    presentation_s: float
    data: bytes
    is_keyframe: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedChunk:
    chunk_idx: int
    received_s: float
    is_late: bool  # as the service saw it
    frames: tuple[ReceivedFrame, ...]
    sound_presentation_s: float
    sound_packets: tuple[bytes, ...]
    num_samples: int


class Answer(Enum):
    APPLIED = "applied"
    SUPERSEDED = "superseded"
    REJECTED = "rejected"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class SentControl:
    cue: Cue
    sent_s: float | None  # None: the play ended before
    answer: Answer = Answer.NONE
    chunk_idx: int | None = None  # where it took effect
    world_time_s: float | None = None
    reason: str = ""  # of a rejection


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaShape:
    """What the session's capabilities say about its media; all zero when no session came about."""

    model: str = ""
    width_px: int = 0
    height_px: int = 0
    frame_rate: float = 0.0
    frames_per_chunk: int = 0
    chunk_duration_s: float = 0.0
    sample_rate_hz: int = 0
    samples_per_chunk: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    name: str
    title: str
    shape: MediaShape
    planned_chunks: int
    seed: int  # the one that took effect
    create_called_s: float
    chunks: tuple[ReceivedChunk, ...]
    controls: tuple[SentControl, ...] = ()  # those the script has, sent or not
    failure: str = ""  # what ended the play early

    @property
    def frames(self) -> list[ReceivedFrame]:
        return [frame for chunk in self.chunks for frame in chunk.frames]

    @property
    def packets(self) -> list[bytes]:
        return [packet for chunk in self.chunks for packet in chunk.sound_packets]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What shaped the picture at one moment."""

    walk: Walk
    turn: Turn
    said: str  # the last sentence, while it is fresh


SAID_FOR_S = 2.0  # how long a sentence stands under the pictures


def held_at(controls: Sequence[SentControl], world_time_s: float) -> Held:
    """What had taken effect by then, by the service's answers."""
    walk, turn, said = Walk(), Turn(), ""
    for control in controls:
        if control.world_time_s is None or control.world_time_s > world_time_s:
            continue
        match control.cue.action:
            case Walk() as walk:
                pass
            case Turn() as turn:
                pass
            case Say(text=text):
                said = text if world_time_s - control.world_time_s < SAID_FOR_S else ""
    return Held(walk=walk, turn=turn, said=said)
