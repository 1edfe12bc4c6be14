"""The engine's journals, kept in the catalogue."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from model.interface import ModelInfo
from serving.catalogue.commits import Chain, Commit
from serving.catalogue.database import Database
from serving.catalogue.journal import JournalTable
from serving.catalogue.regions import place_of
from serving.catalogue.sessions import Sessions
from serving.catalogue.writer import JournalWriter, WriterConfig
from serving.engine.metrics import NoStageMetrics, StageMetrics
from serving.sessions import record_codec
from serving.sessions.encoded import EncodedControl, Opening
from serving.sessions.journal import Journal, JournalEntry, MemoryJournalStore, Tell
from serving.sessions.records import JournalHead, Record


class CatalogueJournal:
    """One session's record. Its engine's lock guards it."""

    def __init__(self, opening: Opening, table: JournalTable, chain: Chain) -> None:
        self.chain = chain
        self._opening = opening
        self._table = table
        self._unwritten: list[Record] = []
        self._is_begun = False
        self._position = 0
        self._pending: set[str] = set()

    @property
    def opening(self) -> Opening:
        return self._opening

    @property
    def position(self) -> int:
        """Records that this worker wrote, or is about to, after its first."""
        return self._position

    def accept(self, control: EncodedControl) -> None:
        if control.control_id in self._pending:
            raise ValueError(f"control {control.control_id} is in the journal already")
        self._pending.add(control.control_id)
        self._add(record_codec.accepted(control))

    def apply(self, control_id: str, chunk_idx: int) -> None:
        self._settle(record_codec.applied(control_id, chunk_idx), control_id)

    def supersede(self, control_id: str, by_control_id: str, reason: str = "") -> None:
        self._settle(record_codec.superseded(control_id, by_control_id, reason), control_id)

    def reject(self, control_id: str, reason: str) -> None:
        self._settle(record_codec.rejected(control_id, reason), control_id)

    def entries(self) -> tuple[JournalEntry, ...]:
        return record_codec.read_entries(self._table.read(self._opening.session_id))

    def take_unwritten(self) -> list[Record] | None:
        """None when there is nothing to write; the first time there always is."""
        if self._is_begun and not self._unwritten:
            return None
        unwritten, self._unwritten, self._is_begun = self._unwritten, [], True
        return unwritten

    def _settle(self, record: Record, control_id: str) -> None:
        self._pending.discard(control_id)
        self._add(record)

    def _add(self, record: Record) -> None:
        self._unwritten.append(record)
        self._position += 1


class CatalogueJournals:
    """A `JournalStore`. Sessions without an epoch are nobody's and kept in memory: those that warm a worker up."""

    def __init__(
        self,
        database: Database,
        info: ModelInfo,
        owner: str,
        spool: Path,
        config: WriterConfig | None = None,
        metrics: StageMetrics | None = None,
        region_spools: Mapping[str, Path] | None = None,
    ) -> None:
        """`spool`: the folder for what the catalogue cannot take; `region_spools`: those for sessions of regions."""
        self._table = JournalTable(database)
        self._info = info
        on_spooled = (metrics or NoStageMetrics()).records_spooled
        self._writer = JournalWriter(self._table, Sessions(database), owner, spool, config, on_spooled, region_spools)
        self._spools = region_spools or {}
        self._lock = threading.Lock()
        self._journals: dict[str, CatalogueJournal] = {}
        self._memory = MemoryJournalStore()

    def create(
        self, opening: Opening, next_chunk_idx: int = 0, on_lost: Callable[[str], None] | None = None
    ) -> Journal:
        if opening.epoch == 0:
            return self._memory.create(opening)
        place_of(opening.session_id, None, dict.fromkeys(self._spools))  # or it is refused

        def begin(head: JournalHead) -> Record:
            # A worker that goes on from an earlier snapshot makes the chunks up to there again as they were.
            first_chunk_idx = next_chunk_idx if opening.resume_from is None else opening.resume_from
            if not head.length:
                return record_codec.opened(
                    opening, self._info.name, self._info.weights_sha256, first_chunk_idx, self._info.profile
                )
            if opening.is_rewind:
                return record_codec.rewound(first_chunk_idx, self._info.profile)
            return record_codec.resumed(first_chunk_idx, self._info.profile)

        on_lost = on_lost or (lambda message: None)
        chain = Chain(session_id=opening.session_id, epoch=opening.epoch, on_lost=on_lost, begin=begin)
        journal = CatalogueJournal(opening, self._table, chain)
        with self._lock:
            self._journals[opening.session_id] = journal
        return journal

    def find(self, session_id: str) -> Journal | None:
        return self._journals.get(session_id) or self._memory.find(session_id)

    def commit(self, tell: Mapping[str, Tell]) -> None:
        with self._lock:
            journals = dict(self._journals)
            taken = {journal.chain: journal.take_unwritten() for journal in journals.values()}
        self._memory.commit({session_id: each for session_id, each in tell.items() if session_id not in journals})
        durable = [(journals[session_id].chain, each) for session_id, each in tell.items() if session_id in journals]
        records = {chain: each for chain, each in taken.items() if each is not None}
        if records or durable:
            self._writer.write(Commit(records=records, tell=durable))

    def discard(self, session_id: str) -> None:
        self._memory.discard(session_id)
        with self._lock:
            journal = self._journals.pop(session_id, None)
            if journal is not None:
                records = {journal.chain: journal.take_unwritten() or []}
                self._writer.write(Commit(records=records, released=journal.chain))

    @property
    def is_alive(self) -> bool:
        return self._writer.is_alive

    @property
    def num_spooled(self) -> int:
        """Records that wait on this machine for the catalogue to come back."""
        return self._writer.num_spooled

    @property
    def is_whole(self) -> bool:
        """As `JournalWriter.is_whole`."""
        return self._writer.is_whole

    def close(self) -> None:
        self._writer.close()
