"""A session's chunks between the worker that made them and the client that takes them."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from serving.gateway.pacing import chunks_to_grant
from serving.sessions.contract import DecodedChunk


class Arrival(NamedTuple):
    chunk: DecodedChunk
    arrived_s: float


class ArrivalQueue:
    """Chunks in order, never more than the window, with the books of what the worker was let make."""

    def __init__(self, window_chunks: int, first_chunk_idx: int = 0) -> None:
        """Chunks before `first_chunk_idx` were another gateway's."""
        self._window_chunks = window_chunks
        self._waiting: deque[Arrival] = deque()
        self._num_granted = first_chunk_idx
        self.num_arrived = first_chunk_idx
        self.num_taken = first_chunk_idx

    @property
    def first(self) -> Arrival | None:
        return self._waiting[0] if self._waiting else None

    @property
    def are_all_taken(self) -> bool:
        """Also those that the worker may make, and has not made yet."""
        return self.num_taken == self._num_granted

    def put(self, arrival: Arrival) -> None:
        """Raises ValueError for a chunk that is out of order or was not granted: the worker is broken."""
        chunk_idx = arrival.chunk.chunk_idx
        if chunk_idx != self.num_arrived:
            raise ValueError(f"expected chunk {self.num_arrived}, the workers sent {chunk_idx}")
        if chunk_idx >= self._num_granted:
            raise ValueError(f"the workers sent chunk {chunk_idx} without credit")
        self.num_arrived += 1
        self._waiting.append(arrival)

    def take(self) -> None:
        """The first is on its way to the client."""
        self._waiting.popleft()
        self.num_taken += 1

    def clear(self) -> None:
        self._waiting.clear()

    def rewind(self, chunk_idx: int) -> None:
        """Chunks count from `chunk_idx` again, and none is granted."""
        self._waiting.clear()
        self._num_granted = self.num_arrived = self.num_taken = chunk_idx

    def grant(self, credit: int) -> int:
        """How many more the worker may make now, given the client's credit. Counts them as granted."""
        chunks = chunks_to_grant(self._num_granted, self.num_taken, credit, self._window_chunks)
        self._num_granted += chunks
        return chunks
