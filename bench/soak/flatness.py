"""What a long session's samples say: slopes, and the first tenth against the last, of what follows on warming up."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bench.scrape import HistogramTotals
from bench.soak.pace import PaceSample
from bench.soak.sampling import SoakSample
from bench.statistics import FirstAgainstLast, Slope, first_against_last, fit_slope

# Flatness is asked of what follows on warming up: until then pages, plans and pools that are used for the first time
# come in. Measured: a worker has all that it uses after two minutes of play (`python -m bench memory`), the rest of
# the service after four; Ray's own processes settle within a quarter of an hour, of which a long session can spare ten
# minutes. Told with the result, with what memory grew by meanwhile.
WARM_UP_S, LONG_WARM_UP_S = 240.0, 600.0
LONG_WARM_UP_SHARE = 1 / 6
SHORT_WARM_UP_SHARE = 0.1  # of a session that is shorter than twice the warm-up
STAGE = "transformer"
# Of the samples that are left: a tenth of them has one interval at least.
MIN_SAMPLES = 21


@dataclass(frozen=True, slots=True, kw_only=True)
class Flatness:
    """Over the session after it warmed up."""

    warm_up_s: float
    warm_up_growth_bytes: int  # of memory, meanwhile
    growth_bytes: int  # of memory, after that: between the medians of its first and its last tenth
    rss_bytes: Slope
    rss_bytes_by_process: Mapping[str, Slope]  # those that were there all the time
    # The same without pages of files: a program that does something for the first time reads more of itself.
    anonymous_bytes: Slope
    anonymous_bytes_by_process: Mapping[str, Slope]
    # What gateways and workers hold of their heaps, by where they tell it; what is free in them is left out.
    heap_bytes_by_endpoint: Mapping[str, Slope]
    step_s: Slope  # of the mean of each sampling interval
    step_p99_s: FirstAgainstLast  # of all steps of a tenth, by the histogram's edges
    # Of the means of sampling intervals, which no edges round.
    step_mean_p50_s: FirstAgainstLast
    step_mean_p99_s: FirstAgainstLast
    # Processor time of the thread that steps, which other programs on the machine lengthen far less than a step:
    # means of sampling intervals. None where no step was counted.
    step_cpu_p50_s: FirstAgainstLast | None
    step_cpu_p99_s: FirstAgainstLast | None
    lag_p99_s: FirstAgainstLast  # of a chunk's arrival behind the session's clock
    # Processor time of one and the same step beside the session, which tells the machine's pace; None where it was not
    # measured. The other one is `step_p99_s` by it: what is left once the machine is taken out.
    pace_p50_s: FirstAgainstLast | None = None
    step_p99_by_pace: FirstAgainstLast | None = None


def flatness_of(samples: Sequence[SoakSample], lags_s: Sequence[float], paces: Sequence[PaceSample] = ()) -> Flatness:
    """`lags_s`: of every chunk, in order. Raises ValueError for a session that was too short to tell."""
    warm_up_s = warm_up_of(samples[-1].time_s - samples[0].time_s) if samples else 0.0
    settled = [each for each in samples if each.time_s - samples[0].time_s >= warm_up_s]
    if len(settled) < MIN_SAMPLES:
        raise ValueError(f"{len(settled)} samples after warming up say nothing; at least {MIN_SAMPLES} do")
    times_s = [each.time_s for each in settled]
    memory = [float(each.rss_bytes) for each in settled]
    tenths = first_against_last(memory, 50)
    steps = [(at_s, totals.sum / totals.count) for at_s, totals in _steps(settled)]
    means_s, cpu_s = [mean_s for _, mean_s in steps], _step_cpu_s(settled)
    step_p99_s, pace_s = _tenths_of_steps(settled, 99), [each.cpu_s for each in paces if each.time_s >= times_s[0]]
    pace_p50_s = first_against_last(pace_s, 50) if len(pace_s) >= MIN_SAMPLES else None
    return Flatness(
        warm_up_s=warm_up_s,
        warm_up_growth_bytes=settled[0].rss_bytes - samples[0].rss_bytes,
        growth_bytes=round(tenths.last - tenths.first),
        rss_bytes=fit_slope(times_s, memory),
        rss_bytes_by_process=_by_process(times_s, [each.rss_bytes_by_process for each in settled]),
        anonymous_bytes=fit_slope(times_s, [float(each.anonymous_bytes) for each in settled]),
        anonymous_bytes_by_process=_by_process(times_s, [each.anonymous_bytes_by_process for each in settled]),
        heap_bytes_by_endpoint=_by_process(
            times_s, [{url: heap.in_use_bytes for url, heap in each.heaps.items()} for each in settled]
        ),
        step_s=fit_slope([at_s for at_s, _ in steps], means_s),
        step_p99_s=step_p99_s,
        step_mean_p50_s=first_against_last(means_s, 50),
        step_mean_p99_s=first_against_last(means_s, 99),
        step_cpu_p50_s=first_against_last(cpu_s, 50) if cpu_s else None,
        step_cpu_p99_s=first_against_last(cpu_s, 99) if cpu_s else None,
        lag_p99_s=first_against_last(lags_s, 99),
        pace_p50_s=pace_p50_s,
        step_p99_by_pace=pace_p50_s and _by(step_p99_s, pace_p50_s),
    )


def _by_process(times_s: Sequence[float], memory: Sequence[Mapping[str, int]]) -> dict[str, Slope]:
    steady = [name for name in memory[0] if all(name in each for each in memory)]
    return {name: fit_slope(times_s, [float(each[name]) for each in memory]) for name in steady}


def _by(steps: FirstAgainstLast, paces: FirstAgainstLast) -> FirstAgainstLast:
    return replace(steps, first=steps.first / paces.first, last=steps.last / paces.last)


def warm_up_of(duration_s: float) -> float:
    """How much of a session is left out at its beginning."""
    if duration_s < 2 * WARM_UP_S:
        return SHORT_WARM_UP_SHARE * duration_s
    return min(LONG_WARM_UP_S, max(WARM_UP_S, LONG_WARM_UP_SHARE * duration_s))


def _steps(samples: Sequence[SoakSample]) -> list[tuple[float, HistogramTotals]]:
    """Between each sample and the next, where there were any."""
    return [
        (later.time_s, totals)
        for earlier, later in itertools.pairwise(samples)
        if (totals := (later.stages - earlier.stages).stages.get(STAGE))
    ]


def _step_cpu_s(samples: Sequence[SoakSample]) -> list[float]:
    """Of a step, between each sample and the next."""
    between = [later.stages - earlier.stages for earlier, later in itertools.pairwise(samples)]
    return [each.step_cpu_s / each.num_steps for each in between if each.num_steps and each.step_cpu_s]


def _tenths_of_steps(samples: Sequence[SoakSample], percent: float) -> FirstAgainstLast:
    steps = [totals for _, totals in _steps(samples)]
    length = len(steps) // 10
    first, last = _together(steps[:length]), _together(steps[-length:])
    return FirstAgainstLast(
        percent=percent,
        first=first.percentile(percent) or 0.0,
        last=last.percentile(percent) or 0.0,
        num_samples=round(last.count),
    )


def _together(totals: Sequence[HistogramTotals]) -> HistogramTotals:
    found = HistogramTotals()
    for each in totals:
        found += each
    return found
