from __future__ import annotations

import pytest
from google.protobuf.duration_pb2 import Duration
from hypothesis import given
from hypothesis import strategies as st

from nacre.v1 import control_pb2
from serving.errors import InvalidFieldError, PredecessorLostError
from serving.gateway.controls import LOST, PENDING, Fate
from serving.gateway.timing import MAX_AHEAD_S, Wish, check_wish, plan
from serving.sessions.attribution import Schedule

CHUNK_S = 0.08


def wish(**schedule: object) -> Wish | None:
    return check_wish(control_pb2.Control(schedule=control_pb2.Schedule(**schedule)))  # type: ignore[arg-type]


@given(st.floats(0.0, 10_000.0), st.integers(0, 100_000))
def test_a_world_time_is_never_early_and_at_most_a_chunk_late(world_time_s: float, next_idx: int) -> None:
    chunk_idx = plan(Wish(world_time_s=world_time_s), next_idx, CHUNK_S, None).chunk_idx
    assert chunk_idx is not None
    assert world_time_s - 1e-5 <= chunk_idx * CHUNK_S < world_time_s + CHUNK_S + 1e-5


def test_the_start_of_a_chunk_means_that_chunk() -> None:
    assert all(plan(Wish(world_time_s=idx * CHUNK_S), 0, CHUNK_S, None).chunk_idx == idx for idx in range(2_000))


def test_a_while_counts_from_what_is_shown_next() -> None:
    assert plan(Wish(after_s=0.8), 100, CHUNK_S, None) == Schedule(chunk_idx=110)


def test_after_a_control_depends_on_what_became_of_it() -> None:
    after = Wish(after_control_id="a", after_s=0.8)
    assert plan(after, 0, CHUNK_S, PENDING) == Schedule(after_control_id="a", delay_chunks=10)
    assert plan(after, 0, CHUNK_S, Fate(chunk_idx=7)) == Schedule(chunk_idx=17)
    assert plan(Wish(after_control_id="a"), 0, CHUNK_S, Fate(chunk_idx=7)) == Schedule(chunk_idx=8), "not with it"
    with pytest.raises(PredecessorLostError):
        plan(after, 0, CHUNK_S, LOST)
    with pytest.raises(InvalidFieldError, match="no control of that id"):
        plan(after, 0, CHUNK_S, None)


def test_a_day_ahead_is_a_clock_that_is_wrong() -> None:
    for far in (Wish(chunk_idx=2_000_000), Wish(world_time_s=2 * MAX_AHEAD_S)):
        with pytest.raises(InvalidFieldError, match="ahead"):
            plan(far, 0, CHUNK_S, None)


def test_a_control_without_a_schedule_wishes_nothing() -> None:
    assert check_wish(control_pb2.Control()) is None


@pytest.mark.parametrize(
    ("schedule", "field"),
    [
        ({}, "control.schedule"),
        ({"at_chunk_index": 1 << 60}, "control.schedule.at_chunk_index"),
        ({"at_world_time": Duration(seconds=-1)}, "control.schedule.at_world_time"),
        ({"after": Duration(seconds=1 << 40)}, "control.schedule.after"),
        ({"at_chunk_index": 1, "after_control_id": "a"}, "control.schedule.after_control_id"),
    ],
)
def test_a_schedule_that_makes_no_sense_names_its_field(schedule: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidFieldError) as refused:
        wish(**schedule)
    assert refused.value.field == field
