"""Milliseconds per chunk, by stage, on so many threads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from bench.evaluation.measure import Measure, at_most, reported
from bench.evaluation.player import Player
from bench.evaluation.stability import stroll

SECONDS = 30.0
SHARE = 0.7  # of a chunk's duration: 30 % to spare
THREADS = (1, 2)
NUM_WARM_UP_CHUNKS = 5  # the first chunks of a process allocate and choose kernels


def speed_measures(player: Player, num_threads: int = 1) -> list[Measure]:
    """The aim is for `num_threads`, as all else here is played with; other numbers of threads are reported."""
    chunk_s = player.info.chunk_duration_s
    script = list(stroll(player.chunks(SECONDS), chunk_s))
    start = player.from_text(5, "a street on a clear day")
    measures: list[Measure] = []
    for threads in sorted({*THREADS, num_threads}):
        torch.set_num_threads(threads)
        played = player.play(start, script)
        measures += stage_measures(played.seconds, threads, SHARE * chunk_s if threads == num_threads else None)
    torch.set_num_threads(num_threads)
    return measures


def stage_measures(
    seconds_by_stage: Mapping[str, Sequence[float]], num_threads: int, at_most_s: float | None
) -> list[Measure]:
    """Of one play, chunk by chunk; no aim where `at_most_s` is None."""
    ms = {stage: 1e3 * np.array(values[NUM_WARM_UP_CHUNKS:]) for stage, values in seconds_by_stage.items()}
    parts = {stage: float(values.mean()) for stage, values in ms.items()}
    total_ms, num_chunks = sum(parts.values()), len(ms["transformer"])
    on = f"{num_threads} thread{'s' if num_threads > 1 else ''}"
    name = f"speed: all stages on {on}, mean per chunk"
    return [
        reported(name, total_ms, "ms", num_chunks, **parts)
        if at_most_s is None
        else at_most(name, total_ms, 1e3 * at_most_s, "ms", num_chunks, **parts),
        reported(f"speed: transformer on {on}, p95", float(np.percentile(ms["transformer"], 95)), "ms", num_chunks),
    ]
