"""The calls of nacre.v1.AuditService."""

from __future__ import annotations

import asyncio

from nacre.v1 import audit_pb2, audit_pb2_grpc
from serving.books.audit import AuditRecord
from serving.books.bookkeeper import Bookkeeper
from serving.books.chain import NOBODY, BookId
from serving.books.reading import AuditQuestion, VerifiedBook, latest_records, verified_books
from serving.errors import UnavailableError
from serving.gateway.library_codec import to_timestamp
from serving.gateway.library_validation import MAX_NAME_CHARS, check_page_size, check_sequence
from serving.gateway.tenants_asked import tenant_asked_for
from serving.gateway.validation import check_id, check_text


class AuditService(audit_pb2_grpc.AuditServiceServicer):
    """Checks what came, asks for it, answers. Raises `serving.errors`."""

    def __init__(self, bookkeeper: Bookkeeper | None) -> None:
        self._bookkeeper = bookkeeper

    async def ListAuditEntries(  # noqa: N802
        self, request: audit_pb2.ListAuditEntriesRequest, context: object
    ) -> audit_pb2.ListAuditEntriesResponse:
        question = AuditQuestion(
            tenant_id=tenant_asked_for(request.tenant_id, others=(NOBODY,)),
            limit=check_page_size(request.page_size, "page_size"),
            before_seq=check_sequence(request.before_sequence, "before_sequence")
            if request.HasField("before_sequence")
            else None,
            subject_id=check_text(request.subject_id, MAX_NAME_CHARS, "subject_id") if request.subject_id else None,
            session_id=check_id(request.session_id, "session_id") if request.session_id else None,
            is_refused_only=request.refused_only,
        )
        books = self._books
        records = await asyncio.to_thread(latest_records, books.ledger, question)
        return audit_pb2.ListAuditEntriesResponse(entries=[to_entry(each) for each in records])

    async def VerifyBooks(  # noqa: N802
        self, request: audit_pb2.VerifyBooksRequest, context: object
    ) -> audit_pb2.VerifyBooksResponse:
        tenant_id = tenant_asked_for(request.tenant_id, others=(NOBODY,))
        found = await asyncio.to_thread(verified_books, self._books.ledger, tenant_id)
        return audit_pb2.VerifyBooksResponse(books=[to_verified(book_id, each) for book_id, each in found.items()])

    @property
    def _books(self) -> Bookkeeper:
        if self._bookkeeper is None:
            raise UnavailableError("this service keeps no books")
        return self._bookkeeper


def to_entry(record: AuditRecord) -> audit_pb2.AuditEntry:
    return audit_pb2.AuditEntry(
        sequence=record.seq,
        time=to_timestamp(record.time_s),
        subject_id=record.subject_id,
        role=record.role,
        method=record.method,
        allowed=record.is_allowed,
        reason=record.reason,
        ids=record.ids,
        peer=record.peer,
        user_agent=record.user_agent,
        request_id=record.request_id,
        trace_id=record.trace_id,
        session_id=record.session_id,
        erased=record.is_erased,
    )


def to_verified(book_id: BookId, verified: VerifiedBook) -> audit_pb2.VerifiedBook:
    fault = verified.fault
    return audit_pb2.VerifiedBook(
        book=book_id.book.value,
        num_rows=verified.head.length,
        last_hash=verified.head.hash,
        fault_sequence=None if fault is None else fault.seq,
        fault="" if fault is None else fault.problem,
    )
