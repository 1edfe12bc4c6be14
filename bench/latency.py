"""Control-to-frame latency over many controls at every phase of a chunk."""

from __future__ import annotations

import asyncio

from bench.measure import Service
from bench.play import Player, Start
from bench.report import control_latencies_s
from bench.results import Result
from bench.script import LEAD_OUT_S, Cue, Script, Turn
from bench.statistics import percentile

FIRST_S = 1.0
# 3.17 chunks of 80 ms: the phase moves on by a sixth of a chunk from control to control.
INTERVAL_S = 0.2536
MS = 1_000


def turning_script(num_controls: int) -> Script:
    """Look left, look right, at a steady pace."""
    cues = tuple(
        Cue(at_s=FIRST_S + idx * INTERVAL_S, action=Turn(yaw=0.3 if idx % 2 else -0.3)) for idx in range(num_controls)
    )
    duration_s = cues[-1].at_s + LEAD_OUT_S + 0.1
    return Script(name="latency", title=f"{num_controls} controls", duration_s=duration_s, cues=cues)


def bench_latency(service: Service, num_controls: int) -> Result:
    script = turning_script(num_controls)
    recording = asyncio.run(Player(service.address).play(script, Start(prompt="a quiet street at dusk")))
    latencies_s = control_latencies_s(recording)
    figures = {f"p{percent}_s": percentile(latencies_s, percent) for percent in (5, 50, 95, 99)}
    missing = num_controls - len(latencies_s)
    told = ", ".join(f"{name.removesuffix('_s')} {value * MS:.0f} ms" for name, value in figures.items() if value)
    return Result(
        benchmark="latency",
        model=recording.shape.model,
        settings={"controls": num_controls, "interval_s": INTERVAL_S},
        figures=figures | {"num_measured": len(latencies_s), "latencies_s": latencies_s},
        summary=(f"control to frame, of {len(latencies_s)} controls: {told} (aim: p95 <= 210 ms)",),
        faults=(*([recording.failure] if recording.failure else []), *([f"{missing} unseen"] if missing else [])),
    )
