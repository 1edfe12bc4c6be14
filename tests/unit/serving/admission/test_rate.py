from __future__ import annotations

import pytest

from serving.admission.rate import FreeingRate


def freed(*times_s: float) -> FreeingRate:
    rate = FreeingRate()
    for time_s in times_s:
        rate = rate.freed(time_s)
    return rate


def test_nobody_can_tell_before_places_came_free() -> None:
    assert FreeingRate().eta_s(1, 100.0) is None
    assert freed(0.0, 10.0).eta_s(1, 12.0) is None


def test_places_that_come_free_every_ten_seconds_promise_the_third_thirty() -> None:
    rate = freed(0.0, 10.0, 20.0, 30.0)
    assert rate.eta_s(3, 30.0) == pytest.approx(30.0)
    assert rate.eta_s(3, 34.0) == pytest.approx(26.0), "four of them are over"


def test_a_long_silence_is_what_there_is_to_go_by() -> None:
    assert freed(0.0, 10.0, 20.0).eta_s(2, 120.0) == pytest.approx(200.0)


def test_what_happened_lately_counts_most() -> None:
    slower = freed(0.0, 1.0, 2.0, 3.0, *(3.0 + 20.0 * count for count in range(1, 20)))
    assert slower.mean_interval_s == pytest.approx(20.0, rel=0.05)
