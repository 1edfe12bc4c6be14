"""What a slope says."""

from __future__ import annotations

from bench.statistics import Slope


def is_flat(slope: Slope) -> bool:
    """Zero lies within its interval."""
    return slope.low_per_s <= 0.0 <= slope.high_per_s
