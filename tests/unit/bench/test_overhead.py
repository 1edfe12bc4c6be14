"""What the overhead's rounds come to together."""

from __future__ import annotations

from dataclasses import replace
from types import TracebackType
from typing import Any, Self

import pytest

from bench import measure, overhead
from bench.bare_loop import BareFigures
from bench.measure import MeasuredPlay, ProcessCpu
from bench.overhead import bench_overhead, mean_sentence, result_of
from bench.play import Start
from bench.process_tree import Role
from bench.scrape import StageTotals
from tests.unit.bench.recordings import flawless_recording

NUM_CHUNKS = 50


def play_at(cpu_ms: float, *, own_model_ms: float | None = None, failure: str = "") -> MeasuredPlay:
    """One whose service took so much for each chunk, and the model's own calls in it."""
    stages = None if own_model_ms is None else StageTotals(model_cpu_s=own_model_ms / 1_000 * NUM_CHUNKS)
    return MeasuredPlay(
        start=Start(prompt="a street"),
        recording=replace(flawless_recording(NUM_CHUNKS), failure=failure),
        stages=stages,
        processes=(
            ProcessCpu(name="gateway", role=Role.GATEWAY_AND_WORKERS, cpu_s=cpu_ms / 1_000 * NUM_CHUNKS),
            ProcessCpu(name="ray", role=Role.CONTROL_PLANE, cpu_s=1.0),
        ),
        peak_rss_bytes=0,
    )


def bare_at(model_ms: float) -> BareFigures:
    return BareFigures(
        cpu_s_per_chunk=(model_ms + 1.0) / 1_000,
        model_cpu_s_per_chunk=model_ms / 1_000,
        media_cpu_s_per_chunk=0.001,
        num_chunks=NUM_CHUNKS,
    )


def test_rounds_that_differ_are_told_with_how_far() -> None:
    assert mean_sentence("by own calls", [0.005, 0.006, 0.007, 0.006, None, 0.006] * 2) == (
        "mean of 10 rounds, by own calls: 6.0 (95 %: 5.5 to 6.5)",
    )


def test_of_a_few_rounds_no_mean_is_told() -> None:
    assert mean_sentence("by own calls", [0.005, 0.006, 0.007, 0.006, None] * 2) == ()


def test_the_middle_round_is_told_and_each_with_its_own_bare_loop() -> None:
    """By what serving adds, not by what the service takes: the slowest round here adds the least."""
    rounds = [
        ([play_at(60.0, own_model_ms=50.0), play_at(60.0, own_model_ms=50.0)], bare_at(57.0)),
        ([play_at(44.0, own_model_ms=38.0), play_at(46.0, own_model_ms=38.0)], bare_at(38.0)),
        ([play_at(40.0, own_model_ms=34.0), play_at(40.0, own_model_ms=34.0)], bare_at(29.0)),
    ]
    figures = result_of(rounds, {"rounds": 3}).figures
    assert [each["overhead_cpu_s_per_chunk"] for each in figures["rounds"]] == pytest.approx([0.002, 0.006, 0.010])
    assert [each["own_overhead_cpu_s_per_chunk"] for each in figures["rounds"]] == pytest.approx([0.009, 0.006, 0.005])
    assert [each["bare_loop"]["model_cpu_s_per_chunk"] for each in figures["rounds"]] == [0.057, 0.038, 0.029]
    assert figures["service_cpu_s_per_chunk"] == pytest.approx(0.045)
    assert figures["overhead_cpu_s_per_chunk"] == pytest.approx(0.006)


def test_of_an_even_number_of_rounds_the_greater_of_the_two_in_the_middle_is_told() -> None:
    rounds = [([play_at(cpu_ms)], bare_at(30.0)) for cpu_ms in (39.0, 36.0, 33.0, 45.0)]
    assert result_of(rounds, {}).figures["overhead_cpu_s_per_chunk"] == pytest.approx(0.008)


def test_the_summary_tells_every_round_and_whatever_failed() -> None:
    rounds = [([play_at(39.0, own_model_ms=33.0)], bare_at(30.0)), ([play_at(36.0, failure="cut off")], bare_at(30.0))]
    result = result_of(rounds, {"rounds": 2})
    assert result.summary[0].startswith("the middle one of 2 rounds (8.0, 5.0): ")
    assert result.summary[1] == "by the model's calls in the service itself, round by round: 5.0, none"
    assert (result.faults, result.settings) == (("cut off",), {"rounds": 2, "sessions": 2})


class FakeBareLoop:
    """Takes half of what the service took in the plays that it is given; writes down what happens when."""

    events: list[str]

    def __init__(self, plays: list[MeasuredPlay], model: str = "") -> None:
        self._service_ms = plays[0].processes[0].cpu_s / NUM_CHUNKS * 1_000

    def __enter__(self) -> Self:
        self.events.append(f"bare loop of {self._service_ms:.0f}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.events.append("left")

    def wait_until_it_plays(self) -> None:
        self.events.append("it plays")

    def figures(self) -> BareFigures:
        self.events.append("figures")
        return bare_at(self._service_ms / 2)


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Plays of 40, 42, 44... ms."""
    events: list[str] = []

    def play_all(service: Any, seconds: float) -> list[MeasuredPlay]:
        cpu_ms = 40.0 + 2 * sum(event.startswith("play ") for event in events)
        events.append(f"play {cpu_ms:.0f}")
        return [play_at(cpu_ms)]

    FakeBareLoop.events = events
    monkeypatch.setattr(overhead, "_play_all", play_all)
    monkeypatch.setattr(measure, "BareLoopProcess", FakeBareLoop)
    return events


def test_beside_a_play_the_bare_loop_plays_what_came_of_the_one_before(events: list[str]) -> None:
    service: Any = None  # nothing here plays on one
    rounds = bench_overhead(service, seconds=20.0, rounds=2).figures["rounds"]
    overheads_ms = [each["overhead_cpu_s_per_chunk"] * 1_000 for each in rounds]
    assert overheads_ms == pytest.approx([42 - 20 - 1, 44 - 21 - 1])
    assert events == [
        "play 40",
        *("bare loop of 40", "it plays", "play 42", "figures", "left"),
        *("bare loop of 42", "it plays", "play 44", "figures", "left"),
    ]
