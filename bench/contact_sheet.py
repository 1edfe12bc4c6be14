"""A picture a second of each session, with what was held or said written under it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from bench.recording import Recording, held_at
from bench.script import words_of_keys

FONT = ImageFont.FreeTypeFont | ImageFont.ImageFont


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetLayout:
    """Sizes in pixels of the finished sheet."""

    picture_width: int
    picture_height: int
    num_columns: int = 5
    margin: int = 16
    caption_height: int = 38
    title_height: int = 40

    @property
    def cell_width(self) -> int:
        return self.picture_width + self.margin

    @property
    def cell_height(self) -> int:
        return self.picture_height + self.caption_height

    @property
    def width(self) -> int:
        return self.num_columns * self.cell_width + self.margin

    def panel_height(self, num_cells: int) -> int:
        """Of one session: its title and its rows of pictures."""
        return self.title_height + -(-num_cells // self.num_columns) * self.cell_height + self.margin

    def place(self, cell_idx: int) -> tuple[int, int]:
        """Left and top of a picture within its panel."""
        row, column = divmod(cell_idx, self.num_columns)
        return self.margin + column * self.cell_width, self.title_height + row * self.cell_height


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    picture_HWC: NDArray[np.uint8]
    keys: str
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    title: str
    cells: tuple[Cell, ...]


SCALE = 2
PAPER, INK, FAINT, QUOTE = (250, 248, 243), (40, 40, 44), (110, 110, 116), (176, 66, 32)
TITLE_PX, CAPTION_PX = 20, 13


def panel_of(recording: Recording, pictures: Sequence[NDArray[np.uint8]]) -> Panel:
    """The first frame of each second of the session."""
    cells = []
    second = 0
    for frame, picture_HWC in zip(recording.frames, pictures, strict=False):
        # Times come in nanoseconds, and a frame at 0.999999999 s is the one at 1 s.
        if round(frame.presentation_s, 6) < second:
            continue
        held = held_at(recording.controls, frame.presentation_s)
        keys = f"{second} s  {words_of_keys(held.walk, held.turn)}"
        cells.append(Cell(picture_HWC=picture_HWC, keys=keys, said=f'"{held.said}"' if held.said else ""))
        second += 1
    return Panel(title=recording.title, cells=tuple(cells))


def draw_sheet(panels: Sequence[Panel]) -> Image.Image:
    height_px, width_px = panels[0].cells[0].picture_HWC.shape[:2]
    layout = SheetLayout(picture_width=width_px * SCALE, picture_height=height_px * SCALE)
    heights = [layout.panel_height(len(panel.cells)) for panel in panels]
    sheet = Image.new("RGB", (layout.width, sum(heights)), PAPER)
    top = 0
    for panel, height in zip(panels, heights, strict=True):
        sheet.paste(_draw_panel(panel, layout, height), (0, top))
        top += height
    return sheet


def _draw_panel(panel: Panel, layout: SheetLayout, height: int) -> Image.Image:
    image = Image.new("RGB", (layout.width, height), PAPER)
    draw = ImageDraw.Draw(image)
    draw.text((layout.margin, 10), panel.title, fill=INK, font=ImageFont.load_default(TITLE_PX))
    font = ImageFont.load_default(CAPTION_PX)
    for cell_idx, cell in enumerate(panel.cells):
        left, top = layout.place(cell_idx)
        picture = Image.fromarray(cell.picture_HWC)
        size = (layout.picture_width, layout.picture_height)
        image.paste(picture.resize(size, Image.Resampling.LANCZOS), (left, top))
        below = top + layout.picture_height + 3
        draw.text((left, below), _fit(cell.keys, font, layout.picture_width), fill=FAINT, font=font)
        draw.text((left, below + 16), _fit(cell.said, font, layout.picture_width), fill=QUOTE, font=font)
    return image


def _fit(text: str, font: FONT, width: int) -> str:
    """The text, shortened where it is wider than its picture."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "...") > width:
        text = text[:-1]
    return text + "..."
