"""The contact sheet: a picture a second, in its place, with the right words."""

from __future__ import annotations

import numpy as np
import pytest

from bench.contact_sheet import SCALE, SheetLayout, draw_sheet, panel_of
from bench.recording import held_at
from bench.script import Turn, Walk
from tests.unit.bench.recordings import flawless_recording

LAYOUT = SheetLayout(picture_width=256, picture_height=160, num_columns=5)


def pictures(num_frames: int) -> list[np.ndarray]:
    return [np.full((80, 128, 3), idx, np.uint8) for idx in range(num_frames)]


def test_cells_do_not_overlap_and_stay_within_the_sheet() -> None:
    places = [LAYOUT.place(idx) for idx in range(12)]
    assert places[0] == (LAYOUT.margin, LAYOUT.title_height)
    assert places[5][0] == places[0][0]
    for left, top in places:
        assert left + LAYOUT.picture_width + LAYOUT.margin <= LAYOUT.width
        assert top + LAYOUT.cell_height <= LAYOUT.panel_height(12)
    assert places[1][0] - places[0][0] >= LAYOUT.picture_width
    assert places[5][1] - places[0][1] >= LAYOUT.picture_height + LAYOUT.caption_height


def test_a_panel_is_as_high_as_its_rows() -> None:
    assert LAYOUT.panel_height(11) - LAYOUT.panel_height(10) == LAYOUT.cell_height
    assert LAYOUT.panel_height(10) == LAYOUT.panel_height(6)


def test_a_panel_has_the_first_frame_of_each_second() -> None:
    panel = panel_of(flawless_recording(50), pictures(50))
    # At 12.5 frames a second, frames 0, 13, 25 and 38 are the first at or after a whole second.
    assert [int(cell.picture_HWC[0, 0, 0]) for cell in panel.cells] == [0, 13, 25, 38]


def test_captions_tell_what_had_taken_effect_by_then() -> None:
    cells = panel_of(flawless_recording(50), pictures(50)).cells
    assert [cell.keys for cell in cells] == [
        "0 s  standing still",
        "1 s  walking ahead",
        "2 s  walking ahead, turning left",
        "3 s  walking ahead, turning left",
    ]
    assert [cell.said for cell in cells] == ["", "", '"it starts to rain"', '"it starts to rain"']


@pytest.mark.parametrize(
    ("time_s", "said"), [(1.7, ""), (1.8, "it starts to rain"), (3.7, "it starts to rain"), (3.8, "")]
)
def test_a_sentence_stands_for_two_seconds(time_s: float, said: str) -> None:
    assert held_at(flawless_recording().controls, time_s).said == said


def test_a_control_without_effect_holds_nothing() -> None:
    held = held_at(flawless_recording().controls, 0.55)
    assert (held.walk, held.turn) == (Walk(), Turn())


def test_the_sheet_shows_the_pictures_enlarged_in_their_places() -> None:
    panels = [panel_of(flawless_recording(50), pictures(50)), panel_of(flawless_recording(25), pictures(25))]
    sheet = np.asarray(draw_sheet(panels))
    layout = SheetLayout(picture_width=128 * SCALE, picture_height=80 * SCALE)
    assert sheet.shape == (layout.panel_height(4) + layout.panel_height(2), layout.width, 3)
    left, top = layout.place(1)
    assert (sheet[top + 5 : top + 80 * SCALE - 5, left + 5 : left + 128 * SCALE - 5] == 13).all()
    below = sheet[top + 80 * SCALE : top + layout.cell_height, left : left + 128 * SCALE]
    assert below.min() < 128, "a caption is written"
