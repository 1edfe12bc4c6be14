"""What was looked up a moment ago, so that a call need not wait for the catalogue."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Generic, TypeVar

from serving.errors import StorageUnavailableError, UnavailableError

Key = TypeVar("Key")
Value = TypeVar("Value")

# What is taken back opens nothing after this long.
FRESH_S = 5.0
# While the catalogue is away, what was known goes on being known: nobody can take anything back there meanwhile.
STALE_S = 300.0
# More than a gateway has callers; those that were asked for longest ago are forgotten, and looked up again.
MAX_ENTRIES = 4_096
# Beyond it whoever asks is told to come back: strangers who make keys up hold up nobody but each other.
MAX_WAITING = 64


# A catalogue that is frozen says nothing at all.
LOOK_UP_TIMEOUT_S = 2.0


@dataclass(slots=True)
class _Entry(Generic[Value]):
    value: Value
    read_s: float
    asked_s: float  # later than `read_s` where there was no answer


class Memory(Generic[Key, Value]):
    """Looks things up on a thread, each once at a time, and keeps the answer for some seconds. Of one loop."""

    def __init__(
        self, look_up: Callable[[Key], Value], thread: Executor, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._look_up = look_up
        self._thread = thread
        self._clock = clock
        self._entries: OrderedDict[Key, _Entry[Value]] = OrderedDict()
        self._waiting: dict[Key, asyncio.Future[Value]] = {}

    async def get(self, key: Key) -> Value:
        """Raises what looking up raises, `StorageUnavailableError` only where nothing was known lately."""
        entry, now_s = self._entries.get(key), self._clock()
        if entry is not None and now_s - entry.asked_s < FRESH_S:
            self._entries.move_to_end(key)
            return entry.value
        try:
            async with asyncio.timeout(LOOK_UP_TIMEOUT_S):
                return await self._look_up_once(key)
        except (StorageUnavailableError, TimeoutError) as error:
            if entry is not None and now_s - entry.read_s < STALE_S:
                entry.asked_s = self._clock()
                return entry.value
            if isinstance(error, TimeoutError):
                raise StorageUnavailableError("the catalogue does not answer") from None
            raise

    def forget(self, key: Key) -> None:
        self._entries.pop(key, None)

    async def _look_up_once(self, key: Key) -> Value:
        waiting = self._waiting.get(key)
        if waiting is None:
            if len(self._waiting) >= MAX_WAITING:
                raise UnavailableError("too many who ask are new here; come back")
            loop = asyncio.get_running_loop()
            waiting = self._waiting[key] = loop.run_in_executor(self._thread, self._look_up, key)
            waiting.add_done_callback(lambda done: self._keep(key, done))
        return await asyncio.shield(waiting)

    def _keep(self, key: Key, done: asyncio.Future[Value]) -> None:
        del self._waiting[key]
        if done.cancelled() or done.exception() is not None:
            return
        self._entries[key] = _Entry(done.result(), self._clock(), self._clock())
        self._entries.move_to_end(key)
        if len(self._entries) > MAX_ENTRIES:
            self._entries.popitem(last=False)
