"""How often places come free, and what that promises to those who wait. Pure."""

from __future__ import annotations

from dataclasses import dataclass

# Fewer say nothing.
MIN_FREED = 3
# Of each interval in the mean: about the last ten count.
NEWEST_SHARE = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeingRate:
    """Of all places together."""

    num_freed: int = 0
    last_freed_s: float = 0.0  # time.time()
    mean_interval_s: float = 0.0

    def freed(self, now_s: float) -> FreeingRate:
        interval_s = max(0.0, now_s - self.last_freed_s)
        if self.num_freed == 0:
            mean_s = 0.0
        elif self.num_freed == 1:
            mean_s = interval_s
        else:
            mean_s = self.mean_interval_s + NEWEST_SHARE * (interval_s - self.mean_interval_s)
        return FreeingRate(num_freed=self.num_freed + 1, last_freed_s=now_s, mean_interval_s=mean_s)

    def eta_s(self, position: int, now_s: float) -> float | None:
        """Until the one at `position` (from 1) has a place; None while nobody can tell."""
        if self.num_freed < MIN_FREED:
            return None
        silent_s = max(0.0, now_s - self.last_freed_s)
        # A silence longer than usual is what there is to go by.
        interval_s = max(self.mean_interval_s, silent_s)
        return max(0.0, position * interval_s - silent_s) if interval_s > silent_s else position * interval_s
