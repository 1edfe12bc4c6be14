"""`python -m bench.engine`: the engine without a service around it, on a CPU or a GPU."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bench.engine.ceilings import PUBLISHED
from bench.engine.device import CPU, Device
from bench.engine.presets import AUTO, DEFAULT_PRESETS, Asked, Speed, is_open, random_subject, subject
from bench.engine.run import LADDER, EngineBenchConfig, Say, bench_engine
from bench.hardware import commit, describe_hardware
from bench.results import RESULTS, Result, ResultWriter

Benchmark = Callable[[Say], Result]

app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)


@app.command()
def main(
    presets: Annotated[
        list[str] | None, typer.Argument(help="Models to measure; package.module:function loads one of your own.")
    ] = None,
    preset: Annotated[list[str] | None, typer.Option(help="The same as an option; may be given again.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, or auto: the GPU where there is one.")] = "auto",
    threads: Annotated[int, typer.Option(min=1, help="Of the transformer, on a CPU.")] = 1,
    chunks: Annotated[int, typer.Option(min=1, help="Timed of one session, and of each batch size.")] = 200,
    first_frames: Annotated[int, typer.Option(min=1, help="Sessions opened to time their first frame, warm.")] = 20,
    ladder: Annotated[str, typer.Option(help="Numbers of sessions, ascending.")] = ",".join(map(str, LADDER)),
    held: Annotated[float, typer.Option(min=0, help="Seconds at the model's rate, for each number; 0: none.")] = 20.0,
    minutes: Annotated[float, typer.Option(min=0, help="Of the run that looks for drift; 0: none.")] = 10.0,
    flatness: Annotated[bool, typer.Option(help="Whether that run takes place.")] = True,
    at_most: Annotated[float, typer.Option(help="Seconds of each timed run of chunks.")] = 30.0,
    profile: Annotated[
        str, typer.Option(help="exact, fast (passes are shared), or auto: fast for open models on a GPU.")
    ] = AUTO,
    real: Annotated[bool, typer.Option("--real", help="Run open models at full size on a CPU too: hours.")] = False,
    graphs: Annotated[
        bool, typer.Option(help="Open models' passes over static buffers, in the fast profile; on a GPU as graphs.")
    ] = True,
    compiled: Annotated[bool, typer.Option("--compiled", help="Open models' layers, while they warm up.")] = False,
    fp8: Annotated[bool, typer.Option("--fp8", help="Open models' linear layers in 8 bits.")] = False,
    tiny_decoder: Annotated[bool, typer.Option("--tiny-decoder", help="Of open models.")] = False,
    against: Annotated[str, typer.Option(help="Whose data sheet to hold against what is only counted.")] = "h200",
    as_json: Annotated[
        bool, typer.Option("--json", help="Figures to standard output; words to standard error.")
    ] = False,
    results: Annotated[Path, typer.Option(help="Where the dated files go.")] = RESULTS,
) -> None:
    """Milliseconds by stage, first frames, memory, batches, sessions held, drift, and the roofline."""
    console = Console(stderr=as_json)
    try:
        config = EngineBenchConfig(
            device=device,
            num_threads=threads,
            chunks=chunks,
            first_frames=first_frames,
            ladder=tuple(int(size) for size in ladder.split(",")),
            held_s=held,
            minutes=minutes if flatness else 0.0,
            most_s=at_most,
        )
        if against not in PUBLISHED:
            raise ValueError(f"against must be one of {', '.join(PUBLISHED)}, not {against!r}")
        asked = Asked(profile=profile, graphs=graphs, compiles=compiled, fp8=fp8, tiny_decoder=tiny_decoder)
        kind = Device.chosen(device).kind
        benchmarks = {
            name: _counted(name, against)
            if is_open(name) and kind == CPU and not real
            else _measured(name, config, asked.of(name, kind))
            for name in [*(presets or ()), *(preset or ())] or DEFAULT_PRESETS
        }
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    writer = ResultWriter(console=console, hardware=describe_hardware(), commit=commit(), folder=results)
    measured, files = _run(benchmarks, writer, console)
    if as_json:
        print(json.dumps([json.loads(file.read_text()) for file in files]))
    raise typer.Exit(1 if any(result.faults for result in measured) else 0)


def _run(
    benchmarks: Mapping[str, Benchmark], writer: ResultWriter, console: Console
) -> tuple[list[Result], list[Path]]:
    """One after the other, each written down as it ends."""
    measured: list[Result] = []
    files: list[Path] = []
    for name, benchmark in benchmarks.items():
        with console.status(name) as status:
            measured.append(benchmark(lambda doing, name=name: status.update(f"{name}: {doing}")))
        files.append(writer.write(measured[-1]))
    return measured, files


def _counted(name: str, against: str) -> Benchmark:
    from bench.engine.counted import bench_counted  # the code of open models, which no other preset needs

    return lambda say: bench_counted(name, against)


def _measured(name: str, config: EngineBenchConfig, speed: Speed) -> Benchmark:
    """Raises ValueError for a name that is none."""
    found = random_subject(name, speed) if is_open(name) else subject(name, speed)
    return lambda say: bench_engine(found, config, speed, say)


if __name__ == "__main__":
    app()
