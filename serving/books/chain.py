"""Rows of a book, each bound to the one before. Pure.

A row is canonical JSON under the same kind of chain as the journals of sessions. What names or describes a person lies
beside it and is bound by its SHA-256 alone, with a salt so that nobody can guess it back: it can be erased, and the
chain still holds. A row without its personal fields is in order only when a later row of kind `erased` names it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from serving.sessions.records import JournalFault, JournalHead, canonical, chained, first_fault

ERASED = "erased"  # the kind of the row that says which others lost their personal fields
NOBODY = "-"  # the tenant of calls whose caller is not known


class Book(StrEnum):
    USAGE = "usage"
    AUDIT = "audit"


class BookId(NamedTuple):
    book: Book
    tenant_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Not yet in a book."""

    key: str  # unlike any other of its book: what is added twice is there once
    kind: str
    time_s: float
    session_id: str = ""
    body: Mapping[str, Any] = field(default_factory=dict)  # JSON
    personal: Mapping[str, Any] = field(default_factory=dict)  # JSON; "subject_id" is whom it is about
    salt: str = ""  # random, where there is something personal


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    seq: int
    key: str
    kind: str
    time_s: float
    session_id: str
    subject_id: str | None
    text: str
    personal: str | None  # none: there is nothing, or it was erased
    hash: bytes

    @property
    def fields(self) -> dict[str, Any]:
        return json.loads(self.text)

    @property
    def personal_fields(self) -> dict[str, Any]:
        return {} if self.personal is None else json.loads(self.personal)


def seal(book_id: BookId, head: JournalHead, entries: Iterable[Entry]) -> list[Row]:
    """The entries as they follow `head`."""
    rows = []
    for entry in entries:
        personal = canonical({**entry.personal, "salt": entry.salt}) if entry.personal else None
        text = canonical(
            {
                **entry.body,
                "book": book_id.book,
                "tenant_id": book_id.tenant_id,
                "seq": head.length,
                "key": entry.key,
                "kind": entry.kind,
                "time_s": entry.time_s,
                "session_id": entry.session_id,
                "personal_sha256": None if personal is None else _sha256(personal),
            }
        )
        digest = chained(head.hash, text)
        rows.append(
            Row(
                seq=head.length,
                key=entry.key,
                kind=entry.kind,
                time_s=entry.time_s,
                session_id=entry.session_id,
                subject_id=entry.personal.get("subject_id"),
                text=text,
                personal=personal,
                hash=digest,
            )
        )
        head = JournalHead(length=head.length + 1, hash=digest)
    return rows


def find_fault(
    book_id: BookId,
    rows: Iterable[Row],
    end: JournalHead,
    erased: Collection[int] = (),
    known: JournalHead | None = None,
) -> JournalFault | None:
    """The first row that was altered or is missing. `erased` are those that rows of that kind name; `known` is an
    earlier end that was kept elsewhere, and that must be among them."""

    def problem(row: Row, head: JournalHead) -> str:
        if known is not None and row.seq == known.length - 1 and row.hash != known.hash:
            return "is not the one whose hash was kept elsewhere"
        return _problem(book_id, row, head, erased)

    if known is not None and end.length < known.length:
        return JournalFault(seq=end.length, problem="is missing: a later end was kept elsewhere")
    return first_fault(rows, end, problem)


def erased_seqs(rows: Iterable[Row]) -> set[int]:
    """The rows that those of kind `erased` name."""
    return {seq for row in rows if row.kind == ERASED for seq in from_ranges(row.fields["rows"])}


def to_ranges(seqs: Iterable[int]) -> list[list[int]]:
    """Numbers as first and last of each run."""
    ranges: list[list[int]] = []
    for seq in sorted(seqs):
        if ranges and ranges[-1][1] == seq - 1:
            ranges[-1][1] = seq
        else:
            ranges.append([seq, seq])
    return ranges


def from_ranges(ranges: Iterable[Iterable[int]]) -> set[int]:
    return {seq for first, last in ranges for seq in range(first, last + 1)}


def _problem(book_id: BookId, row: Row, head: JournalHead, erased: Collection[int]) -> str:
    if chained(head.hash, row.text) != row.hash:
        return "was altered, or does not follow the one before"
    fields = row.fields
    if (fields["book"], fields["tenant_id"], fields["seq"]) != (book_id.book, book_id.tenant_id, row.seq):
        return "was moved here from elsewhere"
    shown = (row.key, row.kind, row.time_s, row.session_id)
    if (fields["key"], fields["kind"], fields["time_s"], fields["session_id"]) != shown:
        return "is listed as something else than it is"
    return _personal_problem(row, fields["personal_sha256"], erased)


def _personal_problem(row: Row, digest: str | None, erased: Collection[int]) -> str:
    if row.personal is None:
        is_gone = digest is not None and row.seq not in erased
        return "lost its personal fields, and no row says that they were erased" if is_gone else ""
    if _sha256(row.personal) != digest:
        return "has other personal fields than were written"
    if row.personal_fields.get("subject_id") != row.subject_id:
        return "is listed under another subject"
    return ""


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
