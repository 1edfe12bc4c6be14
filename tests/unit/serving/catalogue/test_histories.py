"""Sessions that went back, moved and branched, made again from what is on record: the same chunks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from sqlalchemy import text

from serving.catalogue.database import Database
from serving.catalogue.differences import Deed, Moment, compare_moments
from serving.catalogue.histories import compare, find_lineage_fault, whole_history
from serving.catalogue.journal import Batch, JournalTable
from serving.catalogue.keeper import SessionKeeper
from serving.catalogue.receipts import Receipts
from serving.catalogue.sessions import Sessions
from serving.catalogue.snapshots import Snapshots
from serving.catalogue.storage import storage_config
from serving.errors import InvalidFieldError, SessionNotFoundError, SnapshotDamagedError
from serving.sessions import record_codec
from serving.sessions.contract import Move, SetQuality
from serving.sessions.encoded import EncodedControl, EncodedDirective, Opening
from serving.sessions.journal import JournalEntry
from serving.sessions.receipts import Receipt, ReceiptChain
from serving.sessions.record_codec import RecordUnreadableError
from serving.sessions.records import Record, seal
from serving.sessions.replay import ReplayedChunk, replay
from serving.sessions.snapshot_store import SnapshotStore
from tests.catalogues import new_session
from tests.fakes_model import INFO, FakeModel
from tests.snapshots import assert_same_snapshot, some_snapshot

MODEL = FakeModel()


class Play:
    """Writes what sessions leave on record that are played with one control at a time."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.sessions = Sessions(database)

    def begin(self, session_id: str, first_chunk_idx: int = 0) -> int:
        epoch = self.sessions.take_over(session_id, "w", self.sessions.find(session_id).lease.epoch).epoch
        opening = Opening(session_id=session_id, seed=7, epoch=epoch)
        weights = INFO.weights_sha256
        self.write(session_id, epoch, record_codec.opened(opening, INFO.name, weights, first_chunk_idx))
        return epoch

    def go_on(self, session_id: str, record: Record) -> int:
        epoch = self.sessions.take_over(session_id, "w", self.sessions.find(session_id).lease.epoch).epoch
        self.write(session_id, epoch, record)
        return epoch

    def write(self, session_id: str, epoch: int, *records: Record) -> None:
        table = JournalTable(self.database)
        head = table.head(session_id)
        sealed = seal(session_id, epoch, head, records)
        assert table.append([Batch(session_id=session_id, epoch=epoch, head=head, records=sealed)]) == set()

    def walk(self, session_id: str, epoch: int, chunk_idx: int, forward: float) -> None:
        control = EncodedControl(
            control_id=f"{session_id}-{epoch}-{chunk_idx}",
            kind=Move(forward=forward, strafe=0.0),
            received_s=0.0,
        )
        self.write(
            session_id, epoch, record_codec.accepted(control), record_codec.applied(control.control_id, chunk_idx)
        )

    def deliver(self, session_id: str, epoch: int, controls: Mapping[int, float], first: int, end: int) -> None:
        """What the session really shows with those controls, from chunk `first` on."""
        receipts = Receipts(self.database)
        chain, before = ReceiptChain(), receipts.at(session_id, first - 1) if first else None
        if before is not None:
            chain.resume(before)
        made = [
            chain.next(chunk.chunk_idx, chunk.frames_FHWC, chunk.samples_SC)
            for chunk in shown(controls, end)
            if chunk.chunk_idx >= first
        ]
        receipts.add(session_id, epoch, made)


def shown(controls: Mapping[int, float], num_chunks: int) -> list[ReplayedChunk]:
    """Made without any catalogue."""
    entries = [
        JournalEntry(
            control=EncodedControl(control_id=str(idx), kind=Move(forward=forward, strafe=0.0), received_s=0.0),
            applied_chunk_idx=idx,
        )
        for idx, forward in controls.items()
    ]
    return list(
        replay(
            Opening(session_id="any", seed=7),
            entries,
            num_chunks,
            transformer=MODEL.load_transformer(),
            video_decoder=MODEL.load_video_decoder(),
            audio_decoder=MODEL.load_audio_decoder(),
        )
    )


