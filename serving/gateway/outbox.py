"""What waits to be written to one client."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from nacre.v1 import session_pb2
from serving.errors import ClientStalledError

Write = Callable[[session_pb2.PlayResponse], Awaitable[None]]


class _Entry(NamedTuple):
    message: session_pb2.PlayResponse
    on_sent: Callable[[], None] | None


class Outbox:
    """A bounded queue with one writer. Full means that the client does not read: it is let go.

    A blocked write holds up nobody else, and no longer than `stall_timeout_s`.
    """

    def __init__(self, max_messages: int, stall_timeout_s: float) -> None:
        self._max_messages = max_messages
        self._stall_timeout_s = stall_timeout_s
        self._entries: deque[_Entry] = deque()
        self._changed = asyncio.Event()
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._is_closed = False
        self.has_overflowed = False

    def put(self, message: session_pb2.PlayResponse, on_sent: Callable[[], None] | None = None) -> None:
        """Queue a message; `on_sent` is called once the transport has it. After an overflow nothing is taken."""
        if self.has_overflowed or self._is_closed:
            return
        if len(self._entries) >= self._max_messages:
            self.has_overflowed = True
        else:
            self._entries.append(_Entry(message, on_sent))
        if 2 * len(self._entries) >= self._max_messages:
            self._has_room.clear()
        self._changed.set()

    async def wait_for_room(self) -> None:
        """Returns when the queue is less than half full: for those who can make the client wait."""
        await self._has_room.wait()

    def close(self) -> None:
        """Take nothing more; `drain` returns when all is written."""
        self._is_closed = True
        self._changed.set()

    async def drain(self, write: Write) -> None:
        """Write what comes until closed and empty. Raises ClientStalledError."""
        while True:
            while self._entries and not self.has_overflowed:
                await self._write(write, self._entries.popleft())
            if self.has_overflowed:
                raise ClientStalledError(f"the client left {self._max_messages} messages unread")
            if self._is_closed:
                return
            self._changed.clear()
            await self._changed.wait()

    async def _write(self, write: Write, entry: _Entry) -> None:
        try:
            async with asyncio.timeout(self._stall_timeout_s):
                await write(entry.message)
        except TimeoutError:
            raise ClientStalledError(f"the client did not read for {self._stall_timeout_s:g} s") from None
        if 2 * len(self._entries) < self._max_messages:
            self._has_room.set()
        if entry.on_sent is not None:
            entry.on_sent()
