"""Conditions fade: too slowly at first to be seen as a cut, and wholly there two seconds later."""

from __future__ import annotations

import torch

from model.mood import FADE_CHUNKS, eased, faded
from model.world.conditions import SLOT_RANGES, conditions_of

DAY, NIGHT = (torch.from_numpy(conditions_of(lighting=lighting)) for lighting in ("day", "night"))
TWO_SECONDS = 25


def fades(start_V: torch.Tensor, goal_V: torch.Tensor, chunks: int) -> list[torch.Tensor]:
    steps = [start_V]
    for chunk in range(1, chunks + 1):
        steps.append(faded(steps[-1], goal_V, chunk))
    return steps


def test_d11_the_first_step_of_a_fade_is_a_small_one_and_no_step_is_a_large_one() -> None:
    changes = [
        (after - before).abs().max().item() for before, after in zip(*_pairs(fades(DAY, NIGHT, 25)), strict=True)
    ]
    assert 0 < changes[0] < 0.01
    assert max(changes) < 0.08


def _pairs(steps: list[torch.Tensor]) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    return steps[:-1], steps[1:]


def test_what_was_asked_for_is_there_within_two_seconds_exactly() -> None:
    assert FADE_CHUNKS < TWO_SECONDS
    assert torch.equal(fades(DAY, NIGHT, TWO_SECONDS)[-1], NIGHT)
    assert not torch.equal(fades(DAY, NIGHT, FADE_CHUNKS // 2)[-1], NIGHT)


def test_a_fade_follows_its_curve_from_wherever_it_begins() -> None:
    half = fades(DAY, NIGHT, FADE_CHUNKS // 2)[-1]
    torch.testing.assert_close(half, DAY + eased(FADE_CHUNKS // 2) * (NIGHT - DAY))
    torch.testing.assert_close(fades(half, DAY, FADE_CHUNKS)[-1], DAY)


def test_a_place_changes_at_once_for_what_is_painted_from_now_on() -> None:
    street, forest = (torch.from_numpy(conditions_of(place=place)) for place in ("street", "forest"))
    part = SLOT_RANGES["place"]
    assert torch.equal(fades(street, forest, 1)[-1][part], forest[part])
