"""Sessions in the catalogue: what they started from, who holds them, where they stand and where they came from."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from serving.access.ownership import LOCALS, Ownership
from serving.access.principal import Principal
from serving.catalogue import leases, lineage
from serving.catalogue.access import ownership_columns, seen_sessions, take_ownership
from serving.catalogue.cursors import read_page
from serving.catalogue.database import Database
from serving.catalogue.deletion import DELETED, Removed, sweep
from serving.catalogue.leases import Lease, Refused
from serving.catalogue.lineage import Branch, TreeNode
from serving.catalogue.schema import sessions
from serving.errors import InvalidFieldError, SessionFencedError, SessionHeldError, SessionNotFoundError

__all__ = ["DELETED", "ENDED", "OPEN", "PARKED", "Branch", "NewSession", "SessionRow", "Sessions", "TreeNode"]

OPEN, PARKED, ENDED = "open", "parked", "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSession:
    session_id: str
    model: str
    weights_sha256: str
    spec: Mapping[str, Any]  # JSON: seed, prompt, character, scene
    world_id: str | None = None
    resume_token_sha256: bytes = b""
    ownership: Ownership = LOCALS


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
    ownership: Ownership = LOCALS

    @property
    def seed(self) -> int:
        return int(self.spec["seed"])


class Sessions:
    """Every write that names an epoch raises `SessionFencedError` when the epoch is old, and writes nothing."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def create(self, new: NewSession) -> None:
        """Nobody's yet."""
        with self._database.write() as connection:
            _insert(connection, new, self._clock())

    def fork(
        self,
        new: NewSession,
        parent_session_id: str,
        chunk_idx: int,
        *,
        parent_epoch: int | None = None,
        label: str = "",
    ) -> Branch:
        """Create a session, nobody's yet, that has the chunks before `chunk_idx` in common with its parent as that
        is, or was at the end of `parent_epoch`; a deleted parent is as good as any. Raises `SessionNotFoundError`,
        or `InvalidFieldError` for a moment that cannot be."""
        now_s = self._clock()
        with self._database.write() as connection:
            lease = locked_lease(connection, parent_session_id)
            if lease is None:
                raise _not_found("parent_session_id")
            parent_epoch = lease.epoch if parent_epoch is None else parent_epoch
            if chunk_idx < 0 or not 0 <= parent_epoch <= lease.epoch:
                raise InvalidFieldError(f"there is no chunk {chunk_idx} of epoch {parent_epoch}", field="chunk_idx")
            branch = Branch(
                session_id=new.session_id,
                parent_session_id=parent_session_id,
                parent_chunk_idx=chunk_idx,
                parent_epoch=parent_epoch,
                label=label,
            )
            _insert(connection, new, now_s, num_chunks=chunk_idx)
            lineage.add_branch(connection, branch, now_s)
        return branch

    def find(self, session_id: str, *, with_deleted: bool = False) -> SessionRow:
        """Raises `SessionNotFoundError`."""
        with self._database.read() as connection:
            row = connection.execute(select(sessions).where(sessions.c.session_id == session_id)).one_or_none()
        if row is None or (row.state == DELETED and not with_deleted):
            raise _not_found()
        return _session_row(row)

    def page(
        self, limit: int, cursor: str = "", states: Collection[str] | None = None, asker: Principal | None = None
    ) -> tuple[list[SessionRow], str]:
        """The newest first, and the cursor of the next page, empty after the last; of those that `asker` may see, or
        of all there are. Deleted ones only when `states` names them. Raises `InvalidFieldError`."""
        query = select(sessions).where(
            sessions.c.state != DELETED if states is None else sessions.c.state.in_(list(states))
        )
        if asker is not None:
            query = query.where(seen_sessions(asker))
        columns = {"created_s": sessions.c.created_s, "row_id": sessions.c.session_id}
        with self._database.read() as connection:
            return read_page(connection, query, **columns, limit=limit, cursor=cursor, asker=asker, read=_session_row)

    def latest(self, limit: int = 50) -> list[SessionRow]:
        """The newest first."""
        return self.page(limit)[0]

    def lineage(self, session_id: str) -> list[Branch]:
        """From the session back to the one that left no other; empty for that."""
        with self._database.read() as connection:
            return lineage.lineage_of(connection, session_id)

    def tree(self, session_id: str, asker: Principal | None = None) -> list[TreeNode]:
        """Every session that has something in common with this one, the root first and each before those that left
        it; of those that `asker` may see, or of all there are. Raises `SessionNotFoundError`."""
        with self._database.read() as connection:
            nodes = lineage.tree_around(connection, session_id)
            if asker is None:
                return nodes
            ids = [node.session_id for node in nodes]
            query = select(sessions.c.session_id).where(sessions.c.session_id.in_(ids), seen_sessions(asker))
            return lineage.pruned(nodes, set(connection.execute(query).scalars()))

    def own_beginning(self, session_id: str) -> int:
        """The first chunk that its tenant may go back to: another's session that it came from is none of its past."""
        with self._database.read() as connection:
            for branch in lineage.lineage_of(connection, session_id):
                both = (branch.session_id, branch.parent_session_id)
                query = select(sessions.c.tenant_id).where(sessions.c.session_id.in_(both)).distinct()
                if len(connection.execute(query).all()) > 1:
                    return branch.parent_chunk_idx
        return 0

    def delete(self, session_id: str) -> Removed:
        """Every row of it, or as long as branches and worlds need them, only its name; the last of those takes it
        along. Gives what is gone, for the store to be emptied. Raises `SessionNotFoundError`, or `SessionHeldError`
        while it runs."""
        now_s = self._clock()
        with self._database.write() as connection:
            lease = _existing_lease(connection, session_id)
            if lease.is_held(now_s):
                raise SessionHeldError(f"{lease.owner} runs the session", retry_after_s=lease.until_s - now_s)
            # Whoever had it and was only paused finds another epoch.
            _write_lease(connection, session_id, Lease(owner="", epoch=lease.epoch + 1, until_s=0.0))
            _update(connection, session_id, state=DELETED, updated_s=now_s)
            return Removed(session_ids=tuple(sweep(connection, session_id)))

    def acquire(self, session_id: str, owner: str) -> Lease:
        """Become the one writer of a session. Raises `SessionHeldError` or `SessionNotFoundError`."""
        now_s = self._clock()
        with self._database.write() as connection:
            decided = leases.acquire(_existing_lease(connection, session_id), owner, now_s)
            if isinstance(decided, Refused):
                raise SessionHeldError(f"{decided.held_by} holds the session", retry_after_s=decided.retry_after_s)
            _wake(connection, session_id, decided, now_s)
            return decided

    def take_over(self, session_id: str, owner: str, epoch: int) -> Lease:
        """The next epoch for one that knows the current, whatever the lease says. Raises `SessionFencedError` when
        somebody else was quicker, or `SessionNotFoundError`."""
        now_s = self._clock()
        with self._database.write() as connection:
            lease = _existing_lease(connection, session_id)
            taken = leases.take_over(lease, owner, epoch, now_s)
            if taken is None:
                raise _fenced(session_id, epoch, lease)
            _wake(connection, session_id, taken, now_s)
            return taken

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

    def park(self, session_id: str, epoch: int, num_chunks: int) -> None:
        """Nobody's until somebody acquires it. Raises `SessionFencedError`."""
        with self._database.write() as connection:
            check_epoch(connection, session_id, epoch)
            _write_lease(connection, session_id, Lease(owner="", epoch=epoch, until_s=0.0))
            _update(connection, session_id, state=PARKED, num_chunks=num_chunks, updated_s=self._clock())

    def set_num_chunks(self, session_id: str, epoch: int, num_chunks: int) -> None:
        """How many it has on its timeline. Raises `SessionFencedError`."""
        with self._database.write() as connection:
            check_epoch(connection, session_id, epoch)
            _update(connection, session_id, num_chunks=num_chunks, updated_s=self._clock())

    def end(self, session_id: str, epoch: int, reason: str) -> None:
        """Note why a session is over. Raises `SessionFencedError`."""
        with self._database.write() as connection:
            check_epoch(connection, session_id, epoch)
            _update(connection, session_id, state=ENDED, end_reason=reason, updated_s=self._clock())


