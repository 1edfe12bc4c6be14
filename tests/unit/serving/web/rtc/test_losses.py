"""Whether pictures are sent twice, by what the line loses."""

from __future__ import annotations

import random

import pytest

from serving.web.rtc.losses import MAX_PACKETS, Losses

PACKETS_A_REPORT = 12


def told(share: float, num_reports: int, seed: int = 1) -> Losses:
    """As a receiver reports a line that loses packets by chance."""
    chance, losses = random.Random(seed), Losses()
    for _ in range(num_reports):
        lost = sum(chance.random() < share for _ in range(PACKETS_A_REPORT))
        losses.report(lost / PACKETS_A_REPORT)
    return losses


def test_a_line_that_loses_nothing_is_not_sent_anything_twice() -> None:
    assert not Losses().is_worth_twice(1)
    assert not told(0.0, 20).is_worth_twice(1)


@pytest.mark.parametrize("seed", range(20))
def test_pictures_are_sent_twice_over_a_line_that_loses_some(seed: int) -> None:
    losses = told(0.05, 60, seed)
    assert losses.is_worth_twice(1)
    assert losses.is_worth_twice(MAX_PACKETS)
    assert not losses.is_worth_twice(MAX_PACKETS + 1)


def test_a_line_that_is_full_is_not_sent_more() -> None:
    assert not told(0.5, 20).is_worth_twice(1)


def test_what_was_lost_once_is_forgotten() -> None:
    losses = told(0.05, 60)
    for _ in range(20):
        losses.report(0.0)
    assert not losses.is_worth_twice(1)
