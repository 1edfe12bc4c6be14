"""Gaps: closed from their rims to the bit as a canvas full of shifts would, and only as far as it says."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from model import camera
from model.gaps import REACH_PX, fill_gaps

SIDE = 24
STEPS = ((1, 0), (-1, 0), (0, 1), (0, -1))  # a field moved so far shows the neighbour above, below, left, right


def moved(field: Tensor, down: int, right: int, outside: float) -> Tensor:
    height, width = field.shape[-2:]
    padded = F.pad(field, (1, 1, 1, 1), value=outside)
    return padded[..., 1 - down : 1 - down + height, 1 - right : 1 - right + width]


def filled_by_shifts(maps: Tensor, known: Tensor) -> Tensor:
    """The definition: all pixels at once, round after round."""
    for _ in range(REACH_PX):
        near = torch.where(known, maps[camera.NEARNESS], torch.inf)
        choices = torch.stack([moved(near, *step, torch.inf) for step in STEPS])
        reached = choices.amin(0).isfinite() & ~known
        beside = torch.stack([moved(maps, *step, 0.0) for step in STEPS])
        taken = torch.gather(beside, 0, choices.argmin(0).expand(1, *maps.shape))[0]
        maps, known = torch.where(reached, taken, maps), known | reached
    return maps


@given(seed=st.integers(0, 10_000), share=st.sampled_from([0.0, 0.02, 0.5, 0.97, 1.0]), levels=st.integers(1, 9))
def test_what_is_filled_is_what_shifts_of_the_whole_canvas_would_fill(seed: int, share: float, levels: int) -> None:
    """Few levels of nearness: often two sides are as far."""
    generator = torch.Generator().manual_seed(seed)
    maps = torch.rand(6, SIDE, SIDE, generator=generator)
    maps[camera.NEARNESS] = (maps[camera.NEARNESS] * levels).round() / levels
    known = torch.rand(SIDE, SIDE, generator=generator) >= share
    before = maps.clone()
    assert torch.equal(fill_gaps(maps, known), filled_by_shifts(maps, known))
    assert torch.equal(maps, before)


def test_the_farther_side_wins_and_nothing_beyond_reach_is_touched() -> None:
    maps, known = torch.full((5, 9, 40), 0.25), torch.ones(9, 40, dtype=torch.bool)
    maps[camera.NEARNESS, :, :10], maps[camera.NEARNESS, :, 30:] = 0.8, 0.1
    maps[0, :, :10], maps[0, :, 30:] = 1.0, 0.0
    known[:, 10:30] = False
    filled = fill_gaps(maps, known)
    assert (filled[0, :, 10 : 10 + REACH_PX] == 1.0).all()
    assert (filled[0, :, 30 - REACH_PX : 30] == 0.0).all()
    assert (filled[0, :, 10 + REACH_PX : 30 - REACH_PX] == 0.25).all()
    known[:, 12:30] = True
    maps[camera.NEARNESS, :, 12:30] = 0.1
    assert (fill_gaps(maps, known)[camera.NEARNESS, :, 11] == 0.1).all()
