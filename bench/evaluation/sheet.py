"""Pictures a person can judge: every place, every style, weathers and lights, a walk, a turn."""

from __future__ import annotations

import numpy as np
from PIL import Image

from bench.contact_sheet import Cell, Panel, draw_sheet
from bench.evaluation.player import Player, held
from model.interface import ChunkControls
from model.world.conditions import SLOTS

SAID = {
    "style": ("like cut paper", "as a watercolour", "black and white film", "neon", "like Van Gogh", "an old photo"),
    "lighting": ("bright noon", "the sun goes down", "night falls", "dawn breaks"),
    "weather": ("the sky is clear", "it starts to rain", "it starts to snow", "fog rolls in"),
}


def draw_evaluation_sheet(player: Player) -> Image.Image:
    panels = [_journey(player, place) for place in SLOTS["place"]]
    panels += [_said(player, slot) for slot in SAID]
    return draw_sheet(panels)


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


def _cell(frame_HWC: np.ndarray, keys: str, said: str = "") -> Cell:
    return Cell(picture_HWC=frame_HWC, keys=keys, said=said)
