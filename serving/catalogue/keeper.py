"""What a transformer worker keeps of its sessions, and with what."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from model.interface import ModelInfo
from serving.catalogue.database import Database
from serving.catalogue.histories import whole_history
from serving.catalogue.journal import JournalTable
from serving.catalogue.journals import CatalogueJournals
from serving.catalogue.saver import SnapshotSaver
from serving.catalogue.snapshots import Snapshots
from serving.catalogue.storage import StorageConfig, worker_name
from serving.errors import SnapshotDamagedError, SnapshotForeignError, SnapshotRefusedError
from serving.sessions.record_codec import History
from serving.sessions.snapshot import SessionSnapshot
from serving.sessions.snapshot_store import SnapshotStore

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What a session needs to go on."""

    history: History
    snapshot: SessionSnapshot | None  # None when it has to begin at its beginning


class SessionKeeper:
    """Journals and snapshots of one worker. Use `close`."""

    def __init__(self, config: StorageConfig, info: ModelInfo) -> None:
        self._info = info
        self._database = Database(config.catalogue_url)
        self._snapshots = Snapshots(self._database)
        self._store = SnapshotStore.open(config.snapshots)
        self.journals = CatalogueJournals(self._database, info, worker_name(), Path(config.spool))
        self.saver = SnapshotSaver(self._store, self._snapshots, info)

    def recall(self, session_id: str, until_chunk_idx: int) -> Past:
        """The journal, and the newest snapshot that can be used of those not after `until_chunk_idx`. Raises
        `SnapshotRefusedError` when the journal does not hold or is another model's."""
        if fault := JournalTable(self._database).verify(session_id):
            raise SnapshotDamagedError(f"record {fault.seq} of the journal {fault.problem}")
        history = whole_history(self._database, session_id)
        if (history.model, history.weights_sha256) != (self._info.name, self._info.weights_sha256):
            raise SnapshotForeignError(f"the session was made by another model: {history.model}")
        return Past(history=history, snapshot=self._newest(session_id, until_chunk_idx))

    def _newest(self, session_id: str, until_chunk_idx: int) -> SessionSnapshot | None:
        for row in self._snapshots.of(session_id):
            if row.key.chunk_idx <= until_chunk_idx:
                try:
                    return self._store.load(row.key, self._info)
                except SnapshotRefusedError as error:
                    logger.error("a snapshot of session %s is left out: %s", session_id, error)
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
