"""The journal's records, each bound to the one before by a SHA-256 over that one's hash and its own text. Pure.

A record is canonical JSON: keys in order, no spaces, numbers as Python writes them. What is too large for JSON
(the tensors that sentences and pictures became) lies beside it, bound by its own SHA-256 in the text. Whoever alters,
drops or swaps a record breaks the chain there, and the last hash, kept elsewhere, tells when the end is cut off.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, TypeVar

FIRST_HASH = bytes(32)  # what the first record follows


class RecordKind(StrEnum):
    OPENED = "opened"  # what the session's chunks depend on before any control
    RESUMED = "resumed"  # another holder goes on with what is on record
    REWOUND = "rewound"  # the session went back: what is on record from a chunk on does not count any more
    ACCEPTED = "accepted"
    APPLIED = "applied"
    SUPERSEDED = "superseded"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Not yet in the chain."""

    kind: RecordKind
    body: Mapping[str, Any]  # JSON
    tensors: bytes | None = None  # safetensors


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedRecord:
    seq: int
    text: str
    tensors: bytes | None
    hash: bytes

    @property
    def fields(self) -> dict[str, Any]:
        return json.loads(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalHead:
    """Where a journal ends."""

    length: int = 0
    hash: bytes = FIRST_HASH


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalFault:
    """The first record that is not what was written."""

    seq: int
    problem: str


def seal(session_id: str, epoch: int, head: JournalHead, records: Iterable[Record]) -> list[SealedRecord]:
    """The records as they follow `head`."""
    sealed = []
    for record in records:
        text = canonical(
            {
                "session_id": session_id,
                "seq": head.length,
                "epoch": epoch,
                "kind": record.kind,
                "tensors_sha256": None if record.tensors is None else hashlib.sha256(record.tensors).hexdigest(),
                **record.body,
            }
        )
        digest = chained(head.hash, text)
        sealed.append(SealedRecord(seq=head.length, text=text, tensors=record.tensors, hash=digest))
        head = JournalHead(length=head.length + 1, hash=digest)
    return sealed


def head_after(head: JournalHead, records: Iterable[SealedRecord]) -> JournalHead:
    for record in records:
        head = JournalHead(length=record.seq + 1, hash=record.hash)
    return head


def find_fault(
    session_id: str, records: Iterable[SealedRecord], end: JournalHead, start: JournalHead | None = None
) -> JournalFault | None:
    """The first record that was altered or is missing; None when all is as it was written from `start`, or the very
    first, up to `end`."""
    return first_fault(records, end, lambda record, head: _problem(session_id, record, head), start)


class Linked(Protocol):
    """One of a chain."""

    @property
    def seq(self) -> int: ...

    @property
    def hash(self) -> bytes: ...


Link = TypeVar("Link", bound=Linked)


def first_fault(
    records: Iterable[Link],
    end: JournalHead,
    problem_of: Callable[[Link, JournalHead], str],
    start: JournalHead | None = None,
) -> JournalFault | None:
    """Of any chain. `problem_of` says what is wrong with one that follows the given head; nothing when it is empty."""
    head = start or JournalHead()
    for record in records:
        if record.seq != head.length:
            return JournalFault(seq=head.length, problem="is missing")
        if problem := problem_of(record, head):
            return JournalFault(seq=record.seq, problem=problem)
        head = JournalHead(length=head.length + 1, hash=record.hash)
    if head.length < end.length:
        return JournalFault(seq=head.length, problem=f"is missing, as is all up to {end.length - 1}")
    if head.length > end.length:
        return JournalFault(seq=end.length, problem="was added: the catalogue knows of none")
    if head.hash != (end.hash or FIRST_HASH):
        return JournalFault(seq=max(0, head.length - 1), problem="was replaced: the catalogue has another last hash")
    return None


def canonical(fields: Mapping[str, Any]) -> str:
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def chained(previous: bytes, text: str) -> bytes:
    return hashlib.sha256(previous + text.encode()).digest()


def _problem(session_id: str, record: SealedRecord, head: JournalHead) -> str:
    if chained(head.hash, record.text) != record.hash:
        return "was altered, or does not follow the one before"
    fields = record.fields
    if (fields.get("session_id"), fields.get("seq")) != (session_id, record.seq):
        return "was moved here from elsewhere"
    digest = None if record.tensors is None else hashlib.sha256(record.tensors).hexdigest()
    if fields.get("tensors_sha256") != digest:
        return "has other tensors than those that were written"
    return ""
