"""Plays for long, and tells of drift; of a session that was cut short too, as far as it came."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from bench.measure import Service
from bench.play import Player, Start
from bench.recording import Recording
from bench.report import control_latencies_s, late_chunks, standstills_s
from bench.results import Result
from bench.script import LEAD_OUT_S, STREET, Script
from bench.soak.flatness import Flatness, flatness_of, warm_up_of
from bench.soak.pace import PaceMaker, PaceSample
from bench.soak.sampling import SAMPLE_EVERY_S, SoakSample, SoakSampler
from bench.statistics import FirstAgainstLast, Slope, percentile

TELL_EVERY_S = 60.0
TOLD_MIB_PER_HOUR = 0.5
DEFAULT_MODEL = "pearl-xs"
MS, MIB, SECONDS_PER_HOUR = 1_000, 1 << 20, 3_600
MINUTE_S = 60.0

Say = Callable[[str], None]


def looping_script(duration_s: float) -> Script:
    """The street's cues, over and over."""
    num_rounds = math.ceil(duration_s / STREET.duration_s)
    cues = tuple(
        replace(cue, at_s=cue.at_s + round_idx * STREET.duration_s)
        for round_idx in range(num_rounds)
        for cue in STREET.cues
        if cue.at_s + round_idx * STREET.duration_s <= duration_s - LEAD_OUT_S
    )
    return Script(name="soak", title=f"{duration_s:.0f} s", duration_s=duration_s, cues=cues)


def bench_soak(service: Service, seconds: float, say: Say = lambda line: None, model: str = "") -> Result:
    """`say` hears how it goes, once a minute; `model` as the service was told, empty for its default."""
    player = Player(service.address)
    faults: list[str] = []
    with PaceMaker(model or DEFAULT_MODEL) as pace, SoakSampler(service, Teller(say, seconds).heard) as sampler:
        try:
            recording = asyncio.run(player.play(looping_script(seconds), Start(prompt="a quiet street at dusk")))
        except (KeyboardInterrupt, SystemExit):
            recording = player.recording_so_far()
            faults.append("stopped before its end")
    return result_of(recording, sampler.samples, seconds, sampler.num_missed, faults, pace.samples)


class Teller:
    def __init__(self, say: Say, seconds: float) -> None:
        self._say = say
        self._seconds = seconds
        self._began_s: float | None = None
        self._told_s = 0.0

    def heard(self, sample: SoakSample) -> None:
        if self._began_s is None:
            self._began_s = self._told_s = sample.time_s
        elif sample.time_s - self._told_s >= TELL_EVERY_S:
            self._told_s = sample.time_s
            minutes = (sample.time_s - self._began_s) / MINUTE_S
            memory, chunks = sample.rss_bytes / MIB, sample.stages.num_steps
            self._say(f"{minutes:.0f} of {self._seconds / MINUTE_S:.0f} min: {memory:.1f} MiB, {chunks:.0f} steps")


def result_of(
    recording: Recording,
    samples: list[SoakSample],
    seconds: float,
    num_missed: int,
    faults: list[str],
    paces: Sequence[PaceSample] = (),
) -> Result:
    missing = recording.planned_chunks - len(recording.chunks)
    faults = [*faults, *([recording.failure] if recording.failure else [])]
    if missing or not recording.chunks:
        faults.append(f"{missing} of {recording.planned_chunks} chunks missing")
    figures: dict[str, Any] = {}
    summary: tuple[str, ...] = ()
    if recording.chunks:
        late, standstills = late_chunks(recording), standstills_s(recording)
        figures = {
            "num_chunks": len(recording.chunks),
            "late_chunks": len(late.by_service | late.by_client),
            "standstills_s": standstills,
            "control_to_frame_p95_s": percentile(control_latencies_s(recording), 95),
            "samples_missed": num_missed,
        }
        summary = (
            f"{figures['late_chunks']} of {figures['num_chunks']} chunks late by the first one's clock; a player that"
            f" waits stands still {len(standstills)} times, {sum(standstills):.1f} s in all,"
            f" {max(standstills, default=0.0):.1f} s at most",
        )
        try:
            figures["flatness"] = flatness_of(samples, lags_of(recording), paces)
            summary = (*_sentences(figures["flatness"]), *summary)
        except ValueError as error:
            faults.append(str(error))
    figures["samples"] = [_plain(each, samples[0].time_s) for each in samples]
    figures["paces"] = [{"time_s": each.time_s - samples[0].time_s, "cpu_s": each.cpu_s} for each in paces if samples]
    return Result(
        benchmark="soak",
        model=recording.shape.model,
        settings={"seconds": seconds, "sample_every_s": SAMPLE_EVERY_S, "warm_up_s": warm_up_of(seconds)},
        figures=figures,
        summary=summary,
        faults=tuple(faults),
    )


