"""What things cost, and since when.

currency = "EUR"

[[prices]]
from = 2026-01-01                # 00:00 UTC; what was used earlier is free
per_1000_frames = 0.40           # valid frames delivered to whoever plays
per_1000_viewer_frames = 0.02    # and to each who looks on
per_session_second = 0.0         # from the first frame until the session's slot is free
per_gib_month = 0.05             # of snapshots; a month is 730 hours

[prices.models.pearl-xs]         # other than for the rest
per_1000_frames = 0.10
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

SECONDS_PER_MONTH = 730 * 3_600
BYTES_PER_GIB = 1 << 30
NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    per_1000_frames: Decimal = NOTHING
    per_1000_viewer_frames: Decimal = NOTHING
    per_session_second: Decimal = NOTHING
    per_gib_month: Decimal = NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """From a moment until the next period begins."""

    from_s: float
    prices: Prices
    of_models: Mapping[str, Prices] = field(default_factory=dict)

    def of(self, model: str) -> Prices:
        return self.of_models.get(model, self.prices)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceSheet:
    currency: str = ""
    periods: tuple[Period, ...] = ()  # the earliest first

    def at(self, time_s: float) -> Period:
        """The period that holds then."""
        begun = [period for period in self.periods if period.from_s <= time_s]
        return begun[-1] if begun else _FREE_PERIOD


_FREE_PERIOD = Period(from_s=0.0, prices=Prices())
FREE = PriceSheet()


def read_sheet(file: Path) -> PriceSheet:
    """Raises ValueError, which names the file and what is wrong in it."""
    try:
        return parse_sheet(tomllib.loads(file.read_text(), parse_float=Decimal))
    except (OSError, ValueError) as error:
        raise ValueError(f"price sheet {file}: {error}") from error


def parse_sheet(values: Mapping[str, Any]) -> PriceSheet:
    """Raises ValueError."""
    _check_names(values, {"currency", "prices"}, "the sheet")
    currency, periods = values.get("currency", ""), values.get("prices", [])
    if not isinstance(currency, str) or not currency:
        raise ValueError("currency must be a word such as EUR")
    if not isinstance(periods, list):
        raise ValueError("prices must be tables under [[prices]]")
    found = sorted((_period(each) for each in periods), key=lambda period: period.from_s)
    if len({period.from_s for period in found}) < len(found):
        raise ValueError("two tables of prices begin on the same day")
    return PriceSheet(currency=currency, periods=tuple(found))


def _period(values: Mapping[str, Any]) -> Period:
    rest = {name: value for name, value in values.items() if name not in ("from", "models")}
    prices = _prices(rest, Prices())
    models = values.get("models", {})
    if not isinstance(models, dict) or not all(isinstance(each, dict) for each in models.values()):
        raise ValueError("models must be tables of prices, by name")
    of_models = {name: _prices(each, prices) for name, each in models.items()}
    return Period(from_s=_begin_s(values.get("from")), prices=prices, of_models=of_models)


def _begin_s(value: object) -> float:
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC).timestamp()
    raise ValueError(f"from must be a date such as 2026-01-01, got {value!r}")


def _prices(values: Mapping[str, Any], otherwise: Prices) -> Prices:
    names = {each.name for each in fields(Prices)}
    _check_names(values, names, "prices")
    return Prices(**{name: _price(name, values.get(name, getattr(otherwise, name))) for name in names})


def _price(name: str, value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise ValueError(f"{name} must be a number, got {value!r}")
    price = Decimal(value)
    if not price.is_finite() or price < 0:
        raise ValueError(f"{name} must not be negative, got {value}")
    return price


def _check_names(values: Mapping[str, Any], known: set[str], place: str) -> None:
    if unknown := sorted(values.keys() - known):
        raise ValueError(f"{place}: no setting {unknown[0]!r}; there are {sorted(known)}")
