"""Outlines: ramps of nearness become steps, everything else stays."""

from __future__ import annotations

import torch

from model import camera
from model.silhouettes import with_crisp_outlines


def maps_with_ramp() -> torch.Tensor:
    """Something near and red on the left, the far blue on the right, four columns of ramp between."""
    share = torch.cat([torch.ones(20), torch.tensor([0.8, 0.6, 0.4, 0.2]), torch.zeros(24)])
    maps = torch.zeros(camera.NUM_MAPS, 56, 48)  # above the horizon
    maps[0], maps[2] = share, 1 - share
    maps[camera.NEARNESS] = 0.5 * share
    return maps


def test_no_pixel_lies_between_near_and_far() -> None:
    near = with_crisp_outlines(maps_with_ramp())[camera.NEARNESS]
    assert set(near.unique().tolist()) == {0.0, 0.5}


def test_colours_go_with_the_side() -> None:
    maps = with_crisp_outlines(maps_with_ramp())
    torch.testing.assert_close(maps[0], 2 * maps[camera.NEARNESS])
    torch.testing.assert_close(maps[2], 1 - 2 * maps[camera.NEARNESS])


def test_the_ground_stays_as_it_is() -> None:
    maps = torch.rand(camera.NUM_MAPS, camera.CANVAS_H, camera.CANVAS_W)
    ground = camera.nearness(camera.ground_distance_m(camera.row_slope()))
    maps[camera.NEARNESS] = ground[:, None]
    assert torch.equal(with_crisp_outlines(maps), maps)


def test_a_sharp_outline_stays_where_it_is() -> None:
    maps = torch.zeros(camera.NUM_MAPS, 56, 32)
    maps[camera.NEARNESS, 4:12, 10:20] = 0.6
    assert torch.equal(with_crisp_outlines(maps), maps)
