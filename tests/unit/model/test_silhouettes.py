"""Outlines: ramps of nearness become steps, everything else stays."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from model import camera
from model.silhouettes import OUTLINE, REACH_PX, ROUNDS, SIZE, with_crisp_outlines


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


def pooled_once(maps: torch.Tensor) -> torch.Tensor:
    """The same by pooling, with which every pixel looks where to go."""
    ground = camera.nearness(camera.ground_distance_m(camera.row_slope(maps.shape[1])))
    relief = (maps[camera.NEARNESS] - ground[:, None]).clamp_min(0)[None, None]
    high, high_at = F.max_pool2d(relief, SIZE, 1, REACH_PX, return_indices=True)
    low, low_at = F.max_pool2d(-relief, SIZE, 1, REACH_PX, return_indices=True)
    side = torch.where(high - relief <= relief + low, high_at, low_at)
    source = torch.where(high + low > OUTLINE, side, torch.arange(relief.numel()).view_as(relief))
    return maps.flatten(1)[:, source.flatten()].view_as(maps)


@pytest.mark.parametrize("levels", [3, 8, 1000])
def test_of_several_that_are_equally_near_the_first_is_taken(levels: int) -> None:
    torch.manual_seed(levels)
    maps = F.interpolate(torch.rand(1, camera.NUM_MAPS, 14, 20), size=(112, 160), mode="bilinear")[0]
    maps = (maps * levels).round() / levels
    expected = maps
    for _ in range(ROUNDS):
        expected = pooled_once(expected)
    assert not torch.equal(expected, maps)
    assert torch.equal(with_crisp_outlines(maps), expected)


def test_a_sharp_outline_stays_where_it_is() -> None:
    maps = torch.zeros(camera.NUM_MAPS, 56, 32)
    maps[camera.NEARNESS, 4:12, 10:20] = 0.6
    assert torch.equal(with_crisp_outlines(maps), maps)
