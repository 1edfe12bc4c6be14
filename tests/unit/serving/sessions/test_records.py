"""The chain of records, and that nothing can be changed in it without being named."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from serving.sessions import record_codec
from serving.sessions.contract import CameraMove, InHand, Look, Move, SetPerspective
from serving.sessions.encoded import EncodedControl, EncodedDirective, EncodedImage, EncodedKind, Opening
from serving.sessions.record_codec import RecordUnreadableError, read_entries, read_history
from serving.sessions.records import JournalHead, Record, RecordKind, SealedRecord, find_fault, head_after, seal
from serving.sessions.timeline import Span

OPENING = Opening(session_id="s-1", seed=2**64 - 1, prompt={"text": np.arange(4, dtype=np.float32)}, epoch=1)
KINDS: list[EncodedKind] = [
    Move(forward=0.1, strafe=-1.0),
    Look(yaw=0.25, pitch=1e-9),
    SetPerspective(perspective="first_person"),
    CameraMove(move="orbit"),
    EncodedDirective(text="Schnee fällt ☃", tensors={"text": np.ones(3, np.float32)}),
    EncodedImage(tensors={"image": np.zeros((2, 2), np.uint8)}),
]


def control(control_id: str, kind: EncodedKind) -> EncodedControl:
    return EncodedControl(control_id=control_id, kind=kind, received_s=1.5)


def some_records() -> list[SealedRecord]:
    records = [record_codec.opened(OPENING, "fake", "0" * 64)]
    records += [record_codec.accepted(control(f"c-{number}", kind)) for number, kind in enumerate(KINDS)]
    records += [
        record_codec.applied("c-0", 3),
        record_codec.superseded("c-1", "c-9"),
        record_codec.rejected("c-2", "X"),
    ]
    return seal("s-1", 1, JournalHead(), records)


def fault_of(records: list[SealedRecord]) -> tuple[int, str] | None:
    fault = find_fault("s-1", records, head_after(JournalHead(), some_records()))
    return None if fault is None else (fault.seq, fault.problem)


def test_what_was_written_is_read() -> None:
    history = read_history(some_records())
    assert (history.model, history.opening.seed, history.first_chunk_idx) == ("fake", 2**64 - 1, 0)
    assert history.opening.prompt is not None
    np.testing.assert_array_equal(history.opening.prompt["text"], np.arange(4, dtype=np.float32))
    assert history.opening.image is None
    entries = history.entries
    assert [entry.control.kind for entry in entries[:4]] == KINDS[:4]
    rain = entries[4].control.kind
    assert isinstance(rain, EncodedDirective)
    assert rain.text == "Schnee fällt ☃"
    np.testing.assert_array_equal(rain.tensors["text"], np.ones(3, np.float32))
    picture = entries[5].control.kind
    assert isinstance(picture, EncodedImage)
    np.testing.assert_array_equal(picture.tensors["image"], np.zeros((2, 2), np.uint8))
    assert (entries[0].applied_chunk_idx, entries[1].superseded_by, entries[2].rejected_for) == (3, "c-9", "X")
    assert [entry.is_pending for entry in entries] == [False, False, False, True, True, True]


def test_p_03_who_has_a_session_in_hand_is_read_as_it_was_written() -> None:
    kind = InHand(client_id="ann", subject_id="local")
    records = seal("s-1", 1, JournalHead(), [record_codec.accepted(control("in-hand.1", kind))])
    [entry] = read_entries(records)
    assert entry.control.kind == kind


def went_back() -> list[SealedRecord]:
    """Two epochs, the second of which goes back to chunk 5 while a control waits."""
    first = [record_codec.opened(OPENING, "fake", "0" * 64)]
    first += [record_codec.accepted(control(f"c-{number}", KINDS[0])) for number in range(6)]
    first += [record_codec.applied("c-0", 3), record_codec.applied("c-1", 5), record_codec.applied("c-2", 9)]
    first += [record_codec.superseded("c-3", "c-2"), record_codec.rejected("c-4", "X")]
    second = [record_codec.rewound(5), record_codec.accepted(control("c-1", KINDS[1])), record_codec.applied("c-1", 6)]
    sealed = seal("s-1", 1, JournalHead(), first)
    return sealed + seal("s-1", 2, head_after(JournalHead(), sealed), second)


def test_d10_what_took_effect_after_a_rewind_or_waited_is_not_on_the_timeline() -> None:
    history = read_history(went_back())
    found = [(entry.control.control_id, entry.applied_chunk_idx) for entry in history.entries]
    assert found == [("c-0", 3), ("c-3", None), ("c-4", None), ("c-1", 6)]
    assert history.entries[-1].control.kind == KINDS[1]
    assert not any(entry.is_pending for entry in history.entries)
    assert history.timeline.spans == (
        Span(epoch=1, first_chunk_idx=0),
        Span(epoch=2, first_chunk_idx=5, is_rewind=True),
    )


def test_d10_the_old_future_can_still_be_read() -> None:
    history = read_history(went_back(), until_epoch=1)
    applied = {entry.control.control_id: entry.applied_chunk_idx for entry in history.entries}
    assert [applied[f"c-{number}"] for number in range(3)] == [3, 5, 9]
    assert [entry.control.control_id for entry in history.entries if entry.is_pending] == ["c-5"]
    assert history.timeline.first_rewound_idx is None


def test_a_branch_may_begin_by_going_back_to_before_it_left() -> None:
    opening = replace(OPENING, is_rewind=True)
    history = read_history(seal("s-1", 1, JournalHead(), [record_codec.opened(opening, "fake", "0" * 64, 4)]))
    assert history.timeline.spans == (Span(epoch=1, first_chunk_idx=4, is_rewind=True),)


def test_a_journal_says_in_which_profile_its_workers_ran() -> None:
    exact = [record_codec.opened(OPENING, "fake", "0" * 64)]
    assert json.loads(seal("s-1", 1, JournalHead(), exact)[0].text)["profile"] == "exact"
    assert read_history(seal("s-1", 1, JournalHead(), exact)).profile == "exact"
    mixed = seal("s-1", 1, JournalHead(), [*exact, record_codec.resumed(4, "fast"), record_codec.rewound(2)])
    assert read_history(mixed).profile == "fast"
    earlier = [replace(exact[0], body={k: v for k, v in exact[0].body.items() if k != "profile"})]
    assert read_history(seal("s-1", 1, JournalHead(), earlier)).profile == "exact"  # from before there was another


def test_a_control_that_waits_and_is_sent_again_to_the_next_worker_is_one() -> None:
    first = [record_codec.opened(OPENING, "fake", "0" * 64)]
    first += [record_codec.accepted(control(control_id, KINDS[0])) for control_id in ("done", "waits", "other")]
    first += [record_codec.applied("done", 2)]
    second = [record_codec.resumed(4)]
    second += [record_codec.accepted(control(control_id, KINDS[0])) for control_id in ("waits", "done")]
    second += [record_codec.applied("waits", 4), record_codec.applied("done", 5)]
    sealed = seal("s-1", 1, JournalHead(), first)
    sealed += seal("s-1", 2, head_after(JournalHead(), sealed), second)
    found = [(entry.control.control_id, entry.applied_chunk_idx) for entry in read_entries(sealed)]
    assert found == [("done", 2), ("other", None), ("waits", 4), ("done", 5)]


def test_sealing_in_parts_gives_the_same_chain() -> None:
    records = [Record(kind=RecordKind.APPLIED, body={"control_id": str(number)}) for number in range(4)]
    whole = seal("s-1", 1, JournalHead(), records)
    begin = seal("s-1", 1, JournalHead(), records[:2])
    assert begin + seal("s-1", 1, head_after(JournalHead(), begin), records[2:]) == whole


def test_an_untouched_journal_has_no_fault() -> None:
    assert fault_of(some_records()) is None
    assert find_fault("s-1", [], JournalHead()) is None


def reseal_alone(records: list[SealedRecord], seq: int) -> None:
    """A forger who knows how hashes are made, and mends only the record it changed."""
    head = head_after(JournalHead(), records[:seq])
    records[seq] = seal("s-1", 1, head, [record_codec.applied("c-0", 99)])[0]


def alter_text(records: list[SealedRecord]) -> None:
    records[3] = replace(records[3], text=records[3].text.replace("first_person", "third_person"))


def alter_tensors(records: list[SealedRecord]) -> None:
    records[5] = replace(records[5], tensors=b"other")


def drop_one(records: list[SealedRecord]) -> None:
    del records[4]


def drop_and_close_up(records: list[SealedRecord]) -> None:
    del records[4]
    records[4:] = [replace(record, seq=record.seq - 1) for record in records[4:]]


def cut_off(records: list[SealedRecord]) -> None:
    del records[-1]


def swap(records: list[SealedRecord]) -> None:
    one, other = records[1], records[2]
    records[1:3] = [replace(other, seq=1), replace(one, seq=2)]


def reseal(records: list[SealedRecord]) -> None:
    reseal_alone(records, 7)


def reseal_last(records: list[SealedRecord]) -> None:
    reseal_alone(records, 9)


def add(records: list[SealedRecord]) -> None:
    records += seal("s-1", 1, head_after(JournalHead(), records), [record_codec.applied("c-3", 4)])


@pytest.mark.parametrize(
    ("tamper", "seq", "problem"),
    [
        (alter_text, 3, "altered"),
        (alter_tensors, 5, "tensors"),
        (drop_one, 4, "missing"),
        (drop_and_close_up, 4, "does not follow"),
        (cut_off, 9, "missing"),
        (swap, 1, "does not follow"),
        (reseal, 8, "does not follow"),
        (reseal_last, 9, "replaced"),
        (add, 10, "added"),
    ],
)
def test_the_first_record_that_is_not_what_was_written_is_named(
    tamper: Callable[[list[SealedRecord]], None], seq: int, problem: str
) -> None:
    records = some_records()
    tamper(records)
    fault = fault_of(records)
    assert fault is not None
    assert (fault[0], problem in fault[1]) == (seq, True), fault


def test_a_record_of_another_session_is_no_record_of_this_one() -> None:
    other = seal("s-2", 1, JournalHead(), [record_codec.applied("c", 1)])
    fault = find_fault("s-1", other, head_after(JournalHead(), other))
    assert fault is not None
    assert (fault.seq, "elsewhere" in fault.problem) == (0, True)


def test_a_journal_without_its_opening_or_with_unknown_records_is_not_read() -> None:
    with pytest.raises(RecordUnreadableError, match="begin"):
        read_history(some_records()[1:])
    unknown = replace(some_records()[1], text='{"kind":"danced"}')
    with pytest.raises(RecordUnreadableError, match="record 1"):
        read_entries([unknown])
    with pytest.raises(RecordUnreadableError, match="record 7"):
        read_entries(some_records()[7:])  # applied, but never accepted
