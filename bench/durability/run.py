"""All measures of what a session survives, run and told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import grpc.aio
from rich.progress import Progress

import nacre
from bench.durability.alone import (
    measure_forks,
    measure_parking,
    measure_restores,
    measure_rewinds,
    measure_saves,
)
from bench.durability.rig import NUM_WITH_SPARE, SNAPSHOT_EVERY_CHUNKS, Bench, DurabilityConfig, rig
from bench.durability.with_spare import measure_kills, measure_moves
from bench.results import Result

Measure = Callable[[Bench, Progress], Awaitable[dict[str, Any]]]
# With a spare worker to go on with, and without one to be compared with what one worker does.
WITH_SPARE: dict[str, Measure] = {"kills": measure_kills, "moves": measure_moves}
ALONE: dict[str, Measure] = {
    "saves": measure_saves,
    "forks": measure_forks,
    "restores": measure_restores,
    "rewinds": measure_rewinds,
    "parking": measure_parking,
}
# What a person reads of each, as soon as it is measured and again at the end.
SENTENCES = {
    "kills": "{kills} kills: {chunks} chunks, {controls} controls, {controls_lost} lost; recovery p50 "
    "{recovery_p50_s:.2f}, p95 {recovery_p95_s:.2f} s (aim: <= 5 s)",
    "moves": "{moves} moves: longest wait beyond a chunk p50 {delay_p50_s:.3f}, p95 {delay_p95_s:.3f}, "
    "most {delay_max_s:.3f} s (aim: <= {chunk_duration_s:.3f} s); {late_chunks} of {chunks} chunks late",
    "saves": "{saves} saves while playing: {late_chunks} chunks late, {late_chunks_without_saves} in as long "
    "without; save p95 {save_p95_s:.2f} s, {exact_bytes} bytes (aim: <= 20 MB)",
    "forks": "{forks} forks: first frame p50 {first_frame_p50_s:.2f}, p95 {first_frame_p95_s:.2f} s (aim: <= 0.5 s)",
    "restores": "{restores} restores from the store: p50 {restore_p50_s:.2f}, p95 {restore_p95_s:.2f} s "
    "(aim: <= 0.4 s), to the first frame {first_frame_p95_s:.2f} s; exact {exact_bytes}, portable "
    "{portable_bytes} bytes (aims: 20 MB, 1 MB)",
    "rewinds": "{rewinds} times back by {rewind_s:.0f} s: first new frame within {first_frame_max_s:.2f} s "
    "(aim: <= 1 s)",
    "parking": "{parked} sessions parked (aim: >= 64); wake p50 {wake_p50_s:.2f}, p95 {wake_p95_s:.2f} s "
    "(aim: <= 0.3 s), to the first frame {first_frame_p95_s:.2f} s",
}


def bench_durability(config: DurabilityConfig, only: Sequence[str] = ()) -> Result:
    """Raises `ServiceError`. Runs services of its own."""
    figures: dict[str, Any] = {}
    faults: list[str] = []
    with Progress(transient=True) as progress:
        for measures, replicas in ((ALONE, 1), (WITH_SPARE, NUM_WITH_SPARE)):
            wanted = {name: measure for name, measure in measures.items() if not only or name in only}
            if wanted:
                asyncio.run(_measure(config, wanted, replicas, figures, faults, progress))
    return Result(
        benchmark="durability",
        model=config.model,
        settings={"snapshot_every_chunks": SNAPSHOT_EVERY_CHUNKS, "seed": config.seed},
        figures=figures,
        summary=tuple(_sentence(name, figures[name]) for name in SENTENCES if name in figures),
        faults=tuple(faults),
    )


async def _measure(
    config: DurabilityConfig,
    measures: dict[str, Measure],
    replicas: int,
    figures: dict[str, Any],
    faults: list[str],
    progress: Progress,
) -> None:
    async with rig(config, replicas) as bench:
        for name, measure in measures.items():
            try:
                figures[name] = await measure(bench, progress)
                progress.console.print(_sentence(name, figures[name]))
            except (nacre.NacreError, grpc.aio.AioRpcError, TimeoutError, RuntimeError) as error:
                faults.append(f"{name}: {error or type(error).__name__}")
        faults += bench.faults


def _sentence(measure: str, figures: dict[str, Any]) -> str:
    return SENTENCES[measure].format(**figures)
