from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.engine.mailbox import Mailbox
from serving.sessions.contract import Accepted, CameraMove, Look, Move, Rejected, SetPerspective, Superseded
from serving.sessions.encoded import EncodedControl, EncodedDirective, EncodedImage, EncodedKind, HeldAxes

KINDS = {
    "move": Move(forward=1.0, strafe=0.5),
    "look": Look(yaw=-1.0, pitch=0.25),
    "perspective": SetPerspective(perspective="third_person"),
    "camera": CameraMove(move="orbit"),
    "directive": EncodedDirective(text="it rains", tensors={"text": np.ones(2, np.float32)}),
    "image": EncodedImage(tensors={"image": np.ones(3, np.float32)}),
}


def control(control_id: str, kind: EncodedKind) -> EncodedControl:
    return EncodedControl(control_id=control_id, kind=kind, received_s=0.0)


def applied_ids(mailbox: Mailbox) -> list[str]:
    return [each.control_id for each in mailbox.drain().applied]


def test_the_latest_move_wins_and_names_the_one_it_replaced() -> None:
    mailbox = Mailbox(max_waiting=4)
    assert mailbox.put(control("a", Move(forward=1.0, strafe=0.0))) == (Accepted(control_id="a"),)
    outcomes = mailbox.put(control("b", Move(forward=-1.0, strafe=0.5)))
    assert outcomes == (Accepted(control_id="b"), Superseded(control_id="a", by_control_id="b"))
    drained = mailbox.drain()
    assert (drained.controls.forward, drained.controls.strafe) == (-1.0, 0.5)
    assert [each.control_id for each in drained.applied] == ["b"]


def test_moves_and_looks_do_not_supersede_each_other() -> None:
    mailbox = Mailbox(max_waiting=4)
    mailbox.put(control("a", KINDS["move"]))
    assert mailbox.put(control("b", KINDS["look"])) == (Accepted(control_id="b"),)
    assert applied_ids(mailbox) == ["a", "b"]


def test_a_perspective_and_a_camera_move_reach_one_chunk_and_the_latest_wins() -> None:
    mailbox = Mailbox(max_waiting=4)
    mailbox.put(control("a", KINDS["perspective"]))
    mailbox.put(control("b", CameraMove(move="push_in")))
    outcomes = mailbox.put(control("c", KINDS["camera"]))
    assert outcomes == (Accepted(control_id="c"), Superseded(control_id="b", by_control_id="c"))
    drained = mailbox.drain().controls
    assert (drained.perspective, drained.camera) == ("third_person", "orbit")
    later = mailbox.drain().controls
    assert (later.perspective, later.camera) == (None, None)


def test_axes_stay_in_force_until_the_next_control() -> None:
    mailbox = Mailbox(max_waiting=4, held=HeldAxes(yaw=0.5))
    mailbox.put(control("a", KINDS["move"]))
    mailbox.drain()
    drained = mailbox.drain()
    assert drained.applied == ()
    assert (drained.controls.forward, drained.controls.strafe, drained.controls.yaw) == (1.0, 0.5, 0.5)
    assert mailbox.held == HeldAxes(forward=1.0, strafe=0.5, yaw=0.5)


def test_several_directives_take_effect_at_one_boundary_in_order() -> None:
    mailbox = Mailbox(max_waiting=4)
    for index in range(3):
        mailbox.put(control(str(index), EncodedDirective(text="", tensors={"text": np.full(1, index)})))
    drained = mailbox.drain()
    assert [int(directive["text"][0]) for directive in drained.controls.directives] == [0, 1, 2]
    assert mailbox.drain().controls.directives == ()


def test_a_second_image_and_what_follows_it_wait_for_the_next_boundary() -> None:
    mailbox = Mailbox(max_waiting=8)
    for control_id, kind in [("a", "image"), ("b", "directive"), ("c", "image"), ("d", "directive")]:
        mailbox.put(control(control_id, KINDS[kind]))
    assert applied_ids(mailbox) == ["a", "b"]
    assert applied_ids(mailbox) == ["c", "d"]


def test_one_instruction_too_many_is_rejected_and_moves_still_fit() -> None:
    mailbox = Mailbox(max_waiting=1)
    mailbox.put(control("a", KINDS["directive"]))
    [rejected] = mailbox.put(control("b", KINDS["image"]))
    assert isinstance(rejected, Rejected)
    assert (rejected.control_id, rejected.reason) == ("b", "RATE_EXCEEDED")
    assert mailbox.put(control("c", KINDS["move"])) == (Accepted(control_id="c"),)
    assert len(mailbox) == 2


def test_rejecting_all_leaves_nothing() -> None:
    mailbox = Mailbox(max_waiting=2)
    mailbox.put(control("a", KINDS["look"]))
    mailbox.put(control("b", KINDS["directive"]))
    rejected = mailbox.reject_all("SESSION_ENDED", "over")
    assert [(each.control_id, each.reason) for each in rejected] == [
        ("a", "SESSION_ENDED"),
        ("b", "SESSION_ENDED"),
    ]
    assert len(mailbox) == 0


@pytest.mark.timeout(60)
@given(st.lists(st.sampled_from([*KINDS, "drain"]), max_size=40))
def test_every_control_gets_exactly_one_terminal_outcome(steps: list[str]) -> None:
    mailbox = Mailbox(max_waiting=3)
    settled: list[str] = []
    num_controls = 0
    for step in steps:
        if step == "drain":
            settled += applied_ids(mailbox)
            continue
        outcomes = mailbox.put(control(str(num_controls), KINDS[step]))
        settled += [each.control_id for each in outcomes if isinstance(each, Superseded | Rejected)]
        num_controls += 1
    settled += [each.control_id for each in mailbox.reject_all("SESSION_ENDED", "over")]
    assert sorted(settled, key=int) == [str(index) for index in range(num_controls)]
