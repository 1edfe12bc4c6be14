"""Milliseconds per chunk, by stage, on so many threads."""

from __future__ import annotations

import numpy as np

from bench.evaluation.measure import Measure, at_most, reported
from bench.evaluation.player import Player
from bench.evaluation.stability import stroll

SECONDS = 30.0
SHARE = 0.7  # of a chunk's duration: 30 % to spare


def speed_measures(player: Player) -> list[Measure]:
    chunk_s = player.info.chunk_duration_s
    script = list(stroll(player.chunks(SECONDS), chunk_s))
    played = player.play(player.from_text(5, "a street on a clear day"), script)
    # The first chunks of a process allocate and choose kernels.
    seconds = {stage: np.array(values[5:]) for stage, values in played.seconds.items()}
    parts = {stage: float(1e3 * values.mean()) for stage, values in seconds.items()}
    total_ms = sum(parts.values())
    p95_ms = float(1e3 * np.percentile(seconds["transformer"], 95))
    return [
        at_most("speed: all stages, mean per chunk", total_ms, SHARE * 1e3 * chunk_s, "ms", len(script), **parts),
        reported("speed: transformer, p95", p95_ms, "ms", len(seconds["transformer"])),
    ]
