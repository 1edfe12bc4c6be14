"""What a tenant has spent this month, read bit by bit."""

from __future__ import annotations

import tomllib
from decimal import Decimal

from serving.books.chain import Book, BookId, Entry
from serving.books.ledger import Ledger
from serving.books.prices import parse_sheet
from serving.books.spending import MonthlySpending, last_billed_idx, spent_by_session
from serving.books.usage import HAS_LEFT, month_bounds
from serving.catalogue.database import Database

ACME = BookId(Book.USAGE, "acme")
SHEET = parse_sheet(tomllib.loads('currency = "EUR"\n[[prices]]\nfrom = 2020-01-01\nper_1000_frames = 1000'))
JULY, AUGUST = month_bounds("2026-07")[0], month_bounds("2026-08")[0]


def entry(key: str, num_frames: int, time_s: float, session_id: str = "s-1") -> Entry:
    return Entry(key=key, kind="session", time_s=time_s, session_id=session_id, body={"num_frames": num_frames})


def test_b02_rows_count_once_on_their_way_and_in_the_book(database: Database) -> None:
    ledger = Ledger(database)
    spending = MonthlySpending(ledger, SHEET)
    spending.note("acme", "a", Decimal(5))
    assert spending.refreshed("acme", JULY + 10) == 0, "what was noted before the month was looked at is of another"
    spending.note("acme", "a", Decimal(5))
    assert spending.refreshed("acme", JULY + 10) == 5
    ledger.append({ACME: [entry("a", 5, JULY + 1), entry("elsewhere", 7, JULY + 2)]})
    assert spending.refreshed("acme", JULY + 10) == 12
    assert spending.refreshed("acme", JULY + 10) == 12
    assert spending.known("acme") == 12


def test_b02_a_month_begins_with_nothing(database: Database) -> None:
    ledger = Ledger(database)
    spending = MonthlySpending(ledger, SHEET)
    ledger.append({ACME: [entry("a", 5, JULY), entry("b", 7, AUGUST)]})
    assert spending.refreshed("acme", AUGUST + 1) == 7
    assert spending.refreshed("other", AUGUST + 1) == 0


def test_b02_a_session_that_wakes_knows_what_it_has_cost(database: Database) -> None:
    ledger = Ledger(database)
    ledger.append({ACME: [entry("a", 5, JULY), entry("b", 7, AUGUST), entry("c", 9, AUGUST, "s-2")]})
    assert spent_by_session(ledger, ACME, "s-1", SHEET) == 12


def test_b02_what_was_billed_of_a_session_counts_for_the_next_gateway_if_the_last_one_died(database: Database) -> None:
    def add(key: str, *runs: tuple[int, int], session_id: str = "s-1", has_left: bool = False) -> None:
        body = {"num_frames": 1, "chunks": [list(run) for run in runs], HAS_LEFT: has_left}
        ledger.append({ACME: [Entry(key=key, kind="session", time_s=JULY, session_id=session_id, body=body)]})

    ledger = Ledger(database)
    assert last_billed_idx(ledger, ACME, "s-1") == -1
    add("a", (0, 9))
    add("b", (10, 30), (12, 20))
    add("c")  # seconds alone
    add("d", (0, 99), session_id="s-2")
    assert last_billed_idx(ledger, ACME, "s-1") == 20
    # Whoever goes back and parks is shown other chunks under those numbers, and pays for them.
    add("e", has_left=True)
    assert last_billed_idx(ledger, ACME, "s-1") == -1
