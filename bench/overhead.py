"""What serving adds to the bare model loop and the media encoding of the same plays."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from bench.bare_loop import BareFigures
from bench.demo import PROMPT, SEED, START_PICTURE
from bench.demo_table import MS, overhead_sentence
from bench.measure import (
    MeasuredPlay,
    Round,
    Service,
    ServingOverhead,
    measure_play,
    overhead_of,
    play_beside_bare_loop,
)
from bench.play import Player, Start
from bench.results import Result
from bench.script import PICTURE, STREET, Script
from bench.statistics import mean_of

MIN_ROUNDS = 10  # for a mean with an interval: of fewer rounds it would look surer than it is
# The same worlds in every round: what a chunk costs depends on what is in it.
STARTS = ((STREET, Start(prompt=PROMPT, seed=SEED)), (PICTURE, Start(image=START_PICTURE, seed=SEED)))


def bench_overhead(service: Service, seconds: float, rounds: int, model: str = "") -> Result:
    """`model` as the service was told; empty for its default."""
    return result_of(_rounds(service, seconds, rounds, model), {"seconds": seconds, "rounds": rounds})


def result_of(rounds: Iterable[Round], settings: dict[str, Any]) -> Result:
    """The figures of the middle round, of an even number the greater of the two, and those of each."""
    plays: list[MeasuredPlay] = []
    measured: list[tuple[ServingOverhead, BareFigures]] = []
    for of_round, bare in rounds:
        plays += of_round
        measured.append((overhead_of(of_round, bare), bare))
    each_round = [overhead for overhead, _ in measured]
    middle = sorted(each_round, key=lambda each: each.overhead_cpu_s_per_chunk)[len(each_round) // 2]
    return Result(
        benchmark="overhead",
        model=plays[0].recording.shape.model,
        settings=settings | {"sessions": len(plays)},
        figures=_figures(middle)
        | {"rounds": [_figures(each) | {"bare_loop": dataclasses.asdict(bare)} for each, bare in measured]},
        summary=_summary(middle, each_round),
        faults=tuple(play.recording.failure for play in plays if play.recording.failure),
    )


def _summary(middle: ServingOverhead, rounds: Sequence[ServingOverhead]) -> tuple[str, ...]:
    own = [each.own_overhead_cpu_s_per_chunk for each in rounds]
    by_own_calls = ", ".join("none" if each is None else f"{each * MS:.1f}" for each in own)
    differences = ", ".join(f"{each.overhead_cpu_s_per_chunk * MS:.1f}" for each in rounds)
    return (
        f"the middle one of {len(rounds)} rounds ({differences}): {overhead_sentence(middle)}",
        f"by the model's calls in the service itself, round by round: {by_own_calls}",
        *mean_sentence("against the bare loop", [each.overhead_cpu_s_per_chunk for each in rounds]),
        *mean_sentence("by those calls", own),
    )


def mean_sentence(way: str, overheads_s: Sequence[float | None]) -> tuple[str, ...]:
    """Over all rounds, which a pace that changes makes differ; nothing where there are too few to tell how far."""
    known = [value * MS for value in overheads_s if value is not None]
    if len(known) < MIN_ROUNDS:
        return ()
    mean = mean_of(known)
    return (f"mean of {len(known)} rounds, {way}: {mean.value:.1f} (95 %: {mean.low:.1f} to {mean.high:.1f})",)


def _rounds(service: Service, seconds: float, rounds: int, model: str) -> Iterator[Round]:
    plays: Sequence[MeasuredPlay] = _play_all(service, seconds)
    for _ in range(rounds):
        plays, bare = play_beside_bare_loop(plays, lambda: _play_all(service, seconds), model)
        yield plays, bare


def _play_all(service: Service, seconds: float) -> list[MeasuredPlay]:
    return [_play(service, seconds, script, start) for script, start in STARTS]


def _play(service: Service, seconds: float, script: Script, start: Start) -> MeasuredPlay:
    return asyncio.run(measure_play(service, Player(service.address), script.scaled_to(seconds), start))


def _figures(overhead: ServingOverhead) -> dict[str, Any]:
    return dataclasses.asdict(overhead) | {
        "overhead_cpu_s_per_chunk": overhead.overhead_cpu_s_per_chunk,
        "own_overhead_cpu_s_per_chunk": overhead.own_overhead_cpu_s_per_chunk,
    }
