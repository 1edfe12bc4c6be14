"""What the gateway and the workers say to each other about a session, as plain values.

A gateway opens a `SessionLink` through a `WorldPlane` and knows nothing else of the
workers: they may be in its own process (`serving.local`) or replicas of a Ray Serve
deployment reached over gRPC (`serving.cluster`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np

from model.interface import CameraPose, FramesFHWC, ModelInfo, SamplesSC, Tensors
from serving.access.ownership import LOCALS, Ownership
from serving.sessions.attribution import Loss, Schedule, Sender


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldSpec:
    """What a world starts from, validated, with the effective model and seed."""

    model: str
    seed: int
    prompt: str = ""
    character: str = ""
    scene: str = ""
    image_HWC: np.ndarray | None = None  # 8-bit RGB, decoded and bounded by the gateway
    image_sha256: str = ""  # of the file that the picture came in
    licence: str = ""  # of what comes of it, in its owner's words
    arbitration: str = "single"  # how several clients' controls become the session's

    @property
    def inputs(self) -> tuple[str, ...]:
        """What its owner brought."""
        picture = (f"image:{self.image_sha256}",) if self.image_sha256 else ()
        return (*(("words",) if self.text else ()), *picture)

    @property
    def text(self) -> str:
        """The words as the encoder reads them."""
        return self.prompt or ". ".join(part for part in (self.character, self.scene) if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSpec:
    """A session to open on a transformer worker and its decoders."""

    session_id: str
    world: WorldSpec
    epoch: int = 0
    resume_from: int | None = None  # go on with a session that is on record, from this chunk
    is_rewind: bool = False  # with it: what is on record from there on is another branch's by now
    shown_until: int = 0  # with `resume_from`: chunks before this one were shown, and come at once
    due_s: float | None = None  # of the first chunk, where another worker set the pace (time.time)
    resume_token_sha256: bytes = b""  # lets a client come back after its gateway is gone
    is_traced: bool = False  # sampled for per-chunk spans
    ownership: Ownership = LOCALS  # workers do not ask


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    forward: float
    strafe: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    yaw: float
    pitch: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Directive:
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageControl:
    image_HWC: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPerspective:
    perspective: str  # of ModelInfo.perspectives


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraMove:
    move: str  # of model.interface.CAMERA_MOVES


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """Take back a control that waits. Not on record itself."""

    control_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetQuality:
    """A worker's own: on record like a client's, because chunks depend on it, and never sent by one."""

    quality: float  # as in `model.interface.ChunkControls`


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedDirective:
    text: str
    tensors: Tensors


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedImage:
    """A picture is on record as this alone: one that waits for its time goes to the next worker as it is."""

    tensors: Tensors


@dataclass(frozen=True, slots=True, kw_only=True)
class InHand:
    """From here on that client has the session in hand. The gateway's own: for the record, as no chunk depends on it
    but by what it lets through."""

    client_id: str
    subject_id: str  # as `serving.access.principal` names it


# Of each of these the latest counts; the others all take effect, in order.
LatestWins = Move | Look | SetPerspective | CameraMove
ControlKind = LatestWins | Directive | ImageControl | EncodedDirective | EncodedImage | InHand | Cancel


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    control_id: str
    kind: ControlKind
    received_s: float  # gateway's clock (time.time), for control-to-frame latency
    sender: Sender | None = None
    schedule: Schedule | None = None  # else it takes effect as soon as it can
    loss: Loss | None = None  # it is to be put on record, and not to take effect


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    control_id: str
    durable: bool = True  # else on its worker's disk alone, until the catalogue is back
    due_chunk_idx: int | None = None  # of one that is scheduled, as far as that is known


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    control_id: str
    chunk_idx: int
    frame_idx: int
    world_time_s: float
    # A directive: what it was taken to ask for, in phrases for people to read; none where it asks for nothing that the
    # model knows. None where the model does not tell, and of others. Known to the gateway that had it encoded.
    understood: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Superseded:
    control_id: str
    by_control_id: str
    reason: str = ""  # as in `Loss`
    by_client_id: str = ""  # who sent that one; the gateway alone knows


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    control_id: str
    reason: str  # a name of nacre.v1.ErrorReason without its prefix
    message: str
    field: str = ""


Outcome = Accepted | Applied | Superseded | Rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityChanged:
    """From this chunk on a session gets less than all of its worker, which cannot keep up, or more than before."""

    chunk_idx: int
    quality: float = 1.0  # share of the denoise passes
    rate: float = 1.0  # share of the model's chunks per second


# What a worker tells of a session, in the order in which it came to be.
Notice = Outcome | QualityChanged


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodedChunk:
    """One chunk as the decoders made it, before media encoding."""

    chunk_idx: int
    frames_FHWC: FramesFHWC
    samples_SC: SamplesSC
    pose: CameraPose
    due_s: float  # when its first frame should leave the gateway (time.time)
    stage_seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotRequest:
    """Of the whole session at a chunk boundary: the next one, or with `when_paused` the one where it may make no
    more chunks."""

    request_id: str  # empty for one that a worker makes by itself
    is_kept: bool = False  # in the worker's store, instead of given back
    is_portable: bool = False  # small, and not bit for bit
    when_paused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenSnapshot:
    """What became of a `SnapshotRequest`."""

    request_id: str
    chunk_idx: int  # the first one after it
    data: bytes = b""  # empty when it was kept
    num_bytes: int = 0
    error: str = ""  # why there is none


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveAsked:
    """The worker will stop: the session should go on elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewound:
    """The session went back; chunks count from here again."""

    chunk_idx: int
    branch_session_id: str  # where the old future is kept


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkEnded:
    """The worker's side is over; nothing follows. `reason` names an EndReason without its prefix."""

    reason: str
    message: str = ""


