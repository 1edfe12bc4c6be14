"""`python -m bench.evaluation`: play fixed scripts through the model, and tell what they show."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.evaluation.camera_control import camera_measures, direction_measure
from bench.evaluation.events import event_measures
from bench.evaluation.measure import Measure, Reach
from bench.evaluation.painting import painting_measures
from bench.evaluation.player import Player
from bench.evaluation.returning import return_measures
from bench.evaluation.seams import seam_measures
from bench.evaluation.sheet import draw_evaluation_sheet
from bench.evaluation.sound import sound_measures
from bench.evaluation.speed import speed_measures
from bench.evaluation.stability import stability_measures
from bench.evaluation.text_control import text_measures
from bench.hardware import commit, describe_hardware
from bench.results import RESULTS
from model.interface import ModelInfo
from model.training.judge_network import Judge
from model.training.witness_network import Witness
from serving.models import load_model

NUM_WORLDS = 12
app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)


@app.command()
def main(
    model: Annotated[str, typer.Option(help="A preset, or package.module:function.")] = "pearl-xs",
    only: Annotated[
        list[str] | None, typer.Option(help="Some of the groups of measures; the result file keeps the others.")
    ] = None,
    minutes: Annotated[float, typer.Option(min=2.0, help="Length of the session that is to hold.")] = 10.0,
    worlds: Annotated[int, typer.Option(min=1, help="Worlds per measure.")] = NUM_WORLDS,
    threads: Annotated[int, typer.Option(help="Threads of the transformer.")] = 1,
    output: Annotated[Path, typer.Option(help="Folder of the result file and the contact sheet.")] = RESULTS,
    as_json: Annotated[bool, typer.Option("--json", help="The result on standard output, all else on errors.")] = False,
) -> None:
    """Measure a model alone, without the service. The exit status is 0 also where an aim is missed."""
    torch.set_num_threads(threads)
    console = Console(stderr=as_json)
    player = Player(load_model(model), threads)
    groups = _groups(player, worlds, minutes, threads)
    if unknown := sorted(set(only or ()) - groups.keys()):
        raise typer.BadParameter(f"no group {unknown[0]!r}; there are {sorted(groups)}")
    output.mkdir(parents=True, exist_ok=True)
    file = output / f"eval-{player.info.name}.json"
    for name in track(only or list(groups), description="measuring", console=console):
        measures = groups[name]()
        console.print(_table(name, measures))
        record = _begun(file, player.info)
        record["groups"][name] = _group(measures, threads)
        file.write_text(json.dumps(record, indent=2) + "\n")
    console.print(f"written: {file}", highlight=False)
    if only is None:
        draw_evaluation_sheet(player).save(file.with_suffix(".png"))
    if as_json:
        print(file.read_text())


def _groups(player: Player, worlds: int, minutes: float, threads: int) -> Mapping[str, Callable[[], list[Measure]]]:
    return {
        "speed": lambda: speed_measures(player, threads),
        "direction": lambda: [direction_measure(player)],
        "camera": lambda: camera_measures(player, worlds),
        "text": lambda: text_measures(player, Judge.load()),
        "sound": lambda: sound_measures(player),
        "return": lambda: return_measures(player, worlds // 2 or 1),
        "painting": lambda: painting_measures(player, worlds // 3 or 1),
        "seams": lambda: seam_measures(player),
        "events": lambda: event_measures(player, Witness.load()),
        "stability": lambda: stability_measures(player, Judge.load(), minutes, worlds),
    }


def _table(title: str, measures: list[Measure]) -> Table:
    table = Table("measure", "figure", "reach", "n", title=title, title_justify="left")
    for each in measures:
        aim = f"{each.reach.value} {each.aim:g}" if each.reach is not Reach.REPORTED else ""
        style = "" if each.is_reached else "red"
        table.add_row(each.name, f"{each.value:.3g} {each.unit}", aim, str(each.num_samples), style=style)
        for part, value in each.parts.items():
            table.add_row(f"  {part}", f"{value:.3g}", "", "", style="dim")
    return table


def _begun(file: Path, info: ModelInfo) -> dict[str, Any]:
    """What was measured of the same weights before: groups may be measured one at a time."""
    record = json.loads(file.read_text()) if file.exists() else {}
    if record.get("weights_sha256") == info.weights_sha256 and "groups" in record:
        return record
    return {"model": info.name, "weights_sha256": info.weights_sha256, "groups": {}}


def _group(measures: list[Measure], threads: int) -> dict[str, object]:
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "hardware": dataclasses.asdict(describe_hardware()),
        "threads": threads,
        "measures": [
            dataclasses.asdict(each) | {"reach": each.reach.value, "is_reached": each.is_reached} for each in measures
        ],
    }


if __name__ == "__main__":
    app()
