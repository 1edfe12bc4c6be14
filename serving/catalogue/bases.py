"""What a session begins with that was brought from elsewhere: a snapshot in the place of an opening."""

from __future__ import annotations

from model.interface import ModelInfo
from serving.catalogue.database import Database
from serving.catalogue.snapshots import SnapshotRow, Snapshots
from serving.errors import SnapshotDamagedError
from serving.sessions.record_codec import History
from serving.sessions.snapshot import SessionSnapshot
from serving.sessions.snapshot_store import SnapshotStore


def is_base(row: SnapshotRow, first_chunk_idx: int) -> bool:
    """Whether a session whose journal begins at `first_chunk_idx` begins with it, of whatever kind it is."""
    return first_chunk_idx > 0 and row.key.chunk_idx == first_chunk_idx


def load_base(
    database: Database, store: SnapshotStore, info: ModelInfo, session_id: str, history: History
) -> SessionSnapshot | None:
    """None for a session that has an opening. Raises `SnapshotRefusedError`."""
    if history.first_chunk_idx == 0:
        return None
    for row in Snapshots(database).of(session_id):
        if is_base(row, history.first_chunk_idx):
            return store.load(row.key, info)
    raise SnapshotDamagedError(f"the snapshot that session {session_id} began with is missing")
