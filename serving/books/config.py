"""The books' settings, as one frozen value."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from serving.books.prices import FREE, PriceSheet, read_sheet

EXPORT_SCHEMES = ("file://", "http://", "https://")


@dataclass(frozen=True, slots=True, kw_only=True)
class BooksConfig:
    """In the price sheet's currency; 0 is no limit."""

    price_sheet: str = ""  # a TOML file; without one all is free, and counted all the same
    session_budget: float = 0.0  # for each session
    tenant_budget: float = 0.0  # for each tenant in a calendar month (UTC)
    warn_before_budget_s: float = 60.0
    row_every_s: float = 5.0  # what a gateway that dies does not bill, at most
    storage_every_s: float = 3_600.0  # how often what is stored is counted

    # Refuse calls that change something when the audit log could not be written for so long. By default the service
    # goes on, keeps what waits on its disk, and tells its metrics.
    refuse_unaudited: bool = False
    refuse_after_s: float = 30.0

    export_to: str = ""  # file:///..., or http(s)://...: rows of usage as CloudEvents
    # Days until what is personal goes from the books, and until sessions that ended go altogether; 0 for never.
    keep_personal_days: float = 0.0
    keep_ended_days: float = 0.0

    # Read once, here, so that a sheet that is malformed stops the service before it starts.
    prices: PriceSheet = field(init=False, default=FREE)

    def __post_init__(self) -> None:
        for name in ("row_every_s", "storage_every_s", "warn_before_budget_s", "refuse_after_s"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise ValueError(f"{name} must be a positive number of seconds, got {getattr(self, name)}")
        for name in ("session_budget", "tenant_budget", "keep_personal_days", "keep_ended_days"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) >= 0):
                raise ValueError(f"{name} must not be negative, got {getattr(self, name)}")
        if self.export_to and not self.export_to.startswith(EXPORT_SCHEMES):
            raise ValueError(f"export_to must begin with one of {EXPORT_SCHEMES}, got {self.export_to!r}")
        if self.price_sheet:
            object.__setattr__(self, "prices", read_sheet(Path(self.price_sheet)))

    @property
    def session_limit(self) -> Decimal | None:
        return Decimal(str(self.session_budget)) if self.session_budget else None

    @property
    def tenant_limit(self) -> Decimal | None:
        return Decimal(str(self.tenant_budget)) if self.tenant_budget else None
