"""Where a session's chunks come from: its own timeline, and before it those of the sessions that it left."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, or_, select

from serving.catalogue.schema import branches, journal, sessions
from serving.errors import SessionNotFoundError
from serving.sessions.record_codec import read_span
from serving.sessions.records import RecordKind, SealedRecord
from serving.sessions.timeline import Span, Timeline

FIRST_OF_EPOCH = (RecordKind.OPENED, RecordKind.RESUMED, RecordKind.REWOUND)


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """Where a session left another."""

    session_id: str
    parent_session_id: str
    parent_chunk_idx: int  # the first chunk that is its own
    parent_epoch: int  # what the parent did in later ones is none of its past
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeNode:
    session_id: str
    parent_session_id: str | None
    parent_chunk_idx: int | None
    label: str
    state: str
    num_chunks: int
    created_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """What one session gives to the chunks of another, or of itself."""

    session_id: str
    timeline: Timeline
    end_chunk_idx: int | None  # the first chunk that is not its; None for as far as it goes

    def end_of(self, epoch: int) -> int | None:
        """The first chunk at which what `epoch` of the session did does not count here; None when all of it does."""
        ends = [end for end in (self.end_chunk_idx, self.timeline.end_of(epoch)) if end is not None]
        return min(ends, default=None)

    def has_boundary(self, epoch: int, chunk_idx: int) -> bool:
        is_inside = self.end_chunk_idx is None or chunk_idx <= self.end_chunk_idx
        return is_inside and self.timeline.has_boundary(epoch, chunk_idx)


def segments_of(
    connection: Connection, session_id: str, *, until_epoch: int | None = None, end_chunk_idx: int | None = None
) -> list[Segment]:
    """The session itself first, and then those it came from, up to the root; as the session stands, or as it stood
    before `end_chunk_idx` at the end of `until_epoch`."""
    found: list[Segment] = []
    while True:
        timeline = Timeline(spans=read_spans(connection, session_id), until_epoch=until_epoch)
        found.append(Segment(session_id=session_id, timeline=timeline, end_chunk_idx=end_chunk_idx))
        step = branch_of(connection, session_id)
        if step is None:
            return found
        # A branch that went back to before its own beginning has less of its parent than it left with.
        ends = (end_chunk_idx, timeline.first_rewound_idx, step.parent_chunk_idx)
        end_chunk_idx = min(end for end in ends if end is not None)
        session_id, until_epoch = step.parent_session_id, step.parent_epoch


def read_spans(connection: Connection, session_id: str) -> tuple[Span, ...]:
    """How each epoch of a session begins."""
    # Quotes within a client's words are escaped in JSON: no text can look like a kind.
    is_first = or_(*(journal.c.record.contains(f'"kind":"{kind}"', autoescape=True) for kind in FIRST_OF_EPOCH))
    query = (
        select(journal.c.seq, journal.c.record, journal.c.hash)
        .where(journal.c.session_id == session_id, is_first)
        .order_by(journal.c.seq)
    )
    records = [
        SealedRecord(seq=row.seq, text=row.record, tensors=None, hash=bytes(row.hash))
        for row in connection.execute(query)
    ]
    return tuple(span for span in map(read_span, records) if span is not None)


def branch_of(connection: Connection, session_id: str) -> Branch | None:
    row = connection.execute(select(branches).where(branches.c.session_id == session_id)).one_or_none()
    return None if row is None else _branch(row)


def branches_of(connection: Connection, session_ids: Sequence[str]) -> list[Branch]:
    """The sessions that left those, in the order they did."""
    query = (
        select(branches)
        .where(branches.c.parent_session_id.in_(session_ids))
        .order_by(branches.c.created_s, branches.c.session_id)
    )
    return [_branch(row) for row in connection.execute(query)]


def add_branch(connection: Connection, branch: Branch, now_s: float) -> None:
    connection.execute(
        branches.insert().values(
            session_id=branch.session_id,
            parent_session_id=branch.parent_session_id,
            parent_epoch=branch.parent_epoch,
            parent_chunk_idx=branch.parent_chunk_idx,
            label=branch.label,
            created_s=now_s,
        )
    )


def lineage_of(connection: Connection, session_id: str) -> list[Branch]:
    """From the session back to the one that left no other; empty for that."""
    found: list[Branch] = []
    while (branch := branch_of(connection, session_id)) is not None:
        found.append(branch)
        session_id = branch.parent_session_id
    return found


def tree_around(connection: Connection, session_id: str) -> list[TreeNode]:
    """The root first, and every session before those that left it. Raises `SessionNotFoundError`."""
    lineage = lineage_of(connection, session_id)
    level = [lineage[-1].parent_session_id if lineage else session_id]
    steps: dict[str, Branch | None] = {level[0]: None}
    while level:
        leaving = branches_of(connection, level)
        steps.update({branch.session_id: branch for branch in leaving})
        level = [branch.session_id for branch in leaving]
    query = select(sessions).where(sessions.c.session_id.in_(list(steps)))
    rows = {row.session_id: row for row in connection.execute(query)}
    if session_id not in rows:
        raise SessionNotFoundError("there is no session of that id in the catalogue", field="session_id")
    return [_node(rows[each], branch) for each, branch in steps.items()]


def pruned(nodes: Sequence[TreeNode], seen_ids: Set[str]) -> list[TreeNode]:
    """Those nodes alone; one whose parent is not among them left nobody, as far as is told."""
    return [
        node if node.parent_session_id in seen_ids else replace(node, parent_session_id=None, parent_chunk_idx=None)
        for node in nodes
        if node.session_id in seen_ids
    ]


def _node(row: Row[Any], branch: Branch | None) -> TreeNode:
    return TreeNode(
        session_id=row.session_id,
        parent_session_id=None if branch is None else branch.parent_session_id,
        parent_chunk_idx=None if branch is None else branch.parent_chunk_idx,
        label="" if branch is None else branch.label,
        state=row.state,
        num_chunks=row.num_chunks,
        created_s=row.created_s,
    )


def _branch(row: Row[Any]) -> Branch:
    return Branch(
        session_id=row.session_id,
        parent_session_id=row.parent_session_id,
        parent_chunk_idx=row.parent_chunk_idx,
        parent_epoch=row.parent_epoch,
        label=row.label,
    )
