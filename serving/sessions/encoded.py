"""Sessions and controls as a transformer worker takes them: words and pictures already encoded."""

from __future__ import annotations

from dataclasses import dataclass

from model.interface import CameraPose, FramesFHWC, SamplesSC, Tensors
from serving.sessions.attribution import Loss, Schedule, Sender
from serving.sessions.contract import Cancel, EncodedDirective, EncodedImage, InHand, LatestWins, SetQuality


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What a session's chunks depend on before any control."""

    session_id: str
    seed: int
    prompt: Tensors | None = None
    image: Tensors | None = None
    epoch: int = 0
    # Go on with what is on record, and let chunks out from this one on; the record says all the rest.
    resume_from: int | None = None
    # With `resume_from`: what is on record from there on is another branch's by now.
    is_rewind: bool = False
    # With `resume_from`: chunks before this one were shown. They come once more, at once, and take no credit.
    shown_until: int = 0
    # When the first chunk that comes should leave the gateway (time.time), where another worker set the pace.
    due_s: float | None = None


EncodedKind = LatestWins | SetQuality | EncodedDirective | EncodedImage | InHand | Cancel


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedControl:
    control_id: str
    kind: EncodedKind
    received_s: float  # gateway's clock (time.time)
    sender: Sender | None = None
    schedule: Schedule | None = None
    loss: Loss | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldAxes:
    """What stays in force from chunk to chunk until a later control changes it."""

    forward: float = 0.0
    strafe: float = 0.0
    yaw: float = 0.0
    pitch: float = 0.0
    quality: float = 1.0  # as `SetQuality` left it


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkHeader:
    """What travels with a chunk from stage to stage."""

    chunk_idx: int
    pose: CameraPose
    due_s: float  # when its first frame should leave the gateway (time.time)
    num_outcomes_before: int  # of its session; they come before it
    stage_seconds: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class LatentChunk:
    """One chunk on its way to the decoders; a worker gets only what it decodes."""

    header: ChunkHeader
    video: Tensors | None
    audio: Tensors | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodedPart:
    """What one decoder worker made of a chunk."""

    header: ChunkHeader
    frames_FHWC: FramesFHWC | None
    samples_SC: SamplesSC | None
