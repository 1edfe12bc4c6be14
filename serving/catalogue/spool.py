"""What the catalogue cannot take yet, in order: on the worker's own disk, and in memory where that fails too.

    <data folder>/spool/<worker>.db            one SQLite file a worker, made when it is needed, gone when it is empty
    <data folder>/spool/refused/<worker>.db    records whose session another worker had taken meanwhile

Every batch is on the disk before anything is told of it. A worker keeps its file locked for as long as it lives;
what a dead one left, the next worker with the same folder brings into the catalogue.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from serving.catalogue.journal import Batch
from serving.sessions.records import JournalHead, SealedRecord

logger = logging.getLogger(__name__)

VERSION = 1
PRIVATE = 0o700
REFUSED_FOLDER = "refused"
# Hours of play where not even the spool can be written; a worker that holds more would take the machine with it.
MAX_IN_MEMORY_BYTES = 64 * 1024 * 1024
# Quick enough not to hold up what is written meanwhile.
MAX_SLICE_RECORDS = 500
_TABLE = """
    CREATE TABLE IF NOT EXISTS records (
        position INTEGER PRIMARY KEY, session_id TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,
        follows BLOB NOT NULL, record TEXT NOT NULL, tensors BLOB, hash BLOB NOT NULL, UNIQUE (session_id, epoch, seq)
    )"""
_COLUMNS = "session_id, epoch, seq, follows, record, tensors, hash"


class SpoolUnusableError(Exception):
    """The file cannot be read or written."""


class SpoolBusyError(SpoolUnusableError):
    """Its worker lives, or another one is bringing it in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """The oldest records, a batch for each session, and the position of the last of them."""

    last_position: int
    batches: Sequence[Batch]


