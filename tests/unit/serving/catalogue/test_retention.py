"""Which snapshots go: arithmetic on chunks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.catalogue.retention import RetentionConfig, thinned, thinned_after_the_end

CHUNK_S = 0.08
EVERY = 100  # chunks: 8 s
NOW = 60_000  # chunks: 80 min
CHUNKS = st.lists(st.integers(0, 100_000), unique=True, max_size=200)


def kept(chunk_idxs: list[int], now_idx: int) -> list[int]:
    return sorted(set(chunk_idxs) - set(thinned(chunk_idxs, now_idx, CHUNK_S)))


def ages_s(chunk_idxs: list[int]) -> list[float]:
    return [(NOW - chunk_idx) * CHUNK_S for chunk_idx in chunk_idxs]


def test_of_a_long_session_the_recent_past_is_dense_and_the_rest_thin() -> None:
    ages = ages_s(kept(list(range(0, NOW + 1, EVERY)), NOW))
    assert len([age for age in ages if age <= 60]) == 8
    assert len([age for age in ages if 60 < age <= 1_800]) in range(57, 61)
    assert len([age for age in ages if age > 1_800]) in range(10, 13)


def test_nothing_goes_while_there_is_little() -> None:
    assert thinned([], 0, CHUNK_S) == []
    assert thinned(range(0, 750, 75), 750, CHUNK_S) == []


def test_how_long_each_is_kept_can_be_set() -> None:
    config = RetentionConfig(dense_s=0.0, step_s=80.0, near_s=8_000.0)
    assert thinned([0, 500, 999, 1_000, 1_500, 2_000], 2_001, CHUNK_S, config) == [500, 999, 1_500]


@given(chunk_idxs=CHUNKS, now_idx=st.integers(0, 100_000))
def test_no_moment_is_left_without_one_that_had_one(chunk_idxs: list[int], now_idx: int) -> None:
    left = kept(chunk_idxs, now_idx)
    near = round(30 / CHUNK_S)
    for chunk_idx in chunk_idxs:
        age_s = (now_idx - chunk_idx) * CHUNK_S
        if age_s <= 60:
            assert chunk_idx in left
        step = near if age_s <= 1_800 else near * 10
        assert chunk_idx // step in {each // step for each in left}


@given(chunk_idxs=CHUNKS, stops=st.lists(st.integers(0, 100_000), max_size=5))
def test_what_goes_is_the_same_however_often_it_is_asked(chunk_idxs: list[int], stops: list[int]) -> None:
    left: list[int] = []
    done = -1
    for stop in sorted({*stops, 100_000}):
        left = kept(left + [each for each in chunk_idxs if done < each <= stop], stop)
        done = stop
    assert left == kept(chunk_idxs, 100_000)


@given(chunk_idxs=CHUNKS)
def test_the_more_time_passes_the_fewer_are_left(chunk_idxs: list[int]) -> None:
    counts = [len(kept(chunk_idxs, now_idx)) for now_idx in range(100_000, 140_000, 5_000)]
    assert counts == sorted(counts, reverse=True)


def test_of_a_session_that_is_over_the_first_of_every_ten_minutes_and_the_last_stay() -> None:
    chunks = range(0, NOW + 1, EVERY)
    left = sorted(set(chunks) - set(thinned_after_the_end(chunks, CHUNK_S)))
    assert left == [*range(0, NOW, 7_500), NOW]
    assert thinned_after_the_end(left, CHUNK_S) == []


def test_of_a_session_that_is_over_all_can_be_kept() -> None:
    config = RetentionConfig(ended_step_s=0.0)
    assert thinned_after_the_end(range(0, NOW, EVERY), CHUNK_S, config) == []


@given(chunk_idxs=CHUNKS)
def test_what_is_left_of_a_session_that_is_over_is_near_every_moment(chunk_idxs: list[int]) -> None:
    left = sorted(set(chunk_idxs) - set(thinned_after_the_end(chunk_idxs, CHUNK_S)))
    assert {each // 7_500 for each in left} == {each // 7_500 for each in chunk_idxs}
    assert (left[:1], left[-1:]) == (sorted(chunk_idxs)[:1], sorted(chunk_idxs)[-1:])
    assert thinned_after_the_end(left, CHUNK_S) == []


@pytest.mark.parametrize(
    "wrong", [{"step_s": 0.0}, {"num_far_steps": 0}, {"dense_s": -1.0}, {"ended_after_s": -1.0}, {"ended_step_s": -1.0}]
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must"):
        RetentionConfig(**wrong)  # type: ignore[arg-type]
