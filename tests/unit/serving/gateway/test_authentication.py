"""When a stream's credential is looked at again."""

from __future__ import annotations

import math

import pytest

from serving.gateway.authentication import EXPIRED, RECHECK_S, WARN_S, Announcement, next_look_s, warned_of_expiry


@pytest.mark.parametrize(("left_s", "has_warned", "expected_s"), [
    (math.inf, False, RECHECK_S),
    (WARN_S + 60, False, RECHECK_S),
    (WARN_S + 1, False, 1.0),  # to warn in time
    (30.0, True, RECHECK_S),
    (1.5, True, 1.5),  # to end in time
    (0.0, True, 0.0),
    (-5.0, True, 0.0),
    (-5.0, False, 0.0),
])  # fmt: skip
def test_e03_it_is_looked_at_often_and_when_it_is_due(left_s: float, has_warned: bool, expected_s: float) -> None:
    assert next_look_s(left_s, has_warned=has_warned) == pytest.approx(expected_s)


def test_who_comes_after_the_announcement_hears_it_too_and_who_left_does_not() -> None:
    now_s = 100.0
    announcement = Announcement(lambda: now_s)
    heard: list[tuple[str, str, float]] = []
    with announcement.heard(lambda reason, left_s: heard.append(("early", reason, left_s))):
        announcement.make(110.0)
        now_s = 104.0
        with announcement.heard(lambda reason, left_s: heard.append(("late", reason, left_s))):
            pass
    announcement.make(104.0)
    assert heard == [("early", EXPIRED, 10.0), ("late", EXPIRED, 6.0)]


def test_where_nobody_is_asked_nothing_is_announced() -> None:
    with warned_of_expiry(lambda reason, left_s: pytest.fail("told of an end that nobody set")):
        pass
