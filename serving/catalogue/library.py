"""What there is beside what runs: sessions, worlds, share links and workers on record, and what is stored."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from model.interface import ModelInfo
from serving.access.ownership import LOCALS, MAX_INPUTS, Ownership
from serving.catalogue.access import Access
from serving.catalogue.api_keys import ApiKeys
from serving.catalogue.database import Database
from serving.catalogue.deletion import drop_stored
from serving.catalogue.differences import Difference, Moment, compare_moments
from serving.catalogue.journal import Batch, JournalTable
from serving.catalogue.recorded import Recorded
from serving.catalogue.regions import Residency, open_store
from serving.catalogue.sessions import NewSession, Sessions
from serving.catalogue.shares import Shares
from serving.catalogue.snapshots import Snapshots
from serving.catalogue.storage import StorageConfig
from serving.catalogue.tenants import Tenants
from serving.catalogue.workers import Workers
from serving.catalogue.worlds import NewWorld, WorldRow, Worlds
from serving.errors import NacreError, WorldNotFoundError
from serving.export.store import delete_recording
from serving.sessions.encoded import HeldAxes, Opening
from serving.sessions.label import NO_LABEL, read_label
from serving.sessions.names import new_session_id, new_world_id
from serving.sessions.portable import with_kind
from serving.sessions.record_codec import opened
from serving.sessions.records import JournalHead, seal
from serving.sessions.snapshot import EngineSnapshot
from serving.sessions.snapshot_store import SnapshotStore

BROUGHT_IN = "IMPORTED"


class Library:
    """Blocking."""

    def __init__(self, database: Database, config: StorageConfig) -> None:
        self.sessions = Sessions(database)
        self.worlds = Worlds(database)
        self.shares = Shares(database)
        self.workers = Workers(database)
        self.access = Access(database=database)
        self.tenants = Tenants(database)
        self.keys = ApiKeys(database)
        self.recorded = Recorded(database)
        self._database = database
        self.residency = Residency(database, config.catalogue_region)
        self.database, self.storage = database, config

    @property
    def _store(self) -> SnapshotStore:
        return open_store(self.storage.snapshots, self.storage.regions)

    def difference(self, session_id: str, other_session_id: str) -> Difference:
        """Raises `SessionNotFoundError`."""
        left, right = Moment(session_id=session_id), Moment(session_id=other_session_id)
        difference = compare_moments(self._database, left, right)
        # What another tenant did in a world that it let one start from is not one's own past.
        return replace(
            difference,
            left=difference.left.since(self.sessions.own_beginning(session_id)),
            right=difference.right.since(self.sessions.own_beginning(other_session_id)),
        )

    def delete_session(self, session_id: str) -> None:
        """Raises `SessionNotFoundError`, or `SessionHeldError` for one that runs."""
        removed = self.sessions.delete(session_id)
        drop_stored(self._store, removed)
        # Others that left it may need its past; nobody needs the film.
        delete_recording(self.storage, session_id)
        self.recorded.forget(session_id)

    def delete_world(self, world_id: str) -> None:
        """Raises `WorldNotFoundError`."""
        removed = self.worlds.delete(world_id)
        if removed is None:
            raise _no_world("world_id")
        drop_stored(self._store, removed)

    def bring_in(self, data: bytes, name: str, note: str, info: ModelInfo, owner: Ownership = LOCALS) -> WorldRow:
        """Keep a moment that was sent as a file under a name. Raises `SnapshotRefusedError` or
        `StorageUnavailableError`, and then nothing is kept."""
        snapshot, kind = with_kind(data, info)
        # Nobody holds keys in a world that comes by post.
        engine = replace(
            snapshot.engine,
            session_id=new_session_id(self.residency.region_for(owner.tenant_id)),
            held=HeldAxes(),
            journal_position=0,
            waiting=(),
        )
        label, source = read_label(data) or NO_LABEL, f"file:{hashlib.sha256(data).hexdigest()}"
        owner = replace(owner, licence=owner.licence or label.licence, inputs=(*label.inputs, source)[-MAX_INPUTS:])
        words = dict(zip(("prompt", "character", "scene"), label.words, strict=True))
        new = NewSession(
            session_id=engine.session_id,
            model=info.name,
            weights_sha256=info.weights_sha256,
            spec={"seed": engine.seed, **words, "has_image": False},
            ownership=owner,
        )
        epoch = self._begin(new, engine)
        try:
            saved = self._store.save(replace(snapshot, engine=engine), epoch, info, kind)
            Snapshots(self._database).add(saved.key, 0, saved.num_bytes)
            self.sessions.set_num_chunks(engine.session_id, epoch, engine.next_chunk_idx)
            self.sessions.end(engine.session_id, epoch, BROUGHT_IN)
        except NacreError:
            self.sessions.release(engine.session_id, epoch)
            self.sessions.delete(engine.session_id)
            raise
        self.sessions.release(engine.session_id, epoch)
        world = NewWorld(
            world_id=new_world_id(),
            name=name,
            session_id=engine.session_id,
            epoch=epoch,
            chunk_idx=engine.next_chunk_idx,
            kind=kind,
            num_bytes=saved.num_bytes,
            model=info.name,
            weights_sha256=info.weights_sha256,
            spec=new.spec,
            note=note,
            ownership=owner,
        )
        return self.worlds.add(world)

    def _begin(self, new: NewSession, engine: EngineSnapshot) -> int:
        """A session whose journal begins where the snapshot does. Gives its epoch."""
        self.sessions.create(new)
        epoch = self.sessions.acquire(new.session_id, BROUGHT_IN).epoch
        opening = Opening(session_id=new.session_id, seed=engine.seed, epoch=epoch)
        record = opened(opening, new.model, new.weights_sha256, engine.next_chunk_idx)
        records = seal(new.session_id, epoch, JournalHead(), [record])
        batch = Batch(session_id=new.session_id, epoch=epoch, head=JournalHead(), records=records)
        JournalTable(self._database).append([batch])
        return epoch

    def world(self, world_id: str) -> WorldRow:
        """Raises `WorldNotFoundError`."""
        if (row := self.worlds.find(world_id)) is None:
            raise _no_world("world_id")
        return row

    def world_named(self, name: str, tenant_id: str) -> WorldRow:
        """Its latest version. Raises `WorldNotFoundError`."""
        if (row := self.worlds.find_named(name, tenant_id=tenant_id)) is None:
            raise _no_world("name")
        return row


def _no_world(field: str) -> WorldNotFoundError:
    return WorldNotFoundError("there is no saved world of that id or name", field=field)
