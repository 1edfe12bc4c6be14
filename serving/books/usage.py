"""What was used, as rows of the usage book say it, and what that costs. Pure: the rows and the sheet are the bill."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from serving.books.chain import Row
from serving.books.prices import BYTES_PER_GIB, NOTHING, SECONDS_PER_MONTH, PriceSheet

SESSION, STORAGE = "session", "storage"  # kinds of rows
HAS_LEFT = "left"  # of a session's last row at a gateway: nothing that it was shown is missing
SMALLEST_AMOUNT = Decimal("0.000001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    num_frames: int = 0  # valid, and delivered to whoever plays
    num_viewer_frames: int = 0  # the same of all who look on
    num_blank_frames: int = 0  # delivered to whoever plays, and not billed
    num_frozen_frames: int = 0
    num_invalid_viewer_frames: int = 0  # blank or frozen
    seconds: Decimal = NOTHING
    byte_seconds: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(**{each.name: getattr(self, each.name) + getattr(other, each.name) for each in fields(Usage)})

    def to_fields(self) -> dict[str, Any]:
        """JSON: seconds as a number of three digits behind the point."""
        return {**{each.name: getattr(self, each.name) for each in fields(Usage)}, "seconds": float(self.seconds)}


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRow:
    seq: int
    kind: str
    time_s: float
    session_id: str
    world_id: str
    model: str
    usage: Usage

    @property
    def month(self) -> str:
        return month_of(self.time_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class BillLine:
    item: str
    model: str
    from_s: float  # since when this price holds
    quantity: Decimal
    unit: str
    price: Decimal  # of one unit
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    currency: str
    lines: tuple[BillLine, ...]

    @property
    def total(self) -> Decimal:
        return sum((line.amount for line in self.lines), NOTHING)


def read_usage(rows: Iterable[Row]) -> list[UsageRow]:
    """Of rows of a usage book; others than those of usage are left out."""
    return [usage_row(row) for row in rows if row.kind in (SESSION, STORAGE)]


def usage_row(row: Row) -> UsageRow:
    told = row.fields
    values: dict[str, Any] = {
        each.name: int(told.get(each.name, 0)) for each in fields(Usage) if each.name != "seconds"
    }
    values["seconds"] = Decimal(str(told.get("seconds", 0)))
    return UsageRow(
        seq=row.seq,
        kind=row.kind,
        time_s=row.time_s,
        session_id=row.session_id,
        world_id=told.get("world_id", ""),
        model=told.get("model", ""),
        usage=Usage(**values),
    )


def total_usage(rows: Iterable[UsageRow]) -> Usage:
    return sum((row.usage for row in rows), Usage())


def bill_for(rows: Iterable[UsageRow], sheet: PriceSheet) -> Bill:
    """Each row at the prices of its time; a line for each thing, model and price. Amounts are rounded line by line."""
    used: dict[tuple[str, float], Usage] = {}
    for row in rows:
        place = row.model, sheet.at(row.time_s).from_s
        used[place] = used.get(place, Usage()) + row.usage
    lines = [
        line
        for (model, from_s), usage in sorted(used.items(), key=lambda each: (each[0][1], each[0][0]))
        for line in _lines(model, from_s, usage, sheet)
    ]
    return Bill(currency=sheet.currency, lines=tuple(lines))


def cost_of(usage: Usage, model: str, time_s: float, sheet: PriceSheet) -> Decimal:
    """As a bill of this alone would say."""
    period = sheet.at(time_s)
    return sum((line.amount for line in _lines(model, period.from_s, usage, sheet)), NOTHING)


def month_of(time_s: float) -> str:
    return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m")


def month_bounds(month: str) -> tuple[float, float]:
    """Its first second and that of the next, for a month such as 2026-11. Raises ValueError."""
    try:
        begin = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    except ValueError as error:
        raise ValueError("a month is written as 2026-01") from error
    end = begin.replace(year=begin.year + begin.month // 12, month=begin.month % 12 + 1)
    return begin.timestamp(), end.timestamp()


def amount(value: Decimal) -> str:
    """For people and programs: six digits behind the point."""
    return f"{value.quantize(SMALLEST_AMOUNT, ROUND_HALF_EVEN):f}"


def _lines(model: str, from_s: float, usage: Usage, sheet: PriceSheet) -> list[BillLine]:
    prices = sheet.at(from_s).of(model)
    gib_months = Decimal(usage.byte_seconds) / (BYTES_PER_GIB * SECONDS_PER_MONTH)
    wanted: Mapping[str, tuple[Decimal, str, Decimal]] = {
        "frames": (Decimal(usage.num_frames) / 1000, "1000 frames", prices.per_1000_frames),
        "viewer frames": (Decimal(usage.num_viewer_frames) / 1000, "1000 frames", prices.per_1000_viewer_frames),
        "session time": (usage.seconds, "second", prices.per_session_second),
        "storage": (gib_months, "GiB-month", prices.per_gib_month),
    }
    return [
        BillLine(
            item=item,
            model=model,
            from_s=from_s,
            quantity=quantity,
            unit=unit,
            price=price,
            amount=(quantity * price).quantize(SMALLEST_AMOUNT, ROUND_HALF_EVEN),
        )
        for item, (quantity, unit, price) in wanted.items()
        if quantity
    ]
