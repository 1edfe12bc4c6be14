from __future__ import annotations

import pytest

from serving.engine.step_times import STALE_STEPS, StepTimes

SIZES = (1, 2, 4)


def measured(**seconds: float) -> StepTimes:
    times = StepTimes()
    for size, each in seconds.items():
        times.note(int(size.removeprefix("of")), each)
    return times


def test_nothing_is_expected_before_anything_was_measured() -> None:
    assert StepTimes().expected_s(1) is None
    assert StepTimes().round_s(3, SIZES) is None


def test_the_first_measure_counts_whole_and_later_ones_little_by_little() -> None:
    times = measured(of1=0.02)
    assert times.expected_s(1) == 0.02
    times.note(1, 0.04)
    assert 0.02 < (times.expected_s(1) or 0) < 0.03
    for _ in range(200):
        times.note(1, 0.04)
    assert times.expected_s(1) == pytest.approx(0.04, rel=1e-3)


def test_a_size_that_was_not_measured_takes_no_more_than_in_proportion() -> None:
    times = measured(of2=0.03)
    assert times.expected_s(4) == pytest.approx(0.06)
    assert times.expected_s(1) == 0.03


def test_a_round_is_made_of_the_largest_steps_there_are_sizes_for() -> None:
    times = measured(of1=0.02, of2=0.03, of4=0.05)
    assert times.round_s(7, SIZES) == pytest.approx(0.05 + 0.03 + 0.02)
    assert times.round_s(0, SIZES) == 0.0


def test_what_was_measured_long_ago_is_not_known_any_more() -> None:
    times = measured(of1=0.02, of2=0.03)
    assert times.is_known(2)
    for _ in range(STALE_STEPS):
        times.note(1, 0.02)
    assert not times.is_known(2)
    assert times.is_known(1)
    assert times.expected_s(2) == 0.03  # for want of anything better
