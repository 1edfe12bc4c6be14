"""Sessions in the catalogue: what they started from, who holds them, where they stand and where they came from."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from serving.catalogue import leases
from serving.catalogue.database import Database
from serving.catalogue.leases import Lease, Refused
from serving.catalogue.schema import branches, sessions
from serving.errors import SessionFencedError, SessionHeldError, SessionNotFoundError

OPEN, ENDED = "open", "ended"
MAX_LISTED = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSession:
    session_id: str
    model: str
    weights_sha256: str
    spec: Mapping[str, Any]  # JSON: seed, prompt, character, scene
    world_id: str | None = None
    resume_token_sha256: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """Where a session left another."""

    session_id: str
    parent_session_id: str
    parent_chunk_idx: int  # the first chunk that is its own


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    session_id: str
    world_id: str | None
    model: str
    weights_sha256: str
    spec: Mapping[str, Any]
    state: str
    end_reason: str
    created_s: float
    updated_s: float
    num_chunks: int
    lease: Lease
    journal_length: int
    journal_hash: bytes
    resume_token_sha256: bytes

    @property
    def seed(self) -> int:
        return int(self.spec["seed"])


class Sessions:
    """Every write that names an epoch raises `SessionFencedError` when the epoch is old, and writes nothing."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def create(self, new: NewSession, branch: Branch | None = None) -> None:
        """Nobody's yet. A `branch` says which session it left, and where."""
        now_s = self._clock()
        with self._database.write() as connection:
            connection.execute(
                sessions.insert().values(
                    session_id=new.session_id,
                    world_id=new.world_id,
                    model=new.model,
                    weights_sha256=new.weights_sha256,
                    spec=json.dumps(dict(new.spec)),
                    state=OPEN,
                    end_reason="",
                    created_s=now_s,
                    updated_s=now_s,
                    num_chunks=0,
                    owner="",
                    epoch=0,
                    lease_until_s=0.0,
                    journal_length=0,
                    journal_hash=b"",
                    resume_token_sha256=new.resume_token_sha256,
                )
            )
            if branch is not None:
                connection.execute(
                    branches.insert().values(
                        session_id=branch.session_id,
                        parent_session_id=branch.parent_session_id,
                        parent_chunk_idx=branch.parent_chunk_idx,
                        created_s=now_s,
                    )
                )

    def find(self, session_id: str) -> SessionRow:
        """Raises `SessionNotFoundError`."""
        with self._database.read() as connection:
            row = connection.execute(select(sessions).where(sessions.c.session_id == session_id)).one_or_none()
        if row is None:
            raise SessionNotFoundError("there is no session of that id in the catalogue", field="session_id")
        return _session_row(row)

    def latest(self, limit: int = 50) -> list[SessionRow]:
        """The newest first."""
        query = select(sessions).order_by(sessions.c.created_s.desc()).limit(min(limit, MAX_LISTED))
        with self._database.read() as connection:
            return [_session_row(row) for row in connection.execute(query)]

    def lineage(self, session_id: str) -> list[Branch]:
        """From the session back to the one that left no other; empty for that."""
        found: list[Branch] = []
        with self._database.read() as connection:
            while (branch := _branch_of(connection, session_id)) is not None:
                found.append(branch)
                session_id = branch.parent_session_id
        return found

    def branches_of(self, session_id: str) -> list[Branch]:
        """The sessions that left this one."""
        query = select(branches).where(branches.c.parent_session_id == session_id).order_by(branches.c.created_s)
        with self._database.read() as connection:
            return [_branch(row) for row in connection.execute(query)]

    def acquire(self, session_id: str, owner: str) -> Lease:
        """Become the one writer of a session. Raises `SessionHeldError` or `SessionNotFoundError`."""
        now_s = self._clock()
        with self._database.write() as connection:
            lease = locked_lease(connection, session_id)
            if lease is None:
                raise SessionNotFoundError("there is no session of that id in the catalogue", field="session_id")
            decided = leases.acquire(lease, owner, now_s)
            if isinstance(decided, Refused):
                raise SessionHeldError(f"{decided.held_by} holds the session", retry_after_s=decided.retry_after_s)
            _write_lease(connection, session_id, decided)
            return decided

    def renew(self, epochs: Mapping[str, int], owner: str) -> set[str]:
        """Keep sessions (by id, with their epochs) for longer. Gives those that another took meanwhile."""
        now_s = self._clock()
        lost = set()
        with self._database.write() as connection:
            for session_id, epoch in sorted(epochs.items()):
                lease = locked_lease(connection, session_id)
                renewed = None if lease is None else leases.renew(lease, epoch, now_s)
                if renewed is None:
                    lost.add(session_id)
                else:
                    _write_lease(connection, session_id, Lease(owner=owner, epoch=epoch, until_s=renewed.until_s))
        return lost

    def release(self, session_id: str, epoch: int) -> None:
        """Let others have the session at once. Raises `SessionFencedError`."""
        with self._database.write() as connection:
            lease = check_epoch(connection, session_id, epoch)
            released = leases.release(lease, epoch)
            assert released is not None, "the epoch was compared in this transaction"
            _write_lease(connection, session_id, released)

    def end(self, session_id: str, epoch: int, reason: str) -> None:
        """Note why a session is over. Raises `SessionFencedError`."""
        with self._database.write() as connection:
            check_epoch(connection, session_id, epoch)
            connection.execute(
                sessions.update()
                .where(sessions.c.session_id == session_id)
                .values(state=ENDED, end_reason=reason, updated_s=self._clock())
            )


def locked_lease(connection: Connection, session_id: str) -> Lease | None:
    """The lease as it stays until the end of the transaction; None for a session that does not exist."""
    query = select(sessions.c.owner, sessions.c.epoch, sessions.c.lease_until_s).where(
        sessions.c.session_id == session_id
    )
    row = connection.execute(query.with_for_update()).one_or_none()  # SQLite's writers hold the whole file
    return None if row is None else Lease(owner=row.owner, epoch=row.epoch, until_s=row.lease_until_s)


def check_epoch(connection: Connection, session_id: str, epoch: int) -> Lease:
    """The gate of every write. Raises `SessionFencedError`."""
    lease = locked_lease(connection, session_id)
    if lease is None or lease.epoch != epoch:
        now = "it is gone" if lease is None else f"it is at epoch {lease.epoch} now"
        raise SessionFencedError(f"session {session_id} is not held at epoch {epoch}: {now}")
    return lease


def _write_lease(connection: Connection, session_id: str, lease: Lease) -> None:
    connection.execute(
        sessions.update()
        .where(sessions.c.session_id == session_id)
        .values(owner=lease.owner, epoch=lease.epoch, lease_until_s=lease.until_s)
    )


def _branch_of(connection: Connection, session_id: str) -> Branch | None:
    row = connection.execute(select(branches).where(branches.c.session_id == session_id)).one_or_none()
    return None if row is None else _branch(row)


def _branch(row: Row[Any]) -> Branch:
    return Branch(
        session_id=row.session_id, parent_session_id=row.parent_session_id, parent_chunk_idx=row.parent_chunk_idx
    )


def _session_row(row: Row[Any]) -> SessionRow:
    values = dict(row._mapping)
    lease = Lease(owner=values.pop("owner"), epoch=values.pop("epoch"), until_s=values.pop("lease_until_s"))
    spec = json.loads(values.pop("spec"))
    for name in ("journal_hash", "resume_token_sha256"):
        values[name] = bytes(values[name])
    return SessionRow(**values, spec=spec, lease=lease)
