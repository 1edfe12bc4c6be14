"""The machine's pace beside a long session, from a real process."""

from __future__ import annotations

import time

from bench.soak.pace import PaceMaker

PATIENCE_S = 60.0


def test_the_same_step_is_made_again_and_again_until_the_block_ends() -> None:
    give_up_s = time.monotonic() + PATIENCE_S
    with PaceMaker("tests.fakes_model:load", interval_s=0.01) as pace:
        while len(pace.samples) < 3 and time.monotonic() < give_up_s:
            time.sleep(0.05)
    found = pace.samples
    assert len(found) >= 3
    assert all(each.cpu_s >= 0 for each in found)
    times_s = [each.time_s for each in found]
    assert times_s == sorted(times_s)
    time.sleep(0.2)
    assert pace.samples == found


def test_a_model_that_there_is_not_makes_no_pace() -> None:
    with PaceMaker("no-such-model") as pace:
        pace._process.wait(PATIENCE_S)
    assert pace.samples == ()
