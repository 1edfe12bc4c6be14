"""What a transformer worker keeps of its sessions, and with what."""

from __future__ import annotations

from model.interface import ModelInfo
from serving.catalogue.database import Database
from serving.catalogue.journals import CatalogueJournals
from serving.catalogue.saver import SnapshotSaver
from serving.catalogue.snapshots import Snapshots
from serving.catalogue.storage import StorageConfig, worker_name
from serving.sessions.snapshot_store import SnapshotStore


class SessionKeeper:
    """Journals and snapshots of one worker. Use `close`."""

    def __init__(self, config: StorageConfig, info: ModelInfo) -> None:
        self._database = Database(config.catalogue_url)
        self.journals = CatalogueJournals(self._database, info, worker_name())
        self.saver = SnapshotSaver(SnapshotStore.open(config.snapshots), Snapshots(self._database), info)

    def close(self) -> None:
        """Finish what was begun. Safe to call twice."""
        self.saver.close()
        self.journals.close()
        self._database.close()
