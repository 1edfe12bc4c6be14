"""Branches: who left whom, what they have in common, and what stays when one is deleted."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from serving.catalogue.database import Database
from serving.catalogue.deletion import Removed, drop_stored
from serving.catalogue.journal import Batch, JournalTable
from serving.catalogue.lineage import Branch, segments_of
from serving.catalogue.receipts import Receipts
from serving.catalogue.sessions import DELETED, OPEN, Sessions
from serving.catalogue.snapshots import Snapshots
from serving.catalogue.worlds import NewWorld, Worlds
from serving.errors import InvalidFieldError, SessionHeldError, SessionNotFoundError
from serving.sessions import record_codec
from serving.sessions.encoded import EncodedControl, EncodedDirective, Opening
from serving.sessions.receipts import FIRST_HASH, Receipt
from serving.sessions.records import Record, seal
from serving.sessions.snapshot_store import SnapshotStore
from tests.catalogues import new_session
from tests.fakes_model import INFO
from tests.snapshots import some_snapshot


@pytest.fixture
def sessions(database: Database) -> Sessions:
    return Sessions(database)


def write(database: Database, session_id: str, epoch: int, records: Iterable[Record]) -> None:
    table = JournalTable(database)
    head = table.head(session_id)
    sealed = seal(session_id, epoch, head, records)
    assert table.append([Batch(session_id=session_id, epoch=epoch, head=head, records=sealed)]) == set()


def held(sessions: Sessions, database: Database, session_id: str, first_chunk_idx: int = 0) -> int:
    """Somebody's, with its first record."""
    epoch = sessions.acquire(session_id, "worker").epoch
    opening = Opening(session_id=session_id, seed=7, epoch=epoch)
    write(database, session_id, epoch, [record_codec.opened(opening, "fake", "0" * 64, first_chunk_idx)])
    return epoch


def let_go(sessions: Sessions, session_id: str) -> None:
    sessions.release(session_id, sessions.find(session_id).lease.epoch)


def add_receipts(database: Database, session_id: str, epoch: int, first: int, num: int, mark: int) -> None:
    """Told apart by their mark."""
    made = [Receipt(chunk_idx=idx, hash=bytes([mark]) * 32, previous=FIRST_HASH) for idx in range(first, first + num)]
    Receipts(database).add(session_id, epoch, made)


def marks(database: Database, session_id: str) -> str:
    found = Receipts(database).of(session_id)
    assert [receipt.chunk_idx for receipt in found] == list(range(len(found)))
    return "".join(str(receipt.hash[0]) for receipt in found)


def save_world(database: Database, session_id: str, chunk_idx: int, world_id: str = "w-1") -> None:
    Worlds(database).add(
        NewWorld(
            world_id=world_id,
            name="dusk",
            model="fake",
            weights_sha256="0" * 64,
            spec={},
            session_id=session_id,
            epoch=1,
            chunk_idx=chunk_idx,
        )
    )


def test_p02_a_fork_knows_where_it_left_and_when(sessions: Sessions, database: Database) -> None:
    sessions.create(new_session("root"))
    held(sessions, database, "root")
    left = sessions.fork(new_session("one"), "root", 10, label="what if")
    assert left == Branch(
        session_id="one", parent_session_id="root", parent_chunk_idx=10, parent_epoch=1, label="what if"
    )
    later = sessions.fork(new_session("two"), "one", 25)
    assert sessions.lineage("two") == [later, left]
    assert sessions.lineage("root") == []
    row = sessions.find("one")
    assert (row.num_chunks, row.state, row.journal_length) == (10, OPEN, 0)


def test_there_is_no_fork_of_what_never_was(sessions: Sessions) -> None:
    sessions.create(new_session("root"))
    with pytest.raises(SessionNotFoundError):
        sessions.fork(new_session("one"), "never", 10)
    for chunk_idx, epoch in ((-1, None), (4, 1), (4, -1)):
        with pytest.raises(InvalidFieldError):
            sessions.fork(new_session("one"), "root", chunk_idx, parent_epoch=epoch)
    with pytest.raises(SessionNotFoundError):
        sessions.find("one")


