"""Several sessions at once: what a common step gains, and how many are served at the model's rate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median

from bench.engine.loop import CHUNK, TRANSFORMER, ModelLoop, Session, StageTimes
from bench.engine.solo import MS, OUT_OF_MEMORY, SEED, WARM_UP_CHUNKS, timed


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """A batch size, stepped as fast as it goes."""

    num_sessions: int
    step_ms: float  # median, of one step of all
    chunk_ms: float  # median, decoding of all included
    frames_per_s: float  # of all together, decoding included
    against_solo: float  # a step's time by that of as many steps of one; below 1 batching pays


def measure_ladder(
    loop: ModelLoop, sizes: Sequence[int], num_chunks: int, most_s: float = math.inf
) -> dict[int, StageTimes]:
    """As far as there is memory for so many sessions; of each size fewer chunks where they would take longer than
    `most_s`."""
    found: dict[int, StageTimes] = {}
    for size in sizes:
        with ExitStack() as sessions:
            try:
                opened = [_opened(sessions, loop, SEED + idx) for idx in range(size)]
                timed(loop, opened, WARM_UP_CHUNKS, math.inf)
                found[size] = timed(loop, opened, num_chunks, most_s)
            except OUT_OF_MEMORY:
                break
    return found


def _opened(sessions: ExitStack, loop: ModelLoop, seed: int) -> Session:
    session = loop.open(seed)
    sessions.callback(session.close)
    return session


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
