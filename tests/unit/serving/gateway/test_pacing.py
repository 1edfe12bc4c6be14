from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.gateway.pacing import MAX_HOLD_S, TokenBucket, chunks_to_grant, hold_s, is_late


def test_a_chunk_waits_until_it_is_due() -> None:
    assert hold_s(due_s=10.05, now_s=10.0) == pytest.approx(0.05)
    assert hold_s(due_s=9.0, now_s=10.0) == 0.0


def test_a_wrong_clock_does_not_stop_the_stream() -> None:
    assert hold_s(due_s=1e9, now_s=10.0) == MAX_HOLD_S


@pytest.mark.parametrize(
    ("due_s", "sent_s", "late"),
    [(10.0, 10.0, False), (10.0, 10.019, False), (10.0, 10.021, True), (10.0, 9.0, False)],
)
def test_a_chunk_is_late_once_past_the_tolerance(due_s: float, sent_s: float, late: bool) -> None:
    assert is_late(due_s, attached_s=5.0, sent_s=sent_s, tolerance_s=0.02) is late


def test_what_was_due_before_the_client_came_is_not_late() -> None:
    assert not is_late(due_s=10.0, attached_s=12.0, sent_s=12.5, tolerance_s=0.02)


@pytest.mark.parametrize(
    ("granted", "delivered", "credit", "expected"),
    [
        (0, 0, 4, 4),  # attach
        (0, 0, 16, 4),  # no further ahead than the window
        (4, 1, 3, 0),  # delivered one, the client gave nothing back
        (4, 1, 4, 1),  # and now it did
        (4, 4, 0, 0),  # no credit: the world pauses
        (4, 2, 1, 0),  # a new client with less credit than was granted for the last one
    ],
)
def test_the_worker_is_let_as_far_as_credit_and_window_reach(
    granted: int, delivered: int, credit: int, expected: int
) -> None:
    assert chunks_to_grant(granted, delivered, credit, window=4) == expected


@given(st.lists(st.one_of(st.integers(1, 16), st.none()), max_size=60), st.integers(1, 8))
def test_chunks_in_flight_never_exceed_window_or_credit(steps: list[int | None], window: int) -> None:
    granted = delivered = credit = 0
    for step in steps:
        if step is not None:
            credit += step
        elif delivered < granted:
            delivered, credit = delivered + 1, credit - 1
        granted += chunks_to_grant(granted, delivered, credit, window)
        assert granted - delivered == min(credit, window)


def test_a_bucket_lets_a_burst_and_then_the_rate_through() -> None:
    bucket = TokenBucket(rate_per_s=10.0, burst=3)
    assert [bucket.take(100.0) for _ in range(4)] == [True, True, True, False]
    assert not bucket.take(100.09)
    assert bucket.take(100.11)
    assert [bucket.take(200.0) for _ in range(4)] == [True, True, True, False]


def test_a_bucket_survives_a_clock_that_goes_back() -> None:
    bucket = TokenBucket(rate_per_s=10.0, burst=1)
    assert bucket.take(100.0)
    assert not bucket.take(50.0)
    assert bucket.take(50.2)
