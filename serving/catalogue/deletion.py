"""Taking sessions out of the catalogue, as far as nothing else needs them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, exists, select

from serving.catalogue.lineage import branch_of
from serving.catalogue.schema import branches, journal, receipts, recordings, sessions, shares, snapshots, worlds
from serving.sessions.snapshot_store import SnapshotStore

DELETED = "deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """Sessions that are gone whole: what the store has of them is nobody's any more."""

    session_ids: tuple[str, ...] = ()


def drop_stored(store: SnapshotStore, removed: Removed) -> None:
    """After the catalogue forgot them. Raises `StorageUnavailableError`: what is left then is garbage, and harms
    nobody but the disk."""
    for session_id in removed.session_ids:
        store.delete_session(session_id)


def sweep(connection: Connection, session_id: str) -> list[str]:
    """Take out a deleted session and then those of its ancestors that were deleted before it, up to the first that
    something still needs. Gives those that are gone."""
    gone: list[str] = []
    next_id: str | None = session_id
    # The row is locked before anything is counted: of two that let go of it at once, the second sees the first.
    while next_id is not None and _locked_state(connection, next_id) == DELETED and not _is_needed(connection, next_id):
        branch = branch_of(connection, next_id)
        _remove(connection, next_id)
        gone.append(next_id)
        next_id = None if branch is None else branch.parent_session_id
    return gone


def _locked_state(connection: Connection, session_id: str) -> str | None:
    query = select(sessions.c.state).where(sessions.c.session_id == session_id).with_for_update()
    return connection.execute(query).scalar_one_or_none()


def _is_needed(connection: Connection, session_id: str) -> bool:
    left_by = exists().where(branches.c.parent_session_id == session_id)
    saved_as = exists().where(worlds.c.session_id == session_id)
    return bool(connection.execute(select(left_by | saved_as)).scalar_one())


def _remove(connection: Connection, session_id: str) -> None:
    for table in (shares, receipts, recordings, snapshots, journal, branches, sessions):
        connection.execute(delete(table).where(table.c.session_id == session_id))
