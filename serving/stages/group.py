"""Two processes that meet over torch.distributed, of which one sends to the other.

gloo moves memory of the hosts, NCCL from one GPU to another without a stop. What NCCL does runs on streams: kernels
begin when those before them are done, and a call that returns has finished nothing. A group therefore packs and sends
on a stream of its own, beside whatever the device does, and gives what it received once it is there.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch._C._distributed_c10d import Store

from model.gpu.streams import SideStream

logger = logging.getLogger(__name__)

GLOO, NCCL = "gloo", "nccl"
SENDER, RECEIVER, SIZE = 0, 1, 2
# Meeting takes well under a second on gloo and a few on NCCL; so long nobody waits for what was announced.
TIMEOUT = timedelta(seconds=20)
# Until what was sent is received: longer than a decoder may be at work on what came before (WorkerConfig.max_busy_s).
SENT_TIMEOUT = timedelta(seconds=60)
# A sender that ends in order has sent all it announced, which is there at once; of one that died nothing comes.
LAST_TIMEOUT_S = 2.0
# Much less than a chunk takes to be decoded, and more than a look at an event.
POLL_S = 0.0005
RECEIVER_IS_HERE = "receiver"
# By default torch ends the whole process a minute after the other end of a group has died, and with it every session.
# Whoever waits here finds out by itself. What an operator set stays.
ENVIRONMENT = {"TORCH_NCCL_ASYNC_ERROR_HANDLING": "0"}


def is_supported(backend: str) -> bool:
    if not dist.is_available():
        return False
    return dist.is_gloo_available() if backend == GLOO else dist.is_nccl_available() and torch.cuda.is_available()


def device_of(backend: str) -> torch.device:
    """Where this process's end has its memory. NCCL wants two GPUs: each end has the one that its process works on."""
    return torch.device("cpu") if backend == GLOO else torch.device("cuda", torch.cuda.current_device())


class Group:
    """One end, joined. The sender's is used on one thread and ended on any; the receiver's likewise."""

    def __init__(self, backend: str, store: Store, rank: int, host: str) -> None:
        """Waits for the other end, as nobody who must answer others may. Raises RuntimeError where it does not come, or
        the two cannot be joined, and ValueError for a backend there is not."""
        if backend not in (GLOO, NCCL):
            raise ValueError(f"backend must be {GLOO} or {NCCL}, not {backend!r}")
        self._backend = backend
        self.device = device_of(backend)
        self._side = SideStream(self.device)
        self._store = store
        self._lost_s: float | None = None
        _await_other(store, rank)
        self._group = _join(backend, store, rank, host, self.device)
        try:
            self._greet(rank)
        except RuntimeError:
            self.end()
            raise

    def beside(self) -> AbstractContextManager[None]:
        """What the block asks of the device does not wait for what others asked of it: for finished tensors."""
        return self._side.alone()

    def send(self, tensor: Tensor, number: int) -> Any:
        """On its way, after what was done to it `beside`. Its memory must stay until `await_sent` of what this gives
        has returned."""
        with self.beside():
            return self._group.send([tensor], RECEIVER, number)

    def await_sent(self, work: Any) -> None:
        """Raises RuntimeError where it does not arrive."""
        with self.beside():
            work.wait(SENT_TIMEOUT)

    def receive(self, num_bytes: int, number: int) -> Tensor:
        """Waits for what was announced, and gives it finished: any stream may read it. Raises RuntimeError where
        nothing comes."""
        with self.beside():
            tensor = torch.empty(num_bytes, dtype=torch.uint8, device=self.device)
            work = self._group.recv([tensor], SENDER, number)
            if self._backend == NCCL:
                self._await_device(work)
            else:
                work.wait(TIMEOUT)
        return tensor

    def lose_sender(self) -> None:
        """Its connection is closed: wait no longer for it than for somebody who has sent already."""
        self._lost_s = time.monotonic()

    def end(self) -> None:
        """Take back what is under way, which makes whoever waits for it go on. May take a while on NCCL."""
        try:
            self._group.abort()
        except RuntimeError as error:
            logger.warning("a group did not end in order: %s", error)

    def _await_device(self, work: Any) -> None:
        """Until the device has done it. Waiting for `work` alone makes only the current stream wait."""
        started_s = time.monotonic()
        while not work.is_completed():
            now_s = time.monotonic()
            is_lost = self._lost_s is not None and now_s - max(self._lost_s, started_s) > LAST_TIMEOUT_S
            if is_lost or now_s - started_s > TIMEOUT.total_seconds():
                self.end()  # or its kernel would wait on the device for ever
                raise RuntimeError("latents that were announced did not come")
            time.sleep(POLL_S)
        work.wait()  # raises what it failed with

    def _greet(self, rank: int) -> None:
        """A byte from one to the other: with the first one NCCL connects them for good, for which both must be here.
        From then on no sender waits for a receiver."""
        with self.beside():
            byte = torch.zeros(1, dtype=torch.uint8, device=self.device)
            greeting = self._group.send([byte], RECEIVER, 0) if rank == SENDER else self._group.recv([byte], SENDER, 0)
            greeting.wait(TIMEOUT)


def end_with(owner: object, group: Group) -> None:
    """End the group once nobody has `owner` any more; on a thread of its own, for those that let go of it have others
    to answer."""
    weakref.finalize(owner, _end_beside, group).atexit = False


def _end_beside(group: Group) -> None:
    threading.Thread(target=group.end, name="group-end", daemon=True).start()


def _await_other(store: Store, rank: int) -> None:
    """NCCL waits for ever for somebody who does not come, so nobody begins before the receiver is there."""
    if rank == RECEIVER:
        store.set(RECEIVER_IS_HERE, "")
    else:
        store.wait([RECEIVER_IS_HERE], TIMEOUT)


def _join(backend: str, store: Store, rank: int, host: str, device: torch.device) -> Any:
    if backend == NCCL:
        for name, value in ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        group = dist.ProcessGroupNCCL(store, rank, SIZE, dist.ProcessGroupNCCL.Options())
        # Here both ends wait for each other. Or the first thing sent would connect them, and wait for its receiver.
        group.eager_connect_single_device(device)
        return group
    options = dist.ProcessGroupGloo._Options()  # pyright: ignore[reportAttributeAccessIssue]
    options._devices = [dist.ProcessGroupGloo.create_device(hostname=host)]
    options._timeout = TIMEOUT
    return dist.ProcessGroupGloo(store, rank, SIZE, options)
