"""Benchmark arithmetic."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bench.statistics import first_against_last, fit_slope, mean_of, percentile
from tests.unit.bench.slopes import is_flat


def test_percentiles_lie_between_the_nearest_values() -> None:
    assert percentile([1.0, 2.0, 3.0, 4.0], 50) == 2.5
    assert percentile([5.0], 95) == 5.0


def test_nothing_has_no_percentile() -> None:
    assert percentile([], 95) is None


def test_a_mean_is_as_sure_as_its_values_are_alike_and_many() -> None:
    few, many = mean_of([4.0, 6.0, 8.0, 6.0]), mean_of([4.0, 6.0, 8.0, 6.0] * 25)
    assert few.value == many.value == 6.0
    assert few.low < 5.0 < many.low < 6.0 < many.high < 7.0 < few.high
    assert many.high == pytest.approx(6.0 + 1.96 * math.sqrt(2 * 100 / 99) / math.sqrt(100))
    assert (mean_of([3.0] * 5).low, mean_of([3.0] * 5).high) == (3.0, 3.0)
    with pytest.raises(ValueError, match="at least 2"):
        mean_of([1.0])


def test_the_interval_of_few_values_is_as_wide_as_students() -> None:
    two, ten = mean_of([1.0, 3.0]), mean_of([4.0, 6.0] * 5)
    assert two.high - two.value == pytest.approx(12.706 * 1.0)
    assert ten.high - ten.value == pytest.approx(2.262 * math.sqrt(10 / 9) / math.sqrt(10))


def test_an_interval_holds_the_truth_nineteen_times_of_twenty() -> None:
    series = np.random.default_rng(1).normal(5.0, 2.0, (4_000, 5))
    means = [mean_of(values.tolist()) for values in series]
    assert np.mean([mean.low < 5.0 < mean.high for mean in means]) == pytest.approx(0.95, abs=0.01)


def test_a_rising_line_is_not_flat_and_its_slope_is_found() -> None:
    times_s = [float(second) for second in range(60)]
    slope = fit_slope(times_s, [100.0 + 2.0 * time_s + (-1) ** int(time_s) for time_s in times_s])
    assert slope.per_s == pytest.approx(2.0, abs=0.01)
    assert slope.low_per_s < 2.0 < slope.high_per_s
    assert not is_flat(slope)
    assert slope.num_samples == 60


def test_noise_around_a_level_is_flat() -> None:
    times_s = [float(second) for second in range(60)]
    assert is_flat(fit_slope(times_s, [100.0 + (-1) ** int(time_s) for time_s in times_s]))


def test_a_series_that_wanders_is_not_sure_of_its_slope() -> None:
    times_s = [float(second) for second in range(100)]
    independent = fit_slope(times_s, [100.0 + (-1) ** idx for idx in range(100)])
    wandering = fit_slope(times_s, [100.0 + (-1) ** (idx // 20) for idx in range(100)])
    widths = [each.high_per_s - each.low_per_s for each in (independent, wandering)]
    assert widths[1] > 3 * widths[0]


def test_a_slope_of_too_few_points_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 3 points"):
        fit_slope([0.0, 1.0], [1.0, 2.0])


def test_the_first_tenth_is_compared_with_the_last() -> None:
    compared = first_against_last([1.0] * 50 + [9.0] * 40 + [2.0] * 10, 99)
    assert (compared.first, compared.last, compared.num_samples) == (1.0, 2.0, 10)
    assert compared.ratio == 2.0


def test_tenths_of_too_few_values_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 10"):
        first_against_last([1.0] * 9, 99)
