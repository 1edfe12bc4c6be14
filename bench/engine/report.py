"""A preset's figures, in sentences for a person. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.engine.ceilings import Ceilings
from bench.engine.flatness import Flatness
from bench.engine.held import ON_TIME_SHARE, Held, most_held
from bench.engine.ladder import Rung
from bench.engine.pipelined import Pipelined
from bench.engine.roofline import Roofline
from bench.engine.solo import FirstFrame, Memory, SoloFigures
from bench.statistics import Slope

MS, MIB, PERCENT, SECONDS_PER_HOUR = 1_000, 1 << 20, 100, 3_600
GIGA, TERA = 1e9, 1e12


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineFigures:
    """Of one preset. What was not measured is absent."""

    width_px: int
    height_px: int
    frame_rate: float
    frames_per_chunk: int
    weights: str
    ceilings: Ceilings
    rooflines: Mapping[str, Roofline]  # by stage
    solo: SoloFigures | None = None
    pipelined: Pipelined | None = None
    first_frame: FirstFrame | None = None
    memory: Memory | None = None
    ladder: tuple[Rung, ...] = ()
    held: tuple[Held, ...] = field(default=())
    flatness: Flatness | None = None

    @property
    def sessions_held(self) -> int:
        return most_held(list(self.held))


def sentences(figures: EngineFigures) -> tuple[str, ...]:
    shape = f"{figures.width_px}x{figures.height_px}, {figures.frames_per_chunk} frames a chunk"
    return (
        f"{shape}, {figures.frame_rate:g} frames/s, {figures.weights} weights",
        *_solo(figures.solo),
        *_pipelined(figures.pipelined),
        *_first_frame(figures.first_frame),
        *_memory(figures.memory),
        *(_rung(rung) for rung in figures.ladder),
        *_held(figures),
        *_flatness(figures.flatness),
        *_rooflines(figures.ceilings, figures.rooflines),
    )


def _solo(solo: SoloFigures | None) -> Sequence[str]:
    if solo is None:
        return ()
    stages = [
        f"  {name}: {each.median:.2f} / {each.p95:.2f} / {each.p99:.2f} ms (n={each.count})"
        for name, each in solo.ms_by_stage.items()
    ]
    speed = (
        f"one session, its stages one after the other: {solo.frames_per_s:.1f} frames/s,"
        f" {solo.times_real_time:.2f} times real time"
    )
    return [speed, "by stage, median / p95 / p99:", *stages]


def _pipelined(found: Pipelined | None) -> Sequence[str]:
    if found is None:
        return ()
    return [
        f"one session, each chunk decoded beside the next one's passes: {found.frames_per_s:.1f} frames/s,"
        f" {found.times_real_time:.2f} times real time (n={found.num_chunks})"
    ]


def _first_frame(first: FirstFrame | None) -> Sequence[str]:
    if first is None:
        return ()
    warm = f"warm {first.warm_p50_s * MS:.0f} ms, p95 {first.warm_p95_s * MS:.0f} ms (n={first.num_warm})"
    ready = f"warming up all batch sizes takes {first.ready_s:.1f} s before a worker is ready"
    return [f"first frame: cold {first.cold_s:.2f} s, {warm}; {ready}"]


def _memory(memory: Memory | None) -> Sequence[str]:
    if memory is None:
        return ()
    session = f"{memory.session_counted_bytes / MIB:.1f} MiB by its tensors"
    grown = memory.session_measured_bytes
    measured = "" if grown is None else f", {grown / MIB:.1f} MiB measured"
    warm = f"{memory.warm_bytes / MIB:.0f} MiB of buffers for steps of {memory.warm_sessions}"
    opened = f"{memory.num_sessions} were open at once"
    return [f"memory: fixed {memory.fixed_bytes / MIB:.0f} MiB, {warm}; a session {session}{measured}; {opened}"]


def _rung(rung: Rung) -> str:
    step = f"step {rung.step_ms:.1f} ms ({rung.against_solo * PERCENT:.0f} % of steps alone)"
    return (
        f"batch of {rung.num_sessions}: {step}, with decoding {rung.chunk_ms:.1f} ms, {rung.frames_per_s:.1f} frames/s"
    )


def _held(figures: EngineFigures) -> Sequence[str]:
    if not figures.held:
        return ()
    rungs = [
        f"  {each.num_sessions}: {each.attainment * PERCENT:.2f} % on time"
        f" ({each.num_made} of {each.num_expected} chunks made in {each.seconds:g} s)"
        for each in figures.held
    ]
    held = f"sessions held at {figures.frame_rate:g} frames/s with >= {ON_TIME_SHARE * PERCENT:.0f} % on time"
    return [f"{held}: {figures.sessions_held}", *rungs]


def _flatness(flatness: Flatness | None) -> Sequence[str]:
    if flatness is None:
        return ()
    p50, p99 = flatness.chunk_p50_s, flatness.chunk_p99_s
    host = "" if flatness.host_bytes is None else f", the host's {_growth(flatness.host_bytes)}"
    return [
        f"over {flatness.num_chunks} chunks: memory {_growth(flatness.used_bytes)}{host};"
        f" first and last tenth: median {p50.first * MS:.1f} and {p50.last * MS:.1f} ms,"
        f" p99 {p99.first * MS:.1f} and {p99.last * MS:.1f} ms"
    ]


def _growth(slope: Slope) -> str:
    per_s, low_per_s, high_per_s = (
        each * SECONDS_PER_HOUR / MIB for each in (slope.per_s, slope.low_per_s, slope.high_per_s)
    )
    return f"{per_s:+.1f} MiB/h (95 %: {low_per_s:+.1f} to {high_per_s:+.1f})"


def _rooflines(ceilings: Ceilings, rooflines: Mapping[str, Roofline]) -> Sequence[str]:
    eight_bit = ceilings.eight_bit_flops_per_s
    measured = f"{ceilings.flops_per_s / TERA:.3g} TFLOP/s ({ceilings.dtype}), {ceilings.bytes_per_s / GIGA:.3g} GB/s"
    measured += "" if eight_bit is None else f", {eight_bit / TERA:.3g} TFLOP/s in 8 bits"
    return [f"ceilings, measured: {measured}", *(_roofline(stage, each) for stage, each in rooflines.items())]


def _roofline(stage: str, each: Roofline) -> str:
    work = f"{each.flops / GIGA:.3g} GFLOP, {each.outside_bytes / MIB:.3g} MiB ({each.traffic_bytes / MIB:.3g} unfused)"
    bound = f"{each.bound_s * MS:.3g} ms at best, by {each.bound_by}"
    if each.seconds is None or each.bound_share is None or each.compute_share is None:
        return f"  {stage}: {work}; {bound}"
    shares = f"{each.compute_share * PERCENT:.1f} % of the operations' ceiling, {each.bound_share * PERCENT:.1f} %"
    return f"  {stage}: {work}; {bound}, took {each.seconds * MS:.3g} ms: {shares} of the roof"
