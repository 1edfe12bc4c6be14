"""What the catalogue knows of keys, tenants and share links, at the speed of memory."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from serving.access.memory import Memory
from serving.access.roles import Role
from serving.errors import StorageUnavailableError

logger = logging.getLogger(__name__)

# How exact "last used" is: a write for each key that is in use, this often.
LAST_USE_S = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyStanding:
    """Of a key that is on record."""

    key_id: str
    tenant_id: str
    role: Role
    secret_sha256: bytes
    expires_s: float | None
    last_used_s: float | None
    is_taken_back: bool  # revoked, or its tenant is suspended


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkStanding:
    """Of a share link that is on record."""

    share_id: str
    tenant_id: str
    session_id: str | None
    world_id: str | None
    scope: str
    expires_s: float | None
    is_taken_back: bool


class AccessRecords(Protocol):
    """The catalogue, as far as it says who may come in. Blocking; raises `StorageUnavailableError`."""

    def key(self, key_id: str) -> KeyStanding | None: ...

    def is_open(self, tenant_id: str) -> bool:
        """Whether there is such a tenant, and it is not suspended."""
        ...

    def link(self, token_sha256: bytes) -> LinkStanding | None: ...

    def note_use(self, key_id: str) -> None: ...


class Directory:
    """Asks on a thread of its own, so that strangers with made-up keys do not hold up what sessions write. Of one loop;
    use `close`."""

    def __init__(
        self,
        records: AccessRecords,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._records = records
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, "access")
        self._keys: Memory[str, KeyStanding | None] = Memory(records.key, self._thread, monotonic)
        self._tenants: Memory[str, bool] = Memory(records.is_open, self._thread, monotonic)
        self._links: Memory[bytes, LinkStanding | None] = Memory(records.link, self._thread, monotonic)
        self._noted_s: dict[str, float] = {}  # no more than there are keys

    async def key(self, key_id: str) -> KeyStanding | None:
        return await self._keys.get(key_id)

    async def is_open(self, tenant_id: str) -> bool:
        return await self._tenants.get(tenant_id)

    async def link(self, token: str) -> LinkStanding | None:
        return await self._links.get(hashlib.sha256(token.encode()).digest())

    def note_use(self, key: KeyStanding) -> None:
        """Written down later, and not every time."""
        now_s = self._clock()
        if now_s - max(key.last_used_s or 0.0, self._noted_s.get(key.key_id, 0.0)) >= LAST_USE_S:
            self._noted_s[key.key_id] = now_s
            self._thread.submit(self._write_use, key.key_id)

    def forget_key(self, key_id: str) -> None:
        """It was changed here: what was known of it holds no longer."""
        self._keys.forget(key_id)

    def forget_tenant(self, tenant_id: str) -> None:
        """With its keys, which are too many to know here."""
        self._tenants.forget(tenant_id)

    def close(self) -> None:
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _write_use(self, key_id: str) -> None:
        try:
            self._records.note_use(key_id)
        except StorageUnavailableError as error:
            logger.warning("the use of key %s is not noted: %s", key_id, error)
