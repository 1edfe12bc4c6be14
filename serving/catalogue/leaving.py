"""A session whose worker asked it to go."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from serving.errors import NacreError

logger = logging.getLogger(__name__)


class Leaving:
    """One attempt at a time. Use `close`."""

    def __init__(self, session_id: str, move: Callable[[], Awaitable[None]]) -> None:
        self._session_id = session_id
        self._move = move
        self._attempt: asyncio.Task[None] | None = None
        self._why_not = ""

    def ask(self) -> None:
        """Comes every second until the session is gone."""
        if self._attempt is None or self._attempt.done():
            # Owned by whoever holds this: cancelled when it closes.
            self._attempt = asyncio.create_task(self._leave(), name=f"leave-{self._session_id}")

    def close(self) -> None:
        if self._attempt is not None:
            self._attempt.cancel()

    async def _leave(self) -> None:
        try:
            await self._move()
        except NacreError as error:
            # Once is enough to be told.
            level = logging.DEBUG if error.message == self._why_not else logging.WARNING
            self._why_not = error.message
            logger.log(level, "session %s could not leave its worker: %s", self._session_id, error.message)
