"""A line that loses packets and delays the rest. No clock, no sockets: time comes in, a packet's number decides."""

from __future__ import annotations

import hashlib
import math
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

# Far more than are on their way in a second of play; beyond it the line drops, as a router does whose queue is full.
MAX_WAITING = 4_096
DIGEST_BYTES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkConfig:
    """Of one direction."""

    loss_share: float  # of all packets, 0 to less than 1
    delay_s: float  # of those that are not lost
    seed: int

    def __post_init__(self) -> None:
        if not 0 <= self.loss_share < 1:
            raise ValueError(f"the share that is lost must be 0 to less than 1, got {self.loss_share}")
        if not (math.isfinite(self.delay_s) and self.delay_s >= 0):
            raise ValueError(f"the delay must be a number of seconds, 0 or more, got {self.delay_s}")


def is_lost(packet_idx: int, config: LinkConfig) -> bool:
    """The same for the same number and seed, whatever became of other packets and whenever it came."""
    digest = hashlib.blake2b(f"{config.seed}:{packet_idx}".encode(), digest_size=DIGEST_BYTES).digest()
    return int.from_bytes(digest, "big") < config.loss_share * 256**DIGEST_BYTES


class _Waiting(NamedTuple):
    due_s: float
    packet: bytes


class Link:
    """One direction. What is not lost leaves in the order in which it came, each packet `delay_s` later."""

    def __init__(self, config: LinkConfig) -> None:
        self._config = config
        self._waiting: deque[_Waiting] = deque()
        self.num_packets = 0
        self.num_lost = 0  # by the dice
        self.num_overflowed = 0  # for want of room
        self.lag_s: list[float] = []  # by how much later than it was due each left

    @property
    def due_s(self) -> float | None:
        """When the next packet leaves; None where none waits."""
        return self._waiting[0].due_s if self._waiting else None

    def take(self, packet: bytes, now_s: float) -> None:
        packet_idx, self.num_packets = self.num_packets, self.num_packets + 1
        if is_lost(packet_idx, self._config):
            self.num_lost += 1
        elif len(self._waiting) >= MAX_WAITING:
            self.num_overflowed += 1
        else:
            self._waiting.append(_Waiting(now_s + self._config.delay_s, packet))

    def give(self, now_s: float) -> list[bytes]:
        """What is due by now."""
        due: list[bytes] = []
        while self._waiting and self._waiting[0].due_s <= now_s:
            due_s, packet = self._waiting.popleft()
            self.lag_s.append(now_s - due_s)
            due.append(packet)
        return due
