"""Durations as operators write them."""

from __future__ import annotations

import re

UNITS_S = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0, "w": 7 * 86_400.0}
_DURATION = re.compile(rf"(\d+(?:\.\d+)?)([{''.join(UNITS_S)}])", re.ASCII)


def parse_duration_s(text: str) -> float:
    """`90d`, `12h`, `30m`, `45s`. Raises ValueError."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no duration: a number and one of {', '.join(UNITS_S)}, such as 90d")
    return float(match[1]) * UNITS_S[match[2]]
