"""The thread that stores snapshots while their sessions play on."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from dataclasses import dataclass

from model.interface import ModelInfo
from serving.catalogue.retention import RetentionConfig
from serving.catalogue.snapshots import Snapshots
from serving.engine.metrics import NoStageMetrics, StageMetrics
from serving.errors import NacreError, SessionFencedError
from serving.sessions.manifest import EXACT
from serving.sessions.snapshot import SessionSnapshot
from serving.sessions.snapshot_store import Saved, SnapshotStore

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Save:
    snapshot: SessionSnapshot
    epoch: int
    kind: str = EXACT  # what the model made of its state

    @property
    def session_id(self) -> str:
        return self.snapshot.engine.session_id


class SnapshotSaver:
    """One snapshot of a session waits at most: of a store that is slow, every other one is left out. Use `close`."""

    def __init__(
        self,
        store: SnapshotStore,
        snapshots: Snapshots,
        info: ModelInfo,
        *,
        metrics: StageMetrics | None = None,
        retention: RetentionConfig | None = None,
    ) -> None:
        self._store = store
        self._snapshots = snapshots
        self._info = info
        self._metrics = metrics or NoStageMetrics()
        self._retention = retention
        self._waiting: deque[Save] = deque()
        self._changed = threading.Condition()
        self._is_closing = False
        # A part that one snapshot is about to share must not be dropped with another.
        self._storing = threading.Lock()
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
        started_s = time.monotonic()
        try:
            with self._storing:
                saved = self._store.save(save.snapshot, save.epoch, self._info, save.kind)
                self._snapshots.add(saved.key, save.snapshot.engine.journal_position, saved.num_bytes, name)
        except SessionFencedError:
            raise  # nothing failed: the session is another worker's by now
        except Exception:
            self._metrics.snapshot_failed()
            raise
        self._metrics.snapshot_saved(time.monotonic() - started_s)
        return saved

    def _run(self) -> None:
        while (save := self._take()) is not None:
            try:
                self.save(save)
                self._drop_old(save)
            except SessionFencedError as error:
                logger.warning("a snapshot came too late: %s", error)
            except NacreError as error:  # a full disk fails the save, not the session
                logger.error("session %s was not saved: %s", save.session_id, error)
            except Exception:
                logger.exception("session %s was not saved", save.session_id)

    def _take(self) -> Save | None:
        with self._changed:
            while not self._waiting and not self._is_closing:
                self._changed.wait()
            return self._waiting.popleft() if self._waiting else None

    def _drop_old(self, save: Save) -> None:
        with self._storing:
            dropped = self._snapshots.thin(save.session_id, save.epoch, self._info.chunk_duration_s, self._retention)
            if not dropped:
                return
            # Each epoch has its own parts: what others keep does not matter.
            epochs = {key.epoch for key in dropped}
            kept = [row.key for row in self._snapshots.made_in(save.session_id) if row.key.epoch in epochs]
            self._store.drop(dropped, kept, self._info)
