"""Work beside the main stream of a GPU: a decoder's, while the next chunk is denoised.

Threads share one default stream, so a decoder on a thread of its own still waits for the transformer unless it has
a stream of its own. Where there is no GPU these do nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import torch
from torch import Tensor

from model.interface import DecoderCache, FramesFHWC, Tensors, VideoDecoder


class DecoderBeside:
    """Implements model.interface.VideoDecoder: another one's, on a stream of its own. Latents come from the host, or
    lie on the device and are done, and frames go to the host: so nothing it does has to wait for the transformer, nor
    the transformer for it, and no latents are let go before they were read."""

    def __init__(self, decoder: VideoDecoder, device: torch.device) -> None:
        self._decoder = decoder
        self._side = SideStream(device)

    def open(self, seed: int) -> DecoderCache:
        with self._side.alone():
            return self._decoder.open(seed)

    def restore(self, snapshot: Tensors) -> DecoderCache:
        with self._side.alone():
            return self._decoder.restore(snapshot)

    def decode(self, cache: DecoderCache, video: Tensors) -> FramesFHWC:
        with self._side.alone():
            return self._decoder.decode(cache, video)


def to_host(tensor: Tensor) -> Tensor:
    """A finished tensor in memory of the host, without waiting for what its device does now; itself where it is."""
    return _to_host_of(tensor.device).to_host(tensor)


@lru_cache(maxsize=8)
def _to_host_of(device: torch.device) -> SideStream:
    """That of finished tensors alone: what comes to the device waits for the device, and would have them wait too."""
    return SideStream(device)


def wait_until_done(device: torch.device) -> None:
    """The host waits for all that the current stream was asked to do, as at the end of a step. For an event, which
    torch's `set_sync_debug_mode` lets pass, so that it finds every wait but those that are meant."""
    if device.type == "cuda":
        torch.cuda.current_stream(device).record_event().synchronize()


class SideStream:
    """A stream of one thread's work, on one device."""

    def __init__(self, device: torch.device) -> None:
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None

    @property
    def is_beside(self) -> bool:
        return self._stream is not None

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Run the block's kernels on this stream, whatever the current one does: for what comes from the host."""
        if self._stream is None:
            yield
            return
        with torch.cuda.stream(self._stream):
            yield

    @contextmanager
    def after_the_present(self) -> Iterator[None]:
        """Run the block's kernels on this stream, behind what the current one was asked to do before."""
        if self._stream is not None:
            self._stream.wait_stream(torch.cuda.current_stream(self._stream.device))
        with self.alone():
            yield

    def mark(self) -> torch.cuda.Event | None:
        """What tells when all that this stream was asked to do is done; None where there is no stream."""
        if self._stream is None:
            return None
        event = torch.cuda.Event()
        self._stream.record_event(event)
        return event

    def to_host(self, tensor: Tensor) -> Tensor:
        """A copy in memory of the host, there when this returns; waits for this stream alone. On a CPU the tensor
        itself."""
        if self._stream is None:
            return tensor.cpu()
        with torch.cuda.stream(self._stream):
            copy = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True).copy_(tensor, non_blocking=True)
        self._stream.synchronize()
        return copy
