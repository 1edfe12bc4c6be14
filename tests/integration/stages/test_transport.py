"""One contract for every way latents can take."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from queue import Queue
from typing import Any, cast

import numpy as np
import pytest
import torch

from model.interface import FramesFHWC, Tensors
from serving.errors import NacreError, WorkerUnavailableError
from serving.sessions.encoded import DecodedPart, LatentChunk
from serving.stages import codec, decoder_connection, group, group_lane
from serving.stages.decoder import Decoders, DecoderStage
from serving.stages.group_lane import GroupReceiver
from serving.stages.host import StageHost, WorkerConfig
from serving.stages.outbox import Outbox
from serving.stages.routes import Route, transport_by
from serving.stages.shared_memory import NAME_PREFIX
from serving.stages.stage import DECODERS
from serving.stages.transport import DecoderOpening, InProcessTransport, LatentTransport
from serving.wire.plane_pb2 import ProcessGroup
from tests.fakes_model import FakeModel, FakeVideoDecoder, noise
from tests.fakes_nccl import use_fake_nccl
from tests.integration.stages.play import WAIT_S, eventually
from tests.unit.serving.stages.test_decoder import latents

OPENING = DecoderOpening(session_id="a", seed=3)


class PartOutbox(Outbox[DecodedPart]):
    """A listener on the decoder's thread whose parts are read on the loop."""

    def decoded(self, part: DecodedPart) -> None:
        self.put_threadsafe(part)

    def closed(self) -> None:
        self._loop.call_soon_threadsafe(self.end)


@dataclass(slots=True, kw_only=True)
class Wire:
    transport: LatentTransport
    stage: DecoderStage


LANES = (Route.SHARED_MEMORY, Route.GLOO)
NUM_GPUS = torch.cuda.device_count()
NCCL = pytest.param(
    Route.NCCL, marks=pytest.mark.skipif(NUM_GPUS < 2, reason=f"NCCL wants a GPU for each end; torch sees {NUM_GPUS}")
)


@pytest.fixture(params=[None, Route.STREAM, Route.GRPC, *LANES, NCCL], ids=lambda route: route or "in process")
async def wire(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Wire]:
    if request.param == Route.NCCL:
        monkeypatch.setattr(group_lane, "GroupReceiver", partial(on_another_gpu, GroupReceiver))
    async with decoder_worker(request.param) as wire:
        yield wire


def on_another_gpu(receiver: type[GroupReceiver], message: ProcessGroup) -> GroupReceiver:
    """As a worker in a process of its own does; here both ends are in one."""
    torch.cuda.set_device(1)
    return receiver(message)


@asynccontextmanager
async def decoder_worker(route: Route | None) -> AsyncIterator[Wire]:
    """And the way to it; without a route, as if it were here."""
    host = StageHost(FakeModel(), WorkerConfig(stages=DECODERS, latents=route or Route.AUTO))
    await host.load()
    await host.listen()
    assert host.decoder is not None
    here = InProcessTransport(host.decoder)
    transport = here if route is None else transport_by(route, host.stream_address, "127.0.0.1")
    try:
        yield Wire(transport=transport, stage=host.decoder)
    finally:
        await host.close()


@asynccontextmanager
async def decoder_worker_elsewhere(route: Route) -> AsyncIterator[Wire]:
    """On a loop of its own, as in another process: what waits here does not keep it from answering."""
    ready: Future[Wire] = Future()
    loop = asyncio.new_event_loop()
    done = asyncio.Event()

    async def run() -> None:
        async with decoder_worker(route) as wire:
            ready.set_result(wire)
            await done.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
    thread.start()
    try:
        yield await asyncio.wrap_future(ready)
    finally:
        loop.call_soon_threadsafe(done.set)
        await asyncio.to_thread(thread.join)
        loop.close()


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


