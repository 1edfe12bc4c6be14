"""The ordered list of a session's controls and the chunk each took effect at.

The opening and the journal are the session: `serving.sessions.replay` makes the same
chunks from them, bit for bit. A control is accepted only after `accept` returned.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from serving.sessions.encoded import EncodedControl, Opening


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """A control, and where it took effect: None while it waits, and for ever when it was superseded."""

    control: EncodedControl
    applied_chunk_idx: int | None = None
    superseded_by: str | None = None

    @property
    def is_pending(self) -> bool:
        return self.applied_chunk_idx is None and self.superseded_by is None


class Journal(Protocol):
    """One session's record."""

    @property
    def opening(self) -> Opening: ...

    @property
    def position(self) -> int:
        """Number of entries so far."""
        ...

    def accept(self, control: EncodedControl) -> None: ...

    def apply(self, control_id: str, chunk_idx: int) -> None: ...

    def supersede(self, control_id: str, by_control_id: str) -> None: ...

    def entries(self) -> tuple[JournalEntry, ...]:
        """In the order they were accepted."""
        ...


class JournalStore(Protocol):
    """Where journals live."""

    def create(self, opening: Opening) -> Journal: ...

    def find(self, session_id: str) -> Journal | None: ...

    def discard(self, session_id: str) -> None: ...


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

    def supersede(self, control_id: str, by_control_id: str) -> None:
        self._entries[control_id] = replace(self._entries[control_id], superseded_by=by_control_id)

    def entries(self) -> tuple[JournalEntry, ...]:
        return tuple(self._entries.values())


class MemoryJournalStore:
    """Journals of the sessions that run in this process."""

    def __init__(self) -> None:
        self._journals: dict[str, MemoryJournal] = {}

    def create(self, opening: Opening) -> MemoryJournal:
        journal = self._journals[opening.session_id] = MemoryJournal(opening)
        return journal

    def find(self, session_id: str) -> MemoryJournal | None:
        return self._journals.get(session_id)

    def discard(self, session_id: str) -> None:
        self._journals.pop(session_id, None)
