"""The thread that makes journals durable: whatever waits goes into one transaction, and then it is told."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from serving.catalogue.journal import Batch, JournalTable
from serving.catalogue.leases import RENEW_S
from serving.catalogue.sessions import Sessions
from serving.errors import SessionFencedError, SessionNotFoundError, StorageUnavailableError
from serving.sessions.records import JournalHead, Record, head_after, seal

logger = logging.getLogger(__name__)

# While the catalogue is away, what was done waits to be told; controls stop coming long before this is full.
RETRY_S = 0.5
# At the end of the worker: a catalogue that is away for longer gets what is left of the journal no more.
CLOSE_TIMEOUT_S = 5.0
LOST_MESSAGE = "another worker has the session"


@dataclass(slots=True, kw_only=True, eq=False)
class Chain:
    """One session's journal as its writer knows it. Used on the writer's thread."""

    session_id: str
    epoch: int
    on_lost: Callable[[str], None]
    begin: Callable[[JournalHead], Record]  # the first that this worker writes after what is there
    is_begun: bool = False
    head: JournalHead | None = None  # until the first write: the catalogue knows
    is_lost: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """What is made durable together, and who is told then."""

    records: Mapping[Chain, Sequence[Record]] = field(default_factory=dict)
    tell: Sequence[tuple[Chain, Callable[[], None]]] = ()
    released: Chain | None = None  # this worker is done with it


class JournalWriter:
    """Writes what it is given in order, and renews the leases of the sessions that it has seen. Use `close`."""

    def __init__(self, table: JournalTable, sessions: Sessions, owner: str) -> None:
        self._table = table
        self._sessions = sessions
        self._owner = owner
        self._chains: set[Chain] = set()
        self._waiting: list[Commit] = []
        self._changed = threading.Condition()
        self._is_closing = False
        self._give_up_s = float("inf")
        self._renew_s = 0.0
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    def write(self, commit: Commit) -> None:
        """From any thread; returns at once."""
        with self._changed:
            self._waiting.append(commit)
            self._changed.notify()

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def close(self) -> None:
        """Write what waits, and join the thread. Safe to call twice."""
        with self._changed:
            self._is_closing = True
            self._give_up_s = time.monotonic() + CLOSE_TIMEOUT_S
            self._changed.notify()
        self._thread.join()

    # --- on the writer's thread ---

    def _run(self) -> None:
        while commits := self._take():
            self._write(commits)
            if self._chains and time.monotonic() >= self._renew_s:
                self._renew()

    def _take(self) -> list[Commit]:
        """What waits; an empty commit when leases are due; nothing at the end."""
        with self._changed:
            while not self._waiting and not self._is_closing:
                left_s = self._renew_s - time.monotonic() if self._chains else None
                if left_s is not None and left_s <= 0:
                    return [Commit()]
                self._changed.wait(left_s)
            commits, self._waiting = self._waiting, []
        return commits

    def _write(self, commits: Sequence[Commit]) -> None:
        merged: dict[Chain, list[Record]] = {}
        for commit in commits:
            for chain, records in commit.records.items():
                merged.setdefault(chain, []).extend(records)
        self._until_done(lambda: self._append(merged))
        for commit in commits:
            for chain, tell in commit.tell:
                if not chain.is_lost:
                    self._tell(chain, tell)
            if commit.released is not None:
                self._release(commit.released)

    def _tell(self, chain: Chain, tell: Callable[[], None]) -> None:
        try:
            tell()
        except Exception:  # a defect in one session must not silence the others
            logger.exception("session %s could not be told", chain.session_id)

    def _append(self, merged: Mapping[Chain, Sequence[Record]]) -> None:
        batches = {chain: self._batch(chain, records) for chain, records in merged.items() if not chain.is_lost}
        valid = {chain: batch for chain, batch in batches.items() if batch is not None}
        refused = self._table.append(valid.values()) if valid else set()
        for chain, batch in valid.items():
            if chain.session_id in refused:
                self._lose(chain, LOST_MESSAGE)
            else:
                chain.head, chain.is_begun = head_after(batch.head, batch.records), True

    def _batch(self, chain: Chain, records: Sequence[Record]) -> Batch | None:
        try:
            if chain.head is None:
                chain.head = self._table.head(chain.session_id)
                self._chains.add(chain)
            head = chain.head
            first = [] if chain.is_begun else [chain.begin(head)]
            sealed = seal(chain.session_id, chain.epoch, head, [*first, *records])
        except (SessionNotFoundError, ValueError) as error:  # no such session, or what JSON cannot hold
            self._lose(chain, f"the journal cannot be written: {error}")
            return None
        return Batch(session_id=chain.session_id, epoch=chain.epoch, head=head, records=sealed)

    def _renew(self) -> None:
        self._renew_s = time.monotonic() + RENEW_S
        try:
            lost = self._sessions.renew({chain.session_id: chain.epoch for chain in self._chains}, self._owner)
        except StorageUnavailableError as error:
            logger.warning("leases could not be renewed: %s", error)  # nobody else can take them either
            return
        for chain in [each for each in self._chains if each.session_id in lost]:
            self._lose(chain, LOST_MESSAGE)

    def _release(self, chain: Chain) -> None:
        self._chains.discard(chain)
        if chain.is_lost:
            return
        try:
            self._sessions.release(chain.session_id, chain.epoch)
        except (SessionFencedError, StorageUnavailableError) as error:
            logger.warning("the lease of %s will run out by itself: %s", chain.session_id, error)

    def _lose(self, chain: Chain, message: str) -> None:
        chain.is_lost = True
        self._chains.discard(chain)
        logger.error("session %s: %s", chain.session_id, message)
        chain.on_lost(message)

    def _until_done(self, write: Callable[[], None]) -> None:
        """Try again while the catalogue is away: nothing is told before it is durable."""
        is_first = True
        while True:
            try:
                write()
                return
            except StorageUnavailableError as error:
                if is_first:
                    logger.error("the journal waits: %s", error)
                is_first = False
            if time.monotonic() > self._give_up_s:
                logger.error("the end of the journal is lost: the catalogue is away")
                return
            time.sleep(RETRY_S)
