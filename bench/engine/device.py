"""The device a preset runs on: waiting for it, and what memory it has given away."""

from __future__ import annotations

import time
from dataclasses import dataclass

import psutil
import torch

CPU, CUDA = "cpu", "cuda"


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    kind: str  # CPU or CUDA

    @classmethod
    def chosen(cls, name: str) -> Device:
        """`auto` is the GPU where there is one. Raises ValueError."""
        if name == "auto":
            return cls(kind=CUDA if torch.cuda.is_available() else CPU)
        if name not in (CPU, CUDA):
            raise ValueError(f"device must be auto, {CPU} or {CUDA}, not {name!r}")
        if name == CUDA and not torch.cuda.is_available():
            raise ValueError("torch sees no GPU here")
        return cls(kind=name)

    def clock_s(self) -> float:
        """The time, once all that was asked of the device is done."""
        self.wait()
        return time.perf_counter()

    def wait(self) -> None:
        if self.kind == CUDA:
            torch.cuda.synchronize()

    @property
    def used_bytes(self) -> int:
        """That tensors hold on a GPU; on a CPU, the process's resident memory."""
        if self.kind == CUDA:
            return torch.cuda.memory_allocated()
        return resident_bytes()

    @property
    def description(self) -> str:
        if self.kind == CUDA:
            return f"{torch.cuda.get_device_name()}, CUDA {torch.version.cuda}"
        return f"CPU ({torch.backends.cpu.get_cpu_capability()}), {torch.get_num_threads()} threads"


def resident_bytes() -> int:
    """Of this process, with the host."""
    return psutil.Process().memory_info().rss
