"""The end of a session's record: what it did since a snapshot, and what became of controls lately.

A session that plays for hours has a journal of a hundred thousand records. Whoever goes on with it needs those after
the snapshot that it goes on from, and the few controls that waited then; the others are looked through for such, and
neither understood nor checked, which `nacre verify` does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from sqlalchemy import Connection, and_, or_, select

from serving.catalogue.database import Database
from serving.catalogue.journal import head_of, records_of
from serving.catalogue.lineage import FIRST_OF_EPOCH, Segment, segments_of
from serving.catalogue.schema import journal
from serving.errors import ControlRewoundError, SnapshotDamagedError
from serving.sessions.journal import JournalEntry
from serving.sessions.record_codec import History, read_entries, read_history, read_span
from serving.sessions.records import FIRST_HASH, JournalHead, RecordKind, SealedRecord, find_fault
from serving.sessions.snapshot import EngineSnapshot
from serving.sessions.snapshot_store import SnapshotKey

SETTLED = (RecordKind.APPLIED, RecordKind.SUPERSEDED, RecordKind.REJECTED)
# Looked for in one go; each is compared with every record.
MAX_SOUGHT = 64
# In a record's text, where quotes within a client's words are escaped.
CONTROL_ID = re.compile(r'"control_id":"([^"]+)"')
IS_ACCEPTED = f'"kind":"{RecordKind.ACCEPTED}"'
REWINDS = re.compile(rf'"kind":"{RecordKind.REWOUND}"|"is_rewind":true')
# Read backwards in one go: a minute of busy play.
PAGE_RECORDS = 512


def history_since(database: Database, session_id: str, key: SnapshotKey, snapshot: EngineSnapshot) -> History | None:
    """As `whole_history`, with those entries alone that took effect after the snapshot `key`, or wait. None where
    that cannot be told from the end of the record. Raises `SnapshotDamagedError` when what was read does not hold."""
    if snapshot.waiting is None or len(snapshot.waiting) > MAX_SOUGHT:
        return None
    with database.read() as connection:
        segments = segments_of(connection, session_id)
        own = [idx for idx, segment in enumerate(segments) if segment.session_id == key.session_id]
        root = _first_record(connection, segments)
        start = _start(connection, key, snapshot.journal_position)
        if not own or root is None or start is None:
            return None
        if not _waiting_ids(connection, key.session_id, start.length) <= set(snapshot.waiting):
            return None  # a session that moved may have left some behind, to be taken up again
        waiting = list(_accepted(connection, key.session_id, snapshot.waiting, start.length))
        if len(waiting) < len(snapshot.waiting):
            return None
        tails = [_checked(connection, key.session_id, start)]
        tails += [_checked(connection, each.session_id, JournalHead()) for each in reversed(segments[: own[0]])]
    entries: tuple[JournalEntry, ...] = ()
    for idx, records in enumerate(tails):
        segment = segments[own[0] - idx]
        read = read_entries(_known(waiting if idx == 0 else (), records), segment.timeline.until_epoch)
        entries += tuple(entry for entry in read if _is_inside(entry, segment.end_chunk_idx))
    if _hangs_in_the_air(entries):
        return None
    history = read_history([root])
    opening = replace(history.opening, session_id=session_id)
    return replace(history, opening=opening, entries=entries, timeline=segments[0].timeline)


def first_chunk_of(database: Database, session_id: str) -> int:
    """Where the record begins: not 0 for one that was brought from elsewhere. Whatever is wrong with it, whoever reads
    it finds out."""
    with database.read() as connection:
        root = _first_record(connection, segments_of(connection, session_id))
    span = None if root is None else read_span(root)
    return 0 if span is None else span.first_chunk_idx


def entries_of(database: Database, session_id: str, control_ids: Collection[str]) -> dict[str, JournalEntry]:
    """What became of these controls of a session, from its own record; without those that are not on it. What took
    effect and was gone back behind since has its outcome all the same."""
    wanted, found, rewound = set(control_ids), list[SealedRecord](), set[str]()
    is_rewound = False  # after what is read
    with database.read() as connection:
        for record in _backwards(connection, session_id):
            if not wanted:
                break
            # Nearly all of them are about others, and need not be read for that.
            is_rewound = is_rewound or REWINDS.search(record.text) is not None
            about = CONTROL_ID.search(record.text)
            if about is None or about[1] not in wanted:
                continue
            found.append(record)
            if record.fields["kind"] == RecordKind.ACCEPTED:
                wanted.discard(about[1])
                rewound |= {about[1]} if is_rewound else set()
    entries = {entry.control.control_id: entry for entry in read_entries(_known((), reversed(found)))}
    return {each: _left_behind(entry) if each in rewound else entry for each, entry in entries.items()}


def _left_behind(entry: JournalEntry) -> JournalEntry:
    """What waited when the session went back does not wait any more."""
    return replace(entry, rejected_for=ControlRewoundError.reason) if entry.is_pending else entry


def _backwards(connection: Connection, session_id: str) -> Iterator[SealedRecord]:
    end: int | None = None
    while page := records_of(connection, session_id, end=end, limit=PAGE_RECORDS):
        yield from page
        end = page[-1].seq


def _known(before: Iterable[SealedRecord], records: Iterable[SealedRecord]) -> Iterator[SealedRecord]:
    """Without the outcomes of controls that were accepted earlier."""
    accepted: set[str] = set()
    for record in (*before, *records):
        fields = record.fields
        if fields["kind"] == RecordKind.ACCEPTED:
            accepted.add(fields["control_id"])
        elif fields["kind"] in SETTLED and fields["control_id"] not in accepted:
            continue
        yield record


def _hangs_in_the_air(entries: Sequence[JournalEntry]) -> bool:
    """Whether one waits for another that may have taken effect before what was read."""
    schedules = [entry.control.schedule for entry in entries if entry.is_pending]
    awaited = {each.after_control_id for each in schedules if each is not None and each.chunk_idx is None}
    return not awaited <= {entry.control.control_id for entry in entries}


def _is_inside(entry: JournalEntry, end_chunk_idx: int | None) -> bool:
    if end_chunk_idx is None:
        return True
    return entry.applied_chunk_idx is not None and entry.applied_chunk_idx < end_chunk_idx


def _first_record(connection: Connection, segments: Sequence[Segment]) -> SealedRecord | None:
    """The opening, of the eldest that has one. Raises `SnapshotDamagedError`."""
    for segment in reversed(segments):
        if first := records_of(connection, segment.session_id, first=0, end=1):
            end = JournalHead(length=1, hash=first[0].hash)
            if fault := find_fault(segment.session_id, first, end):
                raise SnapshotDamagedError(f"record {fault.seq} of the journal {fault.problem}")
            return first[0]
    return None


def _start(connection: Connection, key: SnapshotKey, position: int) -> JournalHead | None:
    """Where the record stood when the snapshot was taken; None when it does not reach as far."""
    is_first = and_(
        or_(*(journal.c.record.contains(f'"kind":"{kind}"', autoescape=True) for kind in FIRST_OF_EPOCH)),
        journal.c.record.contains(f'"epoch":{key.epoch},', autoescape=True),
    )
    query = select(journal.c.seq).where(journal.c.session_id == key.session_id, is_first)
    first_seq = connection.execute(query.order_by(journal.c.seq).limit(1)).scalar_one_or_none()
    if first_seq is None:
        return None
    length = first_seq + 1 + position
    before = records_of(connection, key.session_id, first=length - 1, end=length)
    return JournalHead(length=length, hash=before[0].hash) if before else None


def _waiting_ids(connection: Connection, session_id: str, end_seq: int) -> set[str]:
    """The controls that were accepted before `end_seq` and had no outcome then. Of every record the least is read."""
    query = select(journal.c.record).where(journal.c.session_id == session_id, journal.c.seq < end_seq)
    waiting: set[str] = set()
    for record in connection.execute(query.order_by(journal.c.seq)).scalars():
        if REWINDS.search(record) is not None:
            waiting.clear()
        elif (about := CONTROL_ID.search(record)) is None:
            continue
        elif IS_ACCEPTED in record:
            waiting.add(about[1])
        else:
            waiting.discard(about[1])
    return waiting


def _checked(connection: Connection, session_id: str, start: JournalHead) -> list[SealedRecord]:
    records = records_of(connection, session_id, first=start.length)
    end = head_of(connection, session_id)
    if fault := find_fault(session_id, records, end, start):
        raise SnapshotDamagedError(f"record {fault.seq} of the journal {fault.problem}")
    return records


def _accepted(
    connection: Connection, session_id: str, control_ids: Sequence[str], end_seq: int
) -> Iterator[SealedRecord]:
    """Where each was accepted last before `end_seq`, in that order. Raises `SnapshotDamagedError`."""
    if not control_ids:
        return
    names = or_(*(journal.c.record.contains(f'"control_id":"{each}"', autoescape=True) for each in control_ids))
    is_accepted = journal.c.record.contains(f'"kind":"{RecordKind.ACCEPTED}"', autoescape=True)
    query = select(journal.c.seq, journal.c.record).where(
        journal.c.session_id == session_id, journal.c.seq < end_seq, is_accepted, names
    )
    rows = connection.execute(query.order_by(journal.c.seq))
    last = {json.loads(row.record).get("control_id"): row.seq for row in rows}
    for seq in sorted(seq for control_id, seq in last.items() if control_id in control_ids):
        pair = records_of(connection, session_id, first=max(0, seq - 1), end=seq + 1)
        start = JournalHead(length=seq, hash=pair[-2].hash if len(pair) > 1 else FIRST_HASH)
        record = pair[-1]
        if fault := find_fault(session_id, [record], JournalHead(length=seq + 1, hash=record.hash), start):
            raise SnapshotDamagedError(f"record {fault.seq} of the journal {fault.problem}")
        yield record
