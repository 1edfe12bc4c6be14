"""One running session as the engine keeps it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Protocol

from model.interface import ChunkControls, ChunkLatents, ModelInfo, PortableState, SessionState, Transformer
from serving.engine.mailbox import CANCELLED, Mailbox
from serving.engine.overload import WHOLE, Level
from serving.engine.schedule import Pace
from serving.engine.script import Script
from serving.errors import ControlNotWaitingError
from serving.sessions.contract import (
    Accepted,
    Applied,
    Cancel,
    Notice,
    Outcome,
    QualityChanged,
    Rejected,
    SetQuality,
    SnapshotRequest,
    Superseded,
)
from serving.sessions.encoded import ChunkHeader, EncodedControl, LatentChunk, Opening
from serving.sessions.journal import Journal, JournalStore, Tell
from serving.sessions.snapshot import EngineSnapshot

# What a worker asks for by itself, every so many chunks.
AUTOMATIC = SnapshotRequest(request_id="", is_kept=True)


class SessionSink(Protocol):
    """Who hears of a session; must not block. Chunks and snapshots come in order on the engine's thread, outcomes
    in order on the one that made them durable; a chunk says how many outcomes come before it."""

    def outcomes(self, outcomes: tuple[Notice, ...]) -> None: ...

    def chunk(self, chunk: LatentChunk) -> None: ...

    def snapshot(self, snapshot: EngineSnapshot, request: SnapshotRequest) -> None:
        """Taken at the boundary between the chunk before and the one after this call."""
        ...

    def leave(self) -> None:
        """The worker will stop: the session should go on elsewhere."""
        ...

    def ended(self, reason: str, message: str) -> None:
        """Nothing follows."""
        ...


@dataclass(slots=True, kw_only=True)
class EngineSession:
    """Guarded by the engine's lock, but for `state`, which only the engine's thread touches."""

    opening: Opening
    state: SessionState
    mailbox: Mailbox
    journal: Journal
    sink: SessionSink
    next_chunk_idx: int
    credit: int = 0
    num_outcomes: int = 0  # told, or about to be
    num_outcomes_before: int = 0  # of those, what came before the boundary of the chunk that is made now
    untold: tuple[Notice, ...] = ()  # until the journal is committed
    given: Level | None = WHOLE  # what it was told that it gets; None where another worker took some of it
    pace: Pace | None = None
    is_handed_over: bool = False  # by another worker, which set that pace, and not let make anything here yet
    # Chunk 0, generated when the session opened and held back until the first credit.
    prepared: ChunkLatents | None = None
    snapshot_requests: list[SnapshotRequest] = field(default_factory=list)
    last_snapshot_idx: int = 0
    script: Script | None = None  # while it does again what it did before
    settled_idx: int = 0  # chunks from here on were shown to nobody

    @property
    def is_settled(self) -> bool:
        """The next chunk may become another one than it would have been."""
        return not self.is_scripted and self.next_chunk_idx >= self.settled_idx

    @property
    def is_scripted(self) -> bool:
        """The next chunk is on record: it takes the controls it had."""
        return self.script is not None and self.next_chunk_idx < self.script.end_chunk_idx

    @property
    def is_catching_up(self) -> bool:
        """The next chunk was shown before: it is made at once, and takes no credit."""
        return self.script is not None and self.next_chunk_idx < self.script.shown_until

    @property
    def can_step(self) -> bool:
        """There is a chunk to be made, now or when it is due. One that is delivered is made when somebody is there to
        take it, who says so with the first credit."""
        return self.credit > 0 or (self.script is not None and self.next_chunk_idx < self.script.deliver_from)

    @property
    def session_id(self) -> str:
        return self.opening.session_id

    def post(self, control: EncodedControl, info: ModelInfo) -> tuple[Outcome, ...]:
        """Journal a control and let it wait, or take back the one that it names. Gives what became of them."""
        if isinstance(control.kind, Cancel):
            return self._cancel(control, control.kind.control_id, info)
        outcomes = self.mailbox.put(control)
        if isinstance(outcomes[0], Accepted):
            self.journal.accept(control)
            self.write(outcomes)
        return outcomes

    def _cancel(self, control: EncodedControl, cancelled_id: str, info: ModelInfo) -> tuple[Outcome, ...]:
        """What it says that the other lost to was not its client's wish."""
        control_id, loss = control.control_id, control.loss
        by_control_id, reason = (control_id, CANCELLED) if loss is None else (loss.by_control_id, loss.reason)
        settled = self.mailbox.cancel(cancelled_id, by_control_id, reason)
        if not settled:
            message = "the control does not wait: it has its outcome, or never came"
            return (Rejected(control_id=control_id, reason=ControlNotWaitingError.reason, message=message),)
        self.write(settled)
        return (Accepted(control_id=control_id), *settled, self._applied(control_id, info))

    def write(self, outcomes: Iterable[Outcome]) -> None:
        """Journal those that say why a control never takes effect."""
        for outcome in outcomes:
            match outcome:
                case Superseded(control_id=control_id, by_control_id=by_control_id, reason=reason):
                    self.journal.supersede(control_id, by_control_id, reason)
                case Rejected(control_id=control_id, reason=reason):
                    self.journal.reject(control_id, reason)
                case _:
                    pass

    def applied(self, controls: tuple[EncodedControl, ...], info: ModelInfo) -> tuple[Outcome, ...]:
        """Journal that `controls` shape the next chunk, and say so."""
        for control in controls:
            self.journal.apply(control.control_id, self.next_chunk_idx)
        return tuple(self._applied(control.control_id, info) for control in controls)

    def _applied(self, control_id: str, info: ModelInfo) -> Applied:
        """At the next chunk."""
        chunk_idx = self.next_chunk_idx
        return Applied(
            control_id=control_id,
            chunk_idx=chunk_idx,
            frame_idx=chunk_idx * info.frames_per_chunk,
            world_time_s=chunk_idx * info.chunk_duration_s,
        )

    def give(self, level: Level, now_s: float) -> None:
        """Put on record what it gets from the next chunk on, where chunks depend on it, and tell."""
        chunk_idx, self.given = self.next_chunk_idx, level
        if self.mailbox.held.quality != level.quality:
            # A colon stands in no id of a client's.
            control_id = f"quality:{self.opening.epoch}:{chunk_idx}"
            control = EncodedControl(control_id=control_id, kind=SetQuality(quality=level.quality), received_s=now_s)
            self.journal.accept(control)
            self.journal.apply(control_id, chunk_idx)
            self.mailbox.hold(control)
        self.untold += (QualityChanged(chunk_idx=chunk_idx, quality=level.quality, rate=level.rate),)

    def telling(self) -> Tell:
        """What tells the sink of all that is untold so far, and whether that is durable."""
        outcomes, self.untold = self.untold, ()
        self.num_outcomes += len(outcomes)

        def tell(is_durable: bool) -> None:
            if outcomes:
                self.sink.outcomes(outcomes if is_durable else tuple(map(_not_durable, outcomes)))

        return tell

    def chunk(self, latents: ChunkLatents, due_s: float, stage_seconds: dict[str, float]) -> LatentChunk:
        """What the decoders get of `latents`. `due_s` by the wall clock."""
        header = ChunkHeader(
            chunk_idx=latents.chunk_idx,
            pose=latents.pose,
            due_s=due_s,
            # What is accepted while it is made does not hold it up.
            num_outcomes_before=self.num_outcomes_before,
            stage_seconds=stage_seconds,
        )
        return LatentChunk(header=header, video=latents.video, audio=latents.audio)

    def take_due_snapshots(self, every_chunks: int) -> list[SnapshotRequest]:
        """What is to be answered at this boundary. Of a session on record one is due by itself, so many chunks after
        the last."""
        if self.prepared is not None or self.is_catching_up:
            return []
        is_paused = self.credit == 0
        # What goes on from a kept one has the record at hand; what is given back has to be all there is.
        is_whole = not self.is_scripted
        due = [
            each
            for each in self.snapshot_requests
            if (is_paused or not each.when_paused) and (is_whole or each.is_kept)
        ]
        self.snapshot_requests = [each for each in self.snapshot_requests if each not in due]
        is_on_record = every_chunks > 0 and self.opening.epoch > 0
        if is_on_record and self.next_chunk_idx >= self.last_snapshot_idx + every_chunks:
            self.last_snapshot_idx = self.next_chunk_idx
            due.append(AUTOMATIC)
        return due

    def snapshot(self, request: SnapshotRequest) -> EngineSnapshot:
        state = self.state
        if request.is_portable and isinstance(state, PortableState):
            tensors = state.portable_snapshot()
        else:
            tensors = state.snapshot()
        return EngineSnapshot(
            session_id=self.session_id,
            seed=self.opening.seed,
            next_chunk_idx=self.next_chunk_idx,
            journal_position=self.journal.position,
            held=self.mailbox.held,
            transformer=tensors,
            # While it does again what it did, more is on record than it has done.
            waiting=None if self.is_scripted else self.mailbox.waiting_ids,
        )


