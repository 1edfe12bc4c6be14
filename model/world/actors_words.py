"""The form of word lists for who and what can move, what they do, and where the camera goes.

Lists are parted by commas. In sentences `{s}` is who does it and `{t}` to whom; `{c}` is a colour.
"""

from __future__ import annotations

from typing import NamedTuple


class EventWords(NamedTuple):
    nouns: dict[str, tuple[str, ...]]  # by kind; people by figure ("girl") or "person"
    colours: dict[str, tuple[str, ...]]
    actions: dict[str, tuple[str, ...]]
    cameras: dict[str, tuple[str, ...]]
    perspectives: dict[str, tuple[str, ...]]
    surroundings: dict[str, tuple[str, ...]]  # coloured: a "scene", and what somebody is "beside"


def in_list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def in_lists(table: dict[str, str]) -> dict[str, tuple[str, ...]]:
    return {name: in_list(text) for name, text in table.items()}


def merged(one: EventWords, two: EventWords) -> EventWords:
    return EventWords(
        *(
            {name: first[name] + second[name] for name in first}
            for first, second in zip(one, two, strict=True)
        )
    )  # fmt: skip
