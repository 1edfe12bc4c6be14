"""The thread that thins the snapshots of sessions that are over, a few at a time, and drops what is over of tokens that
were taken back."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import and_, or_, select

from model.interface import ModelInfo
from serving.catalogue.database import Database
from serving.catalogue.needed import OVER
from serving.catalogue.retention import RetentionConfig
from serving.catalogue.revocations import RevocationTable
from serving.catalogue.saver import SnapshotSaver
from serving.catalogue.schema import sessions
from serving.errors import StorageUnavailableError

logger = logging.getLogger(__name__)

# Each takes a few milliseconds of the catalogue: what plays does not notice.
SESSIONS_AT_ONCE = 20
# What ended an hour ago can wait for a few minutes more.
EVERY_S = 300.0
# While there are more of them.
MORE_EVERY_S = 1.0
STOP_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """Up to where it is done: sessions in the order they ended."""

    updated_s: float = 0.0
    session_id: str = ""


class Tidier:
    """One step after the other. What is done is remembered for as long as the process lives; to begin anew does no
    harm, and neither do several at once."""

    def __init__(
        self,
        database: Database,
        saver: SnapshotSaver,
        info: ModelInfo,
        config: RetentionConfig,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._saver = saver
        self._info = info
        self._config = config
        self._clock = clock
        self._done = Mark()
        self._revocations = RevocationTable(database, clock)

    def step(self) -> bool:
        """Whether there is more to do at once. Raises `StorageUnavailableError`."""
        self._revocations.forget_expired()
        marks = self._next()
        for mark in marks:
            num_dropped = self._saver.thin_ended(mark.session_id)
            self._done = mark
            if num_dropped:
                logger.info("%d snapshots of %s are gone: it ended long ago", num_dropped, mark.session_id)
        return len(marks) == SESSIONS_AT_ONCE

    def _next(self) -> list[Mark]:
        """Of this worker's model: nobody else's manifests can be read."""
        columns = sessions.c
        is_later = or_(
            columns.updated_s > self._done.updated_s,
            and_(columns.updated_s == self._done.updated_s, columns.session_id > self._done.session_id),
        )
        query = (
            select(columns.updated_s, columns.session_id)
            .where(
                columns.state.in_(OVER),
                columns.updated_s <= self._clock() - self._config.ended_after_s,
                columns.model == self._info.name,
                columns.weights_sha256 == self._info.weights_sha256,
                is_later,
            )
            .order_by(columns.updated_s, columns.session_id)
            .limit(SESSIONS_AT_ONCE)
        )
        with self._database.read() as connection:
            return [Mark(row.updated_s, row.session_id) for row in connection.execute(query)]


class TidierThread:
    """Use `start` and `stop`."""

    def __init__(self, tidier: Tidier) -> None:
        self._tidier = tidier
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tidier", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Safe to call twice, and without `start`."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(STOP_TIMEOUT_S)

    def _run(self) -> None:
        wait_s = EVERY_S
        while not self._stopping.wait(wait_s):
            try:
                wait_s = MORE_EVERY_S if self._tidier.step() else EVERY_S
            except StorageUnavailableError as error:
                logger.warning("what ended long ago is thinned later: %s", error)
                wait_s = EVERY_S
            except Exception:  # a defect here must not end what plays
                logger.exception("what ended long ago is not thinned")
                return
