"""Sessions that play, die, go back, branch and are deleted at random, against a model that fits on a page."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

import pytest

from serving.catalogue.database import Database
from serving.catalogue.deletion import Removed
from serving.catalogue.histories import find_lineage_fault, whole_history
from serving.catalogue.journal import Batch, JournalTable
from serving.catalogue.receipts import Receipts
from serving.catalogue.sessions import Sessions
from serving.catalogue.snapshots import Snapshots
from serving.errors import SessionNotFoundError
from serving.sessions import record_codec
from serving.sessions.contract import Move
from serving.sessions.encoded import EncodedControl, Opening
from serving.sessions.receipts import FIRST_HASH, Receipt
from serving.sessions.records import Record, seal
from serving.sessions.snapshot_store import SnapshotKey
from tests.catalogues import new_session

NUM_VERBS = 50
HASH_BYTES = 32


@dataclass(slots=True, kw_only=True)
class Life:
    """What one session should be. A chunk is told from every other by its number."""

    session_id: str
    epoch: int = 0
    chunks: list[int] = field(default_factory=list)
    ends: dict[int, list[int]] = field(default_factory=dict)  # its chunks as each earlier epoch left them
    next_idx: int = 0  # of the present epoch


class Lives:
    def __init__(self, database: Database, seed: int) -> None:
        self.database = database
        self.random = Random(seed)
        self.sessions = Sessions(database)
        self.lives: list[Life] = []
        self.num_made = 0
        self.parents: dict[str, str | None] = {}  # of every session with a row
        self.with_control: set[int] = set()

    def begin(self) -> None:
        life = Life(session_id=f"s-{len(self.parents)}")
        self.sessions.create(new_session(life.session_id))
        self._add(life, None)
        self._open(life)

    def fork(self) -> None:
        parent = self.random.choice(self.lives)
        epoch = self.random.choice([*parent.ends, parent.epoch])
        there = parent.ends.get(epoch, parent.chunks)
        chunk_idx = self.random.randint(0, len(there))
        life = Life(session_id=f"s-{len(self.parents)}", chunks=there[:chunk_idx], next_idx=chunk_idx)
        self.sessions.fork(new_session(life.session_id), parent.session_id, chunk_idx, parent_epoch=epoch)
        self._add(life, parent.session_id)
        if self.random.random() < 0.5:  # others are never opened
            self._open(life)

    def play(self) -> None:
        life = self.random.choice(self.lives)
        if life.epoch == 0:
            self._open(life)
        receipts = []
        for _ in range(self.random.randint(1, 5)):
            if life.next_idx == len(life.chunks):
                self._make_chunk(life)
            number = life.chunks[life.next_idx]
            mark = number.to_bytes(HASH_BYTES, "big")
            receipts.append(Receipt(chunk_idx=life.next_idx, hash=mark, previous=FIRST_HASH))
            life.next_idx += 1
        Receipts(self.database).add(life.session_id, life.epoch, receipts)
        key = SnapshotKey(session_id=life.session_id, epoch=life.epoch, chunk_idx=life.next_idx)
        # The position tells which chunk it was taken after.
        Snapshots(self.database).add(key, life.chunks[life.next_idx - 1], 1)

    def go_on(self) -> None:
        """Dies, or goes back, and begins another epoch."""
        life = self.random.choice(self.lives)
        if life.epoch == 0:
            return
        chunk_idx = self.random.randint(max(0, len(life.chunks) - 8), len(life.chunks))
        is_rewind = self.random.random() < 0.5
        life.ends[life.epoch] = list(life.chunks)
        life.epoch = self.sessions.take_over(life.session_id, "w", life.epoch).epoch
        if is_rewind:
            del life.chunks[chunk_idx:]
        life.next_idx = chunk_idx
        self._write(life, record_codec.rewound(chunk_idx) if is_rewind else record_codec.resumed(chunk_idx))

    def delete(self) -> None:
        life = self.random.choice(self.lives)
        self.sessions.release(life.session_id, life.epoch)
        removed = self.sessions.delete(life.session_id)
        self.lives.remove(life)
        with pytest.raises(SessionNotFoundError):
            self.sessions.find(life.session_id)
        assert removed == Removed(session_ids=tuple(self._expect_gone(life.session_id)))

    def check(self) -> None:
        for life in self.lives:
            session_id = life.session_id
            found = Receipts(self.database).of(session_id)
            assert [receipt.chunk_idx for receipt in found] == list(range(len(life.chunks)))
            assert [int.from_bytes(receipt.hash, "big") for receipt in found] == life.chunks
            last = Receipts(self.database).last(session_id)
            assert last == (found[-1] if found else None)
            for row in Snapshots(self.database).of(session_id):
                assert life.chunks[row.key.chunk_idx - 1] == row.journal_position
            entries = whole_history(self.database, session_id).entries
            expected = [number for number in life.chunks if number in self.with_control]
            assert [int(entry.control.control_id) for entry in entries] == expected
            assert find_lineage_fault(self.database, session_id) is None

    def _make_chunk(self, life: Life) -> None:
        self.num_made += 1
        life.chunks.append(self.num_made)
        if self.random.random() < 0.3:
            self.with_control.add(self.num_made)
            control_id = str(self.num_made)
            control = EncodedControl(control_id=control_id, kind=Move(forward=1.0, strafe=0.0), received_s=0.0)
            self._write(life, record_codec.accepted(control), record_codec.applied(control_id, life.next_idx))

    def _add(self, life: Life, parent: str | None) -> None:
        self.lives.append(life)
        self.parents[life.session_id] = parent

    def _open(self, life: Life) -> None:
        life.epoch = self.sessions.acquire(life.session_id, "w").epoch
        life.ends[0] = list(life.chunks)
        opening = Opening(session_id=life.session_id, seed=7)
        self._write(life, record_codec.opened(opening, "fake", "0" * 64, life.next_idx))

    def _write(self, life: Life, *records: Record) -> None:
        table = JournalTable(self.database)
        head = table.head(life.session_id)
        sealed = seal(life.session_id, life.epoch, head, records)
        batch = Batch(session_id=life.session_id, epoch=life.epoch, head=head, records=sealed)
        assert table.append([batch]) == set()

    def _expect_gone(self, session_id: str | None) -> list[str]:
        gone: list[str] = []
        living = {life.session_id for life in self.lives}
        rows = set(self._rows())
        while session_id is not None and session_id not in living:
            if any(self.parents[each] == session_id for each in (rows | living) - set(gone)):
                break
            gone.append(session_id)
            session_id = self.parents[session_id]
        return gone

    def _rows(self) -> list[str]:
        rows, _ = self.sessions.page(1_000, states=("open", "parked", "ended", "deleted"))
        return [row.session_id for row in rows]


@pytest.mark.parametrize("seed", range(3))
def test_w05_whatever_happens_every_session_has_its_own_past(database: Database, seed: int) -> None:
    lives = Lives(database, seed)
    lives.begin()
    for number in range(NUM_VERBS):
        verbs = [lives.play] * 4 + [lives.go_on] * 3 + [lives.fork] * 2
        if len(lives.lives) > 3:
            verbs += [lives.delete] * 2
        lives.random.choice(verbs)()
        if number % 10 == 9:
            lives.check()
    lives.check()
    assert lives.num_made > 20
