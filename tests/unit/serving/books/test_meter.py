"""Rows of usage: each frame once, at its worth, under keys that are never used twice."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from serving.books.budgets import Decision, Spending, Verdict, decide
from serving.books.meter import HELD_CHUNKS, REMEMBERED_CHUNKS, SessionMeter
from serving.books.usage import Usage
from serving.gateway.validation import MAX_CREDIT
from tests.fakes import fake_frames, fake_info

INFO = fake_info(frames_per_chunk=2)
BLANK = np.zeros((2, 80, 128, 3), np.uint8)


def meter() -> SessionMeter:
    return SessionMeter("s-1", INFO.frame_rate)


def come(meter: SessionMeter, *chunk_idxs: int) -> None:
    for chunk_idx in chunk_idxs:
        meter.came(chunk_idx, fake_frames(INFO, chunk_idx))


def test_b02_only_what_was_delivered_counts() -> None:
    counting = meter()
    come(counting, 0, 1, 2)
    counting.delivered(0, 2, 100.0)
    counting.delivered(1, 2, 101.0)
    counting.delivered(1, 2, 101.0, looks_on=True)
    row = counting.cut(7, 103.5)
    assert row is not None
    assert row.usage == Usage(num_frames=4, num_viewer_frames=2, seconds=Decimal("3.5"))
    assert (row.epoch, row.chunks) == (7, ((0, 1),))
    assert counting.cut(7, 103.5) is None


def test_q09_nothing_is_billed_before_the_first_frame() -> None:
    counting = meter()
    come(counting, 0)
    assert counting.cut(1, 500.0) is None
    counting.delivered(0, 2, 600.0)
    row = counting.cut(1, 601.0)
    assert row is not None
    assert row.usage.seconds == 1


def test_q07_blank_frames_are_counted_and_not_billed() -> None:
    counting = meter()
    counting.came(0, BLANK)
    counting.delivered(0, 2, 1.0)
    counting.delivered(0, 2, 1.0, looks_on=True)
    row = counting.cut(1, 1.0)
    assert row is not None
    assert row.usage == Usage(num_blank_frames=2, num_invalid_viewer_frames=2, seconds=Decimal("0.000"))


def test_b02_after_a_rewind_a_chunk_counts_again_as_it_is_now() -> None:
    counting = meter()
    come(counting, 0)
    counting.came(1, BLANK)
    counting.delivered(0, 2, 0.0)
    counting.delivered(1, 2, 0.0)
    come(counting, 1)
    counting.delivered(1, 2, 0.0)
    row = counting.cut(1, 0.0)
    assert row is not None
    assert (row.usage.num_frames, row.usage.num_blank_frames) == (4, 2)
    assert row.chunks == ((0, 1), (1, 1))


def test_b02_of_several_who_play_one_pays_for_playing() -> None:
    counting = meter()
    come(counting, 0, 1)
    for chunk_idx in (0, 0, 1, 1, 1):
        counting.delivered(chunk_idx, 2, 0.0)
    row = counting.cut(1, 0.0)
    assert row is not None
    assert (row.usage.num_frames, row.usage.num_viewer_frames) == (4, 6)


def test_b02_what_a_client_may_not_have_taken_yet_is_in_no_row_until_the_session_leaves() -> None:
    """A gateway that is killed has written nothing that its client gets once more elsewhere."""
    assert HELD_CHUNKS >= MAX_CREDIT
    counting, num_chunks = meter(), HELD_CHUNKS + 3
    come(counting, *range(num_chunks))
    for chunk_idx in range(num_chunks):
        counting.delivered(chunk_idx, 2, 0.0)
        counting.delivered(chunk_idx, 2, 0.0, looks_on=True)
    row = counting.cut(1, 0.0, HELD_CHUNKS)
    assert row is not None
    assert (row.chunks, row.usage.num_frames, row.usage.num_viewer_frames) == (((0, 2),), 6, 6)
    assert counting.cut(1, 0.0, HELD_CHUNKS) is None
    rest = counting.cut(1, 0.0)
    assert rest is not None
    assert (rest.chunks, rest.usage.num_frames) == (((3, num_chunks - 1),), 2 * HELD_CHUNKS)
    assert rest.usage.num_viewer_frames == 2 * HELD_CHUNKS


def test_b02_what_a_client_gets_again_after_its_gateway_died_is_billed_once() -> None:
    counting = meter()
    counting.was_billed_to(5)
    come(counting, 4, 5, 6)
    for chunk_idx in (4, 5, 6):
        counting.delivered(chunk_idx, 2, 0.0)
        counting.delivered(chunk_idx, 2, 0.0, looks_on=True)
    row = counting.cut(2, 0.0)
    assert row is not None
    assert (row.chunks, row.usage.num_frames, row.usage.num_viewer_frames) == (((6, 6),), 2, 2)
    come(counting, 3, 4)  # it went back: another world has these numbers now
    for chunk_idx in (3, 4):
        counting.delivered(chunk_idx, 2, 0.0)
    row = counting.cut(2, 0.0)
    assert row is not None
    assert row.chunks == ((3, 4),)


def test_b02_rows_that_are_far_apart_hold_no_more_than_they_must() -> None:
    counting = meter()
    for chunk_idx in range(3 * REMEMBERED_CHUNKS):
        counting.delivered(chunk_idx, 2, 0.0)
    assert len(counting._held) == REMEMBERED_CHUNKS
    row = counting.cut(1, 0.0)
    assert row is not None
    assert row.usage.num_frames == 6 * REMEMBERED_CHUNKS


@given(st.lists(st.tuples(st.sampled_from(["deliver", "show", "cut", "rewind"]), st.floats(0, 2)), max_size=60))
def test_b02_rows_add_up_to_all_that_was_counted_and_have_their_own_keys(steps: list[tuple[str, float]]) -> None:
    counting, rows = meter(), []
    chunk_idx = num_delivered = num_shown = 0
    now_s = start_s = 1_000.0
    for step, pass_s in steps:
        now_s += pass_s
        if step == "deliver":
            start_s = now_s if num_delivered == 0 else start_s
            counting.delivered(chunk_idx, 2, now_s)
            chunk_idx, num_delivered = chunk_idx + 1, num_delivered + 1
        elif step == "show":
            counting.delivered(chunk_idx, 2, now_s, looks_on=True)
            num_shown += 1
        elif step == "rewind":
            chunk_idx //= 2
        else:
            rows.append(counting.cut(3, now_s, int(pass_s * HELD_CHUNKS)))
    rows.append(counting.cut(3, now_s))
    written = [row for row in rows if row is not None]
    total = sum((row.usage for row in written), Usage())
    assert (total.num_frames, total.num_viewer_frames) == (2 * num_delivered, 2 * num_shown)
    assert abs(float(total.seconds) - (now_s - start_s if num_delivered else 0)) < 0.01
    assert len({row.key for row in written}) == len(written)


def test_b02_a_budget_is_told_of_before_it_ends_a_session() -> None:
    def at(spent: str, *, was_warned: bool) -> Decision:
        spending = Spending(limit=Decimal(10), spent=Decimal(spent))
        return decide([spending], Decimal("0.1"), 20.0, was_warned=was_warned)

    assert at("5", was_warned=False).verdict is Verdict.GO_ON
    near = at("8.5", was_warned=False)
    assert (near.verdict, near.time_left_s) == (Verdict.WARN, 15.0)
    assert at("8.5", was_warned=True).verdict is Verdict.GO_ON
    assert at("10", was_warned=True).verdict is Verdict.END
    assert at("11", was_warned=False).verdict is Verdict.WARN, "nobody is cut off without a word"


def test_b02_the_nearest_budget_counts_and_none_is_no_limit() -> None:
    far, near = Spending(limit=Decimal(99), spent=Decimal(0)), Spending(limit=Decimal(1), spent=Decimal("0.9"))
    assert decide([far, near], Decimal("0.01"), 20.0, was_warned=False).verdict is Verdict.WARN
    assert decide([], Decimal(1), 20.0, was_warned=False).verdict is Verdict.GO_ON
    assert decide([far], Decimal(0), 20.0, was_warned=False).verdict is Verdict.GO_ON
