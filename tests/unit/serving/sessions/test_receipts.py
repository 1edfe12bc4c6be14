from __future__ import annotations

import hashlib

import numpy as np
import pytest

from serving.sessions.receipts import (
    FIRST_HASH,
    Receipt,
    ReceiptChain,
    join_hashes,
    receipts_per_row,
    split_hashes,
)

FRAMES = np.arange(24, dtype=np.uint8).reshape(1, 2, 4, 3)
SAMPLES = np.linspace(-1, 1, 8, dtype=np.float32)[:, None]


def receipts(*chunk_idxs: int, first: np.ndarray = FRAMES) -> list[Receipt]:
    chain = ReceiptChain()
    return [chain.next(idx, first if idx == chunk_idxs[0] else FRAMES, SAMPLES) for idx in chunk_idxs]


def test_a_receipt_is_the_hash_of_what_came_before_and_of_what_was_delivered() -> None:
    expected = FIRST_HASH
    for receipt in receipts(0, 1, 2):
        content = receipt.chunk_idx.to_bytes(8, "big") + FRAMES.tobytes() + SAMPLES.astype("<f4").tobytes()
        expected = hashlib.sha256(expected + content).digest()
        assert receipt.hash == expected


def test_one_pixel_changes_every_receipt_from_there_on() -> None:
    other = FRAMES.copy()
    other[0, 0, 0, 0] ^= 1
    same = [a == b for a, b in zip(receipts(0, 1, 2), receipts(0, 1, 2, first=other), strict=True)]
    assert same == [False] * 3


def test_views_of_arrays_count_as_what_they_show() -> None:
    chain = ReceiptChain()
    assert chain.next(0, np.repeat(FRAMES, 2, axis=2)[:, :, ::2], SAMPLES) == receipts(0)[0]


def test_after_a_gap_a_chain_begins_anew_and_one_that_was_written_down_goes_on() -> None:
    assert receipts(0, 1, 7)[2] == receipts(7)[0]
    chain = ReceiptChain()
    chain.resume(receipts(0, 1)[1])
    assert chain.next(2, FRAMES, SAMPLES) == receipts(0, 1, 2)[2]


@pytest.mark.parametrize(("chunk_duration_s", "expected"), [(0.08, 25), (0.008, 25), (0.75, 3), (5.0, 1)])
def test_what_a_dead_gateway_takes_along_is_about_two_seconds(chunk_duration_s: float, expected: int) -> None:
    assert receipts_per_row(chunk_duration_s) == expected


def test_hashes_are_joined_and_split() -> None:
    some = receipts(3, 4, 5)
    assert split_hashes(3, FIRST_HASH, join_hashes(some)) == some
    assert split_hashes(4, some[0].hash, join_hashes(some[1:])) == some[1:]
