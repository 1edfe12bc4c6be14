"""Which of what was made still counts: arithmetic, and compared with a session that is played through."""

from __future__ import annotations

from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from serving.sessions.timeline import Era, Span, Timeline

WENT_BACK = Timeline(
    spans=(
        Span(epoch=1, first_chunk_idx=0),
        Span(epoch=2, first_chunk_idx=40),
        Span(epoch=3, first_chunk_idx=25, is_rewind=True),
        Span(epoch=5, first_chunk_idx=30),
    )
)


def has_chunk(timeline: Timeline, epoch: int, chunk_idx: int) -> bool:
    """Whether what `epoch` did at that chunk counts."""
    end = timeline.end_of(epoch)
    return end is None or chunk_idx < end


def test_a_session_that_only_went_on_has_all_it_made() -> None:
    timeline = Timeline(spans=WENT_BACK.spans[:2])
    assert has_chunk(timeline, 1, 10**9)
    assert (timeline.end_of(1), timeline.end_of(2), timeline.first_rewound_idx) == (None, None, None)
    assert timeline.eras() == [Era(first_chunk_idx=0, epoch=0)]


def test_d10_what_was_made_from_the_chunk_of_a_rewind_on_counts_no_more() -> None:
    assert [has_chunk(WENT_BACK, epoch, chunk_idx) for epoch, chunk_idx in ((1, 24), (1, 25), (2, 24), (2, 60))] == [
        True,
        False,
        True,
        False,
    ]
    assert has_chunk(WENT_BACK, 3, 60)
    assert WENT_BACK.first_rewound_idx == 25


def test_the_state_before_the_chunk_of_a_rewind_is_what_the_new_future_begins_with() -> None:
    assert WENT_BACK.has_boundary(1, 25)
    assert not WENT_BACK.has_boundary(1, 26)


def test_a_branch_that_left_before_a_rewind_has_the_old_future() -> None:
    before = WENT_BACK.until(2)
    assert has_chunk(before, 1, 60)
    assert not has_chunk(before, 3, 0)
    assert not before.has_boundary(3, 0)
    assert before.eras() == [Era(first_chunk_idx=0, epoch=0)]


def test_eras_are_cut_where_the_session_went_back() -> None:
    again = Timeline(spans=(*WENT_BACK.spans, Span(epoch=6, first_chunk_idx=50, is_rewind=True)))
    assert [(era.first_chunk_idx, era.epoch) for era in again.eras()] == [(0, 0), (25, 3), (50, 6)]
    deeper = Timeline(spans=(*again.spans, Span(epoch=7, first_chunk_idx=10, is_rewind=True)))
    assert [(era.first_chunk_idx, era.epoch) for era in deeper.eras()] == [(0, 0), (10, 7)]


# An epoch: how far back it begins of the chunks there are, whether as a rewind, and how many chunks it makes.
EPOCHS = st.lists(st.tuples(st.integers(0, 12), st.booleans(), st.integers(0, 8)), min_size=1, max_size=8)


@given(epochs=EPOCHS, data=st.data())
def test_w05_the_timeline_is_what_the_session_has(epochs: list[tuple[int, bool, int]], data: st.DataObject) -> None:
    new = count(1)
    chunks: list[int] = []  # what the session has, each chunk as it came out
    made: dict[tuple[int, int], int] = {}
    states: list[list[int]] = []
    spans = []
    for epoch, (back, is_rewind, num_made) in enumerate(epochs, start=1):
        first = max(0, len(chunks) - back)
        is_rewind = is_rewind and epoch > 1
        spans.append(Span(epoch=epoch, first_chunk_idx=first, is_rewind=is_rewind))
        if is_rewind:
            del chunks[first:]
        for chunk_idx in range(first, first + num_made):
            if chunk_idx == len(chunks):
                chunks.append(next(new))
            made[epoch, chunk_idx] = chunks[chunk_idx]  # what is on record is made again as it was
        states.append(list(chunks))
    until = data.draw(st.integers(1, len(epochs)))
    timeline, there = Timeline(spans=tuple(spans)).until(until), states[until - 1]
    for (epoch, chunk_idx), chunk in made.items():
        is_there = epoch <= until and chunk_idx < len(there) and there[chunk_idx] == chunk
        assert has_chunk(timeline, epoch, chunk_idx) == is_there
        # The state after a chunk that counts counts, and no other.
        assert timeline.has_boundary(epoch, chunk_idx + 1) == is_there
