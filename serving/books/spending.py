"""What tenants have spent this month, read from the books bit by bit."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from decimal import Decimal

from serving.books.chain import Book, BookId
from serving.books.ledger import Ledger, RowFilter
from serving.books.prices import NOTHING, PriceSheet
from serving.books.usage import HAS_LEFT, SESSION, UsageRow, cost_of, month_bounds, month_of, read_usage

# Rows that are on their way to the book are counted at once, and left out once they are read there.
MAX_ON_THEIR_WAY = 10_000
# A session that nobody plays has rows without chunks.
LATEST_ROWS = 20


@dataclass(slots=True)
class _Tenant:
    month: str = ""
    read_to_seq: int = -1
    spent: Decimal = NOTHING
    on_their_way: OrderedDict[str, Decimal] = field(default_factory=OrderedDict)

    @property
    def total(self) -> Decimal:
        return self.spent + sum(self.on_their_way.values(), NOTHING)


class MonthlySpending:
    """Thread-safe. Only `refreshed` asks the catalogue, for rows that it has not seen."""

    def __init__(self, ledger: Ledger, sheet: PriceSheet) -> None:
        self.ledger = ledger
        self._sheet = sheet
        self._tenants: dict[str, _Tenant] = {}
        self._lock = threading.Lock()

    def note(self, tenant_id: str, key: str, cost: Decimal) -> None:
        with self._lock:
            tenant = self._tenants.setdefault(tenant_id, _Tenant())
            tenant.on_their_way[key] = cost
            if len(tenant.on_their_way) > MAX_ON_THEIR_WAY:
                tenant.on_their_way.popitem(last=False)

    def known(self, tenant_id: str) -> Decimal:
        with self._lock:
            return self._tenants.setdefault(tenant_id, _Tenant()).total

    def refreshed(self, tenant_id: str, now_s: float) -> Decimal:
        """Blocking. Raises `StorageUnavailableError`."""
        month = month_of(now_s)
        with self._lock:
            tenant = self._tenants.setdefault(tenant_id, _Tenant())
            if tenant.month != month:
                tenant.month, tenant.spent, tenant.read_to_seq = month, NOTHING, -1
                tenant.on_their_way.clear()  # of the month before
            after_seq = tenant.read_to_seq
        wanted = RowFilter(from_s=month_bounds(month)[0], after_seq=after_seq)
        rows = self.ledger.read(BookId(Book.USAGE, tenant_id), wanted)
        with self._lock:
            if tenant.month == month and tenant.read_to_seq == after_seq:  # nobody else read the same meanwhile
                for row in rows:
                    tenant.on_their_way.pop(row.key, None)
                tenant.spent += sum((_cost(each, self._sheet) for each in read_usage(rows)), NOTHING)
                tenant.read_to_seq = rows[-1].seq if rows else after_seq
            return tenant.total


def spent_by_session(ledger: Ledger, book_id: BookId, session_id: str, sheet: PriceSheet) -> Decimal:
    """Blocking. Raises `StorageUnavailableError`."""
    rows = read_usage(ledger.read(book_id, RowFilter(session_id=session_id)))
    return sum((_cost(each, sheet) for each in rows), NOTHING)


def last_billed_idx(ledger: Ledger, book_id: BookId, session_id: str) -> int:
    """The chunk that was delivered last to whoever played a session whose gateway died; -1 for none in its latest rows,
    and for one that left its gateway in order, of which nothing is shown again. Blocking. Raises
    `StorageUnavailableError`."""
    for row in ledger.latest(book_id, RowFilter(session_id=session_id, kind=SESSION), LATEST_ROWS):
        if row.fields.get(HAS_LEFT):
            return -1
        if runs := row.fields.get("chunks"):
            return int(runs[-1][1])
    return -1


def _cost(row: UsageRow, sheet: PriceSheet) -> Decimal:
    return cost_of(row.usage, row.model, row.time_s, sheet)
