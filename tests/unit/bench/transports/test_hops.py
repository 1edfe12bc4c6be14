"""What a hop took: arithmetic, and one way measured for real."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from bench.service import ServiceError
from bench.transports.measure import hop_of, measure_there
from bench.transports.run import sentence
from bench.transports.sink import start_sink
from serving.stages.routes import Route

TENSORS = {"latents": np.zeros((2, 256), np.float32)}


def test_a_hop_lasts_from_sending_until_the_decoder_has_it() -> None:
    sent_s = {idx: float(idx) for idx in range(10)}
    arrived_s = {idx: idx + (0.002 if idx < 9 else 0.1) for idx in range(10)}
    hop = hop_of("stream", "a", TENSORS, sent_s, arrived_s, cpu_s=0.05)
    assert hop.p50_ms == pytest.approx(2.0)
    assert hop.p95_ms > 20.0
    assert hop.sender_cpu_ms == pytest.approx(5.0)
    assert hop.num_bytes == 2_048
    assert "p50 2.00 ms" in sentence(hop)


def test_a_chunk_that_did_not_arrive_is_no_fast_chunk() -> None:
    with pytest.raises(ServiceError, match="1 of 2 chunks"):
        hop_of("stream", "a", TENSORS, {0: 0.0, 1: 1.0}, {0: 0.1}, cpu_s=0.0)


def test_a_worker_is_measured_over_its_connection() -> None:
    async def measure() -> None:
        host = await start_sink(Route.SHARED_MEMORY)
        try:
            hop = await measure_there(Route.SHARED_MEMORY, host.stream_address, "a", TENSORS, 5)
        finally:
            await host.close()
        assert hop.num_chunks == 5
        assert 0 < hop.p50_ms < 10_000

    asyncio.run(measure())
