"""The ordered list of a session's controls and the chunk each took effect at.

The opening and the journal are the session: `serving.sessions.replay` makes the same
chunks from them, bit for bit. What is written waits in memory until `commit`; whoever sent
a control hears of it only when it is durable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from serving.sessions.encoded import EncodedControl, Opening

# Told of what was committed: whether it is durable, or waits on a worker's disk for the catalogue to come back.
Tell = Callable[[bool], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """A control, and where it took effect: None while it waits, and for ever when it never did."""

    control: EncodedControl
    applied_chunk_idx: int | None = None
    superseded_by: str | None = None
    superseded_for: str = ""  # as in `Superseded.reason`
    rejected_for: str | None = None  # the session ended first

    @property
    def is_pending(self) -> bool:
        return self.applied_chunk_idx is None and self.superseded_by is None and self.rejected_for is None


class Journal(Protocol):
    """One session's record."""

    @property
    def opening(self) -> Opening: ...

    @property
    def position(self) -> int:
        """How much was written so far."""
        ...

    def accept(self, control: EncodedControl) -> None: ...

    def apply(self, control_id: str, chunk_idx: int) -> None: ...

    def supersede(self, control_id: str, by_control_id: str, reason: str = "") -> None: ...

    def reject(self, control_id: str, reason: str) -> None: ...

    def entries(self) -> tuple[JournalEntry, ...]:
        """Those that are durable, in the order they were accepted."""
        ...


class JournalStore(Protocol):
    """Where journals live. Its methods return at once."""

    def create(
        self, opening: Opening, next_chunk_idx: int = 0, on_lost: Callable[[str], None] | None = None
    ) -> Journal:
        """For a session that begins with chunk `next_chunk_idx`, or goes on there. `on_lost` is called with a
        message, from any thread, when this worker may not write to it any more."""
        ...

    def find(self, session_id: str) -> Journal | None: ...

    def commit(self, tell: Mapping[str, Tell]) -> None:
        """Make durable what all journals were given so far, together; then call those of `tell` whose session
        (by id) is still this worker's, with whether it is durable. What is told of one session comes in the order
        of the commits."""
        ...

    def discard(self, session_id: str) -> None:
        """This worker is done with it."""
        ...

    def close(self) -> None:
        """Finish what was begun."""
        ...


class MemoryJournal:
    """Lives and dies with its process."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._entries: dict[str, JournalEntry] = {}

    @property
    def opening(self) -> Opening:
        return self._opening

    @property
    def position(self) -> int:
        return len(self._entries)

    def accept(self, control: EncodedControl) -> None:
        if control.control_id in self._entries:
            raise ValueError(f"control {control.control_id} is in the journal already")
        self._entries[control.control_id] = JournalEntry(control=control)

    def apply(self, control_id: str, chunk_idx: int) -> None:
        self._entries[control_id] = replace(self._entries[control_id], applied_chunk_idx=chunk_idx)

    def supersede(self, control_id: str, by_control_id: str, reason: str = "") -> None:
        self._entries[control_id] = replace(
            self._entries[control_id], superseded_by=by_control_id, superseded_for=reason
        )

    def reject(self, control_id: str, reason: str) -> None:
        self._entries[control_id] = replace(self._entries[control_id], rejected_for=reason)

    def entries(self) -> tuple[JournalEntry, ...]:
        return tuple(self._entries.values())


class MemoryJournalStore:
    """Journals of the sessions that run in this process."""

    def __init__(self) -> None:
        self._journals: dict[str, MemoryJournal] = {}

    def create(
        self, opening: Opening, next_chunk_idx: int = 0, on_lost: Callable[[str], None] | None = None
    ) -> MemoryJournal:
        journal = self._journals[opening.session_id] = MemoryJournal(opening)
        return journal

    def find(self, session_id: str) -> MemoryJournal | None:
        return self._journals.get(session_id)

    def commit(self, tell: Mapping[str, Tell]) -> None:
        for each in tell.values():
            each(True)

    def discard(self, session_id: str) -> None:
        self._journals.pop(session_id, None)

    def close(self) -> None: ...
