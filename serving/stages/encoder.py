"""The encoder stage: words and pictures into conditions, off the event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from model.interface import Encoder, Tensors
from serving.engine.metrics import NoStageMetrics, StageMetrics
from serving.stages.stage import Stage

T = TypeVar("T")


class EncodedText(NamedTuple):
    tensors: Tensors
    understood: tuple[str, ...] | None  # as in `model.interface.Encoder`


class EncoderClient(Protocol):
    """An encoder, here or elsewhere."""

    async def encode_text(self, text: str) -> EncodedText: ...

    async def encode_image(self, image_HWC: NDArray[np.uint8]) -> Tensors: ...


class EncoderStage:
    """Owns an encoder and the one thread that runs it; callers queue."""

    def __init__(self, encoder: Encoder, metrics: StageMetrics | None = None) -> None:
        self._encoder = encoder
        self._metrics = metrics or NoStageMetrics()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="encoder")

    async def encode_text(self, text: str) -> EncodedText:
        return await self._run(lambda: self._encode_text(text))

    async def encode_image(self, image_HWC: NDArray[np.uint8]) -> Tensors:
        return await self._run(lambda: self._encoder.encode_image(image_HWC))

    def close(self) -> None:
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _encode_text(self, text: str) -> EncodedText:
        tensors = self._encoder.encode_text(text)
        return EncodedText(tensors, self._encoder.understood(tensors))

    async def _run(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._timed, call)

    def _timed(self, call: Callable[[], T]) -> T:
        started_s, cpu_started_s = time.perf_counter(), time.thread_time()
        try:
            return call()
        except Exception:
            self._metrics.stage_failed(Stage.ENCODER)
            raise
        finally:
            seconds, cpu_seconds = time.perf_counter() - started_s, time.thread_time() - cpu_started_s
            self._metrics.stage_called(Stage.ENCODER, seconds, cpu_seconds)