def test_the_tree_is_the_same_from_every_branch(sessions: Sessions) -> None:
    sessions.create(new_session("root"))
    for parent, child, chunk_idx in (("root", "one", 10), ("one", "two", 25), ("root", "three", 4)):
        sessions.fork(new_session(child), parent, chunk_idx, label=f"to {child}")
    trees = [sessions.tree(session_id) for session_id in ("root", "one", "two", "three")]
    assert all(tree == trees[0] for tree in trees)
    assert [(node.session_id, node.parent_session_id, node.parent_chunk_idx, node.label) for node in trees[0]] == [
        ("root", None, None, ""),
        ("one", "root", 10, "to one"),
        ("three", "root", 4, "to three"),
        ("two", "one", 25, "to two"),
    ]
    with pytest.raises(SessionNotFoundError):
        sessions.tree("never")


def test_d10_receipts_follow_a_session_back_and_a_branch_keeps_the_old_future(
    sessions: Sessions, database: Database
) -> None:
    sessions.create(new_session("s"))
    first = held(sessions, database, "s")
    add_receipts(database, "s", first, 0, 10, mark=1)
    sessions.fork(new_session("old"), "s", 10)
    sessions.fork(new_session("early"), "s", 3)
    second = sessions.take_over("s", "worker", first).epoch
    write(database, "s", second, [record_codec.rewound(6)])
    assert marks(database, "s") == "111111"
    add_receipts(database, "s", second, 6, 3, mark=2)
    assert marks(database, "s") == "111111222"
    assert marks(database, "old") == "1111111111"
    assert marks(database, "early") == "111"
    receipts = Receipts(database)
    latest, of_old = receipts.last("s"), receipts.last("old")
    assert latest is not None
    assert of_old is not None
    assert (latest.chunk_idx, latest.hash[0], of_old.chunk_idx) == (8, 2, 9)
    found = [receipts.at("s", chunk_idx) for chunk_idx in (5, 6, 9)]
    assert [None if receipt is None else receipt.hash[0] for receipt in found] == [1, 2, None]


def test_a_branch_that_goes_back_to_before_it_left_has_less_in_common(sessions: Sessions, database: Database) -> None:
    sessions.create(new_session("s"))
    add_receipts(database, "s", held(sessions, database, "s"), 0, 10, mark=1)
    sessions.fork(new_session("b"), "s", 8)
    epoch = held(sessions, database, "b", 8)
    add_receipts(database, "b", epoch, 8, 4, mark=2)
    sessions.fork(new_session("c"), "b", 11)
    assert (marks(database, "b"), marks(database, "c")) == ("111111112222", "11111111222")
    again = sessions.take_over("b", "worker", epoch).epoch
    write(database, "b", again, [record_codec.rewound(5)])
    add_receipts(database, "b", again, 5, 2, mark=3)
    assert (marks(database, "b"), marks(database, "c")) == ("1111133", "11111111222")
    sessions.fork(new_session("d"), "b", 3)  # of a chunk that is not even its parent's own
    assert marks(database, "d") == "111"


def test_a_session_that_is_resumed_still_has_what_it_made(sessions: Sessions, database: Database) -> None:
    sessions.create(new_session("s"))
    first = held(sessions, database, "s")
    add_receipts(database, "s", first, 0, 6, mark=1)
    second = sessions.take_over("s", "worker", first).epoch
    write(database, "s", second, [record_codec.resumed(4)])
    add_receipts(database, "s", second, 4, 1, mark=2)
    assert marks(database, "s") == "111121"


