"""`python -m bench`: every benchmark, or the one that is named. Each writes a dated file into bench/results/."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer
from rich.console import Console

from bench.admission.run import AdmissionBenchConfig, bench_admission
from bench.audience.run import bench_audience
from bench.browser.run import BrowserBenchConfig, bench_browser, page_url
from bench.durability.rig import DurabilityConfig
from bench.durability.run import ALONE, WITH_SPARE, bench_durability
from bench.fuzz import FuzzConfig, bench_fuzz
from bench.hardware import ROOT, commit, describe_hardware
from bench.idle import bench_idle
from bench.latency import bench_latency
from bench.lossy.run import LossyConfig, bench_lossy
from bench.measure import Service
from bench.overhead import bench_overhead
from bench.results import Result, ResultWriter
from bench.service import RunningService, ServiceConfig, ServiceError, service_arguments
from bench.soak.run import bench_soak
from bench.stopping import Stopper

Benchmark = Callable[[Service], Result]
LOG = ROOT / "out" / "bench" / "service.log"

app = typer.Typer(
    help="Measure the service from outside; without a command, everything in turn.",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

Local = Annotated[bool, typer.Option("--local", help="All of the service in one process, without Ray.")]
Model = Annotated[str, typer.Option("--model", help="Another model than the service's default.")]


def run(benchmarks: list[Benchmark], local: bool = False, model: str = "") -> None:
    """Start the service once, and measure one thing after another. Ends with status 1 where something is missing."""
    console = Console()
    writer = ResultWriter(console=console, hardware=describe_hardware(), commit=commit())
    has_faults = False
    try:
        with RunningService(ServiceConfig(log=LOG, arguments=service_arguments(local, model))) as service:
            for benchmark in benchmarks:
                result = benchmark(service)
                writer.write(result)
                has_faults |= bool(result.faults)
                service.check_alive()
        has_faults |= bool(service.faults)
        for fault in service.faults:
            console.print(f"fault: {fault}", markup=False, highlight=False)
    except ServiceError as error:
        console.print(f"fault: {error}", markup=False, highlight=False)
        has_faults = True
    raise typer.Exit(1 if has_faults else 0)


@app.callback()
def everything(context: typer.Context) -> None:
    Stopper().install()
    if context.invoked_subcommand is None:
        run(
            [
                lambda service: bench_idle(service, 30.0),
                lambda service: bench_latency(service, 200),
                lambda service: bench_overhead(service, 10.0, 5),
                lambda service: bench_soak(service, 600.0, _say),
            ]
        )


@app.command()
def idle(seconds: float = 30.0, local: Local = False, model: Model = "") -> None:
    """Processor time while nobody plays."""
    run([lambda service: bench_idle(service, seconds)], local, model)


@app.command()
def latency(controls: int = 200, local: Local = False, model: Model = "") -> None:
    """Control to frame, over many controls."""
    run([lambda service: bench_latency(service, controls)], local, model)


@app.command()
def overhead(
    seconds: float = 20.0,
    rounds: int = 3,
    local: Local = False,
    model: Model = "",
) -> None:
    """Processor time per chunk, against the bare model loop and the media encoding of the same plays, played beside."""
    run([lambda service: bench_overhead(service, seconds, rounds, model)], local, model)


@app.command()
def audience(viewers: int = 50, controls: int = 200, local: Local = False, model: Model = "") -> None:
    """Many who look on at one session: what they cost whoever drives it, and what one who stalls costs the others."""
    run([lambda service: bench_audience(service, viewers, controls, model or "pearl-xs")], local, model)


@app.command()
def browser(
    starts: int = 5,
    presses: int = 60,
    minutes: Annotated[int, typer.Option(help="Of play afterwards, for the page's memory.")] = 0,
    local: Local = False,
    model: Model = "",
) -> None:
    """The page in headless Chromium: first picture, key to picture, sound against picture, size, memory."""
    config = BrowserBenchConfig(starts=starts, presses=presses, minutes=minutes)
    run([lambda service: bench_browser(service, page_url(LOG.read_text()), config, model or "pearl-xs")], local, model)


@app.command()
def lossy(
    loss_percent: Annotated[float, typer.Option(min=0, max=50, help="Of all packets, each way.")] = 5.0,
    delay_ms: Annotated[float, typer.Option(min=0, help="Of the others, there and back.")] = 40.0,
    seconds: Annotated[float, typer.Option(min=5, help="Of each play.")] = 30.0,
    rounds: Annotated[int, typer.Option(min=1, help="A play over each.")] = 3,
    seed: Annotated[int, typer.Option(help="Which packets are lost.")] = 5,
    model: str = "pearl-xs",
    as_json: Annotated[
        bool, typer.Option("--json", help="Figures to standard output; words to standard error.")
    ] = False,
) -> None:
    """WebSocket and WebRTC in headless Chromium, on a line that loses packets; needs Linux and root."""
    config = LossyConfig(
        loss_percent=loss_percent, delay_ms=delay_ms, seconds=seconds, rounds=rounds, seed=seed, model=model
    )
    console = Console(stderr=as_json)
    writer = ResultWriter(console=console, hardware=describe_hardware(), commit=commit())
    try:
        result = bench_lossy(config)
    except ServiceError as error:
        console.print(f"fault: {error}", markup=False, highlight=False)
        raise typer.Exit(1) from error
    file = writer.write(result)
    if as_json:
        print(file.read_text(), end="")
    raise typer.Exit(1 if result.faults else 0)


@app.command()
def durability(
    only: Annotated[list[str] | None, typer.Option(help=f"Of {', '.join((*ALONE, *WITH_SPARE))}.")] = None,
    kills: Annotated[int, typer.Option(min=1)] = 50,
    moves: Annotated[int, typer.Option(min=1)] = 20,
    forks: Annotated[int, typer.Option(min=1, help="And restores.")] = 20,
    rewinds: Annotated[int, typer.Option(min=1)] = 3,
    parked: Annotated[int, typer.Option(min=1)] = 64,
    model: str = "pearl-xs",
) -> None:
    """What sessions survive, and how quickly: kills, moves, saves, forks, rewinds, parking."""
    config = DurabilityConfig(kills=kills, moves=moves, forks=forks, rewinds=rewinds, parked=parked, model=model)
    console = Console()
    writer = ResultWriter(console=console, hardware=describe_hardware(), commit=commit())
    try:
        result = bench_durability(config, only or ())
    except ServiceError as error:
        console.print(f"fault: {error}", markup=False, highlight=False)
        raise typer.Exit(1) from error
    writer.write(result)
    raise typer.Exit(1 if result.faults else 0)


@app.command()
def admission(
    rejections: Annotated[int, typer.Option(min=1)] = 1_000,
    sessions: Annotated[int, typer.Option(min=20)] = 10_000,
    rounds: Annotated[int, typer.Option(min=1)] = 5,
    seconds: Annotated[float, typer.Option(help="Of play, without controls and with them.")] = 20.0,
) -> None:
    """Refusals with a full house, the cost of a control, and sessions that come and go; all on a toy model."""
    config = AdmissionBenchConfig(rejections=rejections, sessions=sessions, rounds=rounds, control_seconds=seconds)
    console = Console()
    writer = ResultWriter(console=console, hardware=describe_hardware(), commit=commit())
    try:
        result = bench_admission(config)
    except ServiceError as error:
        console.print(f"fault: {error}", markup=False, highlight=False)
        raise typer.Exit(1) from error
    writer.write(result)
    raise typer.Exit(1 if result.faults else 0)


@app.command()
def memory(chunks: Annotated[int, typer.Option(min=3_000)] = 7_500, model: str = "pearl-xs") -> None:
    """A worker's memory over as many chunks as ten minutes have, as quickly as they can be made."""
    from bench.worker_memory import bench_worker_memory  # loads the model's code, which nothing else here does

    writer = ResultWriter(console=Console(), hardware=describe_hardware(), commit=commit())
    writer.write(bench_worker_memory(model, chunks))


