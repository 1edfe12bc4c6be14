"""Where those sit who see a session and do not drive it."""

from __future__ import annotations

from collections import deque

from serving.gateway.arrivals import Arrival

# Behind by more than this, one is brought to the present: what is missed stays missed.
MAX_WAITING_CHUNKS = 8


class Seat:
    """The chunks that whoever controls the session was sent, on their way to one who looks on."""

    def __init__(self, next_chunk_idx: int) -> None:
        self.num_taken = next_chunk_idx  # the index of the first that may come
        self._waiting: deque[Arrival] = deque()

    @property
    def first(self) -> Arrival | None:
        return self._waiting[0] if self._waiting else None

    def put(self, arrival: Arrival) -> None:
        if len(self._waiting) == MAX_WAITING_CHUNKS:
            self._waiting.clear()
        self._waiting.append(arrival)

    def take(self) -> None:
        self.num_taken = self._waiting.popleft().chunk.chunk_idx + 1

    def rewind(self, chunk_idx: int) -> None:
        self._waiting.clear()
        self.num_taken = chunk_idx
