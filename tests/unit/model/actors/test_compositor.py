"""Actors in a view: in front of what is farther, behind what is nearer, in their own colours."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from model import camera
from model.actors.cast import Cast
from model.actors.compositor import composite
from model.actors.director import direct
from model.actors.gallery import KEPT, Gallery
from model.text.events import Event
from tests.unit.model.actors.scenes import GIRL, networks, played_on, scene

FIRST_ROW = (camera.CANVAS_H - camera.VIEW_H) // 2
UMBRELLA = Event(action="appear", subject="umbrella", colour="red")


def meadow(wall_m: float | None = None) -> torch.Tensor:
    maps = torch.full((camera.NUM_MAPS, camera.VIEW_H, camera.VIEW_W), 0.6)
    ground = camera.nearness(camera.ground_distance_m(camera.row_slope(camera.VIEW_H, FIRST_ROW)))[:, None]
    wall = 0.0 if wall_m is None else float(camera.nearness(torch.tensor(wall_m)))
    maps[camera.NEARNESS] = ground.clamp_min(wall)
    maps[camera.GLOW] = 0.0
    return maps


def shown(event: Event, maps: torch.Tensor) -> torch.Tensor:
    cast = played_on(direct(Cast(), event, scene()), 6)
    return composite(maps, FIRST_ROW, cast, scene(6), Gallery(networks().appearance))


def test_without_anybody_the_view_is_untouched() -> None:
    maps = meadow()
    assert composite(maps, FIRST_ROW, Cast(), scene(), Gallery(networks().appearance)) is maps


def test_a_red_umbrella_is_red_stands_on_the_ground_and_is_as_near_as_it_stands() -> None:
    view = shown(UMBRELLA, meadow())
    is_red = (view[0] > 0.6) & (view[1] < 0.45) & (view[2] < 0.45)
    assert is_red.sum() > 150
    near = view[camera.NEARNESS][is_red].mean()
    assert abs(float(camera.distance_m(near)) - 4.2) < 0.5
    changed_rows = ((view[:3] - 0.6).abs() > 0.15).any(0).any(1).nonzero().flatten()
    foot_row = 0.5 * camera.CANVAS_H + camera.EYE_HEIGHT_M / 4.2 * camera.FOCAL_PX - FIRST_ROW
    assert abs(int(changed_rows.max()) - foot_row) < 8


@pytest.mark.parametrize(("wall_m", "is_hidden"), [(2.0, True), (12.0, False)])
def test_what_is_nearer_hides_an_actor(wall_m: float, is_hidden: bool) -> None:
    maps = meadow(wall_m)
    above_ground = maps[camera.NEARNESS] == maps[camera.NEARNESS, 0, 0]
    difference = (shown(UMBRELLA, maps) - maps).abs().amax(0)[above_ground]
    assert (difference.max() < 0.01) == is_hidden


def test_nothing_is_written_to_the_maps_that_came_in() -> None:
    maps = meadow()
    shown(GIRL, maps)
    torch.testing.assert_close(maps, meadow(), rtol=0, atol=0)


def test_a_lamp_glows() -> None:
    assert shown(Event(action="appear", subject="lamp"), meadow())[camera.GLOW].max() > 0.6


def test_each_latent_is_an_individual_and_a_sprite_depends_on_nothing_else() -> None:
    gallery, fresh = Gallery(networks().appearance), Gallery(networks().appearance)
    (kitten,) = direct(Cast(), Event(action="appear", subject="kitten", colour="grey"), scene()).actors
    other = replace(kitten, latent=tuple(-value for value in kitten.latent))
    first = gallery.sprite(kitten, 1.0)[0]
    gallery.sprite(other, 1.0)
    assert (first - gallery.sprite(other, 1.0)[0]).abs().mean() > 0.005
    torch.testing.assert_close(fresh.sprite(kitten, 1.0)[0], first, rtol=0, atol=0)


def test_the_gallery_is_bounded() -> None:
    gallery = Gallery(networks().appearance)
    (kitten,) = direct(Cast(), Event(action="appear", subject="kitten"), scene()).actors
    for step in range(KEPT + 20):
        gallery.sprite(replace(kitten, crouch=(step // 40) / 6), step * 0.13)
    assert len(gallery._kept) <= KEPT
