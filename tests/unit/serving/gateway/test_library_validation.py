from __future__ import annotations

import pytest

from nacre.v1 import library_pb2
from serving.errors import InvalidFieldError
from serving.gateway.library_validation import MAX_SEQUENCE, check_kind, check_sequence


def test_kinds_of_snapshots_that_there_are_not_are_refused() -> None:
    assert check_kind(library_pb2.SNAPSHOT_KIND_UNSPECIFIED, "kind")
    assert check_kind(library_pb2.SNAPSHOT_KIND_PORTABLE, "kind")
    assert not check_kind(library_pb2.SNAPSHOT_KIND_EXACT, "kind")
    with pytest.raises(InvalidFieldError) as caught:
        check_kind(7, "kind")  # pyright: ignore[reportArgumentType]  # as it comes off the wire
    assert (caught.value.field, caught.value.allowed[-1]) == ("kind", "SNAPSHOT_KIND_EXACT")


def test_a_place_in_a_book_is_one_that_a_catalogue_can_count_to() -> None:
    assert check_sequence(MAX_SEQUENCE, "before_sequence") == MAX_SEQUENCE
    with pytest.raises(InvalidFieldError):
        check_sequence(MAX_SEQUENCE + 1, "before_sequence")
