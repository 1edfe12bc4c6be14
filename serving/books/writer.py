"""The thread that writes books, so that nobody who is served waits for it.

Whatever has come goes into one transaction. While the catalogue is away it goes to this machine's disk, in order, and
into the catalogue once that is back; where the disk refuses as well it waits in memory, up to a bound, and what is over
that is counted as lost. An entry is written exactly once, however often that was attempted: its key says so.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from serving.books.chain import BookId, Entry
from serving.books.ledger import Ledger, appended
from serving.books.waiting_file import Addressed, WaitingFile, file_name, left_behind
from serving.catalogue.asking import CatalogueThread
from serving.errors import RegionRefusedError, StorageUnavailableError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterConfig:
    gather_s: float = 0.1  # what comes within goes into one transaction
    answer_s: float = 2.0
    retry_s: float = 0.5  # between attempts while the catalogue is away
    close_s: float = 2.0
    max_in_memory: int = 20_000  # entries of some hundred bytes
    slice_entries: int = 500  # of those on the disk, in one transaction


class BookWriter:
    """Its methods may be called from any thread, and only `flush` and `close` wait."""

    def __init__(
        self,
        ledger: Ledger,
        owner: str,
        folder_of: Callable[[str], Path],
        folders: Iterable[Path],
        config: WriterConfig | None = None,
    ) -> None:
        """`folder_of` says by tenant where its entries may wait; what dead processes left in any of `folders` is
        brought in."""
        self._ledger = ledger
        self._name = file_name(owner)
        self._folder_of = folder_of
        self._folders = list(folders)
        self._config = config or WriterConfig()
        self._waiting: deque[Addressed] = deque()  # not looked at yet
        self._in_memory: list[Addressed] = []  # neither in the catalogue nor on the disk
        self._files: dict[Path, WaitingFile] = {}
        self._to_bring_in: list[WaitingFile] = []
        self._unanswered: Future[int] | None = None
        self._changed = threading.Condition()
        self._is_closing = self._is_busy = False
        self._retry_s = 0.0
        self._away_since_s: float | None = None
        self.num_lost = 0
        self._catalogue = CatalogueThread(lambda: None)
        self._thread = threading.Thread(target=self._run, name="books", daemon=True)
        self._thread.start()

    def write(self, book_id: BookId, entry: Entry) -> None:
        """Returns at once. What is over the bound is lost, and counted."""
        with self._changed:
            if len(self._waiting) >= self._config.max_in_memory:
                self.num_lost += 1
                return
            self._waiting.append((book_id, entry))
            if len(self._waiting) == 1:
                self._changed.notify_all()

    @property
    def away_s(self) -> float:
        """For how long the catalogue has not taken anything; 0 while it does."""
        since_s = self._away_since_s
        return 0.0 if since_s is None else time.monotonic() - since_s

    @property
    def num_unwritten(self) -> int:
        """In memory. What is on the disk is safe."""
        return len(self._waiting) + len(self._in_memory)

    def flush(self, timeout_s: float = 5.0) -> bool:
        """Whether all that was written before is in the catalogue by then."""
        give_up_s = time.monotonic() + timeout_s
        with self._changed:
            while not self._is_written():
                left_s = give_up_s - time.monotonic()
                if left_s <= 0:
                    return False
                self._changed.wait(min(left_s, self._config.retry_s))
            return True

    def close(self) -> None:
        """Write what waits, as far as that is possible; the rest is on the disk. Safe to call twice."""
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
        self._thread.join()

    # --- on the writer's thread ---

    def _run(self) -> None:
        for folder in self._folders:
            self._to_bring_in += left_behind(folder)
        while (entries := self._take()) is not None:
            self._step(entries)
        self._step(self._taken())
        if self._in_memory:
            self._lose(self._in_memory)
        for file in (*self._files.values(), *self._to_bring_in):
            logger.warning("entries of books wait in %s", file.path)
            file.close()
        self._catalogue.close(self._config.close_s)

    def _take(self) -> list[Addressed] | None:
        with self._changed:
            self._is_busy = False
            self._changed.notify_all()
            while not self._waiting and not self._is_closing:
                left_s = self._retry_s - time.monotonic() if self._has_backlog() else None
                if left_s is not None and left_s <= 0:
                    break
                self._changed.wait(left_s)
            if self._is_closing:
                return None
            self._is_busy = True
        if self._waiting:
            time.sleep(self._config.gather_s)  # others come meanwhile
        return self._taken()

    def _taken(self) -> list[Addressed]:
        with self._changed:
            taken = list(self._waiting)
            self._waiting.clear()
            return taken

    def _is_written(self) -> bool:
        return not (self._is_busy or self._waiting or self._has_backlog())

    def _has_backlog(self) -> bool:
        return bool(self._in_memory or self._files or self._to_bring_in)

    def _step(self, entries: Sequence[Addressed]) -> None:
        """What came goes behind what is not in the catalogue yet."""
        if self._has_backlog():
            self._put_aside(entries)
            if time.monotonic() >= self._retry_s or self._is_closing:
                self._bring_in()
        elif entries and not self._is_appended(entries):
            self._put_aside(entries)

    def _is_appended(self, entries: Sequence[Addressed]) -> bool:
        """One whose answer does not come may be in the catalogue or get there yet: to give it once more is no harm."""
        if self._unanswered is not None and not self._unanswered.done():
            self._note_away("does not answer")
            return False
        batches = appended(entries)
        self._unanswered = self._catalogue.ask(lambda: self._ledger.append(batches))
        try:
            self._unanswered.result(self._config.answer_s)
        except (StorageUnavailableError, TimeoutError) as error:
            self._note_away(str(error) or "does not answer")
            return False
        except Exception:  # a defect; what cannot be written must not keep the rest from it
            logger.exception("%d entries of books cannot be written", len(entries))
            self.num_lost += len(entries)
            return True
        if self._away_since_s is not None:
            logger.warning("the catalogue takes entries of books again")
            self._away_since_s = None
        return True

    def _note_away(self, why: str) -> None:
        if self._away_since_s is None:
            logger.error("entries of books wait on the disk: %s", why)
            self._away_since_s = time.monotonic()
        self._retry_s = time.monotonic() + self._config.retry_s

    def _put_aside(self, entries: Sequence[Addressed]) -> None:
        entries = [*self._in_memory, *entries]
        self._in_memory = []
        by_folder: dict[Path, list[Addressed]] = {}
        for book_id, entry in entries:
            try:
                by_folder.setdefault(self._folder_of(book_id.tenant_id), []).append((book_id, entry))
            except RegionRefusedError:  # it may not be written here
                self._in_memory.append((book_id, entry))
        for folder, each in by_folder.items():
            try:
                self._file_in(folder).add(each)
            except OSError as error:
                logger.error("entries of books wait in memory alone: %s", error)
                self._in_memory += each
        self._lose(self._in_memory[self._config.max_in_memory :])
        del self._in_memory[self._config.max_in_memory :]

    def _file_in(self, folder: Path) -> WaitingFile:
        if folder not in self._files:
            self._files[folder] = WaitingFile(folder / self._name)
        return self._files[folder]

    def _bring_in(self) -> None:
        """Of this process last: what others left is older."""
        for file in (*self._to_bring_in, *self._files.values()):
            try:
                if not all(self._is_appended(each) for each in file.read(self._config.slice_entries)):
                    return
                file.remove()
            except OSError as error:
                self._note_away(str(error))
                return
            self._to_bring_in = [each for each in self._to_bring_in if each is not file]
            self._files = {folder: each for folder, each in self._files.items() if each is not file}
        if self._in_memory and self._is_appended(self._in_memory):
            self._in_memory = []

    def _lose(self, entries: Sequence[Addressed]) -> None:
        if entries:
            self.num_lost += len(entries)
            logger.error("%d entries of books are lost: neither the catalogue nor the disk takes them", len(entries))
