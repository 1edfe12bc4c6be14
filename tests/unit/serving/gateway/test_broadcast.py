from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, cast
from unittest import mock

import numpy as np
import pytest

from model.interface import CameraPose
from serving.gateway.arrivals import Arrival, ArrivalQueue
from serving.gateway.audience import Audience
from serving.gateway.broadcast import Broadcast
from serving.gateway.config import GatewayConfig
from serving.gateway.media import AudioCodec, VideoCodec
from serving.gateway.media_channel import Codecs
from serving.gateway.seats import Shown
from serving.sessions.contract import DecodedChunk
from tests.fakes import fake_info

INFO = fake_info()
RAW = Codecs(video=VideoCodec.VIDEO_CODEC_RAW_RGB, audio=AudioCodec.AUDIO_CODEC_PCM_S16LE)
HOLD_S = 0.1


class Encoding(Executor):
    """In a thread for so long, or at once and on the spot."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.begun_s: list[float] = []
        self.ended_s: list[float] = []
        self._seconds = seconds
        self._threads = ThreadPoolExecutor(1)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.begun_s.append(time.monotonic())
        if self._seconds:
            return self._threads.submit(self._slowly, fn)
        done: Future[Any] = Future()
        done.set_result(fn())
        return done

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._threads.shutdown(wait, cancel_futures=cancel_futures)

    def _slowly(self, fn: Callable[[], Any]) -> Any:
        time.sleep(self._seconds)
        try:
            return fn()
        finally:
            self.ended_s.append(time.monotonic())


class Onlooker:
    """An audience of one that always takes more."""

    credit = 4
    can_take = True

    def __init__(self) -> None:
        self.shown: asyncio.Queue[tuple[Shown, float]] = asyncio.Queue()

    def show(self, shown: Shown) -> None:
        self.shown.put_nowait((shown, time.monotonic()))


def chunk() -> DecodedChunk:
    frames_FHWC = np.zeros((INFO.frames_per_chunk, INFO.height_px, INFO.width_px, 3), np.uint8)
    samples_SC = np.zeros((INFO.samples_per_chunk, INFO.audio_channels), np.float32)
    return DecodedChunk(
        chunk_idx=0,
        pose=CameraPose(x_m=0.0, y_m=0.0, yaw_deg=0.0, pitch_deg=0.0),
        due_s=HOLD_S,
        frames_FHWC=frames_FHWC,
        samples_SC=samples_SC,
    )


@asynccontextmanager
async def running(executor: Executor) -> AsyncIterator[tuple[Broadcast, Onlooker]]:
    """With one chunk, which is due in `HOLD_S`: by this clock no time passes."""
    arrivals, onlooker = ArrivalQueue(4), Onlooker()
    broadcast = Broadcast(INFO, arrivals, cast("Audience", onlooker), GatewayConfig(), executor, lambda: 0.0)
    broadcast.take_seat(RAW, credit=4)
    arrivals.grant(1)
    arrivals.put(Arrival(chunk(), 0.0))

    async def refill(credit: int) -> None: ...

    task = asyncio.create_task(broadcast.run(refill))
    try:
        yield broadcast, onlooker
    finally:
        task.cancel()
        await asyncio.wait([task])
        executor.shutdown()


@pytest.mark.parametrize("encoding_s", [HOLD_S / 4, 2 * HOLD_S])
async def test_a_chunk_is_encoded_when_it_comes_and_shown_when_it_is_due_and_encoded(encoding_s: float) -> None:
    encoding = Encoding(encoding_s)
    async with running(encoding) as (_, onlooker):
        shown, shown_s = await asyncio.wait_for(onlooker.shown.get(), 5)
    assert shown_s >= max(encoding.begun_s[0] + 0.9 * HOLD_S, encoding.ended_s[0])
    assert shown.encoded[RAW].num_bytes > 0


async def test_what_is_ready_when_it_is_due_wakes_the_loop_for_nothing_else() -> None:
    loop = asyncio.get_running_loop()
    with mock.patch.object(loop, "call_soon_threadsafe", wraps=loop.call_soon_threadsafe) as wake:
        async with running(Encoding()) as (_, onlooker):
            await asyncio.wait_for(onlooker.shown.get(), 5)
        assert wake.call_count == 0


async def test_whoever_comes_while_a_chunk_waits_has_it_in_their_own_codecs() -> None:
    encoding = Encoding()
    async with running(encoding) as (broadcast, onlooker):
        while not encoding.begun_s:
            await asyncio.sleep(0)
        silent = RAW._replace(audio=None)
        broadcast.take_seat(silent, credit=4)
        shown, _ = await asyncio.wait_for(onlooker.shown.get(), 5)
    assert set(shown.encoded) == {RAW, silent}


async def test_encoders_that_fail_end_the_broadcast() -> None:
    arrivals, executor = ArrivalQueue(4), ThreadPoolExecutor(1)
    broadcast = Broadcast(INFO, arrivals, cast("Audience", Onlooker()), GatewayConfig(), executor, lambda: 0.0)
    broadcast.take_seat(RAW, credit=4)
    arrivals.grant(1)
    arrivals.put(Arrival(replace(chunk(), frames_FHWC=cast("Any", None)), 0.0))

    async def refill(credit: int) -> None: ...

    with pytest.raises(TypeError):
        await asyncio.wait_for(broadcast.run(refill), 5)
    executor.shutdown()
