"""What there is beside what runs: sessions, worlds, share links and workers on record, and what is stored."""

from __future__ import annotations

from dataclasses import replace

from model.interface import ModelInfo
from serving.catalogue.database import Database
from serving.catalogue.deletion import drop_stored
from serving.catalogue.differences import Difference, Moment, compare_moments
from serving.catalogue.journal import Batch, JournalTable
from serving.catalogue.sessions import NewSession, Sessions
from serving.catalogue.shares import Shares
from serving.catalogue.snapshots import Snapshots
from serving.catalogue.storage import StorageConfig
from serving.catalogue.workers import Workers
from serving.catalogue.worlds import NewWorld, WorldRow, Worlds
from serving.errors import WorldNotFoundError
from serving.sessions.encoded import HeldAxes, Opening
from serving.sessions.names import new_session_id, new_world_id
from serving.sessions.portable import with_kind
from serving.sessions.record_codec import opened
from serving.sessions.records import JournalHead, seal
from serving.sessions.snapshot_store import SnapshotStore

BROUGHT_IN = "IMPORTED"


class Library:
    """Blocking."""

    def __init__(self, database: Database, config: StorageConfig) -> None:
        self.sessions = Sessions(database)
        self.worlds = Worlds(database)
        self.shares = Shares(database)
        self.workers = Workers(database)
        self._database = database
        self._snapshots = config.snapshots

    def difference(self, session_id: str, other_session_id: str) -> Difference:
        """Raises `SessionNotFoundError`."""
        left, right = Moment(session_id=session_id), Moment(session_id=other_session_id)
        return compare_moments(self._database, left, right)

    def delete_session(self, session_id: str) -> None:
        """Raises `SessionNotFoundError`, or `SessionHeldError` for one that runs."""
        removed = self.sessions.delete(session_id)
        drop_stored(SnapshotStore.open(self._snapshots), removed)

    def delete_world(self, world_id: str) -> None:
        """Raises `WorldNotFoundError`."""
        removed = self.worlds.delete(world_id)
        if removed is None:
            raise _no_world("world_id")
        drop_stored(SnapshotStore.open(self._snapshots), removed)

    def bring_in(self, data: bytes, name: str, note: str, info: ModelInfo) -> WorldRow:
        """Keep a moment that was sent as a file under a name. Raises `SnapshotRefusedError`, and then nothing is
        kept."""
        snapshot, kind = with_kind(data, info)
        session_id, chunk_idx = new_session_id(), snapshot.engine.next_chunk_idx
        # Nobody holds keys in a world that comes by post.
        engine = replace(snapshot.engine, session_id=session_id, held=HeldAxes(), journal_position=0)
        spec = {"seed": engine.seed, "prompt": "", "character": "", "scene": "", "has_image": False}
        new = NewSession(session_id=session_id, model=info.name, weights_sha256=info.weights_sha256, spec=spec)
        self.sessions.create(new)
        epoch = self.sessions.acquire(session_id, BROUGHT_IN).epoch
        opening = Opening(session_id=session_id, seed=engine.seed, epoch=epoch)
        first = seal(session_id, epoch, JournalHead(), [opened(opening, info.name, info.weights_sha256, chunk_idx)])
        batch = Batch(session_id=session_id, epoch=epoch, head=JournalHead(), records=first)
        JournalTable(self._database).append([batch])
        store = SnapshotStore.open(self._snapshots)
        saved = store.save(replace(snapshot, engine=engine), epoch, info, kind)
        Snapshots(self._database).add(saved.key, 0, saved.num_bytes)
        self.sessions.set_num_chunks(session_id, epoch, chunk_idx)
        self.sessions.end(session_id, epoch, BROUGHT_IN)
        self.sessions.release(session_id, epoch)
        world = NewWorld(
            world_id=new_world_id(),
            name=name,
            session_id=session_id,
            epoch=epoch,
            chunk_idx=chunk_idx,
            kind=kind,
            num_bytes=saved.num_bytes,
            model=info.name,
            weights_sha256=info.weights_sha256,
            spec=spec,
            note=note,
        )
        return self.worlds.add(world)

    def world(self, world_id: str) -> WorldRow:
        """Raises `WorldNotFoundError`."""
        if (row := self.worlds.find(world_id)) is None:
            raise _no_world("world_id")
        return row

    def world_named(self, name: str) -> WorldRow:
        """Its latest version. Raises `WorldNotFoundError`."""
        if (row := self.worlds.find_named(name)) is None:
            raise _no_world("name")
        return row


def _no_world(field: str) -> WorldNotFoundError:
    return WorldNotFoundError("there is no saved world of that id or name", field=field)
