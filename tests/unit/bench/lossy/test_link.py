"""Which packets a line loses, and when the others leave it."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from bench.lossy.link import MAX_WAITING, Link, LinkConfig, is_lost

CONFIG = LinkConfig(loss_share=0.05, delay_s=0.02, seed=5)
NOTHING_LOST = replace(CONFIG, loss_share=0.0)


def lost(config: LinkConfig, num_packets: int = 20_000) -> list[int]:
    return [idx for idx in range(num_packets) if is_lost(idx, config)]


@pytest.mark.parametrize("share", [0.01, 0.05, 0.3])
def test_so_large_a_share_is_lost(share: float) -> None:
    spread = 4 * math.sqrt(share * (1 - share) / 20_000)
    assert len(lost(replace(CONFIG, loss_share=share))) / 20_000 == pytest.approx(share, abs=spread)


def test_a_line_without_loss_loses_nothing() -> None:
    assert lost(NOTHING_LOST) == []


def test_the_same_seed_loses_the_same_packets_and_another_one_others() -> None:
    assert lost(CONFIG) == lost(replace(CONFIG, delay_s=1.0))
    both = set(lost(CONFIG)) & set(lost(replace(CONFIG, seed=6)))
    assert len(both) < 0.2 * len(lost(CONFIG))


def test_whoever_loses_more_loses_the_same_packets_too() -> None:
    assert set(lost(CONFIG)) < set(lost(replace(CONFIG, loss_share=0.1)))


def test_losses_come_one_after_another_as_often_as_chance_has_it() -> None:
    found = set(lost(replace(CONFIG, loss_share=0.3)))
    pairs = sum(idx + 1 in found for idx in found)
    assert pairs / len(found) == pytest.approx(0.3, abs=0.03)


def test_packets_leave_in_order_each_after_its_delay() -> None:
    link = Link(NOTHING_LOST)
    link.take(b"one", 10.0)
    link.take(b"two", 10.005)
    assert link.due_s == pytest.approx(10.02)
    assert link.give(10.019) == []
    assert link.give(10.021) == [b"one"]
    assert link.due_s == pytest.approx(10.025)
    assert link.give(10.1) == [b"two"]
    assert link.due_s is None
    assert link.lag_s == pytest.approx([0.001, 0.075])


def test_what_is_lost_never_leaves_and_is_counted() -> None:
    link = Link(CONFIG)
    for idx in range(100):
        link.take(bytes([idx]), 0.0)
    assert link.num_packets == 100
    assert 0 < link.num_lost < 20
    assert link.give(1.0) == [bytes([idx]) for idx in range(100) if not is_lost(idx, CONFIG)]


def test_a_line_that_is_full_drops_what_comes() -> None:
    link = Link(NOTHING_LOST)
    for _ in range(MAX_WAITING + 3):
        link.take(b"", 0.0)
    assert (link.num_overflowed, link.num_lost) == (3, 0)
    assert len(link.give(1.0)) == MAX_WAITING


@pytest.mark.parametrize("wrong", [{"loss_share": 1.0}, {"loss_share": -0.1}, {"delay_s": -1}, {"delay_s": math.nan}])
def test_a_line_that_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be"):
        replace(CONFIG, **wrong)
