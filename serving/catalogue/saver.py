"""The thread that stores snapshots while their sessions play on."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from model.interface import ModelInfo
from serving.catalogue.retention import RetentionConfig
from serving.catalogue.snapshots import Snapshots
from serving.catalogue.unlisted import Unlisted, UnlistedSnapshots
from serving.engine.metrics import NoStageMetrics, StageMetrics
from serving.errors import NacreError, SessionFencedError, StorageUnavailableError
from serving.sessions.manifest import EXACT
from serving.sessions.snapshot import SessionSnapshot
from serving.sessions.snapshot_store import Saved, SnapshotKey, SnapshotStore

logger = logging.getLogger(__name__)

# Between looks whether the catalogue is back.
RETRY_S = 1.0
# Of the snapshots that a session makes by itself, so many come between two looks which of the old ones may go: a look
# asks the catalogue for all of them, and at a worker that took the session over reads what each consists of.
SAVES_PER_THINNING = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Save:
    snapshot: SessionSnapshot
    epoch: int
    kind: str = EXACT  # what the model made of its state

    @property
    def session_id(self) -> str:
        return self.snapshot.engine.session_id


class SnapshotSaver:
    """One snapshot of a session waits at most: of a store that is slow, every other one is left out. Use `close`.

    While the catalogue is away, those that a worker makes by itself are stored now and then, and listed later."""

    def __init__(
        self,
        store: SnapshotStore,
        snapshots: Snapshots,
        info: ModelInfo,
        *,
        metrics: StageMetrics | None = None,
        retention: RetentionConfig | None = None,
        unlisted: UnlistedSnapshots | None = None,
        has_journals: Callable[[], bool] = lambda: True,
        snapshot_every_chunks: int = 0,
    ) -> None:
        """`has_journals`: whether the catalogue has all of them that do not come by themselves at once, those of dead
        workers as well.
        `snapshot_every_chunks`: how far apart sessions make them by themselves; 0 where that is not known."""
        self._store = store
        self._snapshots = snapshots
        self._info = info
        self._metrics = metrics or NoStageMetrics()
        self._retention = retention or RetentionConfig()
        self._unlisted = unlisted
        self._has_journals = has_journals
        self._snapshot_every_chunks = snapshot_every_chunks
        self._has_left = unlisted is not None  # by workers that are dead, perhaps
        self._noted_s: dict[str, float] = {}  # by session, while the catalogue is away: its clock at the last one
        self._waiting: deque[Save] = deque()
        self._changed = threading.Condition()
        self._is_closing = False
        # A part that one snapshot is about to share must not be dropped with another.
        self._storing = threading.Lock()
        self._bring_in()
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
        return self._save(save, lambda row: self._enlist(row, name))

    def _save(self, save: Save, enlist: Callable[[Unlisted], None]) -> Saved:
        started_s = time.monotonic()
        try:
            with self._storing:
                saved = self._store.save(save.snapshot, save.epoch, self._info, save.kind)
                position = save.snapshot.engine.journal_position
                enlist(Unlisted(key=saved.key, journal_position=position, num_bytes=saved.num_bytes))
        except SessionFencedError:
            raise  # nothing failed: the session is another worker's by now
        except Exception:
            self._metrics.snapshot_failed()
            raise
        self._metrics.snapshot_saved(time.monotonic() - started_s)
        return saved

    def _enlist(self, row: Unlisted, name: str = "") -> None:
        self._snapshots.add(row.key, row.journal_position, row.num_bytes, name)

    # --- on the thread ---

    def _run(self) -> None:
        while self._wait():
            if (save := self._next()) is not None:
                self._save_by_itself(save)
            self._bring_in()
        if self._unlisted is not None:
            self._unlisted.close()

    def _wait(self) -> bool:
        """Whether there is something to do; False at the end."""
        with self._changed:
            while not self._waiting and not self._is_closing:
                if not self._changed.wait(RETRY_S if self._is_behind else None):
                    return True
            return bool(self._waiting)

    def _next(self) -> Save | None:
        with self._changed:
            return self._waiting.popleft() if self._waiting else None

    def _save_by_itself(self, save: Save) -> None:
        if self._is_behind and not self._is_worth_noting(save):
            return
        try:
            self._save(save, self._enlist_or_note)
            if not self._is_behind and self._is_time_to_thin(save):
                self._drop_old(save)
        except SessionFencedError as error:
            logger.warning("a snapshot came too late: %s", error)
        except NacreError as error:  # a full disk fails the save, not the session
            logger.error("session %s was not saved: %s", save.session_id, error)
        except Exception:
            logger.exception("session %s was not saved", save.session_id)

    def _is_time_to_thin(self, save: Save) -> bool:
        every = self._snapshot_every_chunks
        return every == 0 or save.snapshot.engine.next_chunk_idx // every % SAVES_PER_THINNING == 0

    # --- while the catalogue is away ---

    @property
    def _is_behind(self) -> bool:
        """Whether there are, or may be, snapshots that the catalogue does not know."""
        return self._has_left or bool(self._unlisted)

    def _is_worth_noting(self, save: Save) -> bool:
        """As seldom as older ones are kept: nothing can be thinned meanwhile."""
        now_s = save.snapshot.engine.next_chunk_idx * self._info.chunk_duration_s
        last_s = self._noted_s.get(save.session_id)
        return last_s is None or not last_s <= now_s < last_s + self._retention.step_s

    def _enlist_or_note(self, row: Unlisted) -> None:
        if not self._is_behind and self._has_journals():
            try:
                self._enlist(row)
                return
            except StorageUnavailableError as error:
                if self._unlisted is None:
                    raise
                logger.error("snapshots are listed once the catalogue is back: %s", error)
        if self._unlisted is not None:
            self._unlisted.add(row)
            self._noted_s[row.key.session_id] = row.key.chunk_idx * self._info.chunk_duration_s

    def _bring_in(self) -> None:
        if self._unlisted is None or not self._is_behind or not self._has_journals():
            return
        try:
            num_left = self._unlisted.bring_in_left(self._enlist)
            self._has_left = False
            num_own = len(self._unlisted)
            self._unlisted.bring_in(self._enlist)
        except StorageUnavailableError:
            return  # it is still away
        self._noted_s.clear()
        if num_left + num_own:
            logger.warning("%d snapshots are listed that were stored meanwhile", num_left + num_own)

    def thin_ended(self, session_id: str) -> int:
        """Of a session that is over, on the caller's thread; gives how many snapshots are gone. Raises
        `StorageUnavailableError`."""
        with self._storing:
            dropped = self._snapshots.thin_ended(session_id, self._info.chunk_duration_s, self._retention)
            self._drop(session_id, dropped)
        return len(dropped)

    def _drop_old(self, save: Save) -> None:
        with self._storing:
            dropped = self._snapshots.thin(save.session_id, save.epoch, self._info.chunk_duration_s, self._retention)
            self._drop(save.session_id, dropped)

    def _drop(self, session_id: str, dropped: Sequence[SnapshotKey]) -> None:
        """From the store, what the catalogue forgot."""
        if not dropped:
            return
        # Each epoch has its own parts: what others keep does not matter.
        epochs = {key.epoch for key in dropped}
        kept = [row.key for row in self._snapshots.made_in(session_id) if row.key.epoch in epochs]
        self._store.drop(dropped, kept, self._info)
