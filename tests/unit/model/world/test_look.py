"""The true look: weather on things, styles with textures of their own."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from model import camera, patterns
from model.precipitation import FLAKE_SHARE, NUM_NOISES, frame_noise
from model.reflection import mirrored
from model.world.conditions import SLOTS, conditions_of
from model.world.look import render_look
from tests.unit.model.world_views import view_of

FIRST_ROW = 16
SLOPE = camera.row_slope(camera.VIEW_H, FIRST_ROW)[None]
HORIZON = int(camera.HORIZON_ROW) - FIRST_ROW
STILL = torch.zeros(1, NUM_NOISES, camera.VIEW_H, camera.VIEW_W)


def noise() -> Tensor:
    torch.manual_seed(4)
    specks = (torch.rand(camera.VIEW_H, camera.VIEW_W) < FLAKE_SHARE).float()
    of_frame = frame_noise(torch.rand(camera.VIEW_H, camera.VIEW_W), specks)
    return torch.cat([of_frame, patterns.patterns_at(0, FIRST_ROW)])[None]


def look(place: str = "street", noise_BNHW: Tensor = STILL, **choices: str) -> Tensor:
    """rgb_CHW."""
    conditions = torch.from_numpy(conditions_of(place=place, **choices))[None]
    return render_look(view_of(place), conditions, SLOPE, noise_BNHW)[0]


def test_a_paper_world_on_a_clear_day_shows_no_pattern() -> None:
    torch.testing.assert_close(look(noise_BNHW=noise()), look(), atol=0, rtol=0)


@pytest.mark.parametrize("style", SLOTS["style"][1:])
def test_every_other_style_is_far_from_paper(style: str) -> None:
    assert (look(noise_BNHW=noise(), style=style) - look()).square().mean() > 0.006


@pytest.mark.parametrize("style", ["watercolour", "noir", "swirl", "vintage"])
def test_texture_comes_from_noise(style: str) -> None:
    assert (look(noise_BNHW=noise(), style=style) - look(style=style)).abs().mean() > 0.01


def test_strokes_lie_along_the_ground_and_swirls_in_the_sky() -> None:
    drawn = look("desert", noise(), style="swirl") - look("desert", style="swirl")
    sky, ground = drawn[0, : HORIZON - 12], drawn[0, HORIZON + 12 :]
    swirl, across = noise()[0, 4 + patterns.SWIRL], noise()[0, 4 + patterns.STROKE_ACROSS]

    def likeness(part: Tensor, pattern: Tensor) -> float:
        return abs(float(torch.corrcoef(torch.stack([part.flatten(), pattern.flatten()]))[0, 1]))

    assert likeness(sky, swirl[: HORIZON - 12]) > 0.5
    assert likeness(sky, across[: HORIZON - 12]) < 0.2
    assert likeness(ground, across[HORIZON + 12 :]) > 0.5


def test_still_water_shows_the_view_upside_down() -> None:
    maps = view_of("street")
    below = mirrored(maps, SLOPE)
    assert below[:, :, :HORIZON].abs().max() == 0
    torch.testing.assert_close(below[:, :, HORIZON : 2 * HORIZON], maps[:, :, :HORIZON].flip(2), atol=0, rtol=0)


def test_rain_wets_the_ground_and_reflects_lamps() -> None:
    ground = slice(HORIZON + 8, None)
    assert look(weather="rain")[:, ground].mean() < 0.96 * look()[:, ground].mean()
    lamps = torch.zeros_like(view_of("street"))
    lamps[:, camera.GLOW, HORIZON - 20, 60] = 1.0
    maps = view_of("street")
    wet = torch.from_numpy(conditions_of(lighting="night", weather="rain"))[None]
    lit, dark = (render_look(with_, wet, SLOPE, STILL) for with_ in (maps + lamps, maps))
    assert (lit - dark)[0, :, HORIZON + 14 : HORIZON + 26, 60].max() > 0.01


def test_snow_lies_on_the_ground_and_on_tops() -> None:
    assert look(weather="snow")[:, HORIZON + 8 :].mean() > 1.3 * look()[:, HORIZON + 8 :].mean()


def test_fog_hides_the_far_before_the_near() -> None:
    near = view_of("street")[0, camera.NEARNESS]
    change = (look(weather="fog") - look()).abs().mean(0)
    things = near > camera.FAR_NEARNESS
    far, close = things & (near < 0.3), things & (near > 0.5)
    assert change[far].mean() > 1.3 * change[close].mean()


@pytest.mark.parametrize("weather", ["rain", "snow"])
@pytest.mark.parametrize("style", SLOTS["style"])
def test_what_falls_is_seen_in_every_style(style: str, weather: str) -> None:
    falling = noise()
    falling[:, 2:] = 0
    assert (look(noise_BNHW=falling, style=style, weather=weather) - look(style=style, weather=weather)).std() > 0.02
