"""The training world: the same on every run, boundless, and true to its own geometry."""

from __future__ import annotations

import pytest
import torch

from model import camera
from model.precipitation import NUM_NOISES
from model.world.conditions import SLOTS, conditions_of
from model.world.look import render_look
from model.world.renderer import Viewpoint, render_maps
from tests.unit.model.world_views import canvas_of, view_of


@pytest.mark.parametrize("place", SLOTS["place"])
def test_a_seed_makes_the_same_world_alone_and_in_a_batch(place: str) -> None:
    seeds = torch.tensor([3, 4])
    view = Viewpoint(torch.tensor([10.0, 10.0]), torch.zeros(2), torch.tensor([448, 448]))
    both = render_maps(place, seeds, view, torch.tensor([[[10.0, 0.0]]] * 2))
    torch.testing.assert_close(both[:1], canvas_of(place), atol=1e-5, rtol=0)
    assert not torch.equal(both[0], both[1])
    assert both.min() >= 0
    assert both.max() <= 1


def test_the_world_has_no_edge() -> None:
    far = canvas_of("street", x_m=100_000.0)
    things = far[0, camera.NEARNESS, : int(camera.HORIZON_ROW) - 4] > camera.FAR_NEARNESS
    assert things.float().mean() > 0.02


def test_the_ground_lies_where_geometry_puts_it() -> None:
    near = canvas_of("desert")[0, camera.NEARNESS, -1]
    slope = camera.row_slope()[-1:]
    expected = camera.nearness(camera.ground_distance_m(slope))
    assert (near - expected).abs().median() < 1e-4


def look(view_place: str = "street", **choices: str) -> torch.Tensor:
    slope = camera.row_slope(camera.VIEW_H, (camera.CANVAS_H - camera.VIEW_H) // 2)[None]
    noise = torch.zeros(1, NUM_NOISES, camera.VIEW_H, camera.VIEW_W)
    return render_look(view_of(view_place), torch.from_numpy(conditions_of(**choices))[None], slope, noise)[0]


def test_night_is_darker_and_windows_glow() -> None:
    day, night = look(), look(lighting="night")
    assert night.mean() < 0.6 * day.mean()
    assert night.max() > 0.8


@pytest.mark.parametrize(("weather", "share"), [("clear", 0.5), ("rain", 0.33)])
@pytest.mark.parametrize("place", ["forest", "meadow", "desert", "shore"])
def test_the_ground_is_seen_by_moonlight_where_there_are_no_lamps(place: str, weather: str, share: float) -> None:
    below = camera.VIEW_H // 2
    day, night = (look(place, lighting=lighting, weather=weather)[:, below:] for lighting in ("day", "night"))
    assert share * day.mean() < night.mean() < 0.6 * day.mean()
    assert night.quantile(0.05) > 0.1, "nowhere black"


def test_fog_takes_contrast_and_noir_takes_colour() -> None:
    assert look(weather="fog").std() < 0.7 * look().std()
    noir = look(style="noir")
    assert (noir.max(0).values - noir.min(0).values).max() < 1e-5


def test_half_a_fade_lies_between_its_ends() -> None:
    slope = camera.row_slope(camera.VIEW_H, 16)[None]
    noise = torch.zeros(1, NUM_NOISES, camera.VIEW_H, camera.VIEW_W)
    ends = [torch.from_numpy(conditions_of(lighting=name))[None] for name in ("day", "night")]
    mixes = (*ends, (ends[0] + ends[1]) / 2)
    day, night, half = (render_look(view_of("street"), mix, slope, noise).mean() for mix in mixes)
    assert night < half < day
