"""Messages in pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.errors import InvalidFieldError, MessageTooLargeError
from serving.web.rtc.fragments import PIECE_BYTES, Joiner, pieces_of


@given(st.lists(st.integers(0, 3 * PIECE_BYTES), max_size=4))
def test_what_was_taken_apart_is_put_together(sizes: list[int]) -> None:
    joiner = Joiner(3 * PIECE_BYTES)
    for idx, size in enumerate(sizes):
        message = bytes([idx]) * size
        *before, last = [joiner.add(piece) for piece in pieces_of(message)]
        assert before == [None] * len(before)
        assert last == message


def test_pieces_are_small() -> None:
    assert max(map(len, pieces_of(b"x" * (2 * PIECE_BYTES + 1)))) == PIECE_BYTES + 1
    assert list(pieces_of(b"")) == [b"\x00"]


@pytest.mark.parametrize("piece", [b"", b"\x02", b"\xff\xff"])
def test_what_is_no_piece(piece: bytes) -> None:
    with pytest.raises(InvalidFieldError):
        Joiner(100).add(piece)


def test_more_than_a_message_may_have_is_refused_before_it_is_whole() -> None:
    joiner = Joiner(10)
    assert joiner.add(b"\x01" + b"x" * 6) is None
    with pytest.raises(MessageTooLargeError):
        joiner.add(b"\x01" + b"x" * 6)
    with pytest.raises(MessageTooLargeError):
        Joiner(10).add(b"\x00" + b"x" * 11)
