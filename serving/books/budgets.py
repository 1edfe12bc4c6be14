"""How far a budget reaches. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum


class Verdict(Enum):
    GO_ON = "go on"
    WARN = "warn"
    END = "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """Against one budget."""

    limit: Decimal
    spent: Decimal

    @property
    def is_over(self) -> bool:
        return self.spent >= self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    verdict: Verdict
    time_left_s: float = 0.0  # at the rate of late


def decide(spendings: Sequence[Spending], rate_per_s: Decimal, warn_before_s: float, *, was_warned: bool) -> Decision:
    """`rate_per_s`: what the session costs now. A session ends no sooner than it was warned and heard of it once."""
    if not spendings:
        return Decision(verdict=Verdict.GO_ON)
    left = min(each.limit - each.spent for each in spendings)
    if left <= 0:
        return Decision(verdict=Verdict.END if was_warned else Verdict.WARN)
    if rate_per_s <= 0:
        return Decision(verdict=Verdict.GO_ON, time_left_s=float("inf"))
    time_left_s = float(left / rate_per_s)
    is_near = time_left_s <= warn_before_s and not was_warned
    return Decision(verdict=Verdict.WARN if is_near else Verdict.GO_ON, time_left_s=time_left_s)
