"""Brings what SQLite's write-ahead log holds into its file, on a thread of its own.

Left to itself SQLite does so within some commit, once in about 300 of a journal's, and whoever waits for that one waits
for the disk twice: 5 to 30 ms instead of a fraction of one.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from concurrent.futures import ThreadPoolExecutor

logger = logging.getLogger(__name__)

# Eight seconds of one session's play: about half of the 1,000 pages after which SQLite would do it by itself.
EVERY_WRITES = 128
# Pages (of 4 KiB) after which a commit does it after all, should the thread not come to it.
AT_LATEST_PAGES = 8_000


class Checkpoints:
    """Of one process's writes to a file. Writers do not wait for it, nor it for them. Thread-safe; use `close`."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._num_writes = 0  # not exact where several threads write, which does no harm
        self._is_closed = False
        self._pool = ThreadPoolExecutor(1, "checkpoints")  # its thread begins with its first work

    def note_write(self) -> None:
        self._num_writes += 1
        if self._num_writes >= EVERY_WRITES and not self._is_closed:
            self._num_writes = 0
            with contextlib.suppress(RuntimeError):  # closed just now, and what was written is written
                self._pool.submit(self._make)

    def close(self) -> None:
        """Finish what was begun. Safe to call twice."""
        self._is_closed = True
        self._pool.shutdown()

    def _make(self) -> None:
        """As far as nobody reads what was before; the rest is left to the next."""
        try:
            with contextlib.closing(sqlite3.connect(self._file, isolation_level=None)) as connection:
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        except sqlite3.Error as error:  # writers hear of a disk that is full or gone by themselves
            logger.warning("the catalogue's log could not be brought into its file: %s", error)
