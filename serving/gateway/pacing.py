"""When chunks leave and how far a worker may be ahead. Arithmetic only: no clock, no waiting."""

from __future__ import annotations

# A due time further off than this is a clock that is wrong, not a plan.
MAX_HOLD_S = 1.0


def hold_s(due_s: float, now_s: float) -> float:
    """How long a chunk that is ready still waits."""
    return min(max(0.0, due_s - now_s), MAX_HOLD_S)


def is_late(due_s: float, attached_s: float, sent_s: float, tolerance_s: float) -> bool:
    """Whether a chunk missed its deadline. What was due before the client came did not."""
    return due_s > attached_s and sent_s > due_s + tolerance_s


def chunks_to_grant(granted: int, delivered: int, credit: int, window: int) -> int:
    """How many more chunks the worker may make, of `granted` it was let make so far.

    It is let as far ahead of delivery as the client's credit reaches, at most `window`: with no credit the
    world pauses, and what waits at the gateway never exceeds the window.
    """
    return max(0, delivered + min(credit, window) - granted)


class TokenBucket:
    """Lets `rate_per_s` through on average and `burst` at once."""

    def __init__(self, rate_per_s: float, burst: int) -> None:
        self._rate_per_s = rate_per_s
        self._burst = float(burst)
        self._tokens = float(burst)
        self._filled_s: float | None = None

    def take(self, now_s: float) -> bool:
        if self._filled_s is not None:
            self._tokens = min(self._burst, self._tokens + max(0.0, now_s - self._filled_s) * self._rate_per_s)
        self._filled_s = now_s
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True
