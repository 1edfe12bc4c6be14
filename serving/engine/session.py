"""One running session as the engine keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from model.interface import ChunkLatents, ModelInfo, SessionState
from serving.engine.mailbox import Mailbox
from serving.engine.schedule import Pace
from serving.sessions.contract import Applied, Outcome
from serving.sessions.encoded import EncodedControl, LatentChunk, Opening
from serving.sessions.journal import Journal
from serving.sessions.snapshot import EngineSnapshot


class SessionSink(Protocol):
    """Who hears of a session. Called on the engine's thread, in order; must not block."""

    def outcomes(self, outcomes: tuple[Outcome, ...]) -> None: ...

    def chunk(self, chunk: LatentChunk) -> None: ...

    def snapshot(self, snapshot: EngineSnapshot) -> None:
        """Taken at the boundary between the chunk before and the one after this call."""
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
    num_outcomes: int = 0
    pace: Pace | None = None
    # Chunk 0, generated when the session opened and held back until the first credit.
    prepared: ChunkLatents | None = None
    is_snapshot_wanted: bool = False

    @property
    def session_id(self) -> str:
        return self.opening.session_id

    def applied(self, controls: tuple[EncodedControl, ...], info: ModelInfo) -> tuple[Outcome, ...]:
        """Journal that `controls` shape the next chunk, and say so."""
        chunk_idx = self.next_chunk_idx
        for control in controls:
            self.journal.apply(control.control_id, chunk_idx)
        return tuple(
            Applied(
                control_id=control.control_id,
                chunk_idx=chunk_idx,
                frame_idx=chunk_idx * info.frames_per_chunk,
                world_time_s=chunk_idx * info.chunk_duration_s,
            )
            for control in controls
        )

    def snapshot(self) -> EngineSnapshot:
        return EngineSnapshot(
            session_id=self.session_id,
            seed=self.opening.seed,
            next_chunk_idx=self.next_chunk_idx,
            journal_position=self.journal.position,
            held=self.mailbox.held,
            transformer=self.state.snapshot(),
        )
