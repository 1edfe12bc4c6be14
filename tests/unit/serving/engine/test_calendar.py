from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from serving.engine.calendar import REMEMBERED
from serving.engine.mailbox import Mailbox
from serving.sessions.attribution import Loss, Schedule
from serving.sessions.contract import Accepted, Move, Rejected, Superseded
from serving.sessions.encoded import EncodedControl, EncodedDirective, EncodedKind

WALK = Move(forward=1.0, strafe=0.0)
RAIN = EncodedDirective(text="it rains", tensors={"text": np.ones(2, np.float32)})


def control(
    control_id: str, kind: EncodedKind = WALK, schedule: Schedule | None = None, loss: Loss | None = None
) -> EncodedControl:
    return EncodedControl(control_id=control_id, kind=kind, received_s=0.0, schedule=schedule, loss=loss)


def at(chunk_idx: int) -> Schedule:
    return Schedule(chunk_idx=chunk_idx)


def after(control_id: str, delay_chunks: int = 0) -> Schedule:
    return Schedule(after_control_id=control_id, delay_chunks=delay_chunks)


def ids(mailbox: Mailbox, chunk_idx: int) -> list[str]:
    return [each.control_id for each in mailbox.drain(chunk_idx).applied]


def lost(*control_ids: str) -> tuple[tuple[str, str], ...]:
    return tuple((control_id, "PREDECESSOR_LOST") for control_id in control_ids)


def test_a_scheduled_control_waits_for_its_chunk_and_says_which() -> None:
    mailbox = Mailbox(max_waiting=4)
    assert mailbox.put(control("a", schedule=at(3))) == (Accepted(control_id="a", due_chunk_idx=3),)
    assert [ids(mailbox, idx) for idx in range(5)] == [[], [], [], ["a"], []]
    assert mailbox.held.forward == 1.0


def test_one_whose_chunk_is_made_already_takes_the_next() -> None:
    mailbox = Mailbox(max_waiting=4)
    mailbox.put(control("a", schedule=at(3)))
    assert ids(mailbox, 9) == ["a"]


def test_one_after_another_waits_for_that() -> None:
    mailbox = Mailbox(max_waiting=4)
    assert mailbox.put(control("b", RAIN, after("a", 2))) == (Accepted(control_id="b"),)
    mailbox.put(control("c", RAIN, after("b")))
    assert ids(mailbox, 4) == []
    mailbox.put(control("a"))
    assert [ids(mailbox, idx) for idx in range(5, 10)] == [["a"], [], ["b"], ["c"], []]


def test_one_after_another_that_took_effect_counts_from_there() -> None:
    mailbox = Mailbox(max_waiting=4)
    mailbox.put(control("a"))
    assert ids(mailbox, 5) == ["a"]
    assert mailbox.put(control("b", RAIN, after("a", 4))) == (Accepted(control_id="b", due_chunk_idx=9),)


def test_what_waits_for_a_control_that_is_lost_is_lost_with_it() -> None:
    mailbox = Mailbox(max_waiting=4)
    mailbox.put(control("a"))
    mailbox.put(control("b", RAIN, after("a")))
    mailbox.put(control("c", RAIN, after("b")))
    outcomes = mailbox.put(control("z"))
    assert outcomes[:2] == (Accepted(control_id="z"), Superseded(control_id="a", by_control_id="z"))
    assert tuple((each.control_id, each.reason) for each in outcomes[2:] if isinstance(each, Rejected)) == lost(
        "b", "c"
    )
    (refused,) = mailbox.put(control("d", RAIN, after("a")))
    assert isinstance(refused, Rejected)
    assert len(mailbox) == 1


def test_one_that_is_due_takes_the_place_of_one_that_waits() -> None:
    mailbox = Mailbox(max_waiting=4)
    mailbox.put(control("due", schedule=at(2)))
    mailbox.put(control("now"))
    drained = mailbox.drain(2)
    assert [each.control_id for each in drained.applied] == ["due"]
    assert drained.lost == (Superseded(control_id="now", by_control_id="due"),)


def test_sentences_take_effect_in_the_order_of_the_record() -> None:
    mailbox = Mailbox(max_waiting=4)
    mailbox.put(control("first", RAIN, at(2)))
    mailbox.put(control("second", RAIN))
    mailbox.put(control("third", RAIN, at(1)))
    assert ids(mailbox, 2) == ["first", "second", "third"]


def test_cancelling_takes_back_whatever_waits() -> None:
    mailbox = Mailbox(max_waiting=4)
    mailbox.put(control("due", schedule=at(9)))
    mailbox.put(control("move"))
    mailbox.put(control("rain", RAIN))
    mailbox.put(control("then", RAIN, after("rain")))
    for control_id in ("due", "move"):
        cancelled = Superseded(control_id=control_id, by_control_id="x", reason="CANCELLED")
        assert mailbox.cancel(control_id, "x") == (cancelled,)
    assert [each.control_id for each in mailbox.cancel("rain", "x")] == ["rain", "then"]
    assert mailbox.cancel("rain", "x") == ()
    assert (len(mailbox), ids(mailbox, 9)) == (0, [])


def test_one_that_lost_is_on_record_and_does_nothing() -> None:
    mailbox = Mailbox(max_waiting=0)
    outcomes = mailbox.put(control("a", loss=Loss(by_control_id="b", reason="OUTVOTED")))
    assert outcomes == (
        Accepted(control_id="a"),
        Superseded(control_id="a", by_control_id="b", reason="OUTVOTED"),
    )
    assert (len(mailbox), ids(mailbox, 0)) == (0, [])


def test_the_calendar_is_bounded() -> None:
    mailbox = Mailbox(max_waiting=2)
    outcomes = [mailbox.put(control(f"c{idx}", schedule=at(9)))[0] for idx in range(3)]
    assert [type(each) for each in outcomes] == [Accepted, Accepted, Rejected]


def test_an_end_settles_what_waits() -> None:
    mailbox = Mailbox(max_waiting=4)
    mailbox.put(control("a", schedule=at(9)))
    mailbox.put(control("b", schedule=after("a")))
    assert [each.control_id for each in mailbox.reject_all("SESSION_ENDED", "over")] == ["a", "b"]


@given(
    st.lists(st.tuples(st.sampled_from(["now", "at", "after", "cancel"]), st.integers(0, 12), st.booleans())), st.data()
)
def test_every_control_gets_one_outcome_whatever_happens(
    events: list[tuple[str, int, bool]], data: st.DataObject
) -> None:
    mailbox, terminal, accepted = Mailbox(max_waiting=REMEMBERED), list[str](), list[str]()
    for chunk_idx, (what, number, is_drained) in enumerate(events):
        control_id, target = f"c{chunk_idx}", f"c{number}"
        kind = data.draw(st.sampled_from([WALK, RAIN]))
        if what == "cancel":
            outcomes = mailbox.cancel(target, control_id)
        else:
            schedule = {"now": None, "at": at(number), "after": after(target, number)}[what]
            outcomes = mailbox.put(control(control_id, kind, schedule))
        terminal += [each.control_id for each in outcomes if not isinstance(each, Accepted)]
        accepted += [control_id] if what != "cancel" else []
        if is_drained:
            drained = mailbox.drain(chunk_idx)
            terminal += [each.control_id for each in (*drained.applied, *drained.lost)]
    terminal += [each.control_id for each in mailbox.reject_all("SESSION_ENDED", "over")]
    assert sorted(terminal) == sorted(accepted)
