"""Reprojection against the training world's own geometry."""

from __future__ import annotations

import torch

from model import camera
from model.warp import Panorama, Target, Warped, look_up_colours, patch_coverage, warp
from model.world.renderer import Viewpoint, render_maps

SEED = torch.tensor([17])
COLUMN = 432  # along the street
START = COLUMN - 48


def rendered(x_m: float, width: int, column: int) -> torch.Tensor:
    clear = torch.stack([torch.linspace(26, 36, 9), torch.zeros(9)], -1)[None]
    view = Viewpoint(torch.tensor([x_m]), torch.zeros(1), torch.tensor([column]))
    return render_maps("street", SEED, view, clear, width)


def seen_after(step_m: float, turn_px: int = 0) -> Warped:
    maps = rendered(30.0, 256, START)
    known = torch.ones(1, camera.CANVAS_H, 256, dtype=torch.bool)
    source = Panorama(maps, known, torch.tensor([START]), torch.tensor([30.0]), torch.zeros(1))
    target = Target(torch.tensor([COLUMN + turn_px]), torch.tensor([30.0 + step_m]), torch.zeros(1), camera.CANVAS_W)
    return warp(source, target)


def psnr_db(made: torch.Tensor, true: torch.Tensor) -> float:
    return -10 * float((made - true).square().mean().clamp_min(1e-9).log10())


def assert_same_picture(seen: Warped, true: torch.Tensor) -> None:
    valid = seen.valid_BHV[0]
    assert valid.float().mean() > 0.99
    assert (seen.maps_BMHV - true).abs()[:, :3, valid].max() < 1e-3
    assert (seen.maps_BMHV - true).abs()[:, camera.NEARNESS, valid].mean() < 1e-3


def test_standing_still_is_the_identity() -> None:
    assert_same_picture(seen_after(0.0), rendered(30.0, camera.CANVAS_W, COLUMN))


def test_turning_only_moves_columns() -> None:
    assert_same_picture(seen_after(0.0, turn_px=12), rendered(30.0, camera.CANVAS_W, COLUMN + 12))


def test_walking_shows_what_the_world_shows() -> None:
    seen = seen_after(1.0)
    true = rendered(31.0, camera.CANVAS_W, COLUMN)
    well = seen.valid_BHV[0] & ~seen.weak_BHV[0]
    stayed = rendered(30.0, camera.CANVAS_W, COLUMN)
    moved_db = psnr_db(seen.maps_BMHV[:, :3, well], true[:, :3, well])
    assert moved_db > 24
    assert moved_db > psnr_db(stayed[:, :3, well], true[:, :3, well]) + 6


def test_what_was_hidden_is_not_claimed_to_be_known() -> None:
    assert seen_after(4.0).valid_BHV.float().mean() < 0.97


def test_coverage_tells_quarters_apart() -> None:
    mask = torch.zeros(1, camera.CANVAS_H, camera.CANVAS_W, dtype=torch.bool)
    mask[0, :8, :8] = True
    coverage = patch_coverage(mask)
    assert coverage[0, 0, 0].tolist() == [1.0, 0.0, 0.0, 0.0]
    assert coverage.sum() == 1.0


def test_a_colour_is_the_same_to_the_bit_whichever_others_are_asked_for() -> None:
    torch.manual_seed(3)
    field = torch.rand(1, 3, camera.CANVAS_H, 256)
    column, row = 280 * torch.rand(1, 60, 70) - 12, 130 * torch.rand(1, 60, 70) - 9
    everywhere = look_up_colours(field, column, row).flatten(2)
    for share in (0.0, 0.001, 0.3, 0.9):
        at = (torch.rand(60 * 70) < share).nonzero()[:, 0]
        some = look_up_colours(field, *(where.flatten()[at][None, None] for where in (column, row)))
        assert torch.equal(some[:, :, 0], everywhere[:, :, at])
