"""How a replica with a free slot is found: one after the other, none twice for the same session. Knows no Ray."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import NamedTuple

from serving.errors import CapacityExhaustedError, WorkerUnavailableError

# Replicas that die while they are asked, or do not answer, before the session is told to come again.
MAX_FAILURES = 3


class Asked(NamedTuple):
    """What a replica said."""

    replica_id: str
    has_slot: bool
    addresses: dict[str, str]


async def find_slot(ask: Callable[[Collection[str]], Awaitable[Asked]]) -> dict[str, str]:
    """The addresses of a replica that keeps a slot. `ask` asks one, of those that did not refuse if there is any,
    and raises `WorkerUnavailableError` when that is gone or does not answer. Raises `CapacityExhaustedError` once
    all refused."""
    refused: set[str] = set()
    num_failures = 0
    while True:
        try:
            asked = await ask(refused)
        except WorkerUnavailableError:
            num_failures += 1
            if num_failures == MAX_FAILURES:
                raise
            continue
        if asked.has_slot:
            return asked.addresses
        if asked.replica_id in refused:
            raise CapacityExhaustedError("every slot is taken")
        refused.add(asked.replica_id)


def in_turn(ids: Sequence[str], refused: Collection[str], turn_idx: int) -> list[str]:
    """Those to be asked, the first one first; those that refused only when there are no others."""
    there = sorted(ids)
    untried = [each for each in there if each not in refused] or there
    first_idx = turn_idx % len(untried) if untried else 0
    return [*untried[first_idx:], *untried[:first_idx]]
