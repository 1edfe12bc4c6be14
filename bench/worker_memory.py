"""What a worker's memory does while it plays: every stage in this process, chunk after chunk as quickly as they are
made. What grows with chunks shows in minutes, and by what it is kept: the allocator's own figures tell what is in use
from what is only not given back."""

from __future__ import annotations

import asyncio
import os
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import psutil

from bench.results import Result
from bench.script import STREET, Cue, Say, Turn, Walk
from bench.statistics import Slope, fit_slope
from model.interface import AudioDecoder, Encoder, Model, ModelInfo, Transformer, VideoDecoder
from observability.heap import Heap, read_heap
from serving.allocator import bound_memory
from serving.catalogue.plane import catalogued
from serving.catalogue.storage import prepare_storage, storage_config
from serving.config import ServiceConfig
from serving.local import LocalPlane
from serving.models import load_model
from serving.sessions.contract import Control, ControlKind, DecodedChunk, Directive, Look, Move, SessionSpec, WorldSpec
from serving.stages.stage import Stage

# Often enough to see steps, seldom enough to cost nothing.
SAMPLE_EVERY_CHUNKS = 125
AHEAD_CHUNKS = 4
# Two minutes of play: by then every place that a session remembers has been laid down and stored once.
WARM_UP_CHUNKS = 1_500
# The schedule waits for no chunk of a world that runs this much faster than it can be made.
HURRY = 1_000.0
MIB = 1 << 20
SECONDS_PER_HOUR = 3_600


class Hurried:
    """A model whose world is not waited for."""

    def __init__(self, model: Model) -> None:
        self._model = model

    @property
    def info(self) -> ModelInfo:
        return replace(self._model.info, frame_rate=self._model.info.frame_rate * HURRY)

    def load_encoder(self) -> Encoder:
        return self._model.load_encoder()

    def load_transformer(self, num_threads: int = 1) -> Transformer:
        return self._model.load_transformer(num_threads)

    def load_video_decoder(self) -> VideoDecoder:
        return self._model.load_video_decoder()

    def load_audio_decoder(self) -> AudioDecoder:
        return self._model.load_audio_decoder()


@dataclass(frozen=True, slots=True, kw_only=True)
class MemorySample:
    chunk_idx: int
    rss_bytes: int
    in_use_bytes: int  # of the C library's allocator; 0 where it does not say
    unused_bytes: int  # held by it, and not in use
    cpu_s: float
    num_page_faults: int  # without a disk: memory that is taken from the system


def sample_memory(chunk_idx: int) -> MemorySample:
    heap = read_heap() or Heap(in_use_bytes=0, free_bytes=0)
    return MemorySample(
        chunk_idx=chunk_idx,
        rss_bytes=psutil.Process().memory_info().rss,
        in_use_bytes=heap.in_use_bytes,
        unused_bytes=heap.free_bytes,
        cpu_s=time.process_time(),
        num_page_faults=resource.getrusage(resource.RUSAGE_SELF).ru_minflt,
    )


@dataclass(slots=True)
class Street:
    """The street's cues, over and over, each at its chunk."""

    chunk_s: float
    num_sent: int = 0
    _cues: Iterator[tuple[int, Cue]] = field(init=False)
    _next: tuple[int, Cue] = field(init=False)

    def __post_init__(self) -> None:
        self._cues = self._endless()
        self._next = next(self._cues)

    def due(self, chunk_idx: int) -> list[Control]:
        """What is sent once this chunk came."""
        controls = []
        while self._next[0] <= chunk_idx:
            self.num_sent += 1
            kind = _kind_of(self._next[1])
            controls.append(Control(control_id=f"cue-{self.num_sent}", kind=kind, received_s=time.time()))
            self._next = next(self._cues)
        return controls

    def _endless(self) -> Iterator[tuple[int, Cue]]:
        round_idx = 0
        while True:
            for cue in STREET.cues:
                yield int((cue.at_s + round_idx * STREET.duration_s) / self.chunk_s), cue
            round_idx += 1


def _kind_of(cue: Cue) -> ControlKind:
    match cue.action:
        case Walk(forward=forward, strafe=strafe):
            return Move(forward=forward, strafe=strafe)
        case Turn(yaw=yaw, pitch=pitch):
            return Look(yaw=yaw, pitch=pitch)
        case Say(text=text):
            return Directive(text=text)


