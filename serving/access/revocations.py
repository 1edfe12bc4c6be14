"""Tokens that were taken back before their end, known at every gateway within a second.

A signed token is nowhere on record: what is on record is who is taken back, and since when. That is a token itself,
by its subject, or somebody: then nothing opens any more that was given to them or minted by them until that moment.
Every gateway reads what is new twice a second and keeps it in memory, so that a call asks nobody.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from serving.access.credentials import unauthenticated
from serving.errors import StorageUnavailableError

logger = logging.getLogger(__name__)

# Together with the time that a read takes, what is taken back anywhere opens nothing here within a second.
POLL_S = 0.4
# What is written later than it says, by a clock that is behind or a slow transaction, is still found.
OVERLAP_S = 60.0
# A gateway's clock may be ahead of that of the one that takes back: what was given until so much later is void too.
CLOCKS_S = 2.0
STOP_TIMEOUT_S = 2.0
TOKEN_SUBJECT = "token:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    tenant_id: str
    subject_id: str
    revoked_s: float  # time.time()
    until_s: float  # nothing that it is about lives longer


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a call shows, as far as it can be taken back."""

    tenant_id: str
    subject_id: str
    issued_s: float
    minter_id: str = ""  # of a client token


class RevocationRecords(Protocol):
    """The catalogue. Blocking; raises `StorageUnavailableError`."""

    def since(self, from_s: float) -> Sequence[Revocation]: ...

    def add(self, tenant_id: str, subject_id: str) -> Revocation:
        """Raises `RateExceededError`."""
        ...


def is_void(given: Given, own: Revocation | None, of_minter: Revocation | None) -> bool:
    """Pure."""
    if own is not None and given.subject_id.startswith(TOKEN_SUBJECT):
        return True  # there is one of that name, whatever the clocks say
    found = [each for each in (own, of_minter) if each is not None]
    return any(given.issued_s <= each.revoked_s + CLOCKS_S for each in found)


class Revocations:
    """Of the loop that `start` is called on; use `close`."""

    def __init__(self, records: RevocationRecords, clock: Callable[[], float] = time.time) -> None:
        self._records = records
        self._clock = clock
        self._known: dict[tuple[str, str], Revocation] = {}
        self._is_complete = False  # once all there is was read
        self._newest_s = float("-inf")
        self._changed = asyncio.Event()
        self._is_failing = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="revocations", daemon=True)
        self._writing = ThreadPoolExecutor(1, "revoking")

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        await asyncio.to_thread(self._read)
        self._thread.start()

    def close(self) -> None:
        """Safe to call twice, and without `start`."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(STOP_TIMEOUT_S)
        self._writing.shutdown(wait=False, cancel_futures=True)

    def check(self, given: Given) -> None:
        """Raises `UnauthenticatedError`, or `StorageUnavailableError` where the catalogue was never read."""
        if not self._is_complete:
            raise StorageUnavailableError("which tokens were taken back is not known yet")
        own = self._known.get((given.tenant_id, given.subject_id))
        of_minter = self._known.get((given.tenant_id, given.minter_id))
        if (own is not None or of_minter is not None) and is_void(given, own, of_minter):
            raise unauthenticated()

    async def revoke(self, tenant_id: str, subject_id: str) -> Revocation:
        """Here at once, elsewhere within a second. Raises `StorageUnavailableError` or `RateExceededError`."""
        adding = asyncio.get_running_loop().run_in_executor(self._writing, self._records.add, tenant_id, subject_id)
        made = await adding
        self._take([made])
        return made

    async def changed(self, timeout_s: float) -> None:
        """Returns when something was taken back, or after `timeout_s`."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()
        except TimeoutError:
            pass

    def _take(self, found: Iterable[Revocation]) -> None:
        new = [each for each in found if self._known.get((each.tenant_id, each.subject_id)) != each]
        if not new:
            return
        now_s = self._clock()
        self._known = {name: each for name, each in self._known.items() if each.until_s > now_s}
        self._known |= {(each.tenant_id, each.subject_id): each for each in new}
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    # --- on the thread ---

    def _run(self) -> None:
        while not self._stopping.wait(POLL_S):
            self._read()

    def _read(self) -> None:
        try:
            found = self._records.since(self._newest_s - OVERLAP_S)
        except StorageUnavailableError as error:
            if not self._is_failing:
                logger.warning("which tokens were taken back cannot be read; what is known counts: %s", error)
            self._is_failing = True
            return
        self._is_failing = False
        self._newest_s = max([self._newest_s, *(each.revoked_s for each in found)])
        try:
            self._loop.call_soon_threadsafe(self._complete, found)
        except RuntimeError:  # the loop is over
            self._stopping.set()

    def _complete(self, found: Sequence[Revocation]) -> None:
        self._take(found)
        self._is_complete = True
