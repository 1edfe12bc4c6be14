"""One session alone: how long its chunks take, how soon the first comes, and what it holds in memory."""

from __future__ import annotations

import gc
import math
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import NamedTuple

import torch

from bench.engine.counting import Work, count_work, total
from bench.engine.device import Device
from bench.engine.loop import AUDIO, CHUNK, TRANSFORMER, VIDEO, ModelLoop, Session, StageTimes
from bench.statistics import percentile
from model.interface import Model
from model.pages import PoolEmptyError

MS = 1_000
SEED = 7
# Kernels are chosen and caches filled in the first chunks of a process.
WARM_UP_CHUNKS = 10
# On a GPU, and in the embedded model's pool.
OUT_OF_MEMORY = (torch.OutOfMemoryError, PoolEmptyError)
# So many are timed however long they take: a median of fewer says little.
LEAST_CHUNKS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Milliseconds:
    median: float
    p95: float
    p99: float
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SoloFigures:
    """Of chunks made one after the other, as fast as they come."""

    ms_by_stage: dict[str, Milliseconds]
    frames_per_s: float
    times_real_time: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstFrame:
    """Cold: from loading the weights, in a process that has imported the code. Warm: words encoded, a session opened,
    its first chunk made and decoded, in a process that did so before."""

    cold_s: float
    ready_s: float  # of warming up, before a worker says that it is ready
    warm_p50_s: float
    warm_p95_s: float
    num_warm: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    fixed_bytes: int  # what loading all stages took
    warm_bytes: int  # what warming up took beside: buffers that passes run over, for all batch sizes
    warm_sessions: int  # the most that may step together, of those asked for: for more there was no memory
    session_counted_bytes: int  # of one session's tensors, by their shapes
    session_measured_bytes: int | None  # by which each but the first made the device's used memory grow
    num_sessions: int  # that were open at once: as many as were asked for, or as there was memory for


class SessionMemory(NamedTuple):
    """`Memory` has the same of its sessions."""

    counted_bytes: int
    measured_bytes: int | None
    num_sessions: int


def milliseconds_of(seconds: Sequence[float]) -> Milliseconds:
    """Raises ValueError for no seconds at all."""
    median, p95, p99 = (percentile(seconds, percent) for percent in (50, 95, 99))
    if median is None or p95 is None or p99 is None:
        raise ValueError("nothing was timed")
    return Milliseconds(median=median * MS, p95=p95 * MS, p99=p99 * MS, count=len(seconds))


def load_cold(model: Model, device: Device, num_threads: int) -> tuple[ModelLoop, float, int]:
    """All stages, loaded; the seconds until the first frame of a first session; and the bytes loading took."""
    gc.collect()
    before_bytes, start_s = device.used_bytes, device.clock_s()
    loop = ModelLoop(model, num_threads, device.clock_s)
    loaded_bytes = device.used_bytes - before_bytes
    session = loop.open(SEED)
    loop.chunk([session])
    cold_s = device.clock_s() - start_s
    session.close()
    return loop, cold_s, loaded_bytes


def measure_first_frames(loop: ModelLoop, count: int) -> list[float]:
    """Seconds, each for a session of its own."""
    waits_s = []
    for idx in range(count):
        start_s = loop.clock_s()
        session = loop.open(SEED + idx)
        loop.chunk([session])
        waits_s.append(loop.clock_s() - start_s)
        session.close()
    return waits_s


def first_frame_of(cold_s: float, ready_s: float, warm_s: Sequence[float]) -> FirstFrame:
    warm = milliseconds_of(warm_s)
    return FirstFrame(
        cold_s=cold_s, ready_s=ready_s, warm_p50_s=warm.median / MS, warm_p95_s=warm.p95 / MS, num_warm=warm.count
    )


def time_chunks(
    loop: ModelLoop, num_chunks: int, most_s: float = math.inf, least_chunks: int = LEAST_CHUNKS
) -> StageTimes:
    """Of one session, after its first ones; fewer chunks, but no fewer than `least_chunks`, where they would take
    longer than `most_s`."""
    session = warmed_up(loop)
    times = timed(loop, [session], num_chunks, most_s, least_chunks)
    session.close()
    return times


