from __future__ import annotations

import pytest

from serving.engine.load import Load
from serving.engine.overload import OverloadConfig
from serving.engine.schedule import Runnable, ScheduleConfig
from serving.errors import WorkerSaturatedError


def load(chunk_duration_s: float, max_load: float = 0.0) -> Load:
    schedule = ScheduleConfig(chunk_duration_s=chunk_duration_s, batch_sizes=(1, 2))
    return Load(OverloadConfig(), schedule, max_load)


@pytest.mark.parametrize(("chunk_duration_s", "level_idx"), [(0.08, 1), (0.75, 0)])
def test_how_late_is_behind_depends_on_how_long_a_chunk_is(chunk_duration_s: float, level_idx: int) -> None:
    """Two thirds of a second: many chunks of a quick model, and the turn of another session with a slow one."""
    worker = load(chunk_duration_s)
    for number in range(50):
        now_s = number * chunk_duration_s
        worker.look([Runnable("a", now_s - 0.65)], 1, now_s)
    assert worker.level_idx == level_idx


def test_times_of_one_quality_say_nothing_of_another() -> None:
    worker = load(0.08, max_load=0.5)
    worker.times.note(1, 0.03)
    with pytest.raises(WorkerSaturatedError, match="2 sessions would take 75%"):
        worker.check(2)
    worker.check(1)
    for number in range(100):
        worker.look([Runnable("a", number * 0.08 - 1.0)], 1, number * 0.08)
    assert worker.level.quality < 1.0
    assert worker.times.expected_s(1) is None
