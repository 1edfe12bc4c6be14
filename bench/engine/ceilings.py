"""What the hardware can do, measured: a large multiplication of matrices, and a large copy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from bench.engine.device import CUDA, Device
from model.gpu.fp8 import can_multiply, quantised, scaled_product

# Large enough to leave caches and launches behind, small enough for a second on two cores.
MATMUL_SIDE = {CUDA: 8_192, "cpu": 1_024}
COPY_BYTES = {CUDA: 1 << 30, "cpu": 1 << 27}
# The best of several: a ceiling is what can be reached, and others may use the machine.
ROUNDS = 12
WARM_UP_ROUNDS = 3
COUNTED_TWICE = 2  # a multiply-add is two operations; a copy reads and writes


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceilings:
    flops_per_s: float
    bytes_per_s: float
    dtype: str
    eight_bit_flops_per_s: float | None = None  # where 8-bit numbers are multiplied, and quicker


# Dense operations of 16 and of 8 bits, and memory, as NVIDIA's data sheets give them: to hold what was only counted
# against.
PUBLISHED = {
    "h100": Ceilings(flops_per_s=989e12, bytes_per_s=3.35e12, dtype="bfloat16", eight_bit_flops_per_s=1_979e12),
    "h200": Ceilings(flops_per_s=989e12, bytes_per_s=4.8e12, dtype="bfloat16", eight_bit_flops_per_s=1_979e12),
    "rtx4090": Ceilings(flops_per_s=165e12, bytes_per_s=1.01e12, dtype="bfloat16", eight_bit_flops_per_s=330e12),
}


def measure_ceilings(device: Device, dtype: torch.dtype) -> Ceilings:
    side = MATMUL_SIDE[device.kind]
    a, b = (torch.randn(side, side, device=device.kind).to(dtype) for _ in range(2))
    product = torch.empty(side, side, device=device.kind, dtype=dtype)
    source = torch.ones(COPY_BYTES[device.kind], dtype=torch.uint8, device=device.kind)
    target = torch.empty_like(source)
    matmul_s = shortest_s(lambda: torch.matmul(a, b, out=product), device.clock_s)
    eight_bit_s = shortest_s(_eight_bit_product(a, b), device.clock_s) if can_multiply(a.device) else None
    copy_s = shortest_s(lambda: target.copy_(source), device.clock_s)
    return Ceilings(
        flops_per_s=COUNTED_TWICE * side**3 / matmul_s,
        bytes_per_s=COUNTED_TWICE * source.nbytes / copy_s,
        dtype=str(dtype).removeprefix("torch."),
        eight_bit_flops_per_s=None if eight_bit_s is None else COUNTED_TWICE * side**3 / eight_bit_s,
    )


def _eight_bit_product(a: Tensor, b: Tensor) -> Callable[[], object]:
    """As the layers of `model.gpu.fp8` multiply what has been rounded already."""
    (a_MI, scale_M), (b_OI, scale_O) = quantised(a), quantised(b)
    return lambda: scaled_product(a_MI, scale_M, b_OI, scale_O, torch.bfloat16)


def shortest_s(run: Callable[[], object], clock_s: Callable[[], float]) -> float:
    for _ in range(WARM_UP_ROUNDS):
        run()
    shortest = float("inf")
    for _ in range(ROUNDS):
        start_s = clock_s()
        run()
        shortest = min(shortest, clock_s() - start_s)
    return shortest
