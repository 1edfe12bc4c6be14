"""NCCL as far as a lane knows it, on the processor: two ends in one process that meet by their store's port.

As NCCL does, it connects two ends when something is first sent, and lets the sender wait for the receiver then; calls
return before the device has done anything; and waiting for a work makes only a stream wait.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Queue
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor

from serving.stages import group

# Of everything that waits for the other end: as good as for ever.
HANG_S = 5.0
# How far the device is behind whoever asks it.
DEVICE_S = 0.05


class Work:
    def __init__(self) -> None:
        self._is_done = threading.Event()

    def finish(self) -> None:
        self._is_done.set()

    def is_completed(self) -> bool:
        return self._is_done.is_set()

    def wait(self, timeout: Any = None) -> None:
        if timeout is not None and not self._is_done.wait(timeout.total_seconds()):
            raise RuntimeError("timed out")


class Line:
    """Between the two ends of one port."""

    def __init__(self) -> None:
        self.both = threading.Barrier(2)
        self.has_received = threading.Event()
        self.sent: Queue[tuple[Tensor, Work]] = Queue()


class NcclLike:
    """Stands where ProcessGroupNCCL stood."""

    class Options: ...

    made: ClassVar[list[NcclLike]] = []
    lines: ClassVar[defaultdict[int, Line]] = defaultdict(Line)

    def __init__(self, store: Any, rank: int, size: int, options: Options) -> None:
        self.line, self.rank = self.lines[store.port], rank
        self.is_eager = self.is_aborted = False
        self.pending: list[Work] = []
        self.made.append(self)

    def eager_connect_single_device(self, device: torch.device) -> None:
        self.line.both.wait(HANG_S)
        self.is_eager = True

    def send(self, tensors: list[Tensor], rank: int, number: int) -> Work:
        assert self.is_eager, "the default communicator, or a second one is made for the two"
        assert RecordedStream.is_current(), "the engine's stream has a step to do"
        assert self.line.has_received.wait(HANG_S), "nobody receives"
        work = Work()
        self.pending.append(work)
        self.line.sent.put((tensors[0], work))
        return work

    def recv(self, tensors: list[Tensor], rank: int, number: int) -> Work:
        assert RecordedStream.is_current()
        self.line.has_received.set()
        work = Work()
        self.pending.append(work)
        threading.Thread(target=self._receive, args=(tensors[0], work), daemon=True).start()
        return work

    def abort(self) -> None:
        self.is_aborted = True
        for work in self.pending:
            work.finish()

    def _receive(self, target: Tensor, work: Work) -> None:
        source, sent = self.line.sent.get()
        time.sleep(DEVICE_S)
        target.copy_(source)
        sent.finish()
        work.finish()


class RecordedStream:
    """Stands where a SideStream stood, and tells whether one is the thread's current stream."""

    _thread = threading.local()

    def __init__(self, device: torch.device) -> None: ...

    @classmethod
    def is_current(cls) -> bool:
        return getattr(cls._thread, "is_current", False)

    @contextmanager
    def alone(self) -> Iterator[None]:
        before, self._thread.is_current = self.is_current(), True
        try:
            yield
        finally:
            self._thread.is_current = before


def use_fake_nccl(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NcclLike, "made", [])
    monkeypatch.setattr(NcclLike, "lines", defaultdict(Line))
    monkeypatch.setattr(group.dist, "ProcessGroupNCCL", NcclLike, raising=False)
    monkeypatch.setattr(group, "is_supported", lambda backend: True)
    monkeypatch.setattr("serving.stages.group_lane.is_supported", lambda backend: True)
    monkeypatch.setattr(group, "device_of", lambda backend: torch.device("cpu"))
    monkeypatch.setattr(group, "SideStream", RecordedStream)