@app.command()
def batching(
    sessions: Annotated[int, typer.Option(min=2)] = 4,
    rounds: Annotated[int, typer.Option(min=1, help="Chunks of every session, of each measure.")] = 60,
    chunks: Annotated[int, typer.Option(min=0, help="Of the flat run, with the smallest preset; 0: none.")] = 100_000,
    model: str = "pearl-xs",
) -> None:
    """Sessions that step together against each alone, in both profiles; the engine's own time; flat memory."""
    from bench.batching.run import BatchingConfig, bench_batching  # loads the model's code, as nothing else here does

    result = bench_batching(BatchingConfig(model=model, sessions=sessions, rounds=rounds, chunks=chunks))
    ResultWriter(console=Console(), hardware=describe_hardware(), commit=commit()).write(result)
    raise typer.Exit(1 if result.faults else 0)


@app.command()
def codecs(
    only: Annotated[list[str] | None, typer.Option(help="Of wan2.1-vae, wan2.2-vae, taew2_1, taew2_2.")] = None,
    width: Annotated[int, typer.Option(min=16, help="In pixels; a multiple of 16.")] = 64,
    height: Annotated[int, typer.Option(min=16)] = 32,
    rounds: Annotated[int, typer.Option(min=1, help="Chunks of each, after a session's first.")] = 3,
    threads: Annotated[int, typer.Option(min=1)] = 1,
    device: str = "cpu",
    dtype: str = "bfloat16",
) -> None:
    """Decoders of open models: bytes and operations at full size, and milliseconds a chunk at this one."""
    from bench.codecs.run import CodecsConfig, bench_codecs  # loads the model's code, as nothing else here does

    config = CodecsConfig(
        width_px=width, height_px=height, rounds=rounds, threads=threads, device=device, dtype=dtype,
        only=tuple(only or ()),
    )  # fmt: skip
    ResultWriter(console=Console(), hardware=describe_hardware(), commit=commit()).write(bench_codecs(config))