@pytest.fixture
def play(database: Database) -> Play:
    """ "s" plays to chunk 12, goes back to 6 and plays on to 10; "old" keeps its first future, and plays on to 14;
    "early" left at 4."""
    play = Play(database)
    play.sessions.create(new_session("s"))
    first = play.begin("s")
    for chunk_idx, forward in ((2, 1.0), (8, 0.5)):
        play.walk("s", first, chunk_idx, forward)
    waiting = EncodedControl(control_id="waits", kind=Move(forward=-1.0, strafe=0.0), received_s=0.0)
    play.write("s", first, record_codec.accepted(waiting))
    play.deliver("s", first, {2: 1.0, 8: 0.5}, 0, 12)
    play.sessions.fork(new_session("old"), "s", 12, label="before going back")
    play.sessions.fork(new_session("early"), "s", 4)
    second = play.go_on("s", record_codec.rewound(6))
    play.walk("s", second, 7, -1.0)
    play.deliver("s", second, {2: 1.0, 7: -1.0}, 6, 10)
    old = play.begin("old", 12)
    play.walk("old", old, 12, 0.25)
    play.deliver("old", old, {2: 1.0, 8: 0.5, 12: 0.25}, 12, 14)
    return play


def test_a_session_of_a_fast_worker_is_not_compared(play: Play) -> None:
    play.go_on("old", record_codec.resumed(14, "fast"))
    assert compare(play.database, "s", MODEL).is_same
    with pytest.raises(InvalidFieldError, match="fast profile"):
        compare(play.database, "old", MODEL)


def test_what_a_worker_took_is_on_record_and_nobodys_deed(play: Play) -> None:
    control = EncodedControl(control_id="quality:3:9", kind=SetQuality(quality=0.5), received_s=0.0)
    epoch = play.go_on("s", record_codec.resumed(9))
    play.write("s", epoch, record_codec.accepted(control), record_codec.applied(control.control_id, 9))
    assert whole_history(play.database, "s").entries[-1].control == control
    parted = compare_moments(play.database, Moment(session_id="s"), Moment(session_id="old"))
    assert {deed.control for deed in (*parted.left.deeds, *parted.right.deeds)} == {"move"}


def moves(entries: Sequence[JournalEntry]) -> list[tuple[int | None, float]]:
    kinds = [(entry.applied_chunk_idx, entry.control.kind) for entry in entries]
    return [(chunk_idx, kind.forward) for chunk_idx, kind in kinds if isinstance(kind, Move)]


def test_d10_the_history_of_a_session_that_went_back_is_that_of_its_new_future(play: Play) -> None:
    assert moves(whole_history(play.database, "s").entries) == [(2, 1.0), (7, -1.0)]


def test_d10_the_old_future_is_kept_by_its_branch(play: Play) -> None:
    assert moves(whole_history(play.database, "old").entries) == [(2, 1.0), (8, 0.5), (12, 0.25)]
    assert moves(whole_history(play.database, "early").entries) == [(2, 1.0)]


def test_the_past_of_a_saved_moment_is_what_led_to_it(play: Play) -> None:
    saved = whole_history(play.database, "s", until_epoch=1, end_chunk_idx=9)
    assert moves(saved.entries) == [(2, 1.0), (8, 0.5)]
    earlier = whole_history(play.database, "s", until_epoch=2, end_chunk_idx=7)
    assert moves(earlier.entries) == [(2, 1.0)]
    assert saved.opening.session_id == "s"


@pytest.mark.parametrize(("session_id", "num_chunks"), [("s", 10), ("old", 14), ("early", 4)])
def test_x05_sessions_that_went_back_and_branches_are_replayed_the_same(
    play: Play, session_id: str, num_chunks: int
) -> None:
    comparison = compare(play.database, session_id, MODEL)
    assert (comparison.num_chunks, comparison.num_compared, comparison.is_same) == (num_chunks, num_chunks, True)


def test_x05_a_chunk_of_the_wrong_future_is_named(play: Play) -> None:
    with play.database.write() as connection:
        connection.execute(text("UPDATE journal SET record = replace(record, '0.25', '0.75') WHERE session_id = 'old'"))
    assert compare(play.database, "old", MODEL).first_difference == 12
    with play.database.write() as connection:
        connection.execute(text("UPDATE journal SET record = replace(record, '-1.0', '-0.5') WHERE session_id = 's'"))
    assert compare(play.database, "s", MODEL).first_difference == 7


def test_a_branch_whose_parent_wrote_its_receipts_later_is_replayed_the_same(play: Play) -> None:
    """It could not know the receipt before its first chunk, and began a chain of its own."""
    play.sessions.create(new_session("parent"))
    epoch = play.begin("parent")
    play.sessions.fork(new_session("child"), "parent", 3)
    child = play.begin("child", 3)
    play.deliver("child", child, {}, 3, 5)
    play.deliver("parent", epoch, {}, 0, 4)
    receipts = Receipts(play.database).of("child")
    assert receipts[3].previous != receipts[2].hash
    comparison = compare(play.database, "child", MODEL)
    assert (comparison.num_compared, comparison.is_same) == (5, True)


