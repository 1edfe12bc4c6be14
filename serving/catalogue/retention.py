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
