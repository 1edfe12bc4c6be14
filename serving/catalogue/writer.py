"""The thread that makes journals durable: whatever waits goes into one transaction, and then it is told.

While the catalogue is away or does not answer in time, records go to the worker's spool instead and are told as not
durable yet. Once it is back it gets them in order, and what comes after is durable again.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from serving.catalogue.asking import CatalogueThread
from serving.catalogue.beginnings import Beginnings
from serving.catalogue.commits import Chain, Commit
from serving.catalogue.journal import Batch, JournalTable
from serving.catalogue.leases import RENEW_S
from serving.catalogue.regional_spool import RegionalSpool
from serving.catalogue.sessions import Sessions
from serving.catalogue.spool import Slice, SpoolUnusableError, bring_in
from serving.errors import NacreError, SessionFencedError, SessionNotFoundError, StorageUnavailableError
from serving.sessions.journal import Tell
from serving.sessions.records import JournalHead, Record, head_after, seal

logger = logging.getLogger(__name__)

UNSAFE_IN_A_NAME = re.compile(r"[^A-Za-z0-9._-]")
LOST_MESSAGE = "another worker has the session"
AWAY_MESSAGE = "the catalogue is away: no session can begin"
FULL_MESSAGE = "the catalogue is away, and the worker cannot hold more of what it did"


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterConfig:
    """How long the writer waits."""

    # A commit takes a millisecond, and chunks wait for it. Only one that will not come takes this long, even on a
    # machine that is busy with other things; then a session stands still for once.
    answer_s: float = 0.5
    # For where a session's journal ends: nobody plays it yet, and the others go on. Longer than the catalogue needs
    # for what waits in the spool after a disk stood still for a moment.
    first_answer_s: float = 3.0
    retry_s: float = 0.5  # between attempts while the catalogue is away
    # At the end of the worker; what the catalogue has not got then waits in the spool.
    close_s: float = 2.0


def file_name(owner: str) -> str:
    """A worker's name, as its files on its own disk begin."""
    return UNSAFE_IN_A_NAME.sub("_", owner)


