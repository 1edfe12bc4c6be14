"""What is kept no longer than it was said: sessions that ended long ago, and names in rows of long ago. Blocking."""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy import select

from serving.books.config import BooksConfig
from serving.books.ledger import Ledger
from serving.catalogue.database import Database
from serving.catalogue.library import Library
from serving.catalogue.schema import sessions
from serving.catalogue.sessions import ENDED
from serving.catalogue.storage import StorageConfig
from serving.errors import SessionHeldError, SessionNotFoundError

DAY_S = 86_400.0
# In one go; the rest waits for the next.
MAX_SESSIONS = 500


class Housekeeping:
    """By the settings of the books."""

    def __init__(
        self,
        database: Database,
        storage: StorageConfig,
        config: BooksConfig,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._library = Library(database, storage)
        self._ledger = Ledger(database, clock)
        self._config = config
        self._clock = clock

    @property
    def has_work(self) -> bool:
        return bool(self._config.keep_personal_days or self._config.keep_ended_days)

    def tidy(self) -> None:
        """Raises `StorageUnavailableError`; what went before is gone."""
        if self._config.keep_ended_days:
            self._drop_ended(self._clock() - self._config.keep_ended_days * DAY_S)
        if self._config.keep_personal_days:
            until_s = self._clock() - self._config.keep_personal_days * DAY_S
            for book_id in self._ledger.books():
                self._ledger.forget(book_id, until_s)

    def _drop_ended(self, until_s: float) -> None:
        """What worlds and branches need stays until the last of them goes."""
        old = select(sessions.c.session_id).where(sessions.c.state == ENDED, sessions.c.updated_s < until_s)
        with self._database.read() as connection:
            session_ids = list(connection.execute(old.order_by(sessions.c.updated_s).limit(MAX_SESSIONS)).scalars())
        for session_id in session_ids:
            try:
                self._library.delete_session(session_id)
            except (SessionNotFoundError, SessionHeldError):  # somebody was quicker
                continue
