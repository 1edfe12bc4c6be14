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
from serving.engine.metrics import StageMetrics
from serving.errors import SnapshotDamagedError, SnapshotForeignError, SnapshotRefusedError
from serving.sessions.manifest import EXACT
from serving.sessions.record_codec import History
from serving.sessions.snapshot import SessionSnapshot

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What a session needs to go on."""

    history: History
    snapshot: SessionSnapshot | None  # None when it has to begin at its beginning


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
        self.saver = SnapshotSaver(self._store, self._snapshots, info, metrics=metrics)

    def recall(self, session_id: str, until_chunk_idx: int) -> Past:
        """The journal with those of the sessions it left, and the newest snapshot that can be used, its own or an
        ancestor's, of those not after `until_chunk_idx`. Raises `SnapshotRefusedError` when a journal does not hold
        or is another model's."""
        if fault := find_lineage_fault(self._database, session_id):
            raise SnapshotDamagedError(f"record {fault.seq} of the journal {fault.problem}")
        history = whole_history(self._database, session_id)
        if (history.model, history.weights_sha256) != (self._info.name, self._info.weights_sha256):
            raise SnapshotForeignError(f"the session was made by another model: {history.model}")
        history = replace(history, opening=replace(history.opening, resume_from=until_chunk_idx))
        return Past(history=history, snapshot=self._newest(session_id, until_chunk_idx, history.first_chunk_idx))

    def _newest(self, session_id: str, until_chunk_idx: int, first_chunk_idx: int) -> SessionSnapshot | None:
        for row in self._snapshots.of(session_id):
            is_usable = row.key.kind == EXACT or is_base(row, first_chunk_idx)
            if is_usable and row.key.chunk_idx <= until_chunk_idx:
                try:
                    snapshot = self._store.load(row.key, self._info)
                except SnapshotRefusedError as error:
                    logger.error("a snapshot of session %s is left out: %s", session_id, error)
                    continue
                # That of an ancestor is its own as well, up to there.
                return replace(snapshot, engine=replace(snapshot.engine, session_id=session_id))
        return None

    @property
    def is_alive(self) -> bool:
        """Whether what sessions do still reaches the catalogue."""
        return self.journals.is_alive

    def close(self) -> None:
        """Finish what was begun. Safe to call twice."""
        self.saver.close()
        self.journals.close()
        self._database.close()
