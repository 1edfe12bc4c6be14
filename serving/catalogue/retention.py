"""Which of the snapshots that a session made by itself are kept: many recent ones, fewer of longer ago. Pure.

Time is the world's, and it is cut at fixed places, whatever is there: what goes is the same however often it is asked,
and what is left is never further from any moment than it was promised.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionConfig:
    dense_s: float = 60.0  # all of the last so many seconds
    step_s: float = 30.0  # then the first of every so many,
    near_s: float = 1_800.0  # for so long,
    num_far_steps: int = 10  # and then the first of every so many steps
    # Nobody goes back in a session that is over; whoever forks it has its record, and what lies after the snapshot
    # before is made again. So long after its end
    ended_after_s: float = 3_600.0
    # the first of every so many are left, with the first of all and the last; 0 leaves them all.
    ended_step_s: float = 600.0

    def __post_init__(self) -> None:
        if self.step_s <= 0 or self.num_far_steps < 1:
            raise ValueError(f"step_s {self.step_s} must be positive, num_far_steps {self.num_far_steps} at least 1")
        if min(self.dense_s, self.near_s, self.ended_after_s, self.ended_step_s) < 0:
            raise ValueError("dense_s, near_s, ended_after_s and ended_step_s must not be negative")


def thinned(
    chunk_idxs: Iterable[int],
    now_chunk_idx: int,
    chunk_duration_s: float,
    config: RetentionConfig | None = None,
) -> list[int]:
    """Those that may go, the earliest first."""
    config = config or RetentionConfig()
    step_chunks = max(1, round(config.step_s / chunk_duration_s))
    seen: set[tuple[int, int]] = set()
    dropped = []
    for chunk_idx in sorted(chunk_idxs):
        near, far = (1, chunk_idx // step_chunks), (2, chunk_idx // (step_chunks * config.num_far_steps))
        age_s = (now_chunk_idx - chunk_idx) * chunk_duration_s
        needed = far if age_s > config.near_s else near
        if age_s > config.dense_s and needed in seen:
            dropped.append(chunk_idx)
        seen |= {near, far}
    return dropped


def thinned_after_the_end(
    chunk_idxs: Iterable[int], chunk_duration_s: float, config: RetentionConfig | None = None
) -> list[int]:
    """Those that may go of a session that is over, the earliest first."""
    config = config or RetentionConfig()
    ordered = sorted(chunk_idxs)
    step_chunks = max(1, round(config.ended_step_s / chunk_duration_s))
    seen: set[int] = set()
    dropped = []
    for chunk_idx in ordered if config.ended_step_s else ():
        step = chunk_idx // step_chunks
        if step in seen and chunk_idx != ordered[-1]:
            dropped.append(chunk_idx)
        seen.add(step)
    return dropped
