"""What the overhead's rounds come to together."""

from __future__ import annotations

from bench.overhead import mean_sentence


def test_rounds_that_differ_are_told_with_how_far() -> None:
    assert mean_sentence("by own calls", [0.005, 0.006, 0.007, 0.006, None, 0.006] * 2) == (
        "mean of 10 rounds, by own calls: 6.0 (95 %: 5.6 to 6.4)",
    )


def test_of_a_few_rounds_no_mean_is_told() -> None:
    assert mean_sentence("by own calls", [0.005, 0.006, 0.007, 0.006, None] * 2) == ()
