"""What playing costs, what was used, and who did what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from nacre.calls import Calls
from nacre.v1 import audit_pb2, usage_pb2


@dataclass(frozen=True, slots=True, kw_only=True)
class BillLine:
    item: str  # "frames", "viewer frames", "session time" or "storage"
    model: str
    quantity: Decimal
    unit: str
    price: Decimal  # of one unit
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    currency: str  # empty where all is free
    lines: tuple[BillLine, ...]
    total: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    num_frames: int
    bill: Bill
    session_budget: Decimal | None  # none where there is no limit
    tenant_budget_left: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    num_frames: int  # worth their price, and delivered to whoever plays
    num_viewer_frames: int
    num_blank_frames: int  # delivered and not billed
    num_frozen_frames: int
    session_s: float
    byte_seconds: int
    bill: Bill


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    sequence: int
    at: datetime
    subject_id: str  # empty where it is not known, or was erased
    method: str
    is_allowed: bool
    reason: str  # why not
    ids: Mapping[str, str]
    peer: str
    request_id: str


class Books:
    """Get it as `client.books`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def quote(self, seconds: float, *, viewers: int = 0, world_id: str = "") -> Quote:
        """What so many seconds of a world will cost: of a saved one, or of any that begins anew. Raises `NotFound` for
        one that is not to be seen."""
        request = usage_pb2.GetQuoteRequest(num_viewers=viewers)
        if world_id:
            request.world_id = world_id
        request.duration.FromTimedelta(timedelta(seconds=seconds))
        response = await self._calls(self._calls.usage.GetQuote, request)
        return Quote(
            num_frames=response.num_frames,
            bill=_to_bill(response.bill),
            session_budget=Decimal(response.session_budget) if response.HasField("session_budget") else None,
            tenant_budget_left=(
                Decimal(response.tenant_budget_left) if response.HasField("tenant_budget_left") else None
            ),
        )

    async def usage(self, *, session_id: str = "", world_id: str = "", month: str = "", tenant_id: str = "") -> Usage:
        """Of one's own tenant, or as an operator of another. `month`: such as "2026-11"."""
        request = usage_pb2.GetUsageRequest(tenant_id=tenant_id, session_id=session_id, world_id=world_id, month=month)
        response = await self._calls(self._calls.usage.GetUsage, request)
        used = response.usage
        return Usage(
            num_frames=used.num_frames,
            num_viewer_frames=used.num_viewer_frames,
            num_blank_frames=used.num_blank_frames,
            num_frozen_frames=used.num_frozen_frames,
            session_s=used.session_time.ToMilliseconds() / 1000,
            byte_seconds=used.byte_seconds,
            bill=_to_bill(response.bill),
        )

    async def audit(self, *, limit: int = 50, session_id: str = "", refused_only: bool = False) -> list[AuditEntry]:
        """Who did what, the newest first. For auditors."""
        request = audit_pb2.ListAuditEntriesRequest(page_size=limit, session_id=session_id, refused_only=refused_only)
        response = await self._calls(self._calls.audit.ListAuditEntries, request)
        return [_to_entry(each) for each in response.entries]


def _to_bill(bill: usage_pb2.Bill) -> Bill:
    lines = tuple(
        BillLine(
            item=line.item,
            model=line.model,
            quantity=Decimal(line.quantity),
            unit=line.unit,
            price=Decimal(line.price),
            amount=Decimal(line.amount),
        )
        for line in bill.lines
    )
    return Bill(currency=bill.currency, lines=lines, total=Decimal(bill.total))


def _to_entry(entry: audit_pb2.AuditEntry) -> AuditEntry:
    return AuditEntry(
        sequence=entry.sequence,
        at=entry.time.ToDatetime(UTC),
        subject_id=entry.subject_id,
        method=entry.method,
        is_allowed=entry.allowed,
        reason=entry.reason,
        ids=dict(entry.ids),
        peer=entry.peer,
        request_id=entry.request_id,
    )
