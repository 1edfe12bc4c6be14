"""Enum values of the contract as the words that this package's users see, and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def name_of(enum: Any, value: int, prefix: str) -> str:
    """`END_REASON_REQUESTED` as "REQUESTED". A value newer than this package comes as its number."""
    if value not in enum.values():
        return str(value)
    return enum.Name(value).removeprefix(prefix)


def words_of(enum: Any, values: Iterable[int], prefix: str) -> tuple[str, ...]:
    """`[CONTROL_KIND_MOVE]` as ("move",)."""
    return tuple(name_of(enum, value, prefix).lower() for value in values)


def value_of(enum: Any, word: str, prefix: str) -> Any:
    """Raises ValueError that lists the words there are."""
    name = prefix + word.upper()
    if name not in enum.keys() or enum.Value(name) == 0:  # noqa: SIM118  # not a dict
        known = ", ".join(words_of(enum, [value for value in enum.values() if value], prefix))
        raise ValueError(f"{word!r} is not one of: {known}")
    return enum.Value(name)
