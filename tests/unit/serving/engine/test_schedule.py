from __future__ import annotations

import pytest

from serving.engine.schedule import Pace, Runnable, ScheduleConfig, caught_up, plan, resumed

CONFIG = ScheduleConfig(chunk_duration_s=0.08, delivery_lead_s=0.12, batch_sizes=(1, 2, 4), batch_window_s=0.01)


def test_chunks_start_a_duration_apart_and_are_due_a_lead_later() -> None:
    pace = Pace(anchor_s=10.0, chunk_idx=3)
    assert pace.start_s(3, CONFIG) == 10.0
    assert pace.start_s(5, CONFIG) == pytest.approx(10.16)
    assert pace.due_s(5, CONFIG) == pytest.approx(10.28)


def test_nothing_runnable_means_no_wake_up() -> None:
    made = plan([], 5.0, CONFIG)
    assert (made.batch, made.wake_s) == ((), None)


def test_nothing_due_means_waking_for_the_earliest() -> None:
    made = plan([Runnable("b", 6.0), Runnable("a", 5.5)], 5.0, CONFIG)
    assert (made.batch, made.wake_s) == ((), 5.5)


def test_the_earliest_deadline_goes_first() -> None:
    made = plan([Runnable("late", 4.0), Runnable("later", 3.0), Runnable("not yet", 6.0)], 5.0, CONFIG)
    assert made.batch == ("later", "late")
    assert made.wake_s == 5.0


def test_a_batch_is_as_large_as_the_ladder_allows() -> None:
    three = [Runnable(str(index), index * 0.1) for index in range(3)]
    assert plan(three, 5.0, CONFIG).batch == ("0", "1")
    nine = [Runnable(str(index), index * 0.1) for index in range(9)]
    assert plan(nine, 5.0, CONFIG).batch == ("0", "1", "2", "3")


def test_a_session_due_within_the_window_joins_a_batch_but_does_not_start_one() -> None:
    soon = Runnable("soon", 5.009)
    assert plan([soon], 5.0, CONFIG).batch == ()
    assert plan([soon, Runnable("now", 5.0)], 5.0, CONFIG).batch == ("now", "soon")
    assert plan([Runnable("too far", 5.02), Runnable("now", 5.0)], 5.0, CONFIG).batch == ("now",)


def test_a_session_is_anchored_at_its_first_credit() -> None:
    assert resumed(None, 0, 7.0, CONFIG) == Pace(anchor_s=7.0, chunk_idx=0)


def test_a_short_want_of_credit_is_caught_up_and_a_long_one_is_not() -> None:
    pace = Pace(anchor_s=10.0, chunk_idx=0)
    assert resumed(pace, 1, 10.15, CONFIG) is pace
    assert resumed(pace, 1, 10.17, CONFIG) == Pace(anchor_s=10.17, chunk_idx=1)


def test_credit_that_comes_early_changes_nothing() -> None:
    pace = Pace(anchor_s=10.0, chunk_idx=0)
    assert resumed(pace, 5, 10.1, CONFIG) is pace


def test_a_worker_too_far_behind_lets_the_world_slip() -> None:
    pace = Pace(anchor_s=10.0, chunk_idx=0)
    assert caught_up(pace, 1, 10.5, CONFIG) is pace
    assert caught_up(pace, 1, 10.6, CONFIG) == Pace(anchor_s=10.6, chunk_idx=1)


@pytest.mark.parametrize(
    "changed",
    [{"chunk_duration_s": 0.0}, {"batch_sizes": (2, 4)}, {"batch_sizes": (1, 4, 2)}, {"batch_window_s": -1.0}],
)
def test_a_malformed_config_is_refused(changed: dict) -> None:
    with pytest.raises(ValueError, match=r"batch|positive"):
        ScheduleConfig(**{"chunk_duration_s": 0.08, **changed})
