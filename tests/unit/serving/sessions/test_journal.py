from __future__ import annotations

import pytest

from serving.sessions.contract import Move
from serving.sessions.encoded import EncodedControl, Opening
from serving.sessions.journal import MemoryJournalStore


def control(control_id: str) -> EncodedControl:
    return EncodedControl(control_id=control_id, kind=Move(forward=1.0, strafe=0.0), received_s=0.0)


def test_a_journal_keeps_controls_in_order_and_what_became_of_them() -> None:
    journal = MemoryJournalStore().create(Opening(session_id="a", seed=3))
    for control_id in ("one", "two", "three"):
        journal.accept(control(control_id))
    journal.supersede("one", "two")
    journal.apply("two", 5)
    entries = journal.entries()
    assert [entry.control.control_id for entry in entries] == ["one", "two", "three"]
    assert [entry.superseded_by for entry in entries] == ["two", None, None]
    assert [entry.applied_chunk_idx for entry in entries] == [None, 5, None]
    assert [entry.is_pending for entry in entries] == [False, False, True]
    assert journal.position == 3
    assert journal.opening.seed == 3


def test_a_control_is_journaled_once() -> None:
    journal = MemoryJournalStore().create(Opening(session_id="a", seed=3))
    journal.accept(control("one"))
    with pytest.raises(ValueError, match="one"):
        journal.accept(control("one"))


def test_a_store_finds_what_it_made_until_it_is_discarded() -> None:
    store = MemoryJournalStore()
    journal = store.create(Opening(session_id="a", seed=3))
    assert store.find("a") is journal
    assert store.find("b") is None
    store.discard("a")
    store.discard("a")
    assert store.find("a") is None
