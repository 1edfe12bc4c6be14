"""Questions that people ask the books. Blocking; every one raises `StorageUnavailableError`."""

from __future__ import annotations

from dataclasses import dataclass

from serving.books.audit import CALL, AuditRecord, audit_record
from serving.books.chain import Book, BookId
from serving.books.ledger import Ledger, RowFilter
from serving.books.prices import PriceSheet
from serving.books.usage import SESSION, STORAGE, Bill, Usage, bill_for, month_bounds, total_usage, usage_row
from serving.sessions.records import JournalFault, JournalHead

# A page that asks for refusals alone looks through so many rows at once.
LOOK_THROUGH = 500
MAX_ROWS_LOOKED_THROUGH = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuestion:
    tenant_id: str
    limit: int = 50
    before_seq: int | None = None
    subject_id: str | None = None
    session_id: str | None = None
    is_refused_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageQuestion:
    tenant_id: str
    session_id: str = ""
    world_id: str = ""
    month: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageAnswer:
    usage: Usage
    bill: Bill
    head: JournalHead


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedBook:
    head: JournalHead
    fault: JournalFault | None


def latest_records(ledger: Ledger, question: AuditQuestion) -> list[AuditRecord]:
    """The newest first."""
    found: list[AuditRecord] = []
    before_seq, num_looked_through = question.before_seq, 0
    while len(found) < question.limit and num_looked_through < MAX_ROWS_LOOKED_THROUGH:
        wanted = RowFilter(
            kind=CALL, session_id=question.session_id, subject_id=question.subject_id, before_seq=before_seq
        )
        num_rows = LOOK_THROUGH if question.is_refused_only else question.limit
        rows = ledger.latest(BookId(Book.AUDIT, question.tenant_id), wanted, num_rows)
        records = [audit_record(row) for row in rows]
        found += [each for each in records if not (question.is_refused_only and each.is_allowed)]
        if len(rows) < num_rows:
            break
        before_seq, num_looked_through = rows[-1].seq, num_looked_through + len(rows)
    return found[: question.limit]


def usage_of(ledger: Ledger, question: UsageQuestion, sheet: PriceSheet) -> UsageAnswer:
    """Raises ValueError for a month that is none."""
    from_s, until_s = month_bounds(question.month) if question.month else (None, None)
    wanted = RowFilter(session_id=question.session_id or None, from_s=from_s, until_s=until_s)
    book_id = BookId(Book.USAGE, question.tenant_id)
    with ledger.reading(book_id, wanted) as rows:
        used = [usage_row(row) for row in rows if row.kind in (SESSION, STORAGE)]
    if question.world_id:
        used = [row for row in used if row.world_id == question.world_id]
    return UsageAnswer(usage=total_usage(used), bill=bill_for(used, sheet), head=ledger.head(book_id))


def verified_books(ledger: Ledger, tenant_id: str) -> dict[BookId, VerifiedBook]:
    """Both of a tenant's."""
    ids = [BookId(book, tenant_id) for book in Book]
    return {each: VerifiedBook(fault=ledger.verify(each), head=ledger.head(each)) for each in ids}