LinkEvent = Notice | DecodedChunk | LeaveAsked | Rewound | LinkEnded


class SessionLink(Protocol):
    """A running session as its gateway holds it."""

    @property
    def worker_id(self) -> str:
        """Of the transformer worker that runs it."""
        ...

    async def send(self, control: Control) -> None:
        """Give a valid control to the worker. Its outcomes come as events."""
        ...

    async def grant(self, chunks: int) -> None:
        """Let the worker generate `chunks` more chunks than it was let so far."""
        ...

    async def snapshot(
        self, *, is_kept: bool = False, is_portable: bool = False, when_paused: bool = False
    ) -> TakenSnapshot:
        """As in `SnapshotRequest`. Not of a session whose first chunk was never let out. Raises `SessionEndedError`
        or `StorageUnavailableError`."""
        ...

    def events(self) -> AsyncIterator[LinkEvent]:
        """Acks and chunks in the order they came to be; ends after `LinkEnded`."""
        ...

    async def close(self) -> None:
        """End the session and free its slots. Safe to call twice."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a session is on its timeline."""

    epoch: int
    next_chunk_idx: int
    worker_id: str


@runtime_checkable
class KeptLink(SessionLink, Protocol):
    """The link of a session that is on record: it outlives its workers."""

    async def move(self) -> None:
        """Go on with another worker, or the same, without a chunk lost. Raises `NacreError`: then it plays on."""
        ...

    async def park(self) -> None:
        """Keep the session and free its slots; `events` ends with the reason PARKED. Raises `NacreError`: then it
        plays on."""
        ...

    def leave(self) -> None:
        """From now on `close` does not end the session: it is on record as far as chunks came, for whoever goes on
        with it."""
        ...

    async def rewind(self, chunk_idx: int) -> str:
        """Go on from a past chunk: `events` goes on after `Rewound`. What came after the chunk stays as a session of
        its own, whose id this gives. Raises `NacreError`."""
        ...

    async def standing(self) -> Standing:
        """Between two turns, with a receipt on record for every chunk that came."""
        ...

    @property
    def epoch(self) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OnRecord:
    """What is on record of a control."""

    outcome: Outcome  # `Accepted` of one that still waits
    sender: Sender | None = None


@runtime_checkable
class TellingLink(SessionLink, Protocol):
    """The link of a session on record, that knows of controls which others sent."""

    async def on_record(self, control_ids: Collection[str]) -> Mapping[str, OnRecord]:
        """By control; without those of which nothing is. Raises `StorageUnavailableError`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumedSession:
    """A session whose gateway died, on its way again."""

    link: SessionLink
    world: WorldSpec  # without its picture
    next_chunk_idx: int  # the first that comes
    resume_token_sha256: bytes = b""
    created_s: float | None = None  # time.time(); now, for one that is new
    ownership: Ownership = LOCALS
    world_id: str | None = None  # the saved world that it started from


class SessionResumer(Protocol):
    """Finds sessions that another gateway, now gone, had opened."""

    async def resume(self, session_id: str, resume_token: str | None, shown_until: int = 0) -> ResumedSession:
        """Without a token for those who may without. `shown_until`: the first chunk that whoever asks has not seen,
        where that is known. Raises `SessionNotFoundError`, `ResumeTokenInvalidError`, `SessionEndedError`,
        `SessionHeldError` while another gateway's worker may still run it, `SnapshotRefusedError`, and what
        `WorldPlane.open` does."""
        ...


class WorldPlane(Protocol):
    """The workers, as a gateway sees them."""

    @property
    def info(self) -> ModelInfo: ...

    async def open(self, spec: SessionSpec, snapshot: bytes = b"") -> SessionLink:
        """Encode, place and open a session, or go on with one from the `snapshot` that a link gave. A link that the
        session had before may still be closing. Raises `CapacityExhaustedError` or `WorkerUnavailableError`
        (serving.errors)."""
        ...

    async def make_room(self, session_id: str) -> None:
        """Keep a place for a session that plays and is to go on elsewhere, until it opens there, for a short while, and
        see that the way there is open. Raises as `open` does: then it had better stay."""
        ...

    async def rehearse(self, session_id: str, take_snapshot: Callable[[], Awaitable[bytes]]) -> None:
        """Where nothing came yet from the workers that are kept for a session, play a moment of it there, apart from
        its record. Raises `NacreError` when that does not work: then it had better stay."""
        ...
