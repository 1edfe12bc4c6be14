"""One contract for every way latents can take."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import numpy as np
import pytest

from serving.errors import NacreError, WorkerUnavailableError
from serving.sessions.encoded import DecodedPart
from serving.stages.decoder import DecoderStage
from serving.stages.host import StageHost, WorkerConfig
from serving.stages.outbox import Outbox
from serving.stages.stage import DECODERS
from serving.stages.transport import DecoderOpening, InProcessTransport, LatentTransport, StreamTransport
from tests.fakes_model import FakeModel
from tests.integration.stages.play import WAIT_S, eventually
from tests.unit.serving.stages.test_decoder import latents

OPENING = DecoderOpening(session_id="a", seed=3)


class PartOutbox(Outbox[DecodedPart]):
    """A listener on the decoder's thread whose parts are read on the loop."""

    def decoded(self, part: DecodedPart) -> None:
        self.put_threadsafe(part)

    def closed(self) -> None:
        self.end_threadsafe()


@dataclass(slots=True, kw_only=True)
class Wire:
    transport: LatentTransport
    stage: DecoderStage


@pytest.fixture(params=["in process", "stream"])
async def wire(request: pytest.FixtureRequest) -> AsyncIterator[Wire]:
    host = StageHost(FakeModel(), WorkerConfig(stages=DECODERS))
    await host.load()
    await host.listen()
    assert host.decoder is not None
    is_stream = request.param == "stream"
    transport = StreamTransport(host.stream_address) if is_stream else InProcessTransport(host.decoder)
    yield Wire(transport=transport, stage=host.decoder)
    await host.close()


def ignore(message: str) -> None: ...


async def test_latents_arrive_in_order_and_unchanged(wire: Wire) -> None:
    parts = PartOutbox()
    wire.stage.watch("a", parts)
    model = FakeModel()
    decoder = model.load_video_decoder()
    cache = decoder.open(OPENING.seed)
    async with wire.transport.connect(OPENING, ignore) as link, asyncio.timeout(WAIT_S):
        for chunk_idx in range(20):
            link.send(latents(chunk_idx))
        for chunk_idx in range(20):
            part = await parts.get()
            assert part is not None
            assert part.header.chunk_idx == chunk_idx
            expected = decoder.decode(cache, latents(chunk_idx).video or {})
            np.testing.assert_array_equal(part.frames_FHWC, expected)


async def test_a_snapshot_is_taken_between_the_chunks_around_it(wire: Wire) -> None:
    parts = PartOutbox()
    wire.stage.watch("a", parts)
    async with wire.transport.connect(OPENING, ignore) as link, asyncio.timeout(WAIT_S):
        link.send(latents(0))
        link.request_snapshot()
        link.send(latents(1))
        caches = await link.read_snapshot()
        await parts.get()
        uninterrupted = await parts.get()
    restored_parts = PartOutbox()
    wire.stage.watch("b", restored_parts)
    restored_opening = DecoderOpening(session_id="b", seed=3, caches=caches)
    async with wire.transport.connect(restored_opening, ignore) as link, asyncio.timeout(WAIT_S):
        link.send(latents(1))
        restored = await restored_parts.get()
    assert uninterrupted is not None
    assert restored is not None
    np.testing.assert_array_equal(restored.frames_FHWC, uninterrupted.frames_FHWC)
    np.testing.assert_array_equal(restored.samples_SC, uninterrupted.samples_SC)


async def test_leaving_the_block_closes_the_session_at_the_worker(wire: Wire) -> None:
    lost = Outbox[str]()
    async with wire.transport.connect(OPENING, lost.put):
        assert wire.stage.num_sessions == 1
    await eventually(lambda: wire.stage.num_sessions == 0)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await lost.get()  # it was our own doing


async def test_a_decoder_that_fails_is_reported(wire: Wire) -> None:
    lost = Outbox[str]()
    async with wire.transport.connect(OPENING, lost.put) as link, asyncio.timeout(WAIT_S):
        link.send(latents(0, is_broken=True))
        assert "failed" in str(await lost.get())
        link.send(latents(1))  # of no effect


async def test_caches_that_cannot_be_restored_are_an_error_of_ours(wire: Wire) -> None:
    broken = DecoderOpening(session_id="a", seed=3, caches={"video_decoder": {"no such": np.ones(1)}})
    with pytest.raises(WorkerUnavailableError):
        async with wire.transport.connect(broken, ignore):
            pass
    assert wire.stage.num_sessions == 0


async def test_a_snapshot_of_a_session_that_is_gone_is_an_error_of_ours(wire: Wire) -> None:
    async with wire.transport.connect(OPENING, ignore) as link, asyncio.timeout(WAIT_S):
        wire.stage.close("a")
        link.request_snapshot()
        with pytest.raises(NacreError):
            await link.read_snapshot()
