"""Minutes of one session: do step time and memory stay as they are?"""

from __future__ import annotations

import gc
from collections.abc import Sequence
from dataclasses import dataclass

from bench.engine.device import CPU, Device, resident_bytes
from bench.engine.loop import CHUNK, ModelLoop, StageTimes
from bench.engine.solo import warmed_up
from bench.statistics import FirstAgainstLast, Slope, first_against_last, fit_slope

SAMPLE_EVERY_S = 2.0
# Allocators and windows fill for the first while; flatness is asked of what follows.
SETTLED_SHARE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class MemorySample:
    time_s: float
    used_bytes: int
    host_bytes: int | None = None  # resident, where those are another device's


@dataclass(frozen=True, slots=True, kw_only=True)
class Flatness:
    num_chunks: int
    used_bytes: Slope
    host_bytes: Slope | None  # resident, where those are another device's
    chunk_p50_s: FirstAgainstLast
    chunk_p99_s: FirstAgainstLast


def run_flat(loop: ModelLoop, device: Device, seconds: float) -> tuple[StageTimes, list[MemorySample]]:
    """Chunk after chunk, as fast as they come."""
    session, times, samples = warmed_up(loop), StageTimes(), []
    start_s = sampled_s = loop.clock_s()
    while (now_s := loop.clock_s()) - start_s < seconds:
        _, marks_s = loop.chunk([session])
        times.add(marks_s)
        if now_s - sampled_s >= SAMPLE_EVERY_S:
            gc.collect(0)
            host_bytes = None if device.kind == CPU else resident_bytes()
            samples.append(MemorySample(time_s=now_s - start_s, used_bytes=device.used_bytes, host_bytes=host_bytes))
            sampled_s = now_s
    return times, samples


def flatness_of(times: StageTimes, samples: Sequence[MemorySample]) -> Flatness:
    """After the first tenth. Raises ValueError for a run too short to tell."""
    settled = samples[round(len(samples) * SETTLED_SHARE) :]
    chunk_s = times.seconds[CHUNK]
    chunk_s = chunk_s[round(len(chunk_s) * SETTLED_SHARE) :]
    times_s = [each.time_s for each in settled]
    host = [float(each.host_bytes) for each in settled if each.host_bytes is not None]
    return Flatness(
        num_chunks=len(times.seconds[CHUNK]),
        used_bytes=fit_slope(times_s, [float(each.used_bytes) for each in settled]),
        host_bytes=fit_slope(times_s, host) if host else None,
        chunk_p50_s=first_against_last(chunk_s, 50),
        chunk_p99_s=first_against_last(chunk_s, 99),
    )