class JournalWriter:
    """Writes what it is given in order, and renews the leases of the sessions that it has seen. Use `close`."""

    def __init__(
        self,
        table: JournalTable,
        sessions: Sessions,
        owner: str,
        spool_folder: Path,
        config: WriterConfig | None = None,
        on_spooled: Callable[[int], None] = lambda num_records: None,
        region_spools: Mapping[str, Path] | None = None,
    ) -> None:
        """Brings in what dead workers left in `spool_folder` before anybody can go on with their sessions; as soon
        as the catalogue is back where it is away. `on_spooled` hears how many records wait in the spool.
        `region_spools`: the folders for sessions of regions, by region."""
        self._table = table
        self._sessions = sessions
        self._owner = owner
        self._config = config or WriterConfig()
        self._on_spooled = on_spooled
        folders = {"": spool_folder, **(region_spools or {})}
        self._folders = tuple(folders.values())
        self._spool = RegionalSpool(folders, f"{file_name(owner)}.db")
        self._chains: set[Chain] = set()
        self._to_release: list[Chain] = []  # once all that they did is in the catalogue
        self._waiting: list[Commit] = []
        self._changed = threading.Condition()
        self._is_closing = False
        self._draining: tuple[Slice, Future[set[str]]] | None = None
        self._renewing: Future[set[str]] | None = None
        self._renew_s, self._retry_s = 0.0, 0.0
        self._catalogue = CatalogueThread(self._wake)
        self._beginnings = Beginnings(self._ask_head, self._config.first_answer_s)
        self._bringing_in: Future[int] | None = None
        self._has_left = not self._is_brought_in(self._bring_in)
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

    @property
    def num_spooled(self) -> int:
        """Records that the catalogue has not got."""
        return self._spool.num_records

    @property
    def is_whole(self) -> bool:
        """Whether nothing waits for the catalogue to come back: in the spool, of workers that are dead, or of sessions
        that only just begin. What is on its way into the catalogue is not counted: somebody always plays."""
        return not self._has_left and not self._spool.num_records and not len(self._beginnings)

    def close(self) -> None:
        """Write what waits, and join the thread. Safe to call twice."""
        with self._changed:
            self._is_closing = True
            self._changed.notify()
        self._thread.join()

    # --- on the writer's thread ---

    def _run(self) -> None:
        while (commits := self._take()) is not None:
            if commits:
                self._write([self._beginnings.hold_back(commit) for commit in commits])
            self._go_on_bringing_in()
            self._go_on_draining()
            self._go_on_beginning()
            self._go_on_renewing()
        self._finish()

    def _take(self) -> list[Commit] | None:
        """What waits; nothing at all when an answer is there or something is due; None at the end."""
        with self._changed:
            while not self._waiting and not self._is_closing:
                left_s = self._next_due_s() - time.monotonic()
                if left_s <= 0:
                    return []
                self._changed.wait(min(left_s, threading.TIMEOUT_MAX))
            commits, self._waiting = self._waiting, []
        return commits or None

    def _next_due_s(self) -> float:
        answers = [each for each in (self._bringing_in, self._renewing, self._draining and self._draining[1]) if each]
        if any(answer.done() for answer in answers):
            return 0.0
        renew_s = self._renew_s if self._chains and self._renewing is None else float("inf")
        is_drain_due = self._draining is None and self._spool.num_records > 0
        is_left_due = self._bringing_in is None and self._has_left
        retry_s = self._retry_s if is_drain_due or is_left_due else float("inf")
        return min(renew_s, retry_s, self._beginnings.next_due_s)

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify()

    def _write(self, commits: Sequence[Commit]) -> None:
        merged: dict[Chain, list[Record]] = {}
        for commit in commits:
            for chain, records in commit.records.items():
                merged.setdefault(chain, []).extend(records)
        batches = [self._batch(chain, records) for chain, records in merged.items() if not chain.is_lost]
        is_durable = self._keep([batch for batch in batches if batch is not None])
        for commit in commits:
            for chain, tell in commit.tell:
                if not chain.is_lost:
                    self._tell(chain, tell, is_durable)
            if commit.released is not None:
                self._release(commit.released)

    def _tell(self, chain: Chain, tell: Tell, is_durable: bool) -> None:
        try:
            tell(is_durable)
        except Exception:  # a defect in one session must not silence the others
            logger.exception("session %s could not be told", chain.session_id)

    def _batch(self, chain: Chain, records: Sequence[Record]) -> Batch | None:
        """The records in the chain, which goes on after them wherever they are kept."""
        head = chain.head
        assert head is not None, "held back until it is known"
        try:
            first = [] if chain.is_begun else [chain.begin(head)]
            sealed = seal(chain.session_id, chain.epoch, head, [*first, *records])
        except ValueError as error:  # what JSON cannot hold
            self._lose(chain, f"the journal cannot be written: {error}")
            return None
        chain.head, chain.is_begun = head_after(head, sealed), True
        return Batch(session_id=chain.session_id, epoch=chain.epoch, head=head, records=sealed) if sealed else None

    def _ask_head(self, session_id: str) -> Future[JournalHead]:
        return self._catalogue.ask(lambda: self._table.head(session_id))

    def _go_on_beginning(self, *, is_last: bool = False) -> None:
        """Sessions begin behind what is spooled, so that theirs is durable from the first record."""
        if not self._spool.num_records:
            self._beginnings.ask()
        for beginning in self._beginnings.take(is_last=is_last):
            chain = beginning.chain
            try:
                chain.head = beginning.head()
                self._chains.add(chain)
            except SessionNotFoundError as error:
                self._lose(chain, f"the journal cannot be written: {error}")
            except (StorageUnavailableError, TimeoutError):
                self._lose(chain, AWAY_MESSAGE)
            self._write(beginning.commits)

    def _keep(self, batches: Sequence[Batch]) -> bool:
        """Whether the catalogue has them, and all before them."""
        if not self._spool.num_records:
            if not batches or self._is_appended(batches):
                return True
            self._retry_s = time.monotonic() + self._config.retry_s
        if batches:
            self._spool.add(batches)
            self._on_spooled(self._spool.num_records)
        if self._spool.is_full:
            for chain in list(self._chains):
                self._lose(chain, FULL_MESSAGE)
        return False

    def _is_appended(self, batches: Sequence[Batch]) -> bool:
        """Whether the catalogue answered in time. One that did not may have them or get them yet: giving it the
        same once more does no harm."""
        try:
            refused = self._catalogue.ask(lambda: self._table.append(batches)).result(self._config.answer_s)
        except (StorageUnavailableError, TimeoutError) as error:
            logger.error("journals go to the spool: %s", str(error) or "the catalogue does not answer")
            return False
        self._lose_all(batch for batch in batches if batch.session_id in refused)
        return True

    def _go_on_draining(self) -> None:
        """One step of bringing the spool into the catalogue, never waiting for an answer."""
        if self._draining is not None and self._draining[1].done():
            oldest, answer = self._draining
            self._draining = None
            self._drained(oldest, answer)
        if self._draining is None and self._spool.num_records and time.monotonic() >= self._retry_s:
            try:
                oldest = self._spool.oldest()
            except SpoolUnusableError as error:
                self._put_off(error)
            else:
                self._draining = oldest, self._catalogue.ask(lambda: self._table.append(oldest.batches))

    def _drained(self, oldest: Slice, answer: Future[set[str]]) -> None:
        try:
            refused = answer.result()
            lost = [batch for batch in oldest.batches if batch.session_id in refused]
            for batch in lost:
                self._spool.set_aside(batch.session_id, batch.epoch)
            self._lose_all(lost)
            self._spool.remove(oldest)
            self._on_spooled(self._spool.num_records)
        except StorageUnavailableError:
            self._retry_s = time.monotonic() + self._config.retry_s
        except SpoolUnusableError as error:
            self._put_off(error)
        else:
            if not self._spool.num_records:
                logger.warning("the catalogue is back and has all that was spooled")
                self._renew_s = 0.0
                self._release_waiting()

    def _put_off(self, error: SpoolUnusableError) -> None:
        logger.error("the spool cannot be emptied yet: %s", error)
        self._retry_s = time.monotonic() + self._config.retry_s

    def _go_on_bringing_in(self) -> None:
        """What dead workers left, where the catalogue was away when this one began."""
        if self._bringing_in is not None and self._bringing_in.done():
            self._has_left = not self._is_brought_in(self._bringing_in.result)
            self._bringing_in = None
            self._retry_s = time.monotonic() + self._config.retry_s
        if self._has_left and self._bringing_in is None and time.monotonic() >= self._retry_s:
            self._bringing_in = self._catalogue.ask(self._bring_in)

    def _bring_in(self) -> int:
        return sum(bring_in(folder, self._table.append) for folder in self._folders)

    def _is_brought_in(self, attempt: Callable[[], int]) -> bool:
        try:
            attempt()
        except StorageUnavailableError as error:
            logger.error("what other workers left in the spool waits: %s", error)
            return False
        return True

    def _go_on_renewing(self) -> None:
        if self._renewing is not None and self._renewing.done():
            answer, self._renewing = self._renewing, None
            try:
                lost = answer.result()
            except StorageUnavailableError as error:  # nobody else can take them either
                logger.warning("leases could not be renewed: %s", error)
            else:
                for chain in [each for each in self._chains if each.session_id in lost]:
                    self._lose(chain, LOST_MESSAGE)
        if self._renewing is None and self._chains and time.monotonic() >= self._renew_s:
            self._renew_s = time.monotonic() + RENEW_S
            epochs = {chain.session_id: chain.epoch for chain in self._chains}
            self._renewing = self._catalogue.ask(lambda: self._sessions.renew(epochs, self._owner))

    def _release(self, chain: Chain) -> None:
        self._chains.discard(chain)
        if not chain.is_lost:
            self._to_release.append(chain)
        if not self._spool.num_records:
            self._release_waiting()

    def _release_waiting(self) -> None:
        released, self._to_release = self._to_release, []
        for chain in released:
            self._catalogue.ask(lambda chain=chain: self._give_up_lease(chain))

    def _give_up_lease(self, chain: Chain) -> None:
        try:
            # Looked at first: whoever opens one that moved needs the catalogue now, and there is nothing to give up.
            if self._sessions.find(chain.session_id, with_deleted=True).lease.epoch == chain.epoch:
                self._sessions.release(chain.session_id, chain.epoch)
        except SessionFencedError:
            pass  # it moved just now
        except NacreError as error:
            logger.warning("the lease of %s will run out by itself: %s", chain.session_id, error)

    def _lose_all(self, batches: Iterable[Batch]) -> None:
        lost = {(batch.session_id, batch.epoch) for batch in batches}
        for chain in [each for each in self._chains if (each.session_id, each.epoch) in lost]:
            self._lose(chain, LOST_MESSAGE)

    def _lose(self, chain: Chain, message: str) -> None:
        chain.is_lost = True
        self._chains.discard(chain)
        logger.error("session %s: %s", chain.session_id, message)
        chain.on_lost(message)

    def _finish(self) -> None:
        """The last attempt at what is spooled; no longer than it may take."""
        give_up_s = time.monotonic() + self._config.close_s
        while (self._spool.num_records or len(self._beginnings)) and (left_s := give_up_s - time.monotonic()) > 0:
            self._go_on_draining()
            self._go_on_beginning()
            with self._changed:
                self._changed.wait(min(left_s, self._config.retry_s / 10))
        self._go_on_beginning(is_last=True)
        if not self._spool.num_records:
            self._release_waiting()
        self._catalogue.close(max(0.0, give_up_s - time.monotonic()))
        self._spool.close()
