"""Entries that the catalogue cannot take yet, on this machine's disk: one JSON line each.

    <spool folder>/books-<owner>.jsonl

A process keeps its file locked for as long as it lives; what a dead one left, the next one with the same folder brings
in. An entry's key makes that harmless where the catalogue had it already.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from serving.books.chain import Book, BookId, Entry

logger = logging.getLogger(__name__)

PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600
PATTERN = "books-*.jsonl"

Addressed = tuple[BookId, Entry]


class WaitingFile:
    """Use on one thread. Every method raises OSError. `close` it."""

    def __init__(self, path: Path, *, must_exist: bool = False) -> None:
        """Raises BlockingIOError while another process has it."""
        self.path = path
        if not must_exist:
            path.parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_APPEND | (0 if must_exist else os.O_CREAT)
        self._file: IO[bytes] = os.fdopen(os.open(path, flags, PRIVATE_FILE), "a+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise

    def add(self, entries: Iterable[Addressed]) -> None:
        """On the disk when it returns. A line that a full disk cut short goes again."""
        size = os.fstat(self._file.fileno()).st_size
        try:
            self._file.write(b"".join(_to_line(entry) for entry in entries))
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file.fileno(), size)
            raise

    def read(self, num_entries: int) -> Iterator[list[Addressed]]:
        """In the order they came, so many at a time."""
        self._file.seek(0)
        entries: list[Addressed] = []
        for line in self._file:
            try:
                entries.append(_from_line(line))
            except (ValueError, KeyError, TypeError):
                logger.error("%s holds a line that is no entry of a book", self.path)
                continue
            if len(entries) == num_entries:
                yield entries
                entries = []
        if entries:
            yield entries

    def remove(self) -> None:
        """It, and all that is in it."""
        self.path.unlink(missing_ok=True)
        self._file.close()

    def close(self) -> None:
        self._file.close()


def left_behind(folder: Path) -> Iterator[WaitingFile]:
    """The files of processes that are dead."""
    for path in sorted(folder.glob(PATTERN)):
        with contextlib.suppress(FileNotFoundError, BlockingIOError):
            yield WaitingFile(path, must_exist=True)


def file_name(owner: str) -> str:
    return PATTERN.replace("*", owner)


def _to_line(addressed: Addressed) -> bytes:
    (book, tenant_id), entry = addressed
    fields: dict[str, Any] = {"book": book, "tenant_id": tenant_id, "key": entry.key, "kind": entry.kind}
    fields |= {"time_s": entry.time_s, "session_id": entry.session_id, "body": dict(entry.body)}
    fields |= {"personal": dict(entry.personal), "salt": entry.salt}
    return json.dumps(fields, ensure_ascii=False).encode() + b"\n"


def _from_line(line: bytes) -> Addressed:
    fields = json.loads(line)
    book_id = BookId(Book(fields.pop("book")), fields.pop("tenant_id"))
    return book_id, Entry(**fields)