@app.command()
def transports(chunks: Annotated[int, typer.Option(min=1, help="Of each size, by each way.")] = 300) -> None:
    """A hop of latents to a decoder worker, by every way there is."""
    from bench.transports.run import bench_transports  # loads the model's code, as little else here does

    result = bench_transports(chunks)
    ResultWriter(console=Console(), hardware=describe_hardware(), commit=commit()).write(result)
    raise typer.Exit(1 if result.faults else 0)


@app.command()
def reference(
    names: Annotated[list[str] | None, typer.Argument(help="Open models; wan-1.3b without any.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, or auto: the GPU where there is one.")] = "auto",
    passes: Annotated[int, typer.Option(min=1, help="Timed, of each.")] = 20,
    compiled: Annotated[bool, typer.Option("--compiled", help="Both, each as torch compiles it.")] = False,
) -> None:
    """An open model's network against the same one in diffusers: same weights, same shape, same job."""
    from bench.engine.device import Device
    from bench.engine.reference import bench_reference  # loads the model's code, as little else here does

    writer = ResultWriter(console=Console(), hardware=describe_hardware(), commit=commit())
    results = [
        bench_reference(name, Device.chosen(device), passes, compiled=compiled) for name in names or ["wan-1.3b"]
    ]
    for result in results:
        writer.write(result)
    raise typer.Exit(1 if any(result.faults for result in results) else 0)


@app.command()
def fuzz(
    runs: Annotated[int, typer.Option(min=1)] = 500,
    verbs: Annotated[int, typer.Option(min=1, help="Of each run.")] = 30,
) -> None:
    """Verbs of sessions in any order and at the same time, on a toy model: nothing hangs, nothing is lost."""
    console = Console()
    writer = ResultWriter(console=console, hardware=describe_hardware(), commit=commit())
    with console.status("") as status:
        result = bench_fuzz(FuzzConfig(runs=runs, verbs=verbs), lambda done: status.update(f"{done} of {runs} runs"))
    writer.write(result)
    raise typer.Exit(1 if result.faults else 0)


@app.command()
def soak(seconds: float = 600.0, local: Local = False, model: Model = "") -> None:
    """Memory and step time over a long session."""
    run([lambda service: bench_soak(service, seconds, _say, model)], local, model)


def _say(line: str) -> None:
    """How something long goes: once a minute, so that telling takes nothing from what is measured."""
    print(line, flush=True)


if __name__ == "__main__":
    app()
