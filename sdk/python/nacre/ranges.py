"""Numbers that the contract has no room for, refused before protobuf does it without saying which."""

from __future__ import annotations

from typing import TypeVar

MAX_UINT64 = (1 << 64) - 1

Whole = TypeVar("Whole", int, "int | None")


def unsigned(value: Whole, name: str) -> Whole:
    """The value, where it is 0 to 2^64 - 1 or none. Raises ValueError."""
    if value is not None and not 0 <= value <= MAX_UINT64:
        raise ValueError(f"{name} must be 0 to 2**64 - 1, got {value}")
    return value
