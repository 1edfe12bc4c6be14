"""What a session was let in with."""

from __future__ import annotations

from dataclasses import dataclass, field

from serving.admission.limits import CONTROLS, Limits
from serving.errors import QuotaExceededError
from serving.gateway.pacing import TokenBucket

# A second's worth may come at once, and never less than a handful.
MIN_BURST = 10


class ControlRate:
    """Controls of one tenant at one gateway. Not thread-safe."""

    def __init__(self, tenant_id: str, limit_per_s: float | None) -> None:
        self._tenant_id = tenant_id
        self._limit_per_s = limit_per_s
        self._share = 1.0
        self._bucket = self._make()

    def limit(self, limit_per_s: float | None, share: float) -> None:
        """`share`: of the tenant's sessions, how many are here."""
        if (limit_per_s, share) != (self._limit_per_s, self._share):
            self._limit_per_s, self._share = limit_per_s, share
            self._bucket = self._make()

    def take(self, now_s: float) -> None:
        """For one control. Raises `QuotaExceededError`."""
        if self._bucket is not None and not self._bucket.take(now_s):
            raise QuotaExceededError(
                f"the tenant may send {self._limit_per_s:g} controls a second",
                quota=CONTROLS,
                tenant_id=self._tenant_id,
                retry_after_s=1.0,
            )

    def _make(self) -> TokenBucket | None:
        if self._limit_per_s is None:
            return None
        rate_per_s = self._limit_per_s * self._share
        burst = min(self._limit_per_s, max(MIN_BURST, rate_per_s))
        return TokenBucket(rate_per_s, int(burst))


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Shared by all sessions of a tenant as far as `controls` goes."""

    tenant_id: str = ""
    limits: Limits = field(default_factory=Limits)
    controls: ControlRate = field(default_factory=lambda: ControlRate("", None))
