"""What is done again after a death: arithmetic on a journal."""

from __future__ import annotations

from serving.engine.script import write_script
from serving.sessions.contract import Look, Move
from serving.sessions.encoded import EncodedControl, EncodedKind, HeldAxes
from serving.sessions.journal import JournalEntry


def entry(control_id: str, kind: EncodedKind, applied: int | None = None, by: str | None = None) -> JournalEntry:
    control = EncodedControl(control_id=control_id, kind=kind, received_s=0.0)
    return JournalEntry(control=control, applied_chunk_idx=applied, superseded_by=by)


ENTRIES = [
    entry("walk", Move(forward=1.0, strafe=0.0), applied=3),
    entry("turn", Look(yaw=0.5, pitch=0.0), by="turn more"),
    entry("turn more", Look(yaw=1.0, pitch=0.0), applied=12),
    entry("stop", Move(forward=0.0, strafe=0.0)),
]


def test_chunks_since_the_snapshot_get_the_controls_they_had() -> None:
    script = write_script(ENTRIES, first_chunk_idx=10, deliver_from=11)
    assert (script.first_chunk_idx, script.end_chunk_idx) == (10, 13)
    assert [(script.at(idx).forward, script.at(idx).yaw) for idx in (10, 11, 12)] == [
        (1.0, 0.0),
        (1.0, 0.0),
        (1.0, 1.0),
    ]
    assert script.held == HeldAxes(forward=1.0, yaw=1.0)


def test_what_was_accepted_and_never_settled_still_waits() -> None:
    script = write_script(ENTRIES, first_chunk_idx=10, deliver_from=11)
    assert [control.control_id for control in script.waiting] == ["stop"]


def test_chunks_that_were_delivered_after_the_last_control_are_done_again_too() -> None:
    script = write_script(ENTRIES, first_chunk_idx=10, deliver_from=20)
    assert script.end_chunk_idx == 20
    assert script.at(19).forward == 1.0


def test_chunks_that_were_shown_are_done_again_though_nothing_of_them_is_on_record() -> None:
    script = write_script(ENTRIES, first_chunk_idx=10, deliver_from=11, shown_until=16)
    assert (script.deliver_from, script.shown_until, script.end_chunk_idx) == (11, 16, 16)
    assert script.at(15).yaw == 1.0
    assert write_script(ENTRIES, first_chunk_idx=10, deliver_from=11, shown_until=5).shown_until == 11


def test_a_snapshot_that_is_newer_than_all_that_is_on_record_leaves_nothing_to_do() -> None:
    script = write_script(ENTRIES, first_chunk_idx=30, deliver_from=30)
    assert (script.end_chunk_idx, script.controls) == (30, ())
    assert script.held == HeldAxes(forward=1.0, yaw=1.0)


def test_a_session_without_controls_is_made_again_as_it_was() -> None:
    script = write_script([], first_chunk_idx=0, deliver_from=5)
    assert [controls.forward for controls in script.controls] == [0.0] * 5
    assert script.held == HeldAxes()


def test_d10_a_session_that_goes_back_does_again_only_what_was_before() -> None:
    script = write_script(ENTRIES, first_chunk_idx=2, deliver_from=12, is_rewind=True)
    assert (script.first_chunk_idx, script.end_chunk_idx, script.waiting) == (2, 12, ())
    assert script.held == HeldAxes(forward=1.0)
    assert [(script.at(idx).forward, script.at(idx).yaw) for idx in (2, 3, 11)] == [(0.0, 0.0), (1.0, 0.0), (1.0, 0.0)]
    assert write_script(ENTRIES, first_chunk_idx=0, deliver_from=3, is_rewind=True).held == HeldAxes()
