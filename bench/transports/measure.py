"""Chunks sent one by one to a decoder worker: how long until its decoder has them, and what sending takes."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bench.hardware import ROOT
from bench.service import ServiceError
from bench.statistics import percentile
from bench.transports.sink import INFO, time_of
from model.interface import CameraPose, Tensors
from serving.sessions.encoded import ChunkHeader, DecodedPart, LatentChunk
from serving.stages import codec
from serving.stages.decoder import DecoderStage
from serving.stages.pipe import Pipe, connect_pipe
from serving.stages.routes import Route, transport_by
from serving.stages.transport import DecoderOpening, InProcessTransport, LatentLink, LatentTransport
from serving.wire import plane_pb2 as wire

SESSION = "hop"
LOOPBACK = "127.0.0.1"
# Lanes are taken with the first chunks, and everything is slower then.
WARM_UP_CHUNKS = 40
MAX_WARM_UP_CHUNKS = 2_000
# Apart, as chunks are: a queue that builds up would be measured instead of the way.
EVERY_S = 0.01
STOP_TIMEOUT_S = 10.0
MS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """From `send` until the decoder's thread has the latents."""

    route: str
    latents: str
    num_bytes: int
    num_chunks: int
    p50_ms: float
    p95_ms: float
    sender_cpu_ms: float  # of the sending process, for each chunk; its reading of the answers included


@dataclass(slots=True)
class Arrivals:
    """Who watches the session: when each chunk was there. Of a stage in this process, or of a worker's connection."""

    by_chunk: dict[int, float] = field(default_factory=dict)

    def decoded(self, part: DecodedPart) -> None:
        assert part.frames_FHWC is not None, "a sink shows frames"
        self.by_chunk[part.header.chunk_idx] = time_of(part.frames_FHWC)

    def closed(self) -> None: ...

    def received(self, stream: Pipe, data: bytes) -> None:
        response = wire.StreamResponse.FromString(data)
        if response.WhichOneof("message") == "decoded":
            self.decoded(codec.part_from_wire(response.decoded, INFO))

    def lost(self) -> None: ...


def chunk_of(tensors: Tensors, chunk_idx: int) -> LatentChunk:
    pose = CameraPose(x_m=0.0, y_m=0.0, yaw_deg=0.0, pitch_deg=0.0)
    header = ChunkHeader(chunk_idx=chunk_idx, pose=pose, due_s=0.0, num_outcomes_before=0, stage_seconds={})
    return LatentChunk(header=header, video=tensors, audio=None)


def hop_of(
    route: str, name: str, tensors: Tensors, sent_s: dict[int, float], arrived_s: dict[int, float], cpu_s: float
) -> Hop:
    """Raises `ServiceError` where a chunk did not come."""
    if missing := sent_s.keys() - arrived_s.keys():
        raise ServiceError(f"{route}: {len(missing)} of {len(sent_s)} chunks did not arrive")
    waits_s = [arrived_s[idx] - sent_s[idx] for idx in sent_s]
    return Hop(
        route=route,
        latents=name,
        num_bytes=sum(array.nbytes for array in tensors.values()),
        num_chunks=len(waits_s),
        p50_ms=(percentile(waits_s, 50) or 0.0) * MS,
        p95_ms=(percentile(waits_s, 95) or 0.0) * MS,
        sender_cpu_ms=cpu_s / len(waits_s) * MS,
    )


async def measure_here(stage: DecoderStage, name: str, tensors: Tensors, num_chunks: int) -> Hop:
    """The stage in this process."""
    arrivals = Arrivals()
    stage.watch(SESSION, arrivals)
    return await _measure(InProcessTransport(stage), "in process", arrivals, name, tensors, num_chunks)


async def measure_there(route: Route, address: str, name: str, tensors: Tensors, num_chunks: int) -> Hop:
    """A worker in another process."""
    arrivals = Arrivals()
    pipe = await connect_pipe(address, arrivals)
    pipe.send(wire.StreamRequest(watch=wire.Watch(session_id=SESSION)))
    try:
        transport = transport_by(route, address, LOOPBACK)
        return await _measure(transport, str(route), arrivals, name, tensors, num_chunks)
    finally:
        pipe.close()


async def _measure(
    transport: LatentTransport, route: str, arrivals: Arrivals, name: str, tensors: Tensors, num_chunks: int
) -> Hop:
    sent_s: dict[int, float] = {}
    async with transport.connect(DecoderOpening(session_id=SESSION, seed=1), lambda message: None) as link:
        first = await _warm_up(link, tensors, arrivals)
        cpu_s = time.process_time()
        for idx in range(first, first + num_chunks):
            chunk = chunk_of(tensors, idx)
            sent_s[idx] = time.monotonic()
            link.send(chunk)
            await asyncio.sleep(EVERY_S)
        cpu_s = time.process_time() - cpu_s
        await _until(arrivals, first + num_chunks)
    return hop_of(route, name, tensors, sent_s, arrivals.by_chunk, cpu_s)


async def _warm_up(link: LatentLink, tensors: Tensors, arrivals: Arrivals) -> int:
    """Send until whatever the way offers is taken, and all has arrived. Gives the next chunk's index."""
    idx = 0
    while idx < WARM_UP_CHUNKS or (not getattr(link, "is_lane_settled", True) and idx < MAX_WARM_UP_CHUNKS):
        link.send(chunk_of(tensors, idx))
        idx += 1
        await asyncio.sleep(EVERY_S)
    await _until(arrivals, idx)
    return idx


async def _until(arrivals: Arrivals, count: int) -> None:
    for _ in range(round(STOP_TIMEOUT_S / EVERY_S)):
        if len(arrivals.by_chunk) >= count:
            return
        await asyncio.sleep(EVERY_S)


@contextmanager
def sink_process(route: Route) -> Iterator[str]:
    """Its address. Raises `ServiceError`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.transports.sink", route],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        address = process.stdout.readline().strip()
        if not address:
            raise ServiceError(f"the decoder worker for {route} has ended")
        yield address
    finally:
        process.stdin.close()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
