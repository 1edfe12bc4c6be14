"""A preset too large for the machine at hand: only what is counted from its shapes."""

from __future__ import annotations

from bench.engine.ceilings import PUBLISHED
from bench.engine.loop import TRANSFORMER, VIDEO
from bench.engine.open_models import count_open_model
from bench.engine.presets import benchmark_name
from bench.engine.report import GIGA, MIB, MS, TERA
from bench.engine.roofline import Roofline, roofline_of
from bench.results import Result
from model.adapters.presets import preset


def bench_counted(name: str, against: str) -> Result:
    """`against`: of PUBLISHED."""
    found, counted = preset(name), count_open_model(preset(name))
    rooflines = {stage: roofline_of(work, PUBLISHED[against], None) for stage, work in counted.works.items()}
    # One after the other on one device; beside each other they can be no quicker together.
    best_s = rooflines[TRANSFORMER].bound_s + rooflines[VIDEO].bound_s
    frames_per_s = found.frames_per_chunk / best_s
    return Result(
        benchmark=benchmark_name(name),
        model=name,
        settings={"counted_against": against, "window_latents": found.window_latents},
        figures={
            "rooflines": rooflines,
            "fixed_bytes": counted.fixed_bytes,
            "session_bytes": counted.session_bytes,
            "frames_per_s_at_best": frames_per_s,
            "ceilings": PUBLISHED[against],
        },
        summary=(
            f"{found.width_px}x{found.height_px}, {found.frames_per_chunk} frames a chunk, window"
            f" {found.window_latents}: counted from the shapes, nothing was run",
            f"memory: fixed {counted.fixed_bytes / MIB:.0f} MiB; a session {counted.session_bytes / MIB:.0f} MiB",
            *(_sentence(stage, each) for stage, each in rooflines.items()),
            f"at best {frames_per_s:.1f} frames/s on one {against} by its data sheet, decoding included",
        ),
    )


def _sentence(stage: str, each: Roofline) -> str:
    work = (
        f"{each.flops / TERA:.3g} TFLOP, {each.outside_bytes / GIGA:.3g} GB ({each.traffic_bytes / GIGA:.3g} unfused)"
    )
    return f"  {stage}: {work}; {each.bound_s * MS:.3g} ms at best, by {each.bound_by}"
