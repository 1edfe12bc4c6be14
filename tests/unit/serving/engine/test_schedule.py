from __future__ import annotations

from dataclasses import replace

import pytest

from serving.engine import schedule
from serving.engine.schedule import (
    Pace,
    Runnable,
    ScheduleConfig,
    batch_size,
    caught_up,
    handed_over,
    load,
    plan,
    resumed,
    taken_over,
)
from serving.engine.step_times import StepTimes

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


def measured(seconds: dict[int, float]) -> StepTimes:
    times = StepTimes()
    for size, each in seconds.items():
        times.note(size, each)
    return times


SHARING = measured({1: 0.02, 2: 0.03, 4: 0.05})


@pytest.mark.parametrize(
    ("num_ready", "slack_s", "size"),
    [(4, 0.06, 4), (4, 0.04, 2), (4, 0.025, 1), (3, 0.06, 2), (1, 0.06, 1), (9, 0.06, 4), (4, 0.01, 4)],
    ids=["all in time", "two in time", "one in time", "no size of three", "one", "no larger size", "late: the most"],
)
def test_a_batch_is_the_largest_that_is_done_in_time(num_ready: int, slack_s: float, size: int) -> None:
    assert batch_size(num_ready, slack_s, CONFIG, SHARING) == size


def test_sessions_that_gain_nothing_by_it_do_not_wait_for_each_other() -> None:
    alone = measured({1: 0.02, 2: 0.04, 4: 0.08})
    assert batch_size(4, 0.2, CONFIG, alone) == 1
    assert batch_size(4, 0.01, CONFIG, alone) == 1


def test_a_size_that_nobody_measured_is_tried_the_largest_first() -> None:
    assert batch_size(4, 0.001, CONFIG, StepTimes()) == 4
    assert batch_size(4, 0.001, CONFIG, measured({1: 0.01, 2: 0.02})) == 4
    assert batch_size(4, 0.001, CONFIG, measured({4: 0.05})) == 4  # the others take no less, for all one knows
    assert batch_size(1, 0.001, CONFIG, StepTimes()) == 1


def test_a_plan_takes_those_that_are_due_first_into_its_batch() -> None:
    runnables = [Runnable(str(index), 5.0 - 0.01 * index) for index in range(4)]
    late = CONFIG.step_share * CONFIG.delivery_lead_s
    assert plan(runnables, 4.97 + late - 0.04, CONFIG, SHARING).batch == ("3", "2")


def test_at_a_lower_rate_chunks_start_further_apart_from_the_next_on() -> None:
    pace = Pace(anchor_s=10.0, chunk_idx=0).at_rate(0.5, 3, CONFIG)
    assert pace.start_s(3, CONFIG) == pytest.approx(10.24)
    assert pace.start_s(4, CONFIG) == pytest.approx(10.40)
    assert pace.at_rate(1.0, 4, CONFIG).start_s(5, CONFIG) == pytest.approx(10.48)
    assert caught_up(pace, 3, 20.0, CONFIG).rate == 0.5
    assert resumed(None, 0, 7.0, CONFIG, rate=0.5).rate == 0.5


def test_the_load_is_the_share_of_the_time_that_steps_take() -> None:
    assert load(0, 1.0, CONFIG, StepTimes()) == 0.0
    assert load(3, 1.0, CONFIG, StepTimes()) is None
    assert load(3, 1.0, CONFIG, SHARING) == pytest.approx(0.05 / 0.08)
    assert load(3, 0.5, CONFIG, SHARING) == pytest.approx(0.025 / 0.08)


def test_a_session_is_anchored_at_its_first_credit() -> None:
    assert resumed(None, 0, 7.0, CONFIG) == Pace(anchor_s=7.0, chunk_idx=0)


def test_a_short_want_of_credit_is_caught_up_and_a_long_one_is_not() -> None:
    pace = Pace(anchor_s=10.0, chunk_idx=0)
    assert resumed(pace, 1, 10.15, CONFIG) is pace
    assert resumed(pace, 1, 10.17, CONFIG) == Pace(anchor_s=10.17, chunk_idx=1)