# Every other second, and with every snapshot, for each session: building them anew would take longer than doing it.
_LOCKED_LEASE = (
    select(sessions.c.owner, sessions.c.epoch, sessions.c.lease_until_s)
    .where(sessions.c.session_id == bindparam("its_id"))
    .with_for_update()  # SQLite's writers hold the whole file
)
_WRITE_LEASE = (
    sessions.update()
    .where(sessions.c.session_id == bindparam("its_id"))
    .values({name: bindparam(name) for name in ("owner", "epoch", "lease_until_s")})
)


def locked_lease(connection: Connection, session_id: str) -> Lease | None:
    """The lease as it stays until the end of the transaction; None for a session that does not exist."""
    row = connection.execute(_LOCKED_LEASE, {"its_id": session_id}).one_or_none()
    return None if row is None else Lease(owner=row.owner, epoch=row.epoch, until_s=row.lease_until_s)


def check_epoch(connection: Connection, session_id: str, epoch: int) -> Lease:
    """The gate of every write. Raises `SessionFencedError`."""
    lease = locked_lease(connection, session_id)
    if lease is None or lease.epoch != epoch:
        raise _fenced(session_id, epoch, lease)
    return lease


def _existing_lease(connection: Connection, session_id: str) -> Lease:
    """Raises `SessionNotFoundError`."""
    lease = locked_lease(connection, session_id)
    query = select(sessions.c.state).where(sessions.c.session_id == session_id)
    if lease is None or connection.execute(query).scalar_one() == DELETED:
        raise _not_found()
    return lease


