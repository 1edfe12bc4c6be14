"""What recordings take of what their tenants may store."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from sqlalchemy import select

from serving.admission.quotas import Quotas, storage_used
from serving.catalogue.database import Database
from serving.catalogue.recorded import Recorded
from serving.catalogue.schema import sessions
from serving.errors import NacreError, QuotaExceededError

logger = logging.getLogger(__name__)


class Accounts:
    """Blocking. While the catalogue is away, recording goes on: what was stored meanwhile is noted with the next part,
    and in the end by counting all that there is."""

    def __init__(self, database: Database, recorded: Recorded, quotas: Quotas) -> None:
        self._database = database
        self._recorded = recorded
        self._quotas = quotas

    def refusal(self, session_id: str, more_bytes: int) -> str:
        """The reason for which so much more may not be kept; empty where it may."""
        try:
            with self._database.read() as connection:
                query = select(sessions.c.tenant_id).where(sessions.c.session_id == session_id)
                tenant_id = connection.execute(query).scalar_one_or_none()
                if tenant_id is None:
                    return ""
                limit = self._quotas.of(connection, [tenant_id])[tenant_id].limits.storage_bytes
                if limit is None or storage_used(connection, tenant_id) + more_bytes <= limit:
                    return ""
                return QuotaExceededError.reason
        except NacreError:
            return ""

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

    def _attempt(self, what: Callable[[], None]) -> None:
        try:
            what()
        except NacreError as error:
            logger.warning("what recordings take is not noted now: %s", error.message)
