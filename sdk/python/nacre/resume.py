"""Whether and when to attach again after a lost connection: decisions without I/O."""

from __future__ import annotations

from dataclasses import dataclass

from nacre.errors import Conflict, NacreError, SessionEnded, Timeout, Unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumePolicy:
    """Attempts count from the last chunk that came; one that brings a chunk starts the count anew."""

    # Half a minute and more: as long as a service takes to come back from nothing.
    max_attempts: int = 16
    first_delay_s: float = 0.1
    max_delay_s: float = 3.0

    def __post_init__(self) -> None:
        if self.max_attempts < 0:
            raise ValueError(f"max_attempts must not be negative, got {self.max_attempts}")
        if not 0 < self.first_delay_s <= self.max_delay_s:
            raise ValueError("delays must satisfy 0 < first_delay_s <= max_delay_s")

    def delay_s(self, attempt: int, retry_after_s: float | None, jitter: float) -> float:
        """How long to wait before `attempt` (from 0). `jitter`: 0 to 1, spreads many clients."""
        backoff_s = min(self.max_delay_s, self.first_delay_s * 2**attempt)
        return max(backoff_s, retry_after_s or 0.0) * (1 + 0.5 * jitter)


NO_RESUME = ResumePolicy(max_attempts=0)


def can_resume(error: NacreError) -> bool:
    """Whether the session may still be there for us."""
    if isinstance(error, Conflict):
        # The service has not noticed yet that the connection before is dead.
        return error.reason == "SESSION_CONTROLLED"
    if isinstance(error, SessionEnded):
        return error.reason == "SERVICE_STOPPING"  # its gateway is over; whoever comes next may have it on record
    if isinstance(error, Timeout):
        return not error.reason  # nobody answered; a reason would mean that somebody did
    return isinstance(error, Unavailable)
