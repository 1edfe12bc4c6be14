"""What a gateway makes of the parts and outcomes that reach it over several streams. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from serving.sessions.contract import DecodedChunk, LinkEvent, Notice
from serving.sessions.encoded import DecodedPart


class Joiner:
    """Joins picture and sound by chunk, and lets no chunk pass a notice that came to be before it."""

    def __init__(self, next_chunk_idx: int) -> None:
        self._next_chunk_idx = next_chunk_idx
        self._num_outcomes = 0
        self._waiting: dict[int, list[DecodedPart]] = {}

    def add_outcomes(self, outcomes: Iterable[Notice]) -> list[LinkEvent]:
        events: list[LinkEvent] = list(outcomes)
        self._num_outcomes += len(events)
        return events + self._ready()

    def add_part(self, part: DecodedPart) -> list[LinkEvent]:
        if part.header.chunk_idx < self._next_chunk_idx:
            return []  # made again for its effect on what follows
        self._waiting.setdefault(part.header.chunk_idx, []).append(part)
        return list(self._ready())

    def _ready(self) -> list[LinkEvent]:
        ready: list[LinkEvent] = []
        while (chunk := self._next_chunk()) is not None:
            ready.append(chunk)
            del self._waiting[self._next_chunk_idx]
            self._next_chunk_idx += 1
        return ready

    def _next_chunk(self) -> DecodedChunk | None:
        parts = self._waiting.get(self._next_chunk_idx)
        if parts is None or parts[0].header.num_outcomes_before > self._num_outcomes:
            return None
        frames = next((part.frames_FHWC for part in parts if part.frames_FHWC is not None), None)
        samples = next((part.samples_SC for part in parts if part.samples_SC is not None), None)
        if frames is None or samples is None:
            return None
        header = parts[0].header
        return DecodedChunk(
            chunk_idx=header.chunk_idx,
            frames_FHWC=frames,
            samples_SC=samples,
            pose=header.pose,
            due_s=header.due_s,
            stage_seconds={stage: seconds for part in parts for stage, seconds in part.header.stage_seconds.items()},
        )
