"""A decoder worker that only notes when latents came: a process of its own, or the stage in this one.

python -m bench.transports.sink ROUTE     prints its address, and ends when its input does
"""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from model.interface import FramesFHWC, ModelInfo, Tensors, VideoDecoder
from serving.stages.host import StageHost, WorkerConfig
from serving.stages.routes import Route
from serving.stages.stage import Stage

# Its one frame is the time, eight bytes and four more: the clock is one for all processes of a machine.
WIDTH_PX, HEIGHT_PX, RGB = 4, 1, 3
TIME = np.dtype(np.float64)


@dataclass(slots=True)
class SinkCache:
    def snapshot(self) -> Tensors:
        return {}


class ClockDecoder:
    """A `VideoDecoder` that shows when it was asked."""

    def open(self, seed: int) -> SinkCache:
        return SinkCache()

    def restore(self, snapshot: Tensors) -> SinkCache:
        return SinkCache()

    def decode(self, cache: Any, video: Tensors) -> FramesFHWC:
        frame = np.zeros(WIDTH_PX * HEIGHT_PX * RGB, np.uint8)
        frame[: TIME.itemsize] = np.frombuffer(np.array(time.monotonic(), TIME).tobytes(), np.uint8)
        return frame.reshape(1, HEIGHT_PX, WIDTH_PX, RGB)


def time_of(frames_FHWC: FramesFHWC) -> float:
    """That a `ClockDecoder` was asked."""
    return float(np.frombuffer(frames_FHWC.tobytes()[: TIME.itemsize], TIME)[0])


INFO = ModelInfo(
    name="sink",
    weights_sha256="0" * 64,
    width_px=WIDTH_PX,
    height_px=HEIGHT_PX,
    frame_rate=12.5,
    frames_per_chunk=1,
    sample_rate_hz=16_000,
    audio_channels=1,
    samples_per_chunk=0,
    controls=(),
    perspectives=(),
    max_yaw_deg_per_s=0.0,
    max_pitch_deg_per_s=0.0,
    max_speed_m_per_s=0.0,
    licence="Apache-2.0",
)


class SinkModel:
    """A `Model` of one stage."""

    info = INFO

    def load_video_decoder(self) -> VideoDecoder:
        return ClockDecoder()

    def load_encoder(self) -> Any:
        raise ValueError("a sink decodes and does nothing else")

    def load_transformer(self, num_threads: int = 1) -> Any:
        raise ValueError("a sink decodes and does nothing else")

    def load_audio_decoder(self) -> Any:
        raise ValueError("a sink decodes no sound")


async def start_sink(route: Route) -> StageHost:
    """Close it when done."""
    host = StageHost(SinkModel(), WorkerConfig(stages=frozenset({Stage.VIDEO_DECODER}), latents=route))
    await host.load()
    await host.listen()
    return host


async def _serve(route: Route) -> None:
    if route in (Route.GLOO, Route.NCCL):
        import torch.distributed  # noqa: F401  # as a worker that decodes has done; seconds, which no chunk should wait
    host = await start_sink(route)
    print(host.stream_address, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await host.close()


if __name__ == "__main__":
    asyncio.run(_serve(Route(sys.argv[1])))
