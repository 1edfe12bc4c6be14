"""The ladder on a fake clock: arithmetic, no worker."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from serving.engine.overload import LADDER, WHOLE, Level, OverloadConfig, Pressure, Standing, decide

CONFIG = OverloadConfig(
    behind_s=0.16, enter_after_s=3.0, gap_s=0.5, leave_after_s=5.0, max_leave_after_s=30.0, relapse_s=15.0,
    max_load_above=0.85,
)  # fmt: skip
BEHIND, CALM = Pressure(behind_s=0.3), Pressure(behind_s=0.0)
STEP_S = 0.08


def run(
    standing: Standing, begin_s: float, end_s: float, pressure_at: Callable[[float], Pressure]
) -> tuple[Standing, list[tuple[float, int]]]:
    """One look every 80 ms. Gives also when the level became another."""
    changes = []
    for number in range(round((end_s - begin_s) / STEP_S)):
        now_s = begin_s + number * STEP_S
        before, standing = standing.level_idx, decide(standing, pressure_at(now_s), now_s, CONFIG)
        if standing.level_idx != before:
            changes.append((now_s, standing.level_idx))
    return standing, changes


def test_the_ladder_takes_denoise_passes_first_and_then_the_rate() -> None:
    assert LADDER[0] == WHOLE
    assert LADDER[1].rate == 1.0
    assert LADDER[1].quality < 1.0
    assert [level.rate for level in LADDER[2:]] == sorted((level.rate for level in LADDER[2:]), reverse=True)


def test_a_worker_that_keeps_up_stays_at_the_top() -> None:
    standing, changes = run(Standing(), 0.0, 100.0, lambda _: CALM)
    assert (standing.level_idx, changes) == (0, [])


def test_a_moment_behind_takes_nothing() -> None:
    """Two seconds of every five: another program, not too many sessions."""
    _, changes = run(Standing(), 0.0, 60.0, lambda now_s: BEHIND if now_s % 5 < 2 else CALM)
    assert changes == []


def test_who_stays_behind_goes_down_level_by_level_to_the_last() -> None:
    standing, changes = run(Standing(), 0.0, 30.0, lambda _: BEHIND)
    assert [level for _, level in changes] == [1, 2, 3]
    assert [at for at, _ in changes] == pytest.approx([3.0, 6.0, 9.0], abs=3 * STEP_S)
    assert standing.level_idx == len(LADDER) - 1


def test_whoever_slips_and_begins_anew_again_and_again_is_behind_all_the_while() -> None:
    _, changes = run(Standing(), 0.0, 4.0, lambda now_s: BEHIND if round(now_s / STEP_S) % 5 == 0 else CALM)
    assert [level for _, level in changes] == [1]


def test_after_a_calm_it_goes_up_level_by_level() -> None:
    standing, _ = run(Standing(), 0.0, 7.0, lambda _: BEHIND)
    assert standing.level_idx == 2
    standing, changes = run(standing, 7.0, 30.0, lambda _: CALM)
    assert [level for _, level in changes] == [1, 0]
    assert changes[1][0] - changes[0][0] == pytest.approx(5.0, abs=2 * STEP_S)


def test_it_stays_down_while_the_level_above_would_take_too_much() -> None:
    standing, _ = run(Standing(), 0.0, 4.0, lambda _: BEHIND)
    full = Pressure(behind_s=0.0, load_above=0.9)
    assert run(standing, 4.0, 100.0, lambda _: full)[1] == []
    room = Pressure(behind_s=0.0, load_above=0.8)
    assert [level for _, level in run(standing, 4.0, 100.0, lambda _: room)[1]] == [0]


def test_who_goes_up_too_early_stays_down_longer_each_time_and_never_for_ever() -> None:
    standing, now_s, waits = Standing(), 0.0, []
    for _ in range(5):
        standing, _ = run(standing, now_s, now_s + 3.2, lambda _: BEHIND)
        assert standing.level_idx == 1
        down_s = now_s = now_s + 3.2
        while standing.level_idx:
            standing, _ = run(standing, now_s, now_s + STEP_S, lambda _: CALM)
            now_s += STEP_S
        waits.append(round(now_s - down_s, 6))
    assert waits == sorted(waits)
    assert waits[1] > 1.5 * waits[0]
    assert waits[-1] <= CONFIG.max_leave_after_s + 2.0


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"ladder": ()}, "begins"),
        ({"ladder": (Level(quality=0.5),)}, "begins"),
        ({"ladder": (WHOLE, Level(rate=0.5), Level(quality=0.5))}, "gives more"),
        ({"leave_after_s": -1.0}, "negative"),
    ],
)
def test_a_malformed_ladder_is_refused(changed: dict, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        OverloadConfig(**changed)


@pytest.mark.parametrize("values", [{"quality": 0.0}, {"rate": 1.5}])
def test_a_level_gives_something_and_no_more_than_all(values: dict) -> None:
    with pytest.raises(ValueError, match="above 0"):
        Level(**values)
