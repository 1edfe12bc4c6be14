"""Snapshots that are stored, while the catalogue is away that would list them: noted on the worker's own disk.

    <data folder>/spool/<worker>.snapshots     JSON lines, made when it is needed, gone when it is empty

A worker keeps its file locked for as long as it lives; what a dead one left, the next worker with the same folder
brings in. A snapshot is listed only once the journal up to it is in the catalogue: whoever goes on from it needs both.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from serving.errors import SessionFencedError
from serving.sessions.names import region_of
from serving.sessions.snapshot_store import SnapshotKey

logger = logging.getLogger(__name__)

SUFFIX = ".snapshots"
PRIVATE = 0o700
# An hour's and more of one session. Beyond it the oldest are left out: a session goes on from its latest.
MAX_ROWS = 2_048


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlisted:
    """What the catalogue is to hear of one."""

    key: SnapshotKey
    journal_position: int
    num_bytes: int


Enlist = Callable[[Unlisted], None]


class UnlistedFile:
    """One worker's, in one folder. Use on one thread, and `close` it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None
        self._rows: list[Unlisted] = []

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, row: Unlisted) -> None:
        """On the disk when it returns; in memory alone, and logged, where the disk refuses."""
        self._rows = [*self._rows, row][-MAX_ROWS:]
        try:
            if self._file is None:
                self._path.parent.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
                self._file = self._path.open("a+", encoding="utf-8")
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._file.write(_line(row))
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            logger.error("a snapshot that is not listed is noted in memory alone: %s", error)

    def bring_in(self, enlist: Enlist) -> None:
        """The oldest first. Raises what `enlist` does, with the rest still noted; one whose session is another's by
        now is left out."""
        while self._rows:
            _enlist(enlist, self._rows[0])
            del self._rows[0]
        self.close()

    def close(self) -> None:
        """A file with nothing left in it goes. Safe to call twice."""
        if self._file is not None:
            if not self._rows:
                self._path.unlink(missing_ok=True)
            self._file.close()
            self._file = None


class UnlistedSnapshots:
    """A worker's, those of regions in folders of their own. Use on one thread."""

    def __init__(self, folders: Mapping[str, Path], file_name: str) -> None:
        """`folders` by region; "" for that of all others."""
        self._folders = tuple(folders.values())
        self._files = {region: UnlistedFile(folder / f"{file_name}{SUFFIX}") for region, folder in folders.items()}

    def __len__(self) -> int:
        """Of this worker; what dead ones left is not counted."""
        return sum(map(len, self._files.values()))

    def add(self, row: Unlisted) -> None:
        self._files[region_of(row.key.session_id)].add(row)

    def bring_in(self, enlist: Enlist) -> None:
        """As `UnlistedFile.bring_in`."""
        for file in self._files.values():
            file.bring_in(enlist)

    def bring_in_left(self, enlist: Enlist) -> int:
        """What workers that are dead left; gives how many. Raises what `enlist` does: then it is still there."""
        return sum(_bring_in_left(path, enlist) for folder in self._folders for path in folder.glob(f"*{SUFFIX}"))

    def close(self) -> None:
        """What is left waits on the disk for the next worker."""
        for file in self._files.values():
            file.close()


def _bring_in_left(path: Path, enlist: Enlist) -> int:
    try:
        file = path.open("r+", encoding="utf-8")
    except OSError as error:
        logger.error("%s is left as it is: %s", path, error)
        return 0
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # its worker lives, or another one is bringing it in
            return 0
        rows = _rows(file, path)
        for row in rows:
            _enlist(enlist, row)
        path.unlink(missing_ok=True)
    return len(rows)


def _enlist(enlist: Enlist, row: Unlisted) -> None:
    try:
        enlist(row)
    except SessionFencedError as error:
        logger.warning("a snapshot is not listed: %s", error)


def _rows(lines: Iterable[str], path: Path) -> list[Unlisted]:
    """A line that the end of a process cut off counts for nothing."""
    rows = []
    for line in lines:
        with contextlib.suppress(ValueError, TypeError, KeyError):
            fields = json.loads(line)
            rows.append(Unlisted(**{**fields, "key": SnapshotKey(**fields["key"])}))
            continue
        logger.error("%s has a line that cannot be read", path)
    return rows[-MAX_ROWS:]


def _line(row: Unlisted) -> str:
    return json.dumps(asdict(row)) + "\n"