class SpoolFile:
    """Use on one thread. Every method raises `SpoolUnusableError`. Use `with`, or `close` it."""

    def __init__(self, file: Path, *, must_exist: bool = False) -> None:
        self._file = file
        with _as_our_errors(file):
            if not must_exist:
                file.parent.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
            uri = f"{file.absolute().as_uri()}?mode={'rw' if must_exist else 'rwc'}"
            self._connection = sqlite3.connect(uri, uri=True, timeout=0.0, isolation_level=None)
            try:
                self._set_up()
            except BaseException:
                self._connection.close()
                raise

    def __len__(self) -> int:
        with _as_our_errors(self._file):
            return self._connection.execute("SELECT count(*) FROM records").fetchone()[0]

    def add(self, batches: Iterable[Batch]) -> None:
        """All of them or none. What is there already is left as it is."""
        rows = [row for batch in batches for row in _rows(batch)]
        with self._transaction() as connection:
            connection.executemany(f"INSERT OR IGNORE INTO records ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    def oldest(self, max_records: int = MAX_SLICE_RECORDS) -> Slice:
        query = f"SELECT position, {_COLUMNS} FROM records ORDER BY position LIMIT ?"
        with _as_our_errors(self._file):
            rows = self._connection.execute(query, (max_records,)).fetchall()
        return Slice(last_position=rows[-1][0] if rows else 0, batches=_batches(row[1:] for row in rows))

    def of_session(self, session_id: str, epoch: int) -> Sequence[Batch]:
        query = f"SELECT {_COLUMNS} FROM records WHERE session_id = ? AND epoch = ? ORDER BY position"
        with _as_our_errors(self._file):
            return _batches(self._connection.execute(query, (session_id, epoch)).fetchall())

    def remove(self, last_position: int) -> None:
        """All up to a slice's last position."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM records WHERE position <= ?", (last_position,))

    def remove_session(self, session_id: str, epoch: int) -> None:
        with self._transaction() as connection:
            connection.execute("DELETE FROM records WHERE session_id = ? AND epoch = ?", (session_id, epoch))

    def close(self) -> None:
        """A file with nothing in it goes. Safe to call twice."""
        with contextlib.suppress(SpoolUnusableError, sqlite3.ProgrammingError):
            is_empty = len(self) == 0
            self._connection.close()
            if is_empty:
                self._file.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _set_up(self) -> None:
        self._connection.execute("PRAGMA locking_mode=EXCLUSIVE")  # held until closed, also by the first read
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise SpoolBusyError(f"{self._file} is from another version")
        with self._transaction() as connection:
            connection.execute(_TABLE)
            connection.execute(f"PRAGMA user_version={VERSION}")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with _as_our_errors(self._file):
            self._connection.execute("BEGIN EXCLUSIVE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise


class Spool:
    """One worker's. Use on one thread, and `close` it."""

    def __init__(self, file: Path) -> None:
        self._path = file
        self._file: SpoolFile | None = None
        self._in_memory: list[Batch] = []  # later than all in the file
        self._num_bytes = 0
        self._num_in_file = 0

    @property
    def num_records(self) -> int:
        return self._num_in_file + self._num_in_memory

    @property
    def is_full(self) -> bool:
        return self._num_bytes > MAX_IN_MEMORY_BYTES

    def add(self, batches: Sequence[Batch]) -> None:
        """On the disk when it returns; in memory alone, and logged, where the disk refuses."""
        waiting = [*self._in_memory, *batches]
        try:
            if self._file is None:
                self._file = SpoolFile(self._path)
            self._file.add(waiting)
        except SpoolUnusableError as error:
            if not self._in_memory:
                logger.error("what the catalogue cannot take is in memory alone: %s", error)
            self._keep_in_memory(waiting)
        else:
            self._num_in_file += sum(len(batch.records) for batch in waiting)
            self._keep_in_memory([])

    def oldest(self) -> Slice:
        """From the file first. Raises `SpoolUnusableError`."""
        if self._file is not None and self._num_in_file:
            return self._file.oldest()
        return Slice(last_position=0, batches=tuple(self._in_memory))

    def remove(self, taken: Slice) -> None:
        """What the catalogue has by now. Raises `SpoolUnusableError`."""
        if taken.last_position and self._file is not None:
            self._file.remove(taken.last_position)
            self._num_in_file = len(self._file)
        elif not taken.last_position:
            self._keep_in_memory(self._in_memory[len(taken.batches) :])
        if not self.num_records and self._file is not None:
            self._file.close()
            self._file = None

    def set_aside(self, session_id: str, epoch: int) -> None:
        """Into the file of what was refused. Raises `SpoolUnusableError`."""
        in_memory = [each for each in self._in_memory if (each.session_id, each.epoch) == (session_id, epoch)]
        in_file = self._file.of_session(session_id, epoch) if self._file is not None else ()
        _set_aside(self._path, [*in_file, *in_memory])
        if self._file is not None:
            self._file.remove_session(session_id, epoch)
            self._num_in_file = len(self._file)
        self._keep_in_memory([each for each in self._in_memory if each not in in_memory])

    def close(self) -> None:
        """What is left on the disk waits for the next worker."""
        if self._in_memory:
            self.add(())
        if self._in_memory:
            logger.error("%d records of journals are lost with this process", self._num_in_memory)
        if self._num_in_file:
            logger.warning("%d records of journals wait in %s", self._num_in_file, self._path)
        if self._file is not None:
            self._file.close()
            self._file = None

    @property
    def _num_in_memory(self) -> int:
        return sum(len(batch.records) for batch in self._in_memory)

    def _keep_in_memory(self, batches: list[Batch]) -> None:
        self._in_memory = batches
        records = [record for batch in batches for record in batch.records]
        self._num_bytes = sum(len(each.text) + len(each.tensors or b"") for each in records)


def bring_in(folder: Path, append: Callable[[Sequence[Batch]], set[str]]) -> int:
    """Give `append` what workers that are dead left in `folder`; gives the number of records. `append` says which
    sessions it refuses, and what it raises leaves the rest where it is."""
    num_records = 0
    for file in sorted(folder.glob("*.db")):
        try:
            with SpoolFile(file, must_exist=True) as left:
                num_records += _bring_in(file, left, append)
        except SpoolBusyError:
            continue
        except SpoolUnusableError as error:
            logger.error("a spool is left as it is: %s", error)
    return num_records


def _bring_in(path: Path, left: SpoolFile, append: Callable[[Sequence[Batch]], set[str]]) -> int:
    num_records = len(left)
    if num_records:
        logger.warning("bringing in %d records of journals from %s", num_records, path)
    while (oldest := left.oldest()).batches:
        refused = append(oldest.batches)
        for batch in oldest.batches:
            if batch.session_id in refused:
                _set_aside(path, left.of_session(batch.session_id, batch.epoch))
                left.remove_session(batch.session_id, batch.epoch)
        left.remove(oldest.last_position)
    return num_records


def _set_aside(path: Path, batches: Sequence[Batch]) -> None:
    place = path.parent / REFUSED_FOLDER / path.name
    num_records = sum(len(batch.records) for batch in batches)
    sessions = ", ".join(sorted({batch.session_id for batch in batches}))
    logger.error("%d records of %s were refused: another worker has it; they are in %s", num_records, sessions, place)
    with SpoolFile(place) as refused:
        refused.add(batches)


def _rows(batch: Batch) -> Iterator[tuple[object, ...]]:
    follows = batch.head.hash
    for record in batch.records:
        yield batch.session_id, batch.epoch, record.seq, follows, record.text, record.tensors, record.hash
        follows = record.hash


def _batches(rows: Iterable[tuple[str, int, int, bytes, str, bytes | None, bytes]]) -> Sequence[Batch]:
    """One for each session and epoch: its records follow each other."""
    heads: dict[tuple[str, int], JournalHead] = {}
    records: dict[tuple[str, int], list[SealedRecord]] = {}
    for session_id, epoch, seq, follows, text, tensors, digest in rows:
        heads.setdefault((session_id, epoch), JournalHead(length=seq, hash=follows))
        record = SealedRecord(seq=seq, text=text, tensors=tensors, hash=digest)
        records.setdefault((session_id, epoch), []).append(record)
    return tuple(
        Batch(session_id=session_id, epoch=epoch, head=head, records=records[session_id, epoch])
        for (session_id, epoch), head in heads.items()
    )


@contextmanager
def _as_our_errors(file: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        is_busy = error.sqlite_errorcode in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
        kind = SpoolBusyError if is_busy else SpoolUnusableError
        raise kind(f"{file}: {error}") from error
    except (sqlite3.Error, OSError) as error:
        raise SpoolUnusableError(f"{file}: {error}") from error
