"""From the threads that own models to the event loop: items in order, one reader."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Outbox(Generic[Item]):
    """Bounded by what feeds it: chunks by credit, outcomes by the mailbox. Made on the loop that reads it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._items: deque[Item | None] = deque()
        self._has_items = asyncio.Event()

    def put(self, item: Item) -> None:
        """On the loop."""
        self._items.append(item)
        self._has_items.set()

    def put_threadsafe(self, item: Item) -> None:
        """From any thread, after all that was put from there before."""
        self._loop.call_soon_threadsafe(self.put, item)

    def end(self) -> None:
        """Nothing follows. On the loop."""
        self._items.append(None)
        self._has_items.set()

    async def get(self) -> Item | None:
        """The next item; None once the box has ended."""
        while not self._items:
            self._has_items.clear()
            await self._has_items.wait()
        return self._items.popleft()
