"""Several sessions at once: what a common step gains, and how many are served at the model's rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bench.engine.loop import CHUNK, TRANSFORMER, ModelLoop, StageTimes
from bench.engine.solo import MS, SEED, WARM_UP_CHUNKS


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """A batch size, stepped as fast as it goes."""

    num_sessions: int
    step_ms: float  # median, of one step of all
    chunk_ms: float  # median, decoding of all included
    frames_per_s: float  # of all together, decoding included
    against_solo: float  # a step's time by that of as many steps of one; below 1 batching pays


def measure_ladder(loop: ModelLoop, sizes: Sequence[int], num_chunks: int) -> dict[int, StageTimes]:
    found = {}
    for size in sizes:
        sessions = [loop.open(SEED + idx) for idx in range(size)]
        times = StageTimes()
        for idx in range(WARM_UP_CHUNKS + num_chunks):
            _, marks_s = loop.chunk(sessions)
            if idx >= WARM_UP_CHUNKS:
                times.add(marks_s)
        found[size] = times
    return found


def rungs_of(times: dict[int, StageTimes], frames_per_chunk: int) -> tuple[Rung, ...]:
    """Compared with the smallest size, which should be 1."""
    smallest = min(times)
    solo_s = median(times[smallest].seconds[TRANSFORMER]) / smallest
    return tuple(_rung(size, times[size], frames_per_chunk, solo_s) for size in sorted(times))


def _rung(size: int, times: StageTimes, frames_per_chunk: int, solo_s: float) -> Rung:
    step_s, chunk_s = median(times.seconds[TRANSFORMER]), times.seconds[CHUNK]
    return Rung(
        num_sessions=size,
        step_ms=step_s * MS,
        chunk_ms=median(chunk_s) * MS,
        frames_per_s=size * frames_per_chunk * len(chunk_s) / sum(chunk_s),
        against_solo=step_s / (size * solo_s),
    )
