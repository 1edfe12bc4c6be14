"""One long session: do memory and step time stay flat?"""

from __future__ import annotations

import asyncio
import itertools
import math
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Annotated, Self

import typer
from rich.console import Console

from bench.hardware import ROOT, commit, describe_hardware
from bench.measure import Service
from bench.play import Player, Start
from bench.process_tree import ProcessUse, measure_tree
from bench.recording import Recording
from bench.report import control_latencies_s, late_chunks
from bench.results import Result, ResultWriter
from bench.scrape import StageTotals, read_stages
from bench.script import LEAD_OUT_S, STREET, Script
from bench.service import RunningService, ServiceConfig, service_arguments
from bench.statistics import FirstAgainstLast, Slope, first_against_last, fit_slope, percentile

SAMPLE_EVERY_S = 5.0
# Flatness is asked of what follows on warming up: until then pages, plans and pools that are used for the first time
# come in. Measured: a worker has all that it uses after two minutes of play (`python -m bench memory`), the rest of
# the service after four. Told with the result, with what memory grew by meanwhile; a tenth of a session that is
# shorter than twice this.
WARM_UP_S = 240.0
SHORT_WARM_UP_SHARE = 0.1
STAGE = "transformer"
MAX_NAME_CHARS, TOLD_MIB_PER_HOUR = 60, 0.5
MS, MIB, SECONDS_PER_HOUR = 1_000, 1 << 20, 3_600


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


@dataclass(frozen=True, slots=True, kw_only=True)
class SoakSample:
    time_s: float
    rss_bytes_by_process: Mapping[str, int]  # those of the service
    stages: StageTotals

    @property
    def rss_bytes(self) -> int:
        return sum(self.rss_bytes_by_process.values())


class SoakSampler:
    """Reads the service's memory and stage times now and then, from a thread of its own."""

    def __init__(self, service: Service, interval_s: float = SAMPLE_EVERY_S) -> None:
        self._service = service
        self._interval_s = interval_s
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="soak-sampler", daemon=True)
        self.samples: list[SoakSample] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._is_over.set()
        self._thread.join()

    def _watch(self) -> None:
        assert self._service.pid, "a service on this machine"
        while not self._is_over.wait(self._interval_s):
            by_process = {_label(each): each.rss_bytes for each in measure_tree(self._service.pid).processes}
            stages = read_stages(self._service.metrics_urls)
            self.samples.append(SoakSample(time_s=time.monotonic(), rss_bytes_by_process=by_process, stages=stages))


def _label(process: ProcessUse) -> str:
    return f"{process.name[:MAX_NAME_CHARS]} {process.pid}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flatness:
    """Over the session after it warmed up."""

    warm_up_s: float
    warm_up_growth_bytes: int  # of memory, meanwhile
    growth_bytes: int  # of memory, after that: between the medians of its first and its last tenth
    rss_bytes: Slope
    rss_bytes_by_process: Mapping[str, Slope]  # those that were there all the time
    step_s: Slope
    step_p99_s: FirstAgainstLast  # of a sampling interval, by the histogram's edges
    lag_p99_s: FirstAgainstLast  # of a chunk's arrival behind the session's clock


def flatness_of(samples: Sequence[SoakSample], lags_s: Sequence[float]) -> Flatness:
    """`lags_s`: of every chunk, in order."""
    warm_up_s = warm_up_of(samples[-1].time_s - samples[0].time_s)
    first_bytes = samples[0].rss_bytes
    samples = [each for each in samples if each.time_s - samples[0].time_s >= warm_up_s]
    times_s = [each.time_s for each in samples]
    tenths = first_against_last([float(each.rss_bytes) for each in samples], 50)
    by_process = [each.rss_bytes_by_process for each in samples]
    steady = [name for name in by_process[0] if all(name in each for each in by_process)]
    steps = [
        (later.time_s, totals)
        for earlier, later in itertools.pairwise(samples)
        if (totals := (later.stages - earlier.stages).stages.get(STAGE))
    ]
    p99_s = [value for _, totals in steps if (value := totals.percentile(99)) is not None]
    return Flatness(
        warm_up_s=warm_up_s,
        warm_up_growth_bytes=samples[0].rss_bytes - first_bytes,
        growth_bytes=round(tenths.last - tenths.first),
        rss_bytes=fit_slope(times_s, [float(each.rss_bytes) for each in samples]),
        rss_bytes_by_process={name: fit_slope(times_s, [float(each[name]) for each in by_process]) for name in steady},
        step_s=fit_slope([time_s for time_s, _ in steps], [totals.sum / totals.count for _, totals in steps]),
        step_p99_s=first_against_last(p99_s, 50),
        lag_p99_s=first_against_last(lags_s, 99),
    )