def _write_lease(connection: Connection, session_id: str, lease: Lease) -> None:
    values = {"owner": lease.owner, "epoch": lease.epoch, "lease_until_s": lease.until_s}
    connection.execute(_WRITE_LEASE, {"its_id": session_id, **values})


def _wake(connection: Connection, session_id: str, lease: Lease, now_s: float) -> None:
    """Write the lease of a new holder; what was parked is open again."""
    _write_lease(connection, session_id, lease)
    connection.execute(
        sessions.update()
        .where(sessions.c.session_id == session_id, sessions.c.state == PARKED)
        .values(state=OPEN, updated_s=now_s)
    )


def _update(connection: Connection, session_id: str, **values: object) -> None:
    connection.execute(sessions.update().where(sessions.c.session_id == session_id).values(**values))


def _insert(connection: Connection, new: NewSession, now_s: float, num_chunks: int = 0) -> None:
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
            num_chunks=num_chunks,
            owner="",
            epoch=0,
            lease_until_s=0.0,
            journal_length=0,
            journal_hash=b"",
            resume_token_sha256=new.resume_token_sha256,
            **ownership_columns(new.ownership),
        )
    )


def _not_found(field: str = "session_id") -> SessionNotFoundError:
    return SessionNotFoundError("there is no session of that id", field=field)


def _fenced(session_id: str, epoch: int, lease: Lease | None) -> SessionFencedError:
    now = "it is gone" if lease is None else f"it is at epoch {lease.epoch} now"
    return SessionFencedError(f"session {session_id} is not held at epoch {epoch}: {now}")


def _session_row(row: Row[Any]) -> SessionRow:
    values = dict(row._mapping)
    lease = Lease(owner=values.pop("owner"), epoch=values.pop("epoch"), until_s=values.pop("lease_until_s"))
    spec = json.loads(values.pop("spec"))
    ownership = take_ownership(values)
    for name in ("journal_hash", "resume_token_sha256"):
        values[name] = bytes(values[name])
    return SessionRow(**values, spec=spec, lease=lease, ownership=ownership)