class Seen(FakeVideoDecoder):
    """Keeps what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[Any] = []

    def decode(self, cache: Any, video: Tensors) -> FramesFHWC:
        self.given.append(video["latents"])
        return super().decode(cache, {"latents": np.asarray(video["latents"])})


async def test_latents_that_are_tensors_stay_where_they_are_in_one_process() -> None:
    """The very tensor, no copy; a way that carries bytes makes an array of it."""
    parts, seen = PartOutbox(), Seen()
    stage, tensor = DecoderStage(Decoders(video=seen)), torch.from_numpy(noise(1, 0, (2, 80, 128)))
    chunk = replace(latents(0), video=cast("Tensors", {"latents": tensor}), audio=None)
    stage.watch("a", parts)
    async with InProcessTransport(stage).connect(OPENING, ignore) as link, asyncio.timeout(WAIT_S):
        link.send(chunk)
        assert await parts.get() is not None
    await asyncio.to_thread(stage.stop)
    assert seen.given[0] is tensor


async def test_latents_that_are_tensors_arrive_unchanged(wire: Wire) -> None:
    parts = PartOutbox()
    wire.stage.watch("a", parts)
    decoder = FakeVideoDecoder()
    cache = decoder.open(OPENING.seed)
    async with wire.transport.connect(OPENING, ignore) as link, asyncio.timeout(WAIT_S):
        for chunk_idx in range(12):  # a lane is taken on the way
            chunk = latents(chunk_idx)
            assert chunk.video is not None
            tensors = {"latents": torch.from_numpy(chunk.video["latents"])}
            link.send(replace(chunk, video=cast("Tensors", tensors)))
            part = await parts.get()
            assert part is not None
            np.testing.assert_array_equal(part.frames_FHWC, decoder.decode(cache, chunk.video))


@pytest.mark.parametrize("is_on_loop", [True, False], ids=["on the loop", "on a thread"])
async def test_a_snapshot_is_taken_between_the_chunks_around_it(wire: Wire, is_on_loop: bool) -> None:
    parts = PartOutbox()
    wire.stage.watch("a", parts)
    async with wire.transport.connect(OPENING, ignore) as link, asyncio.timeout(WAIT_S):

        def send() -> None:
            link.send(latents(0))
            link.request_snapshot()
            link.send(latents(1))

        if is_on_loop:
            send()
        else:
            await asyncio.to_thread(send)
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


async def test_in_one_process_latents_wait_for_no_event_loop() -> None:
    decoded = threading.Event()

    class Told(PartOutbox):
        def decoded(self, part: DecodedPart) -> None:
            decoded.set()

    async with decoder_worker(None) as wire, wire.transport.connect(OPENING, ignore) as link:
        wire.stage.watch("a", Told())
        threading.Thread(target=link.send, args=(latents(0),)).start()
        assert decoded.wait(WAIT_S)  # the loop stands still meanwhile


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


@pytest.mark.parametrize("route", LANES)
async def test_once_a_lane_is_taken_latents_are_no_longer_sent_as_bytes(
    route: Route, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts, decoder = PartOutbox(), FakeModel().load_video_decoder()
    cache = decoder.open(OPENING.seed)
    async with decoder_worker(route) as wire, asyncio.timeout(WAIT_S):
        wire.stage.watch("a", parts)
        async with wire.transport.connect(OPENING, ignore) as link:
            link.send(latents(0))
            await eventually(lambda: link._lane.is_ready)  # pyright: ignore[reportAttributeAccessIssue]
            monkeypatch.setattr(codec, "latents_to_wire", refuse_bytes)
            for chunk_idx in range(25):  # more than a ring has slots
                if chunk_idx:
                    link.send(latents(chunk_idx))
                part = await parts.get()
                assert part is not None
                expected = decoder.decode(cache, latents(chunk_idx).video or {})
                np.testing.assert_array_equal(part.frames_FHWC, expected)


class WaitingGroup:
    """A group whose sender waits until the other end receives, as NCCL's does when it connects."""

    received: Queue[int] = Queue()  # of the one session of its test: both ends are in this process

    def __init__(self, group: Any) -> None:
        self._group = group

    def __getattr__(self, name: str) -> Any:
        return getattr(self._group, name)

    def send(self, tensors: list[torch.Tensor], rank: int, number: int) -> Any:
        assert self.received.get(timeout=WAIT_S / 4) == number
        return self._group.send(tensors, rank, number)

    def recv(self, tensors: list[torch.Tensor], rank: int, number: int) -> Any:
        self.received.put(number)
        return self._group.recv(tensors, rank, number)


async def test_latents_that_go_from_device_to_device_arrive_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_nccl(monkeypatch)
    parts, decoder = PartOutbox(), FakeVideoDecoder()
    cache = decoder.open(OPENING.seed)
    async with decoder_worker(Route.NCCL) as wire, asyncio.timeout(WAIT_S):
        wire.stage.watch("a", parts)
        async with wire.transport.connect(OPENING, ignore) as link:
            link.send(latents(0))
            await eventually(lambda: link._lane.is_ready)  # pyright: ignore[reportAttributeAccessIssue]
            monkeypatch.setattr(codec, "latents_to_wire", refuse_bytes)
            for chunk_idx in range(1, 6):
                video = {"latents": torch.from_numpy((latents(chunk_idx).video or {})["latents"])}
                link.send(replace(latents(chunk_idx), video=cast("Tensors", video)))
            for chunk_idx in range(6):
                part = await parts.get()
                assert part is not None
                expected = decoder.decode(cache, latents(chunk_idx).video or {})
                np.testing.assert_array_equal(part.frames_FHWC, expected)


