"""Percentiles, slopes and first-against-last: the few figures benchmarks are told in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Student's t, two-sided, 95 %, for 1 to 30 degrees of freedom (NIST/SEMATECH e-Handbook of Statistical Methods,
# section 1.3.6.7.2).
T_95 = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228),
    *(2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086),
    *(2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)
Z_95 = 1.96  # of the normal distribution, for more of them
# Of neighbouring errors; a series that is more so than this says next to nothing about its slope.
MAX_CORRELATION = 0.99


def percentile(values: Sequence[float], percent: float) -> float | None:
    """Between the two nearest values, linearly; None of nothing."""
    return float(np.percentile(values, percent)) if len(values) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """Of independent values, with its 95 % interval."""

    value: float
    low: float
    high: float
    num_samples: int


def mean_of(values: Sequence[float]) -> Mean:
    """By Student's distribution. Raises ValueError for fewer than two values."""
    if len(values) < 2:
        raise ValueError(f"an interval needs at least 2 values, got {len(values)}")
    error = float(np.std(values, ddof=1)) / float(np.sqrt(len(values)))
    mean, half_width = float(np.mean(values)), _t_95(len(values) - 1) * error
    return Mean(value=mean, low=mean - half_width, high=mean + half_width, num_samples=len(values))


def _t_95(num_degrees: int) -> float:
    return T_95[num_degrees - 1] if num_degrees <= len(T_95) else Z_95


@dataclass(frozen=True, slots=True, kw_only=True)
class Slope:
    """The least-squares line through a series, with the 95 % interval of its slope."""

    per_s: float
    low_per_s: float
    high_per_s: float
    num_samples: int


def fit_slope(times_s: Sequence[float], values: Sequence[float]) -> Slope:
    """The interval is widened by how far each sample's error says the next one's: a series that wanders would look as
    sure of itself as one with so many independent samples otherwise. Evenly spaced samples are taken for granted."""
    if len(times_s) != len(values) or len(times_s) < 3:
        raise ValueError(f"a slope needs at least 3 points, each with its time, got {len(times_s)} and {len(values)}")
    t = np.asarray(times_s, float) - np.mean(times_s)
    y = np.asarray(values, float) - np.mean(values)
    slope = float(t @ y / (t @ t))
    errors = y - slope * t
    residual_variance = float(errors @ errors) / (len(t) - 2)
    half_width = _t_95(len(t) - 2) * float(np.sqrt(residual_variance * _inflation(errors) / (t @ t)))
    return Slope(per_s=slope, low_per_s=slope - half_width, high_per_s=slope + half_width, num_samples=len(t))


def _inflation(errors: NDArray[np.float64]) -> float:
    """By what a mean's variance grows where each error is `correlation` of the one before, and something new."""
    total = float(errors @ errors)
    correlation = float(errors[:-1] @ errors[1:]) / total if total else 0.0
    correlation = min(max(correlation, 0.0), MAX_CORRELATION)
    return (1 + correlation) / (1 - correlation)


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstAgainstLast:
    """The same percentile of a series' first and last tenth."""

    percent: float
    first: float
    last: float
    num_samples: int  # of each tenth

    @property
    def ratio(self) -> float:
        return self.last / self.first if self.first else float("inf")


def first_against_last(values: Sequence[float], percent: float) -> FirstAgainstLast:
    num_samples = len(values) // 10
    if num_samples < 1:
        raise ValueError(f"tenths need at least 10 values, got {len(values)}")
    return FirstAgainstLast(
        percent=percent,
        first=float(np.percentile(values[:num_samples], percent)),
        last=float(np.percentile(values[-num_samples:], percent)),
        num_samples=num_samples,
    )
