"""Patterns of the styles: fixed to the world, not to the screen."""

from __future__ import annotations

import torch

from model import camera
from model.patterns import NUM_PATTERNS, STROKE_ACROSS, STROKE_UPRIGHT, SWIRL, patterns_at, whole_turn


def test_patterns_move_with_the_camera_by_whole_pixels() -> None:
    here, turned, tilted = patterns_at(500, 16), patterns_at(506, 16), patterns_at(500, 13)
    assert here.shape == (NUM_PATTERNS, camera.VIEW_H, camera.VIEW_W)
    torch.testing.assert_close(turned[..., :-6], here[..., 6:], atol=0, rtol=0)
    torch.testing.assert_close(tilted[:, 3:], here[:, :-3], atol=0, rtol=0)
    assert (turned - here).abs().mean() > 0.1


def test_a_whole_turn_has_no_seam() -> None:
    turn = whole_turn()
    across = (turn - turn.roll(-1, 2)).abs().mean((0, 1))
    assert across[-1] < 1.3 * across.mean()


def test_patterns_are_centred_and_bounded() -> None:
    turn = whole_turn()
    assert turn.abs().max() <= 1
    assert turn.mean((1, 2)).abs().max() < 0.1
    assert turn.std((1, 2)).min() > 0.3


def roughness(pattern: torch.Tensor) -> tuple[float, float]:
    """Mean change to the right and downwards."""
    return float(pattern.diff(dim=1).abs().mean()), float(pattern.diff(dim=0).abs().mean())


def test_strokes_run_where_their_names_say() -> None:
    right, down = roughness(whole_turn()[STROKE_ACROSS])
    assert down > 1.5 * right
    right, down = roughness(whole_turn()[STROKE_UPRIGHT])
    assert right > 1.5 * down


def test_the_sky_swirls_both_ways() -> None:
    sky = whole_turn()[SWIRL, : int(camera.HORIZON_ROW) - 10]
    right, down = zip(*(roughness(part) for part in sky.split(32, 1)), strict=True)
    shares = torch.tensor(right) / torch.tensor(down)
    assert shares.min() < 0.75
    assert shares.max() > 0.9
