"""The end of a record: what became of single controls, and what a snapshot need not read."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sqlalchemy import text

from serving.catalogue import tails
from serving.catalogue.database import Database
from serving.catalogue.journal import Batch, JournalTable
from serving.catalogue.sessions import Sessions
from serving.catalogue.tails import entries_of, first_chunk_of, history_since
from serving.errors import SnapshotDamagedError
from serving.sessions import record_codec
from serving.sessions.attribution import Schedule
from serving.sessions.contract import Move
from serving.sessions.encoded import EncodedControl, HeldAxes
from serving.sessions.records import Record, seal
from serving.sessions.snapshot import EngineSnapshot
from tests.catalogues import new_session
from tests.unit.serving.catalogue.test_snapshots import begin_epoch, key

ACCEPTED_AND_APPLIED = 2


def accepted(control_id: str, schedule: Schedule | None = None) -> Record:
    kind = Move(forward=1.0, strafe=0.0)
    return record_codec.accepted(EncodedControl(control_id=control_id, kind=kind, received_s=0.0, schedule=schedule))


def write(database: Database, epoch: int, *records: Record) -> None:
    table = JournalTable(database)
    head = table.head("s-1")
    sealed = seal("s-1", epoch, head, records)
    assert table.append([Batch(session_id="s-1", epoch=epoch, head=head, records=sealed)]) == set()


def play(database: Database, epoch: int, chunk_idxs: Sequence[int]) -> None:
    """A control for every chunk, named by it."""
    for chunk_idx in chunk_idxs:
        write(database, epoch, accepted(f"c-{chunk_idx}"), record_codec.applied(f"c-{chunk_idx}", chunk_idx))


def snapshot(chunk_idx: int, position: int, waiting: tuple[str, ...] | None = ()) -> EngineSnapshot:
    return EngineSnapshot(
        session_id="s-1",
        seed=7,
        next_chunk_idx=chunk_idx,
        journal_position=position,
        held=HeldAxes(),
        transformer={},
        waiting=waiting,
    )


@pytest.fixture
def epoch(database: Database) -> int:
    Sessions(database).create(new_session())
    return begin_epoch(database)


def ids_since(database: Database, epoch: int, engine: EngineSnapshot) -> list[str] | None:
    history = history_since(database, "s-1", key(engine.next_chunk_idx, epoch), engine)
    return None if history is None else [entry.control.control_id for entry in history.entries]


def test_what_came_before_a_snapshot_is_not_read(
    database: Database, epoch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(database, epoch, range(40))
    read = []
    monkeypatch.setattr(tails, "read_entries", lambda records, until: read.extend(records) or ())
    history_since(database, "s-1", key(30, epoch), snapshot(30, 30 * ACCEPTED_AND_APPLIED))
    assert len(read) == 10 * ACCEPTED_AND_APPLIED
    monkeypatch.undo()
    assert ids_since(database, epoch, snapshot(30, 30 * ACCEPTED_AND_APPLIED)) == [f"c-{idx}" for idx in range(30, 40)]
    assert ids_since(database, epoch, snapshot(40, 40 * ACCEPTED_AND_APPLIED)) == []
    assert first_chunk_of(database, "s-1") == 0


def test_what_waited_is_found_where_it_was_accepted_last(database: Database, epoch: int) -> None:
    write(database, epoch, accepted("waits"))
    play(database, epoch, range(3))
    write(database, epoch, record_codec.applied("waits", 4))
    assert ids_since(database, epoch, snapshot(3, 7, ("waits",))) == ["waits"]
    assert ids_since(database, epoch, snapshot(3, 7, ("waits", "nobody"))) is None
    assert ids_since(database, epoch, snapshot(3, 7, None)) is None, "nothing is known of what waited"
    assert ids_since(database, epoch, snapshot(3, 99)) is None, "the record does not reach as far"


def test_x05_what_a_session_left_behind_as_it_moved_is_a_reason_to_read_it_all(database: Database, epoch: int) -> None:
    """Its new worker was not told of it yet when the snapshot was taken."""
    play(database, epoch, range(2))
    write(database, epoch, accepted("left"))
    second = begin_epoch(database, record_codec.resumed(2))
    play(database, second, range(2, 4))
    assert ids_since(database, second, snapshot(4, 2 * ACCEPTED_AND_APPLIED)) is None
    write(database, second, accepted("left"), record_codec.applied("left", 4))
    play(database, second, range(5, 7))
    assert ids_since(database, second, snapshot(5, 3 * ACCEPTED_AND_APPLIED)) == ["c-5", "c-6"]


def test_one_that_waits_for_what_was_not_read_is_a_reason_to_read_it_all(database: Database, epoch: int) -> None:
    play(database, epoch, range(3))
    write(database, epoch, accepted("then", Schedule(after_control_id="c-1")))
    assert ids_since(database, epoch, snapshot(3, 6)) is None
    write(database, epoch, record_codec.applied("then", 4))
    assert ids_since(database, epoch, snapshot(3, 6)) == ["then"]


@pytest.mark.parametrize(("seq", "is_seen"), [(3, False), (11, True)])
def test_what_is_read_is_checked_and_the_rest_is_not(
    database: Database, epoch: int, seq: int, *, is_seen: bool
) -> None:
    play(database, epoch, range(8))
    with database.write() as connection:
        connection.execute(text(f"UPDATE journal SET record = replace(record, '0.0', '9.0') WHERE seq = {seq}"))
    if is_seen:
        with pytest.raises(SnapshotDamagedError, match="record 11"):
            ids_since(database, epoch, snapshot(4, 4 * ACCEPTED_AND_APPLIED))
    else:
        assert ids_since(database, epoch, snapshot(4, 4 * ACCEPTED_AND_APPLIED)) == ["c-4", "c-5", "c-6", "c-7"]


def test_x05_outcomes_are_found_from_the_end_whatever_page_they_are_on(
    database: Database, epoch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tails, "PAGE_RECORDS", 3)
    play(database, epoch, range(5))
    write(database, epoch, accepted("waits"))
    found = entries_of(database, "s-1", ["c-0", "c-4", "waits", "nobody"])
    assert {each: entry.applied_chunk_idx for each, entry in found.items()} == {"c-0": 0, "c-4": 4, "waits": None}
    assert found["waits"].is_pending
    assert entries_of(database, "s-1", []) == {}


def test_d10_what_waited_when_its_session_went_back_waits_no_more_and_what_took_effect_did(
    database: Database, epoch: int
) -> None:
    play(database, epoch, range(5))
    write(database, epoch, accepted("waited"))
    second = begin_epoch(database, record_codec.rewound(2))
    write(database, second, accepted("later"))
    found = entries_of(database, "s-1", ["c-1", "c-4", "waited", "later"])
    assert (found["c-1"].applied_chunk_idx, found["c-4"].applied_chunk_idx) == (1, 4)
    assert (found["waited"].rejected_for, found["later"].is_pending) == ("REWOUND", True)