def timed(
    loop: ModelLoop, sessions: Sequence[Session], num_chunks: int, most_s: float, least_chunks: int = LEAST_CHUNKS
) -> StageTimes:
    times, spent_s = StageTimes(), 0.0
    for idx in range(num_chunks):
        _, marks_s = loop.chunk(sessions)
        times.add(marks_s)
        spent_s += marks_s[-1] - marks_s[0]
        if spent_s > most_s and idx + 1 >= least_chunks:
            break
    return times


def warmed_up(loop: ModelLoop, seed: int = SEED) -> Session:
    return play_first(loop, loop.open(seed))


def play_first(loop: ModelLoop, session: Session) -> Session:
    for _ in range(WARM_UP_CHUNKS):
        loop.chunk([session])
    return session


def solo_figures(times: StageTimes, frames_per_chunk: int, frame_rate: float) -> SoloFigures:
    chunk_s = times.seconds[CHUNK]
    frames_per_s = frames_per_chunk * len(chunk_s) / sum(chunk_s)
    return SoloFigures(
        ms_by_stage={name: milliseconds_of(seconds) for name, seconds in times.seconds.items()},
        frames_per_s=frames_per_s,
        times_real_time=frames_per_s / frame_rate,
    )


def measure_sessions(loop: ModelLoop, device: Device, num_sessions: int) -> SessionMemory:
    """What each of so many, or of as many as there is memory for, holds after its first chunks. The one that is opened
    before them has what others left, and whatever is made once; later on, a model has theirs to give away."""
    with ExitStack() as opened:
        first = _kept(opened, loop, SEED)
        gc.collect()
        before_bytes, sessions = device.used_bytes, [first]
        with suppress(*OUT_OF_MEMORY):
            for idx in range(num_sessions):
                sessions.append(_kept(opened, loop, SEED + 1 + idx))
        gc.collect()
        grown_bytes, num_more = device.used_bytes - before_bytes, len(sessions) - 1
        return SessionMemory(
            counted_bytes=max(session.counted_bytes for session in sessions),
            measured_bytes=grown_bytes // num_more if num_more else None,
            num_sessions=len(sessions),
        )


def _kept(opened: ExitStack, loop: ModelLoop, seed: int) -> Session:
    """Warmed up, and open as long as the others."""
    session = loop.open(seed)
    opened.callback(session.close)
    return play_first(loop, session)


def warm_up_most(loop: ModelLoop, sizes: Sequence[int]) -> tuple[int, float]:
    """Of these numbers of sessions the largest that there is memory for, and the seconds it took, as it does before a
    worker is ready. Raises torch.OutOfMemoryError where there is too little for the smallest."""
    *more, least = sorted(sizes, reverse=True)
    for size in more:
        with suppress(*OUT_OF_MEMORY):
            return size, loop.warm_up(size)
    return least, loop.warm_up(least)


def count_chunks(loop: ModelLoop, num_chunks: int) -> dict[str, Work]:
    """What a chunk's stages have to do, on average over the same chunks that `time_chunks` times first."""
    session = warmed_up(loop)
    works: dict[str, list[Work]] = {TRANSFORMER: [], VIDEO: [], AUDIO: []}
    for _ in range(num_chunks):
        _count_chunk(loop, session, works)
    return {stage: total(each).per(num_chunks) for stage, each in works.items()}


def _count_chunk(loop: ModelLoop, session: Session, works: dict[str, list[Work]]) -> None:
    controls = [loop.controls(session.state.next_chunk_idx)]
    made = []
    works[TRANSFORMER].append(count_work(lambda: made.extend(loop.transformer.step([session.state], controls))))
    works[VIDEO].append(count_work(lambda: loop.video.decode(session.video, made[0].video)))
    works[AUDIO].append(count_work(lambda: loop.audio.decode(session.audio, made[0].audio)))