def test_only_first_records_of_epochs_are_taken_for_such(sessions: Sessions, database: Database) -> None:
    """Whatever clients write into their sentences."""
    sessions.create(new_session("s"))
    epoch = held(sessions, database, "s")
    words = EncodedDirective(text='"kind":"rewound","chunk_idx":0', tensors={})
    control = EncodedControl(control_id="c", kind=words, received_s=0.0)
    write(database, "s", epoch, [record_codec.accepted(control)])
    with database.read() as connection:
        [segment] = segments_of(connection, "s")
    assert [span.is_rewind for span in segment.timeline.spans] == [False]


def test_a_session_that_nothing_needs_is_deleted_whole(sessions: Sessions, database: Database, tmp_path: Path) -> None:
    sessions.create(new_session("s-1"))
    epoch = held(sessions, database, "s-1")
    add_receipts(database, "s-1", epoch, 0, 5, mark=1)
    store = SnapshotStore.open(str(tmp_path / "store"))
    saved = store.save(some_snapshot(), epoch, INFO)
    Snapshots(database).add(saved.key, 0, saved.num_bytes)
    with pytest.raises(SessionHeldError, match="runs"):
        sessions.delete("s-1")
    let_go(sessions, "s-1")
    removed = sessions.delete("s-1")
    assert removed == Removed(session_ids=("s-1",))
    drop_stored(store, removed)
    assert [path for path in (tmp_path / "store").rglob("*") if path.is_file()] == []
    with pytest.raises(SessionNotFoundError):
        sessions.find("s-1", with_deleted=True)
    with pytest.raises(SessionNotFoundError):
        sessions.delete("s-1")
    assert (Snapshots(database).made_in("s-1"), JournalTable(database).read("s-1")) == ([], [])
    assert Receipts(database).of("s-1") == []


def test_p01_what_a_branch_needs_of_a_deleted_session_stays_until_the_branch_goes(
    sessions: Sessions, database: Database
) -> None:
    sessions.create(new_session("root"))
    add_receipts(database, "root", held(sessions, database, "root"), 0, 5, mark=1)
    sessions.fork(new_session("middle"), "root", 4)
    sessions.fork(new_session("leaf"), "middle", 3)
    let_go(sessions, "root")
    assert sessions.delete("root") == sessions.delete("middle") == Removed()
    for session_id in ("root", "middle"):
        with pytest.raises(SessionNotFoundError):
            sessions.find(session_id)
        with pytest.raises(SessionNotFoundError):
            sessions.acquire(session_id, "worker")
        assert sessions.find(session_id, with_deleted=True).state == DELETED
    assert marks(database, "leaf") == "111"
    assert sessions.delete("leaf") == Removed(session_ids=("leaf", "middle", "root"))
    assert sessions.page(10, states=(DELETED,)) == ([], "")


def test_a_deleted_session_that_was_saved_goes_with_its_last_world(sessions: Sessions, database: Database) -> None:
    sessions.create(new_session("s"))
    save_world(database, "s", 5, "w-1")
    save_world(database, "s", 9, "w-2")
    assert sessions.delete("s") == Removed()
    loaded = sessions.fork(new_session("loaded"), "s", 5, parent_epoch=0)
    assert loaded.parent_epoch == 0
    worlds = Worlds(database)
    assert worlds.delete("w-1") == worlds.delete("w-2") == Removed()
    assert worlds.delete("w-2") is None
    assert sessions.lineage("loaded") == [loaded]
    assert sessions.delete("loaded") == Removed(session_ids=("loaded", "s"))


def test_a_worker_that_slept_while_its_session_was_deleted_can_write_nothing(
    sessions: Sessions, database: Database
) -> None:
    later = Sessions(database, clock=lambda: 1e12)
    sessions.create(new_session("s"))
    epoch = held(sessions, database, "s")
    sessions.fork(new_session("branch"), "s", 0)
    later.delete("s")
    table = JournalTable(database)
    head = table.head("s")
    late = Batch(session_id="s", epoch=epoch, head=head, records=seal("s", epoch, head, [record_codec.resumed(1)]))
    assert table.append([late]) == {"s"}
