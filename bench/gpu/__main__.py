"""`python -m bench.gpu`: what a GPU is asked, in one run or several, each as long as one likes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bench.gpu.plan import plan
from bench.gpu.suite import SuiteConfig, run_suite

SECONDS_PER_MINUTE = 60.0

app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
console = Console(highlight=False, soft_wrap=True)


@app.command()
def run(
    folder: Annotated[Path, typer.Argument(help="Where gpu.json is written, after each part.")],
    minutes: Annotated[float, typer.Option(min=0.1, help="That this run may take.")] = 30.0,
    after: Annotated[Path | None, typer.Option(help="gpu.json of an earlier run: go on from there.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="Parts by name, without their order.")] = None,
    rehearsal: Annotated[bool, typer.Option("--rehearsal", help="Every way at hardly any size, on a CPU.")] = False,
) -> None:
    """Run what is not known yet, for as long as `--minutes` says; `--after` goes on with what is left."""
    parts = plan(is_rehearsal=rehearsal)
    if unknown := sorted(set(only or ()) - {part.name for part in parts}):
        raise typer.BadParameter(f"no parts: {', '.join(unknown)}; there are {', '.join(part.name for part in parts)}")
    chosen = [part for part in parts if not only or part.name in only]
    config = SuiteConfig(folder=folder, seconds=minutes * SECONDS_PER_MINUTE, after=after)
    state = run_suite(chosen, config, lambda line: console.print(line, markup=False))
    open_parts = [part.name for part in chosen if state.get(part.name, {}).get("status") != 0]
    console.print(f"{len(chosen) - len(open_parts)} of {len(chosen)} parts went well; open: {', '.join(open_parts)}")
    raise typer.Exit(1 if open_parts else 0)


@app.command()
def check(
    only: Annotated[list[str] | None, typer.Argument(help="Some of the checks.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, or auto: the GPU where there is one.")] = "auto",
) -> None:
    """Whether what runs on the device is what it should be. Fails where it is not."""
    from bench.engine.device import Device
    from bench.gpu.checks import run_checks

    num_wrong = 0
    for each in run_checks(Device.chosen(device).kind, only or ()):
        console.print(f"{'well' if each.is_well else 'WRONG'}  {each.name}: {each.told}", markup=False)
        num_wrong += not each.is_well
    raise typer.Exit(1 if num_wrong else 0)


@app.command()
def reference(
    name: str,
    device: Annotated[str, typer.Option(help="cpu, cuda, or auto: the GPU where there is one.")] = "auto",
    passes: Annotated[int, typer.Option(min=1, help="Timed, of each.")] = 10,
    compiled: Annotated[bool, typer.Option("--compiled", help="Both, each as torch compiles it.")] = False,
    results: Annotated[Path | None, typer.Option(help="Where the dated file goes.")] = None,
) -> None:
    """As `python -m bench reference`, with nothing loaded that the service needs."""
    from bench.engine.device import Device
    from bench.engine.reference import bench_reference
    from bench.hardware import commit, describe_hardware
    from bench.results import RESULTS, ResultWriter

    result = bench_reference(name, Device.chosen(device), passes, compiled=compiled)
    writer = ResultWriter(console=console, hardware=describe_hardware(), commit=commit(), folder=results or RESULTS)
    writer.write(result)
    raise typer.Exit(1 if result.faults else 0)


@app.command()
def wheels(folder: Annotated[Path, typer.Argument(help="Where they are put.")]) -> None:
    """Fetch what a machine without a network lacks, for its Python: run where there is one."""
    from bench.gpu.wheels import fetch_wheels

    for name, num_bytes in fetch_wheels(folder).items():
        console.print(f"{num_bytes / 1e6:.1f} MB in {folder / name}")


if __name__ == "__main__":
    app()
