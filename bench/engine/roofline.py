"""How near something comes to what the hardware can do (Williams et al., doi 10.1145/1498765.1498785). Pure."""

from __future__ import annotations

from dataclasses import dataclass

from bench.engine.ceilings import Ceilings
from bench.engine.counting import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Roofline:
    """Work against ceilings, and against the time it took where it was done here."""

    flops: int
    eight_bit_flops: int  # of them
    traffic_bytes: int
    outside_bytes: int
    flops_per_byte: float  # of the bytes that cannot be saved
    compute_s: float  # at the measured ceiling
    memory_s: float
    bound_s: float  # the shortest time there can be
    bound_by: str  # "compute" or "memory"
    seconds: float | None
    achieved_flops_per_s: float | None
    compute_share: float | None  # of the ceiling for operations
    bound_share: float | None  # 1.0: as quick as the hardware allows


def roofline_of(work: Work, ceilings: Ceilings, seconds: float | None) -> Roofline:
    """`seconds` is what the same work took; None where it was only counted."""
    if seconds is not None and seconds <= 0:
        raise ValueError(f"seconds {seconds}: something that was done took some time")
    eight_bit_per_s = ceilings.eight_bit_flops_per_s or ceilings.flops_per_s
    compute_s = (work.flops - work.eight_bit_flops) / ceilings.flops_per_s + work.eight_bit_flops / eight_bit_per_s
    memory_s = work.outside_bytes / ceilings.bytes_per_s
    bound_s = max(compute_s, memory_s)
    return Roofline(
        flops=work.flops,
        eight_bit_flops=work.eight_bit_flops,
        traffic_bytes=work.traffic_bytes,
        outside_bytes=work.outside_bytes,
        flops_per_byte=work.flops / max(1, work.outside_bytes),
        compute_s=compute_s,
        memory_s=memory_s,
        bound_s=bound_s,
        bound_by="compute" if compute_s >= memory_s else "memory",
        seconds=seconds,
        achieved_flops_per_s=None if seconds is None else work.flops / seconds,
        compute_share=None if seconds is None else compute_s / seconds,
        bound_share=None if seconds is None else bound_s / seconds,
    )
