"""What goes from the host to a device, and what rests with the host for a while and goes back to where it came from.

Beside a GPU it is pinned memory, so that the way there is a copy for which the host does not wait. On a CPU it is
memory like any other, and the same calls copy there and back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from model.gpu.streams import SideStream, wait_until_done


class Copy(NamedTuple):
    """A part with the host, and its place on a device: same shape, same type."""

    host: Tensor
    there: Tensor


class Arrival:
    """Of what was sent off together. Whoever reads it calls `awaited` before."""

    def __init__(self, device: torch.device, event: torch.cuda.Event | None) -> None:
        self._device, self._event = device, event

    def awaited(self) -> None:
        """Let what the current stream does next begin when all of it is there. The host waits for nothing."""
        if self._event is not None:
            torch.cuda.current_stream(self._device).wait_event(self._event)
            self._event = None


def sent(host: Tensor, device: torch.device) -> Tensor:
    """The same on the device, for what the current stream does next; the host waits for nothing. Itself where it is
    there. What was sent may be let go at once: torch gives pinned memory to nobody else before it was read."""
    if device.type == "cuda" and host.device.type == "cpu":
        host = host.pin_memory()  # a copy, so that a GPU may read later what is written over here
    return host.to(device, non_blocking=True)


def room_on_host(shape: Sequence[int], like: Tensor) -> Tensor:
    """Memory of the host for what lies where `like` does, and is of its type."""
    return torch.empty(shape, dtype=like.dtype, pin_memory=like.is_cuda)


def fetch(copies: Iterable[Copy], device: torch.device) -> None:
    """Fill the host's parts, all from `device`; finished when this returns: what was there may be written over at
    once. What lies side by side on both sides is copied as it lies, and takes no memory there."""
    for host, there in copies:
        host.copy_(there, non_blocking=True)
    wait_until_done(device)


def sent_back(copies: Iterable[Copy], device: torch.device) -> Arrival:
    """Begin to fill the places, all on `device`, beside what it does now, once it has done what was asked of it
    before: whoever had that memory may still read it."""
    side = _sent_back_to(device)
    with side.after_the_present():
        for host, there in copies:
            there.copy_(host, non_blocking=True)
        return Arrival(device, side.mark())


@lru_cache(maxsize=8)
def _sent_back_to(device: torch.device) -> SideStream:
    """All of it one after the other, and nothing else."""
    return SideStream(device)
