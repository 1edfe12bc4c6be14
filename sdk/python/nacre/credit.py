"""How many chunks the service may send: arithmetic, no I/O.

The client holds at most `capacity` chunks that nobody has taken. While somebody waits for the
outcome of a control, a full buffer must not stand in its way (a control takes effect at a chunk
boundary, so without further chunks there is no outcome): then chunks beyond the capacity are
let in one by one, at most `RESERVE_CHUNKS`. Beyond those, whoever takes none at all lets the
oldest go, and whoever takes some has to take more.
"""

from __future__ import annotations

# A control takes effect within a few chunks of its arrival, whatever is still in flight; three times that.
RESERVE_CHUNKS = 12
MAX_GRANT = 16  # of the contract, for one message


class CreditLedger:
    """Chunks granted and not yet here, and chunks here and not yet taken."""

    def __init__(self, capacity: int) -> None:
        if not 1 <= capacity <= MAX_GRANT:
            raise ValueError(f"buffer_chunks must be 1 to {MAX_GRANT}, got {capacity}")
        self.capacity = capacity
        self._outstanding = 0
        self._held = 0

    def attach(self) -> int:
        """The credit to attach with. What was outstanding died with the stream before."""
        self._outstanding = max(1, self.capacity - self._held)
        return self._outstanding

    def receive(self) -> bool:
        """A chunk came. False if it was not granted."""
        if self._outstanding == 0:
            return False
        self._outstanding -= 1
        self._held += 1
        return True

    def take(self) -> None:
        """The consumer took a chunk."""
        assert self._held > 0, "took a chunk that is not held"
        self._held -= 1

    @property
    def is_full(self) -> bool:
        """Of chunks that are here, the reserve included."""
        return self._held >= self.capacity + RESERVE_CHUNKS

    def grant(self, is_awaited: bool) -> int:
        """How many chunks to grant now, and note them as granted.

        Grants come in halves of the capacity, to save messages. `is_awaited`: somebody waits for an outcome.
        """
        room = self.capacity - self._outstanding - self._held
        if room >= max(1, self.capacity // 2):
            granted = room
        elif is_awaited and self._outstanding == 0 and self._held < self.capacity + RESERVE_CHUNKS:
            granted = 1
        else:
            granted = 0
        self._outstanding += granted
        return granted
