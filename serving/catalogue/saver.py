"""The thread that stores snapshots while their sessions play on."""

from __future__ import annotations

import logging
import threading
from collections import deque
from dataclasses import dataclass

from model.interface import ModelInfo
from serving.catalogue.snapshots import Snapshots
from serving.errors import NacreError, SessionFencedError
from serving.sessions.snapshot import SessionSnapshot
from serving.sessions.snapshot_store import Saved, SnapshotStore

logger = logging.getLogger(__name__)

# A save that fails is no loss before this many have: an older one and a longer journal serve as well.
NUM_KEPT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Save:
    snapshot: SessionSnapshot
    epoch: int

    @property
    def session_id(self) -> str:
        return self.snapshot.engine.session_id


class SnapshotSaver:
    """One snapshot of a session waits at most: of a store that is slow, every other one is left out. Use `close`."""

    def __init__(self, store: SnapshotStore, snapshots: Snapshots, info: ModelInfo) -> None:
        self._store = store
        self._snapshots = snapshots
        self._info = info
        self._waiting: deque[Save] = deque()
        self._changed = threading.Condition()
        self._is_closing = False
        self.num_failed = 0
        self.num_saved = 0
        self._thread = threading.Thread(target=self._run, name="snapshots", daemon=True)
        self._thread.start()

    def submit(self, snapshot: SessionSnapshot, epoch: int) -> bool:
        """From any thread; returns at once. False when the session's last one still waits."""
        save = Save(snapshot=snapshot, epoch=epoch)
        with self._changed:
            if any(each.session_id == save.session_id for each in self._waiting):
                return False
            self._waiting.append(save)
            self._changed.notify()
        return True

    def close(self) -> None:
        """Store what waits, and join the thread. Safe to call twice."""
        with self._changed:
            self._is_closing = True
            self._changed.notify()
        self._thread.join()

    def save(self, save: Save, name: str = "") -> Saved:
        """Now, on the caller's thread. Raises `StorageUnavailableError` or `SessionFencedError`."""
        saved = self._store.save(save.snapshot, save.epoch, self._info)
        self._snapshots.add(saved.key, save.snapshot.engine.journal_position, saved.num_bytes, name)
        return saved

    def _run(self) -> None:
        while (save := self._take()) is not None:
            try:
                self.save(save)
                self.num_saved += 1
                self._drop_old(save)
            except SessionFencedError as error:
                logger.warning("a snapshot came too late: %s", error)
            except NacreError as error:  # a full disk fails the save, not the session
                self.num_failed += 1
                logger.error("session %s was not saved: %s", save.session_id, error)
            except Exception:
                self.num_failed += 1
                logger.exception("session %s was not saved", save.session_id)

    def _take(self) -> Save | None:
        with self._changed:
            while not self._waiting and not self._is_closing:
                self._changed.wait()
            return self._waiting.popleft() if self._waiting else None

    def _drop_old(self, save: Save) -> None:
        dropped = self._snapshots.keep_newest(save.session_id, save.epoch, NUM_KEPT)
        if dropped:
            kept = [row.key for row in self._snapshots.of(save.session_id)]
            self._store.drop(dropped, kept, self._info)
