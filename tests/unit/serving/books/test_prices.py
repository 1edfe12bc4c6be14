"""What things cost, and the bill that the rows and the sheet make."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.books.config import BooksConfig
from serving.books.prices import FREE, PriceSheet, parse_sheet
from serving.books.usage import Usage, UsageRow, amount, bill_for, cost_of, month_bounds, month_of

SHEET = """
currency = "EUR"

[[prices]]
from = 2026-07-01
per_1000_frames = 0.50
per_gib_month = 0.05

[[prices]]
from = 2026-01-01
per_1000_frames = 0.40
per_1000_viewer_frames = 0.02
per_session_second = 0.001

[prices.models.pearl-xs]
per_1000_frames = 0.1
"""
MARCH, AUGUST = month_bounds("2026-03")[0], month_bounds("2026-08")[0]


def sheet() -> PriceSheet:
    return parse_sheet(tomllib.loads(SHEET, parse_float=Decimal))


def row(time_s: float, usage: Usage, model: str = "large", session_id: str = "s-1") -> UsageRow:
    return UsageRow(seq=0, kind="session", time_s=time_s, session_id=session_id, world_id="", model=model, usage=usage)


def test_b02_each_row_is_billed_at_the_prices_of_its_time() -> None:
    frames = Usage(num_frames=2_000, num_viewer_frames=500, seconds=Decimal("160.125"))
    bill = bill_for([row(MARCH, frames), row(AUGUST, frames)], sheet())
    told = [(line.item, amount(line.amount)) for line in bill.lines]
    assert told == [
        ("frames", "0.800000"),
        ("viewer frames", "0.010000"),
        ("session time", "0.160125"),
        ("frames", "1.000000"),
        ("viewer frames", "0.000000"),
        ("session time", "0.000000"),
    ]
    assert (bill.currency, amount(bill.total)) == ("EUR", "1.970125")


def test_b02_a_model_may_have_prices_of_its_own() -> None:
    used = Usage(num_frames=1_000, num_viewer_frames=1_000)
    assert cost_of(used, "pearl-xs", MARCH, sheet()) == Decimal("0.12")
    assert cost_of(used, "pearl-xs", AUGUST, sheet()) == Decimal("0.5")


def test_b02_storage_is_billed_by_the_month_of_730_hours() -> None:
    used = Usage(byte_seconds=2 * (1 << 30) * 730 * 3_600)
    assert cost_of(used, "", AUGUST, sheet()) == Decimal("0.1")


def test_b02_blank_and_frozen_frames_cost_nothing() -> None:
    used = Usage(num_blank_frames=10**6, num_frozen_frames=10**6, num_invalid_viewer_frames=10**6)
    assert cost_of(used, "large", MARCH, sheet()) == 0
    assert cost_of(Usage(num_frames=10**9), "large", MARCH, FREE) == 0
    assert cost_of(Usage(num_frames=10**9), "large", month_bounds("2025-12")[0], sheet()) == 0


@given(st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from(["a", "pearl-xs"]), st.booleans()), max_size=20))
def test_b02_a_bill_does_not_depend_on_how_rows_are_cut_or_ordered(parts: list[tuple[int, str, bool]]) -> None:
    rows = [row(AUGUST if late else MARCH, Usage(num_frames=num), model) for num, model, late in parts]
    halves = [
        row(each.time_s, Usage(num_frames=num), each.model)
        for each in rows
        for num in (each.usage.num_frames // 2, each.usage.num_frames - each.usage.num_frames // 2)
    ]
    assert bill_for(rows, sheet()) == bill_for(halves[::-1], sheet())


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("prices = []", "currency"),
        ('currency = "EUR"\n[[prices]]\nper_1000_frames = 1', "from must be a date"),
        ('currency = "EUR"\n[[prices]]\nfrom = 2026-01-01\nper_frame = 1', "no setting 'per_frame'"),
        ('currency = "EUR"\n[[prices]]\nfrom = 2026-01-01\nper_1000_frames = -1', "must not be negative"),
        ('currency = "EUR"\n[[prices]]\nfrom = 2026-01-01\nper_1000_frames = "1"', "must be a number"),
        ('currency = "EUR"\n[[prices]]\nfrom = 2026-01-01\n[[prices]]\nfrom = 2026-01-01', "same day"),
        ('currency = "EUR"\nprice = 1', "no setting 'price'"),
        ('currency = "EUR', "price sheet"),
    ],
)
def test_b02_a_malformed_sheet_is_refused_with_its_name(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(text)
    with pytest.raises(ValueError, match=why) as refused:
        BooksConfig(price_sheet=str(file))
    assert str(file) in str(refused.value)


def test_months_are_those_of_the_calendar() -> None:
    begin_s, end_s = month_bounds("2026-12")
    assert (month_of(begin_s), month_of(end_s - 0.001), month_of(end_s)) == ("2026-12", "2026-12", "2027-01")
    with pytest.raises(ValueError, match="2026"):
        month_bounds("2026-13")
