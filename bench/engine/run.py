"""Every measurement of one preset, in turn."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import Any

import torch

from bench.engine.ceilings import measure_ceilings
from bench.engine.device import Device
from bench.engine.flatness import Flatness, flatness_of, run_flat
from bench.engine.held import Held, aged, chunks_before, hold
from bench.engine.ladder import measure_ladder, rungs_of
from bench.engine.loop import CHUNK, Loaded, ModelLoop, StageTimes
from bench.engine.pipelined import run_pipelined
from bench.engine.presets import Speed, Subject, benchmark_name
from bench.engine.report import EngineFigures, sentences
from bench.engine.roofline import roofline_of
from bench.engine.solo import (
    LEAST_CHUNKS,
    OUT_OF_MEMORY,
    Memory,
    count_chunks,
    first_frame_of,
    load_cold,
    measure_first_frames,
    measure_sessions,
    solo_figures,
    time_chunks,
    warm_up_most,
)
from bench.results import Result
from serving.errors import WorkerUnavailableError

SECONDS_PER_MINUTE = 60.0
# Counting is slow and exact; the work of a chunk differs little from that of the next.
COUNTED_CHUNKS = 20
# The sizes of steps, and the numbers of sessions that are to be held.
LADDER = (1, 2, 3, 4, 6, 8)


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineBenchConfig:
    device: str = "auto"
    num_threads: int = 1
    chunks: int = 200  # of one session, and of each batch size
    first_frames: int = 20
    ladder: tuple[int, ...] = LADDER
    held_s: float = 20.0  # of each number of sessions; 0 leaves it out
    minutes: float = 10.0  # of the flatness run; 0 leaves it out
    most_s: float = 30.0  # of each timed run of chunks, however many are asked for

    def __post_init__(self) -> None:
        if min(self.chunks, self.first_frames, self.num_threads) < 1:
            raise ValueError("chunks, first_frames and num_threads must be at least 1")
        if not self.ladder or list(self.ladder) != sorted(set(self.ladder)) or self.ladder[0] < 1:
            raise ValueError(f"ladder {self.ladder}: ascending, from 1 on")
        if self.held_s < 0 or self.minutes < 0 or self.most_s <= 0:
            raise ValueError("held_s and minutes must not be negative, and most_s positive")


Say = Callable[[str], None]


def bench_engine(subject: Subject, config: EngineBenchConfig, speed: Speed, say: Say) -> Result:
    """`say` is told what is being done. A model that fails is a fault of the result."""
    device = Device.chosen(config.device)
    torch.set_num_threads(config.num_threads)
    benchmark = benchmark_name(subject.name)
    settings = {**asdict(config), **asdict(speed), "device": device.description}
    try:
        figures = measure(subject, device, config, say)
    except (ValueError, RuntimeError, MemoryError) as error:
        return Result(
            benchmark=benchmark, model=subject.name, settings=settings, figures={}, summary=(), faults=(str(error),)
        )
    return Result(
        benchmark=benchmark,
        model=subject.name,
        settings=settings,
        figures={**_fields(figures), "sessions_held": figures.sessions_held},
        summary=(speed.told, *sentences(figures)),
    )


def measure(subject: Subject, device: Device, config: EngineBenchConfig, say: Say) -> EngineFigures:
    model = subject.load(device.kind)
    info = model.info
    say("loading, and the first frame")
    loop, cold_s, fixed_bytes = load_cold(model, device, config.num_threads)
    say("memory of sessions")
    sessions = measure_sessions(loop, device, max(1, config.ladder[-1] - 1))
    say("warming up")
    before_bytes = device.used_bytes
    fitting = [size for size in config.ladder if size <= sessions.num_sessions]
    warm_sessions, ready_s = warm_up_most(loop, fitting or config.ladder[:1])
    warm_bytes = device.used_bytes - before_bytes
    warm_s = measure_first_frames(loop, config.first_frames)
    say(f"{config.chunks} chunks of one session")
    least_chunks = max(LEAST_CHUNKS, subject.period_chunks)
    times = time_chunks(loop, config.chunks, config.most_s, least_chunks)
    say("decoding beside the next chunk")
    pipelined = run_pipelined(loop, config.chunks, config.most_s, least_chunks)
    say(f"{config.chunks} chunks of {', '.join(map(str, config.ladder))} sessions together")
    ladder = measure_ladder(loop, config.ladder, config.chunks, config.most_s)
    flatness = _flatness(loop, device, config, say)
    say("operations and bytes")
    ceilings = measure_ceilings(device, getattr(torch, subject.dtype))
    num_counted = min(COUNTED_CHUNKS, len(times.seconds[CHUNK]))
    works = count_chunks(loop, num_counted) if subject.count is None else subject.count()
    return EngineFigures(
        width_px=info.width_px,
        height_px=info.height_px,
        frame_rate=info.frame_rate,
        frames_per_chunk=info.frames_per_chunk,
        weights=subject.weights,
        ceilings=ceilings,
        rooflines={
            stage: roofline_of(work, ceilings, _mean_s(times, stage, num_counted)) for stage, work in works.items()
        },
        solo=solo_figures(times, info.frames_per_chunk, info.frame_rate),
        pipelined=pipelined,
        first_frame=first_frame_of(cold_s, ready_s, warm_s),
        memory=Memory(
            fixed_bytes=fixed_bytes,
            warm_bytes=warm_bytes,
            warm_sessions=warm_sessions,
            session_counted_bytes=sessions.counted_bytes,
            session_measured_bytes=sessions.measured_bytes,
            num_sessions=sessions.num_sessions,
        ),
        ladder=rungs_of(ladder, info.frames_per_chunk),
        held=_held(loop, config, subject.period_chunks, say),
        flatness=flatness,
    )


def _held(loop: ModelLoop, config: EngineBenchConfig, period_chunks: int, say: Say) -> tuple[Held, ...]:
    """Up the ladder, until one is not held."""
    if not config.held_s:
        return ()
    past = aged(loop, chunks_before(period_chunks, config.held_s, loop.info.chunk_duration_s))
    found: list[Held] = []
    for size in config.ladder:
        say(f"{size} sessions at the model's rate for {config.held_s:g} s")
        try:
            found.append(asyncio.run(hold(Loaded(loop.info, loop), size, config.held_s, config.num_threads, past)))
        except (*OUT_OF_MEMORY, WorkerUnavailableError):  # the last: a session could not be opened
            break
        if not found[-1].is_held:
            break
    return tuple(found)


def _flatness(loop: ModelLoop, device: Device, config: EngineBenchConfig, say: Say) -> Flatness | None:
    if not config.minutes:
        return None
    say(f"one session for {config.minutes:g} minutes")
    return flatness_of(*run_flat(loop, device, config.minutes * SECONDS_PER_MINUTE))


def _mean_s(times: StageTimes, stage: str, num_counted: int) -> float:
    """Of the chunks that were counted."""
    return statistics.fmean(times.seconds[stage][:num_counted])


def _fields(figures: EngineFigures) -> dict[str, Any]:
    return {each.name: getattr(figures, each.name) for each in fields(figures)}
