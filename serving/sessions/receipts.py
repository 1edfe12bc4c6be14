"""A hash of every delivered chunk, chained to the one before: what a replay is compared with. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from model.interface import FramesFHWC, SamplesSC

HASH_BYTES = 32
FIRST_HASH = bytes(HASH_BYTES)
SAMPLE_DTYPE = np.dtype("<f4")
# A gateway that dies takes so much with it that was delivered and is not on record.
SECONDS_PER_ROW, MAX_PER_ROW = 2.0, 25


def receipts_per_row(chunk_duration_s: float) -> int:
    """So many are put on record at a time."""
    return max(1, min(MAX_PER_ROW, round(SECONDS_PER_ROW / chunk_duration_s)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    chunk_idx: int
    hash: bytes
    previous: bytes  # the hash before it; the first hash where a chain begins


class ReceiptChain:
    """Receipts one after the other. After a gap, where a process died before it wrote them, a chain begins anew."""

    def __init__(self) -> None:
        self._next_chunk_idx = 0
        self._hash = FIRST_HASH

    def next(self, chunk_idx: int, frames_FHWC: FramesFHWC, samples_SC: SamplesSC) -> Receipt:
        previous = self._hash if chunk_idx == self._next_chunk_idx else FIRST_HASH
        self._next_chunk_idx = chunk_idx + 1
        self._hash = chunk_hash(previous, chunk_idx, frames_FHWC, samples_SC)
        return Receipt(chunk_idx=chunk_idx, hash=self._hash, previous=previous)

    def resume(self, receipt: Receipt) -> None:
        """Go on after a receipt that was written down."""
        self._next_chunk_idx, self._hash = receipt.chunk_idx + 1, receipt.hash


def chunk_hash(previous: bytes, chunk_idx: int, frames_FHWC: FramesFHWC, samples_SC: SamplesSC) -> bytes:
    digest = hashlib.sha256(previous + chunk_idx.to_bytes(8, "big"))
    digest.update(np.ascontiguousarray(frames_FHWC).data)
    digest.update(np.ascontiguousarray(samples_SC, SAMPLE_DTYPE).data)
    return digest.digest()


def join_hashes(receipts: Iterable[Receipt]) -> bytes:
    return b"".join(receipt.hash for receipt in receipts)


def split_hashes(first_chunk_idx: int, previous: bytes, hashes: bytes) -> Sequence[Receipt]:
    """Receipts of chunks in a row, the first of which follows `previous`."""
    receipts: list[Receipt] = []
    for index in range(len(hashes) // HASH_BYTES):
        own = hashes[index * HASH_BYTES : (index + 1) * HASH_BYTES]
        receipts.append(Receipt(chunk_idx=first_chunk_idx + index, hash=own, previous=previous))
        previous = own
    return receipts
