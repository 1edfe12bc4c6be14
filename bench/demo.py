"""The main job, end to end: start the service, play two worlds over gRPC, leave films and figures, stop everything.

    python -m bench.demo                       two sessions of 20 s, results in out/demo
    python -m bench.demo --seconds 5 --json    shorter, the report on standard output
    python -m bench.demo --address HOST:PORT   on a service that runs already

Ends with status 1 where a frame, a sound or an answer is missing, or the service fails.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from bench import play
from bench.demo_report import LOG_FILE, REPORT_FILE, DemoReport, make_report, write_film, write_sheet
from bench.demo_table import print_report
from bench.hardware import ROOT, commit, describe_hardware
from bench.measure import MeasuredPlay, Service, ServingOverhead, measure_play, overhead_of, play_beside_bare_loop
from bench.play import Player, Start
from bench.script import PICTURE, STREET, Script
from bench.service import ExternalService, RunningService, ServiceConfig, ServiceError, service_arguments
from bench.stopping import Stopper

START_PICTURE = ROOT / "bench" / "assets" / "start.png"
SEED = 11  # the same two worlds in every run
PROMPT = "a quiet street at dusk"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoConfig:
    seconds: float = STREET.duration_s  # of world time, each session
    output: Path = ROOT / "out" / "demo"
    model: str = ""  # empty: the service's default
    is_local: bool = False  # all of the service in one process, without Ray
    address: str = ""  # of a service that runs already
    metrics_urls: tuple[str, ...] = ()  # of that service
    with_bare_loop: bool = True


class Demo:
    """Runs once."""

    def __init__(self, config: DemoConfig, console: Console) -> None:
        self._config = config
        self._console = console
        self._scripts: tuple[tuple[Script, Start], ...] = (
            (STREET.scaled_to(config.seconds), Start(prompt=PROMPT, seed=SEED)),
            (PICTURE.scaled_to(config.seconds), Start(image=START_PICTURE, seed=SEED)),
        )

    def run(self) -> DemoReport:
        """Raises ServiceError where there is nothing to report: the service did not start, or died."""
        folder = self._config.output
        folder.mkdir(parents=True, exist_ok=True)
        hardware, head = describe_hardware(), commit()
        plays, overhead, faults = self._play_all()
        self._console.print("writing films, contact sheet and report")
        written = [write_film(each, folder) for each in plays]
        write_sheet(written, folder)
        report = make_report(written, overhead, hardware, head, faults)
        (folder / REPORT_FILE).write_text(report.to_json())
        return report

    def _play_all(self) -> tuple[list[MeasuredPlay], ServingOverhead | None, list[str]]:
        config = self._config
        if config.address:
            service = ExternalService(address=config.address, metrics_urls=config.metrics_urls)
            return [self._play(service, script, start) for script, start in self._scripts], None, []
        log = config.output / LOG_FILE
        self._console.print(f"starting the service (its log: {log})")
        with RunningService(
            ServiceConfig(log=log, arguments=service_arguments(config.is_local, config.model))
        ) as running:
            self._console.print(f"the service listens on {running.address}")
            plays = self._play_both(running)
            overhead, faults = self._measure_overhead(running, plays)
            self._console.print("stopping the service")
        return plays, overhead, [*running.faults, *faults]

    def _play_both(self, running: RunningService) -> list[MeasuredPlay]:
        plays = []
        for script, start in self._scripts:
            plays.append(self._play(running, script, start))
            running.check_alive()
        return plays

    def _play(self, service: Service, script: Script, start: Start) -> MeasuredPlay:
        with self._progress(script) as (progress, task):

            def show(now: play.Progress) -> None:
                progress.update(task, completed=now.world_time_s, said=now.last_control)

            return asyncio.run(measure_play(service, Player(service.address, show), script, start))

    @contextmanager
    def _progress(self, script: Script) -> Iterator[tuple[Progress, TaskID]]:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:.0f} s  {task.fields[said]}"),
        )
        # Seldom: drawing takes processor time from the service that is measured.
        with Progress(*columns, console=self._console, refresh_per_second=2) as progress:
            yield progress, progress.add_task(script.title, total=script.duration_s, said="")

    def _measure_overhead(
        self, running: RunningService, plays: Sequence[MeasuredPlay]
    ) -> tuple[ServingOverhead | None, list[str]]:
        is_possible = all(each.processes and each.recording.chunks for each in plays)
        if not (self._config.with_bare_loop and is_possible):
            return None, []
        self._console.print("both once more, beside the same without a service, for comparison")
        try:
            again, bare = play_beside_bare_loop(plays, lambda: self._play_both(running), self._config.model)
            failures = [each.recording.failure for each in again if each.recording.failure]
            return overhead_of(again, bare), [f"beside the bare loop: {failure}" for failure in failures]
        except subprocess.CalledProcessError as error:
            return None, [f"the bare loop failed: {error.stderr.strip().splitlines()[-1:]}"]
        except (subprocess.TimeoutExpired, ValueError) as error:
            return None, [f"what serving adds could not be measured: {error}"]


app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)


@app.command()
def main(
    seconds: Annotated[float, typer.Option(min=2.0, help="World time of each session.")] = STREET.duration_s,
    output: Annotated[Path, typer.Option(help="Where films, contact sheet and report go.")] = Path("out/demo"),
    address: Annotated[str, typer.Option(help="Play on a service that runs already, HOST:PORT.")] = "",
    metrics_url: Annotated[
        list[str] | None, typer.Option(help="Where that service's gateway tells its metrics.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="The report on standard output, all else on standard error.")
    ] = False,
    local: Annotated[bool, typer.Option(help="All of the service in one process, without Ray.")] = False,
    model: Annotated[str, typer.Option(help="Another model than the service's default.")] = "",
    bare_loop: Annotated[
        bool, typer.Option(help="Play again, beside the same without a service, to tell what serving adds.")
    ] = True,
) -> None:
    """Play two worlds through the whole service: one from words, one from a picture."""
    Stopper().install()
    config = DemoConfig(
        seconds=seconds,
        output=output,
        model=model,
        is_local=local,
        address=address,
        metrics_urls=tuple(metrics_url or ()),
        with_bare_loop=bare_loop,
    )
    console = Console(stderr=as_json)
    try:
        report = Demo(config, console).run()
    except ServiceError as error:
        console.print(f"fault: {error}", style="red", markup=False, highlight=False)
        raise typer.Exit(1) from error
    print_report(console, report)
    if as_json:
        sys.stdout.write(report.to_json())
    raise typer.Exit(1 if report.faults else 0)


if __name__ == "__main__":
    app()