def _not_durable(outcome: Notice) -> Notice:
    return replace(outcome, durable=False) if isinstance(outcome, Accepted) else outcome


def open_session(
    transformer: Transformer,
    journals: JournalStore,
    sink: SessionSink,
    opening: Opening,
    snapshot: EngineSnapshot | None,
    max_waiting_instructions: int,
    on_lost: Callable[[str], None],
    script: Script | None = None,
    num_repeated: int = 0,
) -> EngineSession:
    """A new session with its first chunk made, or one that goes on from `snapshot`, or does again what is in
    `script`: then the next `num_repeated` chunks may come once more, the same. Runs the model."""
    prepared = None
    if snapshot is not None:
        state = transformer.restore(snapshot.transformer)
    elif script is not None:
        state = transformer.open(opening.seed, opening.prompt, opening.image)
    else:
        state = transformer.open(opening.seed, opening.prompt, opening.image)
        [prepared] = transformer.step([state], [ChunkControls()])
    next_chunk_idx = 0 if snapshot is None else snapshot.next_chunk_idx
    held = script.held if script is not None else snapshot.held if snapshot is not None else None
    mailbox = Mailbox(max_waiting_instructions, held)
    for control in script.waiting if script is not None else ():
        mailbox.put(control)  # accepted by another worker
    return EngineSession(
        opening=opening,
        state=state,
        mailbox=mailbox,
        journal=journals.create(opening, next_chunk_idx, on_lost),
        sink=sink,
        next_chunk_idx=next_chunk_idx,
        prepared=prepared,
        last_snapshot_idx=next_chunk_idx,
        script=script,
        settled_idx=0
        if prepared is not None
        else num_repeated + (next_chunk_idx if script is None else script.end_chunk_idx),
        given=WHOLE if held is None or held.quality == WHOLE.quality else None,
    )
