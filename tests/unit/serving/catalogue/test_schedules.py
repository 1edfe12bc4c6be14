"""Who sent a control, when it is to take effect and why it did not, kept on both databases."""

from __future__ import annotations

from serving.catalogue.database import Database
from serving.catalogue.journal import Batch, JournalTable
from serving.catalogue.waiting import WaitingControls
from serving.sessions import record_codec
from serving.sessions.attribution import Schedule, Sender
from serving.sessions.contract import Applied, Move
from serving.sessions.encoded import EncodedControl, Opening
from serving.sessions.record_codec import read_entries
from serving.sessions.records import JournalHead, Record, head_after, seal
from tests.catalogues import held_session

ANN = Sender(subject_id="key:ann", client_id="ann-1")


def control(control_id: str, schedule: Schedule | None = None) -> EncodedControl:
    kind = Move(forward=1.0, strafe=0.0)
    return EncodedControl(control_id=control_id, kind=kind, received_s=0.0, sender=ANN, schedule=schedule)


def write(table: JournalTable, head: JournalHead, *records: Record) -> JournalHead:
    sealed = seal("s-1", 1, head, records)
    table.append([Batch(session_id="s-1", epoch=1, head=head, records=sealed)])
    return head_after(head, sealed)


def test_a_journal_says_what_was_to_wait(database: Database) -> None:
    held_session(database, "s-1")
    table = JournalTable(database)
    opened = record_codec.opened(Opening(session_id="s-1", seed=1, epoch=1), "m", "w")
    head = write(table, JournalHead(), opened, record_codec.accepted(control("now")))
    assert table.scheduled_ids("s-1") == []
    later = control("later", Schedule(chunk_idx=900))
    write(table, head, record_codec.accepted(later), record_codec.superseded("now", "x", "CANCELLED"))
    assert table.scheduled_ids("s-1") == ["later"]
    assert table.scheduled_ids("s-2") == []
    assert table.verify("s-1") is None
    now, waiting = read_entries(table.read("s-1"))
    assert (now.superseded_for, now.control.sender, waiting.control) == ("CANCELLED", ANN, later)


def test_what_another_gateway_left_is_carried_along_and_not_sent_twice() -> None:
    entries = read_entries(
        seal(
            "s-1",
            1,
            JournalHead(),
            [
                record_codec.opened(Opening(session_id="s-1", seed=1, epoch=1), "m", "w"),
                *(
                    record_codec.accepted(each)
                    for each in (
                        control("now"),
                        control("later", Schedule(chunk_idx=9)),
                        control("then", Schedule(after_control_id="later", delay_chunks=3)),
                    )
                ),
            ],
        )
    )
    waiting = WaitingControls()
    waiting.adopt(entries)
    assert list(waiting.controls) == ["later", "then"], "the present worker has the rest at its next boundary"
    assert waiting.take_unsent() == []
    waiting.is_news(Applied(control_id="later", chunk_idx=9, frame_idx=9, world_time_s=0.0))
    assert waiting.controls["then"].schedule == Schedule(chunk_idx=12)
    assert waiting.controls["then"].sender == ANN