async def play(model_name: str, num_chunks: int) -> list[MemorySample]:
    model = load_model(model_name)
    with tempfile.TemporaryDirectory(prefix="nacre-memory-") as folder:
        defaults = ServiceConfig(data_folder=folder, model=model_name, degrade=False)
        storage = storage_config(folder, snapshot_every_chunks=defaults.snapshot_every_chunks)
        prepare_storage(storage)
        worker = replace(defaults.worker_config(frozenset(Stage)), storage=storage)
        async with LocalPlane(Hurried(model), worker) as plane, catalogued(plane, storage) as kept:
            world = WorldSpec(model=model_name, seed=7, prompt="a quiet street at dusk")
            link = await kept.open(SessionSpec(session_id="memory", world=world))
            try:
                return await _play(link, Street(model.info.chunk_duration_s), num_chunks)
            finally:
                await link.close()


async def _play(link: Any, street: Street, num_chunks: int) -> list[MemorySample]:
    samples: list[MemorySample] = []
    await link.grant(AHEAD_CHUNKS)
    async for event in link.events():
        if not isinstance(event, DecodedChunk):
            continue
        for control in street.due(event.chunk_idx):
            await link.send(control)
        if event.chunk_idx % SAMPLE_EVERY_CHUNKS == 0:
            samples.append(sample_memory(event.chunk_idx))
        if event.chunk_idx >= num_chunks:
            return samples
        await link.grant(1)
    raise RuntimeError("the session ended before its time")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerMemory:
    """After warming up, by the seconds that the world's clock went on."""

    rss_bytes: Slope
    in_use_bytes: Slope
    cpu_s_per_chunk: float


def summary_of(samples: Sequence[MemorySample], chunk_s: float) -> WorkerMemory:
    settled = [each for each in samples if each.chunk_idx >= WARM_UP_CHUNKS]
    times_s = [each.chunk_idx * chunk_s for each in settled]
    first, last = settled[0], settled[-1]
    return WorkerMemory(
        rss_bytes=fit_slope(times_s, [float(each.rss_bytes) for each in settled]),
        in_use_bytes=fit_slope(times_s, [float(each.in_use_bytes) for each in settled]),
        cpu_s_per_chunk=(last.cpu_s - first.cpu_s) / (last.chunk_idx - first.chunk_idx),
    )


def bench_worker_memory(model: str, num_chunks: int) -> Result:
    bound_memory(os.environ)  # as the service does; an operator's own words stand
    samples = asyncio.run(play(model, num_chunks))
    memory = summary_of(samples, load_model(model).info.chunk_duration_s)
    told = {name: value for name, value in os.environ.items() if name.startswith("MALLOC_")}
    return Result(
        benchmark="worker-memory",
        model=model,
        settings={"chunks": num_chunks, "warm_up_chunks": WARM_UP_CHUNKS, **told},
        figures={"memory": memory, "samples": samples},
        summary=(
            *lines(samples),
            f"resident, after {WARM_UP_CHUNKS} chunks: {_hourly(memory.rss_bytes)}",
            f"in use, after {WARM_UP_CHUNKS} chunks: {_hourly(memory.in_use_bytes)}",
            f"{1_000 * memory.cpu_s_per_chunk:.1f} ms of processor time for a chunk",
        ),
    )


def lines(samples: Sequence[MemorySample]) -> Iterator[str]:
    """A dozen over the whole play: what is held at a chunk, and what one took since the line before."""
    every = max(1, len(samples) // 12)
    for earlier, later in zip(samples[::every], samples[every::every], strict=False):
        num_chunks = later.chunk_idx - earlier.chunk_idx
        cpu_ms = 1_000 * (later.cpu_s - earlier.cpu_s) / num_chunks
        num_faults = (later.num_page_faults - earlier.num_page_faults) / num_chunks
        yield (
            f"chunk {later.chunk_idx:6}: {later.rss_bytes / MIB:7.1f} MiB resident, "
            f"{later.in_use_bytes / MIB:6.1f} in use, {later.unused_bytes / MIB:6.1f} not given back; "
            f"{cpu_ms:.1f} ms and {num_faults:.0f} page faults a chunk"
        )


def _hourly(slope: Slope) -> str:
    low, mean, high = (each * SECONDS_PER_HOUR / MIB for each in (slope.low_per_s, slope.per_s, slope.high_per_s))
    return f"{mean:+.2f} MiB per hour of play (95 %: {low:+.2f} to {high:+.2f}; n={slope.num_samples})"
