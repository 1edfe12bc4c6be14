from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.engine.script import write_script
from serving.sessions import record_codec
from serving.sessions.attribution import Schedule, Sender
from serving.sessions.contract import Cancel, Move
from serving.sessions.encoded import EncodedControl, EncodedDirective, Opening
from serving.sessions.records import JournalHead, Record, head_after, seal

OPENED = record_codec.opened(Opening(session_id="s", seed=1, epoch=1), "m", "w")
ANN = Sender(subject_id="key:ann", client_id="ann-1")
WALK = Move(forward=1.0, strafe=0.0)

senders = st.none() | st.builds(Sender, subject_id=st.text(max_size=9), client_id=st.text(max_size=9))
schedules = (
    st.none()
    | st.builds(Schedule, chunk_idx=st.integers(0, 1 << 40))
    | st.builds(Schedule, after_control_id=st.text(min_size=1, max_size=9), delay_chunks=st.integers(0, 999))
)


def control(control_id: str, sender: Sender | None = None, schedule: Schedule | None = None) -> EncodedControl:
    return EncodedControl(control_id=control_id, kind=WALK, received_s=2.5, sender=sender, schedule=schedule)


def test_p_03_a_record_says_who_sent_a_control() -> None:
    [record] = seal("s", 1, JournalHead(), [record_codec.accepted(control("c", ANN))])
    assert record.fields["sender"] == {"subject_id": "key:ann", "client_id": "ann-1"}


@given(sender=senders, schedule=schedules)
def test_what_is_on_record_is_read_as_it_was(sender: Sender | None, schedule: Schedule | None) -> None:
    sent = control("c", sender, schedule)
    [entry] = record_codec.read_entries(seal("s", 1, JournalHead(), [OPENED, record_codec.accepted(sent)]))
    assert entry.control == sent


def test_records_of_controls_that_nobody_signed_are_as_they_always_were() -> None:
    records = [record_codec.accepted(control("c")), record_codec.superseded("c", "d")]
    sealed = seal("s", 1, JournalHead(), records)
    assert sealed[0].text == (
        '{"control":"move","control_id":"c","epoch":1,"kind":"accepted","received_s":2.5,"seq":0,"session_id":"s",'
        '"tensors_sha256":null,"values":{"forward":1.0,"strafe":0.0}}'
    )
    assert json.loads(sealed[1].text).keys() == {
        "session_id", "seq", "epoch", "kind", "tensors_sha256", "control_id", "by_control_id"
    }  # fmt: skip


def test_a_record_says_why_a_control_was_superseded() -> None:
    lost: list[Record] = [OPENED, record_codec.accepted(control("c")), record_codec.superseded("c", "x", "CANCELLED")]
    [entry] = record_codec.read_entries(seal("s", 1, JournalHead(), lost))
    assert (entry.superseded_by, entry.superseded_for, entry.is_pending) == ("x", "CANCELLED", False)


def test_what_takes_a_control_back_is_not_on_record_itself() -> None:
    with pytest.raises(ValueError, match="not on record"):
        record_codec.control_name(Cancel(control_id="c"))


def test_a_scheduled_control_outlives_its_worker() -> None:
    rain = EncodedDirective(text="rain", tensors={"text": np.ones(2, np.float32)})
    later = EncodedControl(control_id="rain", kind=rain, received_s=0.0, schedule=Schedule(chunk_idx=40))
    then = control("then", schedule=Schedule(after_control_id="walk", delay_chunks=5))
    never = control("never", schedule=Schedule(after_control_id="rain"))
    written = [OPENED, *(record_codec.accepted(each) for each in (control("walk"), later, then, never))]
    sealed = seal("s", 1, JournalHead(), [*written, record_codec.applied("walk", 7)])
    sealed += seal("s", 2, head_after(JournalHead(), sealed), [record_codec.resumed(9)])
    script = write_script(record_codec.read_entries(sealed), 0, 9)
    assert [each.control_id for each in script.waiting] == ["rain", "then", "never"]
    schedules_left = [each.schedule for each in script.waiting]
    assert schedules_left == [Schedule(chunk_idx=40), Schedule(chunk_idx=12), Schedule(after_control_id="rain")]


def test_a_rewind_takes_what_was_scheduled_with_it() -> None:
    later = control("later", schedule=Schedule(chunk_idx=40))
    sealed = seal("s", 1, JournalHead(), [OPENED, record_codec.accepted(later)])
    sealed += seal("s", 2, head_after(JournalHead(), sealed), [record_codec.rewound(3)])
    assert record_codec.read_entries(sealed) == ()