def test_an_altered_record_of_an_ancestor_is_a_fault_of_the_branch(play: Play) -> None:
    assert find_lineage_fault(play.database, "early") is None
    with play.database.write() as connection:
        connection.execute(text("UPDATE journal SET record = replace(record, '0.5', '0.7') WHERE session_id = 's'"))
    fault = find_lineage_fault(play.database, "early")
    assert fault is not None
    assert (fault.seq, "altered" in fault.problem) == (3, True)


def test_a_session_without_a_record_has_no_history(play: Play) -> None:
    play.sessions.create(new_session("empty"))
    with pytest.raises(RecordUnreadableError, match="begin"):
        whole_history(play.database, "empty")
    with pytest.raises(SessionNotFoundError):
        whole_history(play.database, "never")


def test_p01_two_futures_differ_from_where_they_parted(play: Play) -> None:
    found = compare_moments(play.database, Moment(session_id="s"), Moment(session_id="old"))
    assert found.parted_chunk_idx == 6
    assert found.left.deeds == (Deed(chunk_idx=7, control="move", text="forward -1.0, strafe 0.0"),)
    assert [deed.chunk_idx for deed in found.right.deeds] == [8, 12]
    assert (found.left.num_chunks, found.right.num_chunks, dict(found.spec)) == (10, 14, {})
    back = compare_moments(play.database, Moment(session_id="early"), Moment(session_id="old"))
    assert (back.parted_chunk_idx, back.left.deeds) == (4, ())
    same = compare_moments(play.database, Moment(session_id="s"), Moment(session_id="s"))
    assert (same.parted_chunk_idx, same.left.deeds, same.right.deeds) == (10, (), ())


def test_p01_saved_moments_are_compared_as_they_were(play: Play) -> None:
    before = Moment(session_id="s", epoch=1, chunk_idx=11)
    found = compare_moments(play.database, before, Moment(session_id="s", epoch=2, chunk_idx=10))
    assert found.parted_chunk_idx == 6
    assert [deed.text for deed in found.left.deeds] == ["forward 0.5, strafe 0.0"]
    assert compare_moments(play.database, before, Moment(session_id="old")).parted_chunk_idx == 11


def test_strangers_never_parted_and_differ_in_what_they_began_with(play: Play) -> None:
    play.sessions.create(new_session("stranger", seed=8))
    epoch = play.begin("stranger")
    words = EncodedDirective(text="it rains", tensors={})
    control = EncodedControl(control_id="c", kind=words, received_s=0.0)
    play.write("stranger", epoch, record_codec.accepted(control), record_codec.applied("c", 1))
    found = compare_moments(play.database, Moment(session_id="early"), Moment(session_id="stranger"))
    assert found.parted_chunk_idx is None
    assert dict(found.spec) == {"seed": (7, 8)}
    assert found.right.deeds == (Deed(chunk_idx=1, control="directive", text="it rains"),)
    assert [deed.chunk_idx for deed in found.left.deeds] == [2]


def test_p01_a_fork_goes_on_from_a_snapshot_of_its_ancestor(play: Play, tmp_path: Path, migrated_url: str) -> None:
    storage = storage_config(str(tmp_path / "data"), migrated_url)
    store = SnapshotStore.open(storage.snapshots)
    for epoch, chunk_idx in ((2, 6), (2, 9)):
        saved = store.save(some_snapshot("s", chunk_idx), epoch, INFO)
        Snapshots(play.database).add(saved.key, 0, saved.num_bytes)
    play.sessions.fork(new_session("fork"), "s", 8)
    keeper = SessionKeeper(storage, INFO)
    try:
        past = keeper.recall("fork", 8)
        assert past.snapshot is not None
        assert_same_snapshot(some_snapshot("fork", 6), past.snapshot)
        assert (past.history.opening.session_id, past.history.opening.resume_from) == ("fork", 8)
        assert keeper.recall("old", 14).snapshot is None  # it left before those were made
        with play.database.write() as connection:
            connection.execute(text("UPDATE journal SET record = replace(record, '0.5', '0.7') WHERE session_id = 's'"))
        with pytest.raises(SnapshotDamagedError, match="record 3"):
            keeper.recall("fork", 8)
    finally:
        keeper.close()


def test_receipts_are_written_in_rows_of_one_chain(play: Play) -> None:
    chain = ReceiptChain()
    made: list[Receipt] = []
    for chunk in shown({}, 6):
        if chunk.chunk_idx == 3:
            chain = ReceiptChain()
        made.append(chain.next(chunk.chunk_idx, chunk.frames_FHWC, chunk.samples_SC))
    play.sessions.create(new_session("cut"))
    Receipts(play.database).add("cut", play.begin("cut"), made)
    assert Receipts(play.database).of("cut") == made
