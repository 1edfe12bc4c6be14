"""The witness of events: it reports who came, and not who was there before, or nobody at all."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch

from model.actors.cast import Cast
from model.actors.compositor import composite
from model.actors.director import direct
from model.actors.gallery import Gallery
from model.actors.looks import KINDS
from model.presets import load
from model.text.events import Event
from model.training.witness import answers, figures, witness_loss
from model.training.witness_network import LARGEST_PX, Witness, focus
from model.training.witness_scenes import TrueGallery, here, random_actor
from model.world.conditions import conditions_of
from tests.unit.model.actors.scenes import networks, played_on, scene
from tests.unit.model.world_views import view_of

FIRST_ROW = 16


@cache
def witness() -> Witness:
    torch.set_num_threads(1)
    return Witness.load()


def frames(*events: Event, **choices: str) -> np.ndarray:
    """Two frames of a true meadow with whoever the events bring in it, as the video decoder paints them."""
    cast = Cast()
    for event in events:
        cast = direct(cast, event, scene())
    cast = played_on(cast, 6)
    maps = composite(view_of("meadow")[0], FIRST_ROW, cast, scene(6), Gallery(networks().appearance))
    video = {
        "maps": (maps * 255).round().to(torch.uint8).numpy(),
        "conditions": conditions_of(place="meadow", **choices),
        "first_row": np.array([FIRST_ROW], np.int32),
        "turn_px": np.array([0, 0], np.int32),
    }
    decoder = load("pearl-xs").load_video_decoder()
    state = decoder.open(5)
    return np.concatenate([decoder.decode(state, video) for _ in range(2)])


def appears(kind: str) -> Event:
    return Event(action="appear", subject=kind)


def test_d07_most_kinds_are_reported_when_they_have_come_and_not_before() -> None:
    before = frames()
    reported = [kind for kind in KINDS if kind in witness().reports(before, frames(appears(kind)))]
    assert len(reported) >= 8
    for kind in reported:
        there = frames(appears(kind))
        assert kind not in witness().reports(there, there)


def test_another_weather_or_light_is_nobody() -> None:
    before = frames()
    for choices in ({}, {"weather": "rain"}, {"lighting": "dusk"}):
        assert witness().reports(before, frames(**choices)) == set()


def test_a_wrong_caption_is_found_out() -> None:
    assert "car" not in witness().reports(frames(), frames(appears("balloon")))


def test_true_figures_to_learn_from_stand_in_view() -> None:
    generator = torch.Generator().manual_seed(3)
    view = view_of("meadow")[0]
    seen = 0
    for number in range(12):
        actor = random_actor(number, generator)
        shown = composite(view, FIRST_ROW, Cast(actors=(actor,)), here(), TrueGallery())
        seen += bool(((shown - view).abs() > 0.08).sum() > 20)
    assert seen >= 9


def test_what_is_hardly_to_be_seen_is_not_asked_about_and_nobody_is_an_answer() -> None:
    came = torch.zeros(4, len(KINDS))
    came[1, 3], came[2, 5], came[3, :2] = 1.0, -1.0, 1.0
    assert answers(came).tolist() == [len(KINDS), 3, -1, -1]
    right = torch.zeros(4, len(KINDS) + 1)
    right[0, -1] = right[1, 3] = 9.0
    assert witness_loss(right, came) < 0.01
    assert witness_loss(right.roll(1, 1), came) > 5


def test_the_witness_looks_where_the_pictures_differ_and_at_all_of_it() -> None:
    before = torch.full((2, 3, 80, 128), 0.5)
    after = before.clone()
    after[0, :, 30:60, 80:110] = 1.0
    after[1] = 0.9
    seen = focus(before, after)
    assert float((seen.after_BCHW[0] > 0.9).float().mean()) > 0.45  # most of what is enlarged
    assert seen.facts_BX[0, 0] * LARGEST_PX == pytest.approx(21, abs=4)
    assert seen.facts_BX[0, 1] * LARGEST_PX == pytest.approx(44.5, abs=1)
    assert seen.facts_BX[1, 0] > 0.6  # where all is another light, at all of it


def test_figures_count_who_was_missed_and_who_was_made_up() -> None:
    came = torch.zeros(4, len(KINDS))
    came[:2, 0] = 1.0
    reported = torch.zeros(4, len(KINDS), dtype=torch.bool)
    reported[0, 0] = reported[3, 5] = True
    shares = figures(reported, came)
    assert (shares["person"], shares["all"], shares["not there"]) == (0.5, 0.5, 0.25)
