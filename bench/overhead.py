"""What serving adds to the bare model loop and the media encoding of the same plays."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence
from typing import Any

from bench.bare_loop import BareFigures
from bench.demo import PROMPT, SEED, START_PICTURE
from bench.demo_table import MS, overhead_sentence
from bench.measure import MeasuredPlay, Service, ServingOverhead, measure_play, overhead_of, run_bare_loop_of
from bench.play import Player, Start
from bench.results import Result
from bench.script import PICTURE, STREET, Script
from bench.statistics import mean_of

MIN_ROUNDS = 10  # for a mean with an interval: of fewer rounds it would look surer than it is
# The same worlds in every round: what a chunk costs depends on what is in it.
STARTS = ((STREET, Start(prompt=PROMPT, seed=SEED)), (PICTURE, Start(image=START_PICTURE, seed=SEED)))


def bench_overhead(service: Service, seconds: float, rounds: int, model: str = "") -> Result:
    """`model` as the service was told; empty for its default.

    A machine that others share changes its pace within minutes: each play is followed by its own bare loop, and the
    median of the differences counts.
    """
    plays: list[MeasuredPlay] = []
    measured: list[tuple[ServingOverhead, BareFigures]] = []
    for _ in range(rounds):
        plays += (played := [_play(service, seconds, script, start) for script, start in STARTS])
        bare = run_bare_loop_of(played, model)
        measured.append((overhead_of(played, bare), bare))
    middle, _ = sorted(measured, key=lambda each: each[0].overhead_cpu_s_per_chunk)[len(measured) // 2]
    own = [each.own_overhead_cpu_s_per_chunk for each, _ in measured]
    by_own_calls = ", ".join("none" if each is None else f"{each * MS:.1f}" for each in own)
    differences = ", ".join(f"{each.overhead_cpu_s_per_chunk * MS:.1f}" for each, _ in measured)
    return Result(
        benchmark="overhead",
        model=plays[0].recording.shape.model,
        settings={"seconds": seconds, "rounds": rounds, "sessions": len(plays)},
        figures=_figures(middle)
        | {"rounds": [_figures(each) | {"bare_loop": dataclasses.asdict(bare)} for each, bare in measured]},
        summary=(
            f"the middle one of {rounds} rounds ({differences}): {overhead_sentence(middle)}",
            f"by the model's calls in the service itself, round by round: {by_own_calls}",
            *mean_sentence("against the bare loop", [each.overhead_cpu_s_per_chunk for each, _ in measured]),
            *mean_sentence("by those calls", own),
        ),
        faults=tuple(play.recording.failure for play in plays if play.recording.failure),
    )


def mean_sentence(way: str, overheads_s: Sequence[float | None]) -> tuple[str, ...]:
    """Over all rounds, which a pace that changes makes differ; nothing where there are too few to tell how far."""
    known = [value * MS for value in overheads_s if value is not None]
    if len(known) < MIN_ROUNDS:
        return ()
    mean = mean_of(known)
    return (f"mean of {len(known)} rounds, {way}: {mean.value:.1f} (95 %: {mean.low:.1f} to {mean.high:.1f})",)


def _play(service: Service, seconds: float, script: Script, start: Start) -> MeasuredPlay:
    return asyncio.run(measure_play(service, Player(service.address), script.scaled_to(seconds), start))


def _figures(overhead: ServingOverhead) -> dict[str, Any]:
    return dataclasses.asdict(overhead) | {
        "overhead_cpu_s_per_chunk": overhead.overhead_cpu_s_per_chunk,
        "own_overhead_cpu_s_per_chunk": overhead.own_overhead_cpu_s_per_chunk,
    }
