"""The places for sessions on one transformer worker. Their number never changes."""

from __future__ import annotations

from serving.errors import CapacityExhaustedError


class Slots:
    """Not thread-safe: its engine's lock guards it."""

    def __init__(self, num_slots: int) -> None:
        if num_slots < 1:
            raise ValueError(f"num_slots {num_slots}: at least 1")
        self.num_slots = num_slots
        self._holders: set[str] = set()

    @property
    def num_used(self) -> int:
        return len(self._holders)

    def __contains__(self, session_id: str) -> bool:
        return session_id in self._holders

    def allocate(self, session_id: str) -> None:
        """Raises `CapacityExhaustedError` when every slot is taken. A holder keeps the slot it has."""
        if session_id in self._holders:
            return
        if len(self._holders) >= self.num_slots:
            raise CapacityExhaustedError(f"all {self.num_slots} slots of this worker are taken")
        self._holders.add(session_id)

    def free(self, session_id: str) -> None:
        """Does nothing for a session that holds none."""
        self._holders.discard(session_id)
