"""Every way, for small latents and for large ones."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import numpy as np

from bench.results import Result
from bench.service import ServiceError
from bench.transports.measure import Hop, measure_here, measure_there, sink_process
from bench.transports.sink import start_sink
from model.interface import ChunkControls, Tensors
from serving.models import load_model
from serving.stages.routes import Route

SMALL_MODEL = "pearl-xs"
# Three latent frames of 480x832 at a stride of 8, 16 channels, single precision: a chunk of Wan 2.1 (12 frames).
LARGE_NAME, LARGE_SHAPE = "480x832, 12 frames", (3, 16, 60, 104)
ROUTES = (Route.SHARED_MEMORY, Route.STREAM, Route.GRPC, Route.GLOO)
KIB = 1 << 10


def bench_transports(num_chunks: int, routes: Sequence[Route] = ROUTES) -> Result:
    hops: list[Hop] = []
    faults: list[str] = []
    for name, tensors in _latents().items():
        hops.append(asyncio.run(_here(name, tensors, num_chunks)))
        for route in routes:
            try:
                with sink_process(route) as address:
                    hops.append(asyncio.run(measure_there(route, address, name, tensors, num_chunks)))
            except ServiceError as error:
                faults.append(str(error))
    return Result(
        benchmark="transports",
        model=SMALL_MODEL,
        settings={"chunks": num_chunks},
        figures={"hops": hops},
        summary=tuple(map(sentence, hops)),
        faults=tuple(faults),
    )


def sentence(hop: Hop) -> str:
    times = (
        f"p50 {hop.p50_ms:.2f} ms, p95 {hop.p95_ms:.2f} ms; the sender's processor {hop.sender_cpu_ms:.2f} ms a chunk"
    )
    return f"{hop.latents} ({hop.num_bytes / KIB:.0f} KiB), {hop.route.replace('_', ' ')}: {times} (n={hop.num_chunks})"


def _latents() -> Mapping[str, Tensors]:
    transformer = load_model(SMALL_MODEL).load_transformer()
    chunk = transformer.step([transformer.open(1, None, None)], [ChunkControls()])[0]
    large = np.random.default_rng(1).standard_normal(LARGE_SHAPE, dtype=np.float32)
    return {SMALL_MODEL: chunk.video, LARGE_NAME: {"latents": large}}


async def _here(name: str, tensors: Tensors, num_chunks: int) -> Hop:
    host = await start_sink(Route.AUTO)
    try:
        assert host.decoder is not None, "a sink decodes"
        return await measure_here(host.decoder, name, tensors, num_chunks)
    finally:
        await host.close()
