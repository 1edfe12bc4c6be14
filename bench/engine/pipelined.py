"""One session with its decoders beside it, as it is served: chunk t is decoded while chunk t + 1 is made.

Steps are made by this thread and chunks decoded by another, which on a GPU works on a stream of its own
(`model.gpu.streams.DecoderBeside`). No chunk is begun before the one before the last is decoded. On a CPU the two
threads have a core each where there are two, and gain nothing where there is one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bench.engine.loop import ModelLoop, check_chunk
from bench.engine.solo import LEAST_CHUNKS, warmed_up
from model.interface import ChunkLatents

# Libraries make their handles for a thread with what it asks first.
FIRST_CHUNKS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipelined:
    """Chunks of one session, as fast as the slower of its two halves lets them come."""

    num_chunks: int
    seconds: float
    frames_per_s: float
    times_real_time: float


def run_pipelined(
    loop: ModelLoop,
    num_chunks: int,
    most_s: float = math.inf,
    least_chunks: int = LEAST_CHUNKS,
    now_s: Callable[[], float] = time.perf_counter,
) -> Pipelined:
    """After a session's first chunks. `now_s` must not wait for the device: that would keep the halves apart. The time
    is from one chunk's start of decoding to another's, so that neither the first's step nor the last's decoding is
    half of a chunk too many. Raises ValueError for a chunk that is none."""
    session = warmed_up(loop)

    def step() -> ChunkLatents:
        [latents] = loop.transformer.step([session.state], [loop.controls(session.state.next_chunk_idx)])
        return latents

    with ThreadPoolExecutor(1, thread_name_prefix="decoder") as decoder:
        for _ in range(FIRST_CHUNKS):
            decoder.submit(loop.decode, session, step()).result()
        latents = step()
        decoding = decoder.submit(loop.decode, session, latents)
        start_s, made, end_s = now_s(), 0, 0.0
        while made < num_chunks and (made < least_chunks or end_s - start_s <= most_s):
            latents = step()
            decoding.result()
            decoding = decoder.submit(loop.decode, session, latents)
            made, end_s = made + 1, now_s()
        check_chunk(loop.info, latents, decoding.result())
    session.close()
    frames_per_s = loop.info.frames_per_chunk * made / (end_s - start_s)
    return Pipelined(
        num_chunks=made,
        seconds=end_s - start_s,
        frames_per_s=frames_per_s,
        times_real_time=frames_per_s / loop.info.frame_rate,
    )
