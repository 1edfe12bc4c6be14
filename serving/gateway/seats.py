"""Where those sit who see a session: what is on its way to each of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

from serving.gateway.arrivals import Arrival
from serving.gateway.media_channel import Codecs, EncodedChunk, MediaChannel

# Behind by more than this, one is brought to the present: what is missed stays missed.
MAX_WAITING_CHUNKS = 8
MAX_WAITING_BYTES = 1 << 20
# How many chunks may wait for the transport: one being written and one behind it. More would only age there.
MAX_UNSENT_CHUNKS = 2


class Shown(NamedTuple):
    """A chunk that is due."""

    arrival: Arrival
    encoded: Mapping[Codecs, EncodedChunk]
    is_late: bool


class Delivery(NamedTuple):
    """A chunk for one client."""

    arrival: Arrival
    encoded: EncodedChunk
    is_late: bool


class Seat:
    """One client's credit, and the chunks that it has not taken yet."""

    def __init__(self, channel: MediaChannel, first_chunk_idx: int, credit: int) -> None:
        self.channel = channel
        self.first_chunk_idx = first_chunk_idx  # earlier ones are not for it
        self.credit = credit
        self.num_unsent = 0  # given to the transport, not taken by it
        self._waiting: deque[Delivery] = deque()
        self._num_bytes = 0
        self._is_behind = False  # too far: it holds nothing until it can take something

    @property
    def room(self) -> int:
        """Chunks that it would take beyond those that wait."""
        return self.credit - len(self._waiting)

    @property
    def can_take(self) -> bool:
        """Whether a chunk would not wait here."""
        return self.room > 0 and len(self._waiting) + self.num_unsent < MAX_UNSENT_CHUNKS

    @property
    def num_bytes(self) -> int:
        """Held for this client alone, once all others have taken theirs."""
        return self._num_bytes

    def put(self, shown: Shown) -> None:
        encoded = shown.encoded.get(self.channel.codecs)
        if encoded is None or self._is_behind or shown.arrival.chunk.chunk_idx < self.first_chunk_idx:
            return
        is_full = len(self._waiting) == MAX_WAITING_CHUNKS or self._num_bytes + encoded.num_bytes > MAX_WAITING_BYTES
        if is_full and self._waiting:
            self._clear()
            self._is_behind = True
            return
        self._waiting.append(Delivery(shown.arrival, encoded, shown.is_late))
        self._num_bytes += encoded.num_bytes

    def take(self) -> Delivery | None:
        """The next one, on its way to the transport; None when there is none, or when it must wait."""
        if self.credit == 0 or self.num_unsent == MAX_UNSENT_CHUNKS:
            return None
        if self._is_behind:
            self._is_behind = False
            self.first_chunk_idx = self.channel.join(self.first_chunk_idx)
        if not self._waiting:
            return None
        delivery = self._waiting.popleft()
        self._num_bytes -= delivery.encoded.num_bytes
        self.credit -= 1
        self.num_unsent += 1
        return delivery

    def rewind(self, chunk_idx: int) -> None:
        self._clear()
        self._is_behind = False
        self.first_chunk_idx = chunk_idx

    def _clear(self) -> None:
        self._waiting.clear()
        self._num_bytes = 0