async def test_latents_are_announced_before_the_sender_waits_for_their_receiver(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parts, join = PartOutbox(), group._join
    monkeypatch.setattr(group, "_join", lambda *arguments: WaitingGroup(join(*arguments)))
    async with decoder_worker_elsewhere(Route.GLOO) as wire, asyncio.timeout(WAIT_S):
        wire.stage.watch("a", parts)
        async with wire.transport.connect(OPENING, ignore) as link:
            link.send(latents(0))
            await eventually(lambda: link._lane.is_ready)  # pyright: ignore[reportAttributeAccessIssue]
            monkeypatch.setattr(codec, "latents_to_wire", refuse_bytes)
            for chunk_idx in range(1, 4):
                link.send(latents(chunk_idx))
            parts_held = [await parts.get() for _ in range(4)]
            assert [part and part.header.chunk_idx for part in parts_held] == [0, 1, 2, 3]


def refuse_bytes(chunk: LatentChunk) -> None:
    raise AssertionError(f"chunk {chunk.header.chunk_idx} was sent as bytes")


async def test_a_lane_that_is_full_or_too_small_lets_bytes_go_the_other_way(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = PartOutbox()
    async with decoder_worker(Route.SHARED_MEMORY) as wire, asyncio.timeout(WAIT_S):
        wire.stage.watch("a", parts)
        async with wire.transport.connect(OPENING, ignore) as link:
            link.send(latents(0))
            lane = link._lane  # pyright: ignore[reportAttributeAccessIssue]
            await eventually(lambda: lane.is_ready)
            monkeypatch.setattr(lane._ring, "empty_slot", lambda: None)
            for chunk_idx in range(1, 4):
                link.send(latents(chunk_idx))
            parts_held = [await parts.get() for _ in range(4)]
            assert [part and part.header.chunk_idx for part in parts_held] == [0, 1, 2, 3]


async def test_a_worker_that_cannot_have_the_lane_gets_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another container: the same address, and no such process there."""

    async def refuse(offer: object) -> None:
        return None

    monkeypatch.setattr(decoder_connection, "open_lane", refuse)
    parts = PartOutbox()
    async with decoder_worker(Route.SHARED_MEMORY) as wire, asyncio.timeout(WAIT_S):
        wire.stage.watch("a", parts)
        async with wire.transport.connect(OPENING, ignore) as link:
            for chunk_idx in range(12):
                link.send(latents(chunk_idx))
                part = await parts.get()
                assert part is not None
                assert part.header.chunk_idx == chunk_idx
            assert link._lane is None  # pyright: ignore[reportAttributeAccessIssue]
            assert not mapped_rings()


@pytest.mark.skipif(group.is_supported(group.NCCL), reason="NCCL is here")
async def test_a_way_that_is_not_to_be_had_here_leaves_the_bytes() -> None:
    parts = PartOutbox()
    async with decoder_worker(Route.NCCL) as wire, asyncio.timeout(WAIT_S):
        wire.stage.watch("a", parts)
        async with wire.transport.connect(OPENING, ignore) as link:
            for chunk_idx in range(3):
                link.send(latents(chunk_idx))
                assert await parts.get() is not None
            assert link.is_lane_settled  # pyright: ignore[reportAttributeAccessIssue]


async def test_memory_is_given_back_with_the_session() -> None:
    parts = PartOutbox()
    async with decoder_worker(Route.SHARED_MEMORY) as wire, asyncio.timeout(WAIT_S):
        wire.stage.watch("a", parts)
        async with wire.transport.connect(OPENING, ignore) as link:
            link.send(latents(0))
            await eventually(lambda: link._lane.is_ready)  # pyright: ignore[reportAttributeAccessIssue]
            assert mapped_rings()
        await eventually(lambda: not mapped_rings())


def mapped_rings(process: str = "self") -> list[str]:
    """Where a process has shared memory of ours, or a descriptor of it."""
    maps = Path(f"/proc/{process}/maps").read_text().splitlines()
    files = [os.readlink(each) for each in Path(f"/proc/{process}/fd").iterdir() if each.is_symlink()]
    return [line for line in (*maps, *files) if NAME_PREFIX in line]
