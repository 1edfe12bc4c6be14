"""Pictures a person can judge: every place, every style, weathers and lights, and short stories.

python -m bench.evaluation.sheet docs/stories.png     the stories alone
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from PIL import Image

from bench.contact_sheet import Cell, Panel, draw_sheet
from bench.evaluation.player import Player, Prepare, held
from bench.evaluation.returning import SCRIPTS, forget_all_but_the_last
from model.interface import ChunkControls
from model.world.conditions import SLOTS
from serving.models import load_model

SAID = {
    "style": ("like cut paper", "as a watercolour", "black and white film", "neon", "like Van Gogh", "an old photo"),
    "lighting": ("bright noon", "the sun goes down", "night falls", "dawn breaks"),
    "weather": ("the sky is clear", "it starts to rain", "it starts to snow", "fog rolls in"),
}

# A story opens with words; then each line is said, or done, and shown some seconds later.
STORIES: dict[str, tuple[tuple[str | ChunkControls, float], ...]] = {
    "a girl in a red coat in a green meadow": (
        (ChunkControls(perspective="third_person"), 0.5),
        (ChunkControls(forward=1.0), 2.0),
        ("a kitten suddenly runs to the girl", 2.0),
        (ChunkControls(), 1.5),
        ("the girl crouches down to pet the kitten", 2.0),
    ),
    "a street at night": (
        (ChunkControls(), 0.5),
        ("a car drives past", 1.0),
        (ChunkControls(), 1.0),
        ("it starts to rain", 2.0),
        ("a red umbrella appears", 2.0),
    ),
    "a wide beach in the evening": (
        ("two dogs run up", 2.5),
        ("three birds fly past", 1.6),
        ("the dogs lie down", 2.0),
        ("night falls", 2.0),
        ("everyone leaves", 3.0),
    ),
    "a man with a blue jacket in a desert": (
        (ChunkControls(perspective="third_person"), 0.5),
        (ChunkControls(forward=1.0), 2.0),
        (ChunkControls(camera="orbit"), 2.0),
        (ChunkControls(camera="pull_back"), 2.0),
        (ChunkControls(camera="push_in"), 2.0),
    ),
}


def draw_evaluation_sheet(player: Player) -> Image.Image:
    panels = [_journey(player, place) for place in SLOTS["place"]]
    panels += [_said(player, slot) for slot in SAID]
    return draw_sheet([*panels, *memory_panels(player), *story_panels(player)])


def memory_panels(player: Player) -> list[Panel]:
    """The same turn and the same walk with memory and without: what is left, and what one comes back to."""
    return [
        _return(player, name, prepare, told)
        for name in SCRIPTS
        for prepare, told in ((None, "with memory"), (forget_all_but_the_last, "without memory"))
    ]


def story_panels(player: Player) -> list[Panel]:
    return [_story(player, opening) for opening in STORIES]


def _journey(player: Player, place: str) -> Panel:
    """The start, a walk, a turn, a walk on."""
    script = [ChunkControls(), *held(50, forward=1.0), *held(32, yaw=1.0), *held(40, forward=1.0)]
    marks = {0: "start", 20: "walking", 50: "4 s of walking", 82: "turned right", 122: "walked on"}
    frames = player.play(player.from_text(11, f"a {place} on a clear day"), script).frames_FHWC
    return Panel(
        title=f'"a {place} on a clear day"', cells=tuple(_cell(frames[at], keys) for at, keys in marks.items())
    )


def _said(player: Player, slot: str) -> Panel:
    cells = []
    for text in SAID[slot]:
        script = [ChunkControls(), player.say(text), *held(player.chunks(2.0))]
        frames = player.play(player.from_text(3, "a street on a clear day"), script).frames_FHWC
        cells.append(_cell(frames[-1], "2 s later", said=f'"{text}"'))
    return Panel(title=f"{slot}, said to a street", cells=tuple(cells))


def _return(player: Player, name: str, prepare: Prepare | None, told: str) -> Panel:
    script = [ChunkControls(), *SCRIPTS[name]]
    frames = player.play(player.from_text(11, "a street on a clear day"), script, prepare).frames_FHWC
    marks = {0: "left", len(script) // 4: "", len(script) // 2: "halfway", 3 * len(script) // 4: "", -1: "back"}
    return Panel(title=f"{name}, {told}", cells=tuple(_cell(frames[at], keys) for at, keys in marks.items()))


def _story(player: Player, opening: str) -> Panel:
    script, marks = [], []
    for line, shown_after_s in STORIES[opening]:
        first = player.say(line) if isinstance(line, str) else line
        # What is held goes on; what is said or told is told once.
        rest = ChunkControls(forward=first.forward)
        script += [first, *[rest] * (player.chunks(shown_after_s) - 1)]
        marks.append((len(script) - 1, line))
    frames = player.play(player.from_text(5, opening), script).frames_FHWC
    return Panel(title=f'"{opening}"', cells=tuple(_story_cell(frames[at], line) for at, line in marks))


def _story_cell(frame_HWC: np.ndarray, line: str | ChunkControls) -> Cell:
    if isinstance(line, str):
        return _cell(frame_HWC, "", said=f'"{line}"')
    told = line.perspective or line.camera or ("walking" if line.forward else "standing")
    return _cell(frame_HWC, told.replace("_", " "))


def _cell(frame_HWC: np.ndarray, keys: str, said: str = "") -> Cell:
    return Cell(picture_HWC=frame_HWC, keys=keys, said=said)


def main(
    path: Annotated[Path, typer.Argument(help="Where the PNG goes.")],
    model: Annotated[str, typer.Option(help="A preset, or package.module:function.")] = "pearl-xs",
) -> None:
    """Play the stories and draw them."""
    torch.set_num_threads(1)
    draw_sheet(story_panels(Player(load_model(model)))).save(path, optimize=True)


if __name__ == "__main__":
    typer.run(main)