def test_p01_a_session_that_was_handed_over_keeps_its_pace_and_catches_up() -> None:
    pace = handed_over(10.12, 7, 9.98, CONFIG)
    assert pace == Pace(anchor_s=10.0, chunk_idx=7)
    for now_s in (9.99, 10.0, 10.2):
        assert taken_over(pace, now_s, CONFIG) is pace
    assert taken_over(pace, 10.3, CONFIG) == Pace(anchor_s=10.3, chunk_idx=7), "it waited for its client, or was lost"
    assert handed_over(99.0, 7, 10.0, CONFIG, rate=0.5).anchor_s == 10.0 + 0.16, "a clock that is wrong"


def test_p01_a_session_that_was_handed_over_steps_with_others_where_it_is_not_late_by_more_than_a_chunk() -> None:
    pace = Pace(anchor_s=10.0, chunk_idx=7)
    for now_s, other_s, start_s in ((9.95, 9.96, 9.96), (10.01, 10.05, 10.05), (10.06, 10.05, 10.0)):
        other = Pace(anchor_s=other_s, chunk_idx=40)
        taken = taken_over(pace, now_s, CONFIG, [other])
        assert (taken.chunk_idx, taken.anchor_s) == (7, pytest.approx(start_s))
    alone = replace(CONFIG, batch_sizes=(1,))
    assert taken_over(pace, 10.01, alone, [Pace(anchor_s=10.05, chunk_idx=40)]) is pace


def test_credit_that_comes_early_changes_nothing() -> None:
    pace = Pace(anchor_s=10.0, chunk_idx=0)
    assert resumed(pace, 5, 10.1, CONFIG) is pace


def test_a_worker_too_far_behind_lets_the_world_slip() -> None:
    pace = Pace(anchor_s=10.0, chunk_idx=0)
    assert caught_up(pace, 1, 10.5, CONFIG) is pace
    assert caught_up(pace, 1, 10.6, CONFIG).start_s(1, CONFIG) == pytest.approx(10.6, abs=1e-5)
    assert schedule.is_slipping([Runnable("a", 10.08), Runnable("b", 10.5)], 10.6, CONFIG)
    assert not schedule.is_slipping([Runnable("a", 10.1), Runnable("b", 10.5)], 10.6, CONFIG)


def test_where_one_session_slips_all_that_are_late_do_and_the_others_do_not() -> None:
    pace = Pace(anchor_s=10.0, chunk_idx=0)
    one, later = (caught_up(pace, chunk, 10.3, CONFIG, is_slipping=True).start_s(chunk, CONFIG) for chunk in (1, 2))
    assert one == pytest.approx(10.3, abs=1e-5)
    assert one < later <= 10.3  # who is later stays before the others
    assert caught_up(pace, 1, 10.07, CONFIG, is_slipping=True) is pace


def test_whoever_begins_beside_others_begins_in_step_with_them_where_they_can_share_one() -> None:
    others = [Pace(anchor_s=10.0, chunk_idx=4), Pace(anchor_s=10.03, chunk_idx=9)]
    assert resumed(None, 0, 10.05, CONFIG, others=others).anchor_s == pytest.approx(10.08)
    assert resumed(None, 0, 10.09, CONFIG, others=others).anchor_s == pytest.approx(10.11)
    assert resumed(None, 0, 10.08, CONFIG, others=others).anchor_s == pytest.approx(10.08)
    assert resumed(None, 0, 9.5, CONFIG, others=others).anchor_s == pytest.approx(10.0)
    single = ScheduleConfig(chunk_duration_s=0.08, batch_sizes=(1,))
    assert resumed(None, 0, 10.05, single, others=others).anchor_s == 10.05


@pytest.mark.parametrize(
    "changed",
    [{"chunk_duration_s": 0.0}, {"batch_sizes": (2, 4)}, {"batch_sizes": (1, 4, 2)}, {"batch_window_s": -1.0}],
)
def test_a_malformed_config_is_refused(changed: dict) -> None:
    with pytest.raises(ValueError, match=r"batch|positive"):
        ScheduleConfig(**{"chunk_duration_s": 0.08, **changed})
