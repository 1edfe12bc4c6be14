"""What a worker does that cannot keep up: it goes down a declared ladder, and up again when there is room. Pure.

Each level of the ladder takes something from every session alike: first denoise passes, then the rate of the world's
clock. Nothing is dropped, and every session is told. Down it goes after having been behind for a while; up, level by
level, after a calm and where the times of steps say that there is room. Who has to come down again soon after stays
down longer the next time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """What sessions get there."""

    quality: float = 1.0  # share of the denoise passes
    rate: float = 1.0  # share of the model's chunks per second

    def __post_init__(self) -> None:
        if not 0 < self.quality <= 1 or not 0 < self.rate <= 1:
            raise ValueError(f"quality {self.quality} and rate {self.rate} must be above 0 and at most 1")


WHOLE = Level()
LADDER = (WHOLE, Level(quality=0.5), Level(quality=0.5, rate=0.75), Level(quality=0.5, rate=0.5))


@dataclass(frozen=True, slots=True, kw_only=True)
class OverloadConfig:
    ladder: tuple[Level, ...] = LADDER  # with one level nothing is ever taken
    # A session this far behind its plan, and two chunks, makes the worker one that is behind: one after the other,
    # sessions of a worker that keeps up start up to a chunk late.
    behind_s: float = 0.16
    # As long as what the machine does besides may take it away.
    enter_after_s: float = 3.0
    # Moments without being behind that do not yet count as calm; at least two chunks.
    gap_s: float = 0.5
    leave_after_s: float = 5.0
    max_leave_after_s: float = 60.0
    # Behind again within this time after going up: it was too early.
    relapse_s: float = 15.0
    # Of the time there is, steps may take this share at the level above.
    max_load_above: float = 0.85

    def __post_init__(self) -> None:
        if not self.ladder or self.ladder[0] != WHOLE:
            raise ValueError("a ladder begins with a level that takes nothing")
        if any(low.quality > high.quality or low.rate > high.rate for high, low in self._pairs):
            raise ValueError("no level of a ladder gives more than the one before")
        if min(self.behind_s, self.enter_after_s, self.leave_after_s) < 0:
            raise ValueError("times must not be negative")

    def for_chunks_of(self, chunk_duration_s: float) -> OverloadConfig:
        """With times that are no shorter than two chunks where that is said of them."""
        at_least_s = 2 * chunk_duration_s
        return replace(self, behind_s=max(self.behind_s, at_least_s), gap_s=max(self.gap_s, at_least_s))

    @property
    def _pairs(self) -> list[tuple[Level, Level]]:
        return list(zip(self.ladder, self.ladder[1:], strict=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressure:
    """What a worker sees of itself."""

    behind_s: float  # its session that is furthest behind its plan
    load_above: float | None = None  # share of the time that steps would take one level up; None: nobody knows


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where on the ladder a worker stands, and since when it has been as it is."""

    level_idx: int = 0
    behind_since_s: float | None = None
    behind_at_s: float = -math.inf  # seen last
    calm_since_s: float | None = None
    went_up_at_s: float = -math.inf
    leave_after_s: float = 0.0


def decide(standing: Standing, pressure: Pressure, now_s: float, config: OverloadConfig) -> Standing:
    """Where to stand from now on."""
    if pressure.behind_s > config.behind_s:
        return _pressed(standing, now_s, config)
    return _relieved(standing, pressure, now_s, config)


def _pressed(standing: Standing, now_s: float, config: OverloadConfig) -> Standing:
    is_same_spell = standing.behind_since_s is not None and now_s - standing.behind_at_s <= config.gap_s
    since_s = standing.behind_since_s if is_same_spell and standing.behind_since_s is not None else now_s
    standing = replace(standing, behind_since_s=since_s, behind_at_s=now_s, calm_since_s=None)
    if now_s - since_s < config.enter_after_s or standing.level_idx + 1 >= len(config.ladder):
        return standing
    leave_after_s = config.leave_after_s
    if now_s - standing.went_up_at_s <= config.relapse_s:
        leave_after_s = min(config.max_leave_after_s, 2 * max(standing.leave_after_s, config.leave_after_s))
    return replace(standing, level_idx=standing.level_idx + 1, behind_since_s=now_s, leave_after_s=leave_after_s)


def _relieved(standing: Standing, pressure: Pressure, now_s: float, config: OverloadConfig) -> Standing:
    if standing.level_idx == 0 or now_s - standing.behind_at_s <= config.gap_s:
        return standing
    if standing.calm_since_s is None:
        return replace(standing, calm_since_s=now_s, behind_since_s=None)
    has_room = pressure.load_above is None or pressure.load_above <= config.max_load_above
    if now_s - standing.calm_since_s < standing.leave_after_s or not has_room:
        return standing
    return replace(standing, level_idx=standing.level_idx - 1, calm_since_s=now_s, went_up_at_s=now_s)
