"""What many runs of verbs come to."""

from __future__ import annotations

import dataclasses
import json

import pytest

from bench.fuzz import FuzzConfig, result_of, runs_of

LINES = [
    json.dumps({"verbs": {"move": 3, "end": 1}, "refusals": {}, "controls": 3, "sessions": 2, "cuts": 4}),
    json.dumps({"verbs": {"end": 2}, "refusals": {"Conflict": 1}, "controls": 0, "sessions": 1, "cuts": 0}),
]


def test_runs_add_up() -> None:
    runs = runs_of(LINES)
    assert dataclasses.asdict(runs) == {
        "runs": 2,
        "verbs": {"move": 3, "end": 3},
        "refusals": {"Conflict": 1},
        "controls": 3,
        "sessions": 3,
        "cuts": 4,
    }


def test_all_that_were_asked_for_are_no_fault() -> None:
    result = result_of(FuzzConfig(runs=2, verbs=3), runs_of(LINES), 5.0, 0, [])
    assert result.faults == ()
    assert "2 runs of 3 verbs in 5 s: 6 verbs, 1 refused" in result.summary[0]


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        (0, "only 2 of 9 runs ended well"),
        (1, "the test ended with status 1 after 2 runs"),
        (None, "stopped after 2 of 9 runs"),
    ],
)
def test_fewer_are_a_fault_and_what_was_said_is_told(status: int | None, fault: str) -> None:
    result = result_of(FuzzConfig(runs=9, verbs=3), runs_of(LINES), 5.0, status, ["AssertionError: lost"])
    assert fault in result.faults
    assert ("AssertionError: lost" in result.faults) == (status == 1)