def lags_of(recording: Recording) -> list[float]:
    """How far each chunk came behind the first one's clock."""
    first_s, duration_s = recording.chunks[0].received_s, recording.shape.chunk_duration_s
    return [chunk.received_s - first_s - chunk.chunk_idx * duration_s for chunk in recording.chunks]


def _plain(sample: SoakSample, began_s: float) -> dict[str, Any]:
    return {
        "time_s": sample.time_s - began_s,
        "rss_bytes": sample.rss_bytes,
        "rss_bytes_by_process": sample.rss_bytes_by_process,
        "anonymous_bytes_by_process": sample.anonymous_bytes_by_process,
        "heaps": {url: asdict(heap) for url, heap in sample.heaps.items()},
        "num_steps": sample.stages.num_steps,
        "step_cpu_s": sample.stages.step_cpu_s,
    }


def _sentences(flatness: Flatness) -> tuple[str, ...]:
    step, step_per_hour = flatness.step_s, SECONDS_PER_HOUR * MS
    means = (("p50", flatness.step_mean_p50_s), ("p99", flatness.step_mean_p99_s))
    cpu = (("p50", flatness.step_cpu_p50_s), ("p99", flatness.step_cpu_p99_s))
    return (
        f"{flatness.warm_up_s:.0f} s of warming up are left out: {flatness.warm_up_growth_bytes / MIB:+.1f} MiB;"
        f" {flatness.growth_bytes / MIB:+.1f} MiB from the first to the last tenth of the rest",
        f"memory of the service: {_hourly(flatness.rss_bytes)}; n={flatness.rss_bytes.num_samples} (aim: < 1 MiB/h)",
        *_by_process(flatness.rss_bytes_by_process),
        f"of it what is no file's: {_hourly(flatness.anonymous_bytes)}",
        *_by_process(flatness.anonymous_bytes_by_process),
        *_heaps(flatness.heap_bytes_by_endpoint),
        f"step: {step.per_s * step_per_hour:+.2f} ms/h (95 %: {step.low_per_s * step_per_hour:+.2f}"
        f" to {step.high_per_s * step_per_hour:+.2f}; n={step.num_samples})",
        f"step by the clock: p99, {_compared(flatness.step_p99_s)} (aim: within 5 %)",
        *(f"step by the clock, means of {SAMPLE_EVERY_S:.0f} s: {name}, {_compared(each)}" for name, each in means),
        *(f"step by its thread's processor time: {name}, {_compared(each)}" for name, each in cpu if each is not None),
        *_pace_sentences(flatness),
        f"lag p99, {_compared(flatness.lag_p99_s)}",
    )


def _heaps(slopes: Mapping[str, Slope]) -> tuple[str, ...]:
    told = [f"  {url}: {_hourly(slope)}" for url, slope in slopes.items()]
    return ("in use of the heaps of gateways and workers, by their metrics:", *told) if told else ()


def _by_process(slopes: Mapping[str, Slope]) -> tuple[str, ...]:
    return tuple(
        f"  {name}: {_hourly(slope)}"
        for name, slope in slopes.items()
        if abs(slope.per_s) * SECONDS_PER_HOUR / MIB >= TOLD_MIB_PER_HOUR
    )


def _pace_sentences(flatness: Flatness) -> tuple[str, ...]:
    if flatness.pace_p50_s is None or flatness.step_p99_by_pace is None:
        return ()
    by_pace = flatness.step_p99_by_pace
    return (
        f"the machine's pace, by one and the same step beside it: p50, {_compared(flatness.pace_p50_s)}",
        f"step by the clock: p99 by that pace, first and last tenth: {by_pace.first:.3f} and {by_pace.last:.3f},"
        f" {100 * (by_pace.ratio - 1):+.1f} %",
    )


def _hourly(slope: Slope) -> str:
    mean, low, high = (
        each * SECONDS_PER_HOUR / MIB for each in (slope.per_s, slope.low_per_s, slope.high_per_s)
    )  # fmt: skip
    return f"{mean:+.1f} MiB/h (95 %: {low:+.1f} to {high:+.1f})"


def _compared(tenths: FirstAgainstLast) -> str:
    return (
        f"first and last tenth: {tenths.first * MS:.1f} and {tenths.last * MS:.1f} ms,"
        f" {100 * (tenths.ratio - 1):+.1f} % (n={tenths.num_samples} each)"
    )
