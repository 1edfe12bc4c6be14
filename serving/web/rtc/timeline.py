"""When a chunk's packets leave, and what time they bear. Arithmetic only: no clock, no waiting."""

from __future__ import annotations

from typing import NamedTuple

# So much later than the one before ended, a chunk is late: receivers make up for it, as they do for packets that were
# held up on the way. Beyond, the world stood still: its pictures and sound begin anew, or receivers would take the rest
# for the network's fault and hold back everything after it.
MAX_LATENESS_S = 0.25
# Chunks that come early leave one after the other; more than this is not held back.
MAX_AHEAD_S = 0.2
SAME_S = 1e-3
# The first packet's time, that nothing which belongs before it is below zero.
BEGIN_S = 1.0


class Place(NamedTuple):
    rtp_s: float  # of the chunk's first frame, in the time that packets bear
    send_s: float  # when that leaves; what follows in the chunk leaves as much later as it is shown later


class Timeline:
    """One time for pictures and sound, so that receivers can put them together."""

    def __init__(self) -> None:
        self._media_s = 0.0  # where the next chunk begins, by the session's own time
        self._rtp_s: float | None = None  # by that of packets
        self._free_s = 0.0  # when all that was placed has left

    def place(self, media_s: float, duration_s: float, now_s: float) -> Place:
        """A chunk of that length whose first frame is shown at `media_s` of the session."""
        send_s = max(now_s, min(self._free_s, now_s + MAX_AHEAD_S))
        if self._rtp_s is None:
            rtp_s, send_s = BEGIN_S, now_s
        else:
            late_s = max(0.0, now_s - self._free_s)
            is_next = abs(media_s - self._media_s) < SAME_S
            rtp_s = self._rtp_s + (0.0 if is_next and late_s <= MAX_LATENESS_S else late_s)
        self._media_s, self._rtp_s, self._free_s = media_s + duration_s, rtp_s + duration_s, send_s + duration_s
        return Place(rtp_s, send_s)
