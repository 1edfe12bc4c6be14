"""What recordings take of what their tenants may store."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

from sqlalchemy import select

from serving.admission.quotas import Quotas, storage_used
from serving.catalogue.database import Database
from serving.catalogue.recorded import Recorded
from serving.catalogue.schema import sessions
from serving.errors import NacreError, QuotaExceededError

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")

ASK_AGAIN_AFTER_S = 30.0


class Accounts:
    """Blocking. While the catalogue is away, recording goes on: what was stored meanwhile is noted with the next part,
    and in the end by counting all that there is."""

    def __init__(
        self, database: Database, recorded: Recorded, quotas: Quotas, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._recorded = recorded
        self._quotas = quotas
        self._clock = clock
        self._ask_again_s = -math.inf

    def refusal(self, session_id: str, more_bytes: int) -> str:
        """The reason for which so much more may not be kept; empty where it may."""
        return self._attempt(lambda: self._refusal(session_id, more_bytes)) or ""

    def _refusal(self, session_id: str, more_bytes: int) -> str:
        with self._database.read() as connection:
            query = select(sessions.c.tenant_id).where(sessions.c.session_id == session_id)
            tenant_id = connection.execute(query).scalar_one_or_none()
            if tenant_id is None:
                return ""
            limit = self._quotas.of(connection, [tenant_id])[tenant_id].limits.storage_bytes
            is_room = limit is None or storage_used(connection, tenant_id) + more_bytes <= limit
            return "" if is_room else QuotaExceededError.reason

    def note(self, session_id: str, num_bytes: int, halt_reason: str) -> None:
        """All that the store has of the session's recording now."""
        self._attempt(lambda: self._recorded.note(session_id, num_bytes, halt_reason))

    def settle(self, stored: Mapping[str, int]) -> None:
        """What the store was found to have, by session."""
        self._attempt(lambda: self._recorded.settle(stored))

    def forget(self, session_id: str) -> None:
        self._attempt(lambda: self._recorded.forget(session_id))

    def halt_reason(self, session_id: str) -> str:
        """Why nothing is added to it now. Raises `StorageUnavailableError`."""
        return self._recorded.halt_reason(session_id)

    def _attempt(self, what: Callable[[], Answer]) -> Answer | None:
        """None while the catalogue is away. It is not asked all the time then: each question may take seconds, and the
        thread that asks has films to write."""
        if self._clock() < self._ask_again_s:
            return None
        try:
            return what()
        except NacreError as error:
            self._ask_again_s = self._clock() + ASK_AGAIN_AFTER_S
            logger.warning("what recordings take is not noted now: %s", error.message)
            return None
