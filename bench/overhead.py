"""What serving adds to the bare model loop and the media encoding of the same plays."""

from __future__ import annotations

import asyncio
import dataclasses

from bench.demo import PROMPT, START_PICTURE
from bench.demo_table import overhead_sentence
from bench.measure import Service, measure_play, overhead_of, run_bare_loop_of
from bench.play import Player, Start
from bench.results import Result
from bench.script import PICTURE, STREET


def bench_overhead(service: Service, seconds: float, model: str = "") -> Result:
    """`model` as the service was told; empty for its default."""
    starts = ((STREET, Start(prompt=PROMPT)), (PICTURE, Start(image=START_PICTURE)))
    plays = [
        asyncio.run(measure_play(service, Player(service.address), script.scaled_to(seconds), start))
        for script, start in starts
    ]
    bare = run_bare_loop_of(plays, model)
    overhead = overhead_of(plays, bare)
    return Result(
        benchmark="overhead",
        model=plays[0].recording.shape.model,
        settings={"seconds": seconds, "sessions": len(plays)},
        figures=dataclasses.asdict(overhead)
        | {"overhead_cpu_s_per_chunk": overhead.overhead_cpu_s_per_chunk, "bare_loop": dataclasses.asdict(bare)},
        summary=(overhead_sentence(overhead),),
        faults=tuple(play.recording.failure for play in plays if play.recording.failure),
    )
