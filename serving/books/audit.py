"""Rows of an audit book: who did what to which thing, from where, and whether it was allowed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from serving.access.principal import Principal
from serving.books.chain import NOBODY, Book, BookId, Entry, Row

CALL = "call"  # the kind of these rows
ATTACHED = "attached"
# What strangers say of themselves is kept up to here.
MAX_TOLD_CHARS = 200
# Ids of somebody to whom something was done, who may ask to be forgotten as well as whoever did it.
SUBJECT, ABOUT = "subject_id", "about"
READ_ONLY = ("Get", "List", "Diff", "Verify")


@dataclass(slots=True, kw_only=True)
class CallNote:
    """What is known of a call, while it is answered. One for each; filled in by those who learn it."""

    method: str
    time_s: float
    peer: str = ""
    user_agent: str = ""
    trace_id: str = ""
    request_id: str = ""
    principal: Principal | None = None  # none until it is known who asks
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def changes_something(self) -> bool:
        return changes_something(self.method)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """A row, read back."""

    seq: int
    time_s: float
    tenant_id: str
    subject_id: str
    role: str
    method: str
    is_allowed: bool
    reason: str
    ids: Mapping[str, str]
    session_id: str
    peer: str
    user_agent: str
    request_id: str
    trace_id: str
    is_erased: bool


def changes_something(method: str) -> bool:
    """By the name of the call: those that only look begin with one of a few words."""
    return not method.rpartition("/")[2].startswith(READ_ONLY)


def audit_entry(
    note: CallNote, key: str, salt: str, *, reason: str = "", is_allowed: bool = True
) -> tuple[BookId, Entry]:
    """`reason`: why it was refused."""
    who = note.principal
    about = {name: value for name, value in note.ids.items() if name.endswith(SUBJECT)}
    personal: dict[str, Any] = {"peer": note.peer, "user_agent": note.user_agent[:MAX_TOLD_CHARS]}
    if about:
        personal[ABOUT] = about
    entry = Entry(
        key=key,
        kind=CALL,
        time_s=note.time_s,
        session_id=note.ids.get("session_id", ""),
        body={
            "method": note.method[:MAX_TOLD_CHARS],
            "allowed": is_allowed,
            "reason": reason,
            "ids": {name: value for name, value in note.ids.items() if name not in about},
            "role": "" if who is None else who.role.value,
            "request_id": note.request_id,
            "trace_id": note.trace_id,
        },
        personal=personal if who is None else {**personal, "subject_id": who.subject_id},
        salt=salt,
    )
    return BookId(Book.AUDIT, NOBODY if who is None else who.tenant_id), entry


def audit_record(row: Row) -> AuditRecord:
    told, personal = row.fields, row.personal_fields
    return AuditRecord(
        seq=row.seq,
        time_s=row.time_s,
        tenant_id=told["tenant_id"],
        subject_id=row.subject_id or "",
        role=told.get("role", ""),
        method=told.get("method", row.kind),
        is_allowed=told.get("allowed", True),
        reason=told.get("reason", ""),
        ids={**told.get("ids", {}), **personal.get(ABOUT, {})},
        session_id=row.session_id,
        peer=personal.get("peer", ""),
        user_agent=personal.get("user_agent", ""),
        request_id=told.get("request_id", ""),
        trace_id=told.get("trace_id", ""),
        is_erased=row.personal is None and told["personal_sha256"] is not None,
    )