def warm_up_of(duration_s: float) -> float:
    """How much of a session is left out at its beginning."""
    return WARM_UP_S if duration_s >= 2 * WARM_UP_S else SHORT_WARM_UP_SHARE * duration_s


def bench_soak(service: Service, seconds: float) -> Result:
    script = looping_script(seconds)
    with SoakSampler(service) as sampler:
        recording = asyncio.run(Player(service.address).play(script, Start(prompt="a quiet street at dusk")))
    missing = recording.planned_chunks - len(recording.chunks)
    faults = (*([recording.failure] if recording.failure else []), *([f"{missing} chunks missing"] if missing else []))
    settings = {"seconds": seconds, "sample_every_s": SAMPLE_EVERY_S, "warm_up_s": warm_up_of(seconds)}
    if faults:
        return Result(
            benchmark="soak", model=recording.shape.model, settings=settings, figures={}, summary=(), faults=faults
        )
    flatness = flatness_of(sampler.samples, lags_of(recording))
    late = late_chunks(recording)
    figures = {
        "flatness": flatness,
        "num_chunks": len(recording.chunks),
        "late_chunks": len(late.by_service | late.by_client),
        "control_to_frame_p95_s": percentile(control_latencies_s(recording), 95),
        "samples": [
            {
                "time_s": each.time_s - sampler.samples[0].time_s,
                "rss_bytes": each.rss_bytes,
                "rss_bytes_by_process": each.rss_bytes_by_process,
            }
            for each in sampler.samples
        ],
    }
    return Result(
        benchmark="soak",
        model=recording.shape.model,
        settings=settings,
        figures=figures,
        summary=(*_sentences(flatness), f"{figures['late_chunks']} of {figures['num_chunks']} chunks late"),
    )


def lags_of(recording: Recording) -> list[float]:
    """How far each chunk came behind the first one's clock."""
    first_s, duration_s = recording.chunks[0].received_s, recording.shape.chunk_duration_s
    return [chunk.received_s - first_s - chunk.chunk_idx * duration_s for chunk in recording.chunks]


def _sentences(flatness: Flatness) -> tuple[str, ...]:
    memory, step = flatness.rss_bytes, flatness.step_s
    per_hour = SECONDS_PER_HOUR / MIB
    step_per_hour = SECONDS_PER_HOUR * MS
    return (
        f"{flatness.warm_up_s:.0f} s of warming up are left out: {flatness.warm_up_growth_bytes / MIB:+.1f} MiB;"
        f" {flatness.growth_bytes / MIB:+.1f} MiB from the first to the last tenth of the rest",
        f"memory of the service: {memory.per_s * per_hour:+.1f} MiB/h"
        f" (95 %: {memory.low_per_s * per_hour:+.1f} to {memory.high_per_s * per_hour:+.1f}; n={memory.num_samples})",
        *(
            f"  {name}: {slope.per_s * per_hour:+.1f} MiB/h"
            for name, slope in flatness.rss_bytes_by_process.items()
            if slope.per_s * per_hour >= TOLD_MIB_PER_HOUR
        ),
        f"step: {step.per_s * step_per_hour:+.2f} ms/h (95 %: {step.low_per_s * step_per_hour:+.2f}"
        f" to {step.high_per_s * step_per_hour:+.2f}; n={step.num_samples})",
        f"step p99, {_compared(flatness.step_p99_s)}",
        f"lag p99, {_compared(flatness.lag_p99_s)}",
    )


def _compared(tenths: FirstAgainstLast) -> str:
    return f"first and last tenth: {tenths.first * MS:.1f} and {tenths.last * MS:.1f} ms (n={tenths.num_samples} each)"


app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)


@app.command()
def main(
    seconds: Annotated[float, typer.Option(min=120.0, help="Length of the session.")] = 600.0,
    local: Annotated[bool, typer.Option(help="All of the service in one process, without Ray.")] = False,
    model: Annotated[str, typer.Option(help="Another model than the service's default.")] = "",
) -> None:
    """Play for long, and look for drift."""
    writer = ResultWriter(console=Console(), hardware=describe_hardware(), commit=commit())
    config = ServiceConfig(log=ROOT / "out" / "bench" / "service.log", arguments=service_arguments(local, model))
    with RunningService(config) as service:
        result = bench_soak(service, seconds)
    writer.write(result)
    raise typer.Exit(1 if result.faults or service.faults else 0)


if __name__ == "__main__":
    app()
