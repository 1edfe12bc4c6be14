"""What a transformer worker keeps of its sessions, and with what."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path

from model.interface import ModelInfo
from serving.catalogue.bases import is_base
from serving.catalogue.database import Database
from serving.catalogue.histories import find_lineage_fault, whole_history
from serving.catalogue.journals import CatalogueJournals
from serving.catalogue.regions import open_store
from serving.catalogue.saver import SnapshotSaver
from serving.catalogue.snapshots import Snapshots
from serving.catalogue.storage import StorageConfig, worker_name
from serving.catalogue.tails import first_chunk_of, history_since
from serving.catalogue.tidier import Tidier, TidierThread
from serving.catalogue.unlisted import UnlistedSnapshots
from serving.catalogue.writer import file_name
from serving.engine.metrics import StageMetrics
from serving.errors import SnapshotDamagedError, SnapshotForeignError, SnapshotRefusedError
from serving.sessions.encoded import HeldAxes
from serving.sessions.manifest import EXACT
from serving.sessions.record_codec import History
from serving.sessions.snapshot import SessionSnapshot
from serving.sessions.snapshot_store import SnapshotKey

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What a session needs to go on."""

    history: History
    snapshot: SessionSnapshot | None  # None when it has to begin at its beginning
    held: HeldAxes | None = None  # before the snapshot, where the history has nothing of earlier than it


class SessionKeeper:
    """Journals and snapshots of one worker. Use `close`."""

    def __init__(
        self, config: StorageConfig, info: ModelInfo, metrics: StageMetrics | None = None, worker_id: str = ""
    ) -> None:
        """`worker_id` owns the leases; a new one when left out."""
        self._info = info
        self._database = Database(config.catalogue_url)
        self._snapshots = Snapshots(self._database)
        self._store = open_store(config.snapshots, config.regions)
        owner, spool = worker_id or worker_name(), Path(config.spool)
        spools = {region.name: Path(region.spool) for region in config.regions}
        self.journals = CatalogueJournals(self._database, info, owner, spool, metrics=metrics, region_spools=spools)
        self.saver = SnapshotSaver(
            self._store,
            self._snapshots,
            info,
            metrics=metrics,
            retention=config.retention,
            unlisted=UnlistedSnapshots({"": spool, **spools}, file_name(owner)),
            has_journals=lambda: self.journals.is_whole,
            snapshot_every_chunks=config.snapshot_every_chunks,
        )
        self._tidier = TidierThread(Tidier(self._database, self.saver, info, config.retention))
        if config.retention.ended_step_s:
            self._tidier.start()

    def recall(self, session_id: str, until_chunk_idx: int) -> Past:
        """The newest snapshot that can be used, its own or an ancestor's, of those not after `until_chunk_idx`, and
        the journal since, or the whole one with those of the sessions it left. Raises `SnapshotRefusedError` when
        what is read of a journal does not hold or is another model's."""
        first_chunk_idx = first_chunk_of(self._database, session_id)
        key, snapshot = self._newest(session_id, until_chunk_idx, first_chunk_idx)
        history = held = None
        if key is not None and snapshot is not None and key.kind == EXACT:
            history, held = history_since(self._database, session_id, key, snapshot.engine), snapshot.engine.held
        if history is None:
            history, held = self._whole(session_id), None
        if (history.model, history.weights_sha256) != (self._info.name, self._info.weights_sha256):
            raise SnapshotForeignError(f"the session was made by another model: {history.model}")
        history = replace(history, opening=replace(history.opening, resume_from=until_chunk_idx))
        return Past(history=history, snapshot=snapshot, held=held)

    def _whole(self, session_id: str) -> History:
        if fault := find_lineage_fault(self._database, session_id):
            raise SnapshotDamagedError(f"record {fault.seq} of the journal {fault.problem}")
        return whole_history(self._database, session_id)

    def _newest(
        self, session_id: str, until_chunk_idx: int, first_chunk_idx: int
    ) -> tuple[SnapshotKey, SessionSnapshot] | tuple[None, None]:
        for row in self._snapshots.of(session_id):
            is_usable = row.key.kind == EXACT or is_base(row, first_chunk_idx)
            if is_usable and row.key.chunk_idx <= until_chunk_idx:
                try:
                    snapshot = self._store.load(row.key, self._info)
                except SnapshotRefusedError as error:
                    logger.error("a snapshot of session %s is left out: %s", session_id, error)
                    continue
                # That of an ancestor is its own as well, up to there.
                return row.key, replace(snapshot, engine=replace(snapshot.engine, session_id=session_id))
        return None, None

    @property
    def is_alive(self) -> bool:
        """Whether what sessions do still reaches the catalogue."""
        return self.journals.is_alive

    def close(self) -> None:
        """Finish what was begun. Safe to call twice."""
        self._tidier.stop()
        self.saver.close()
        self.journals.close()
        self._database.close()
