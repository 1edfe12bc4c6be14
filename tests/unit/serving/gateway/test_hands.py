from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.interface import ModelInfo
from serving.engine.mailbox import Mailbox
from serving.errors import ControlUnsupportedError, NotInControlError, ScopeExceededError
from serving.gateway.arbitration import Policy
from serving.gateway.audience import Member
from serving.gateway.handover import AskControl, GiveControl, TakeControl
from serving.gateway.hands import IN_HAND, LET_GO, Hands, is_sent
from serving.gateway.media import AudioCodec, MediaConfig, VideoCodec
from serving.gateway.media_channel import Codecs, MediaChannel
from serving.gateway.roles import Role
from serving.gateway.seats import Seat
from serving.gateway.seen import Seen
from serving.sessions.attribution import Loss, Schedule
from serving.sessions.contract import (
    Accepted,
    Applied,
    Cancel,
    Control,
    Directive,
    InHand,
    Look,
    Move,
    Outcome,
    QualityChanged,
    Rewound,
    Superseded,
)
from serving.sessions.encoded import EncodedControl, EncodedDirective
from tests.fakes import fake_info

INFO: ModelInfo = fake_info()
CHANNEL = MediaChannel(Codecs(VideoCodec.VIDEO_CODEC_RAW_RGB, AudioCodec.AUDIO_CODEC_PCM_S16LE), INFO, MediaConfig())


RAIN = EncodedDirective(text="", tensors={"text": np.ones(1, np.float32)})


class Nobody:
    """A client that nobody reads."""

    def tell(self, outcome: Outcome) -> None: ...

    def go_away(self, reason: str, time_left_s: float) -> None: ...

    def rewound(self, event: Rewound) -> None: ...

    def quality_changed(self, event: QualityChanged) -> None: ...

    def hands_changed(self, seen: Sequence[Seen], num_viewers: int) -> None: ...

    def wake(self) -> None: ...


def member(name: str, role: Role = Role.PLAYER, subject_id: str = "local") -> Member:
    seat = Seat(CHANNEL, 0, 0)
    return Member(client=Nobody(), seat=seat, role=role, client_id=name, is_named=True, subject_id=subject_id)


class Worker:
    """A real mailbox, and what a session would make of it."""

    def __init__(self, policy: Policy) -> None:
        self.hands = Hands(policy, 10.0, lambda: 0.0, lambda: self.chunk_idx + 40)
        self.mailbox = Mailbox(max_waiting=64)
        self.outcomes: list[Outcome] = []
        self.chunk_idx = 0
        self.ahead_chunks = 2

    def send(self, controls: Sequence[Control]) -> None:
        for each in controls:
            if isinstance(each.kind, Cancel):
                self._cancel(each, each.kind.control_id)
                continue
            kind = RAIN if isinstance(each.kind, Directive) else each.kind
            assert isinstance(kind, Move | Look | EncodedDirective | InHand)
            encoded = EncodedControl(
                control_id=each.control_id, kind=kind, received_s=0.0, schedule=each.schedule, loss=each.loss
            )
            self.read(self.mailbox.put(encoded))

    def _cancel(self, control: Control, cancelled_id: str) -> None:
        """As a worker's session does."""
        loss = control.loss or Loss(by_control_id=control.control_id, reason="CANCELLED")
        self.read(self.mailbox.cancel(cancelled_id, loss.by_control_id, loss.reason))

    def step(self) -> None:
        self.send(self.hands.axes.coming(self.chunk_idx + self.ahead_chunks))
        drained = self.mailbox.drain(self.chunk_idx)
        self.read(drained.lost)
        self.read(
            Applied(control_id=each.control_id, chunk_idx=self.chunk_idx, frame_idx=0, world_time_s=0.0)
            for each in drained.applied
        )
        self.chunk_idx += 1

    def read(self, outcomes: Iterable[Outcome]) -> None:
        for each in outcomes:
            self.outcomes += self.hands.read(each)
            self.send(self.hands.axes.amends())

    def terminal(self) -> Counter[str]:
        return Counter(
            each.control_id for each in self.outcomes if not isinstance(each, Accepted) and is_sent(each.control_id)
        )

    def of(self, control_id: str) -> list[Outcome]:
        return [each for each in self.outcomes if each.control_id == control_id]


def move(control_id: str, forward: float, strafe: float = 0.0, at: float = 0.0) -> Control:
    return Control(control_id=control_id, kind=Move(forward=forward, strafe=strafe), received_s=at)


events = st.lists(
    st.tuples(
        st.sampled_from(["move", "look", "say", "later", "plan", "step", "count", "leave", "enter", "cancel"]),
        st.integers(0, 3),
        st.sampled_from([-1.0, -0.5, 0.0, 0.5, 1.0]),
    ),
    max_size=40,
)


@given(events, st.sampled_from(Policy))
def test_p_03_every_control_gets_one_outcome_whoever_sends_it(
    happens: list[tuple[str, int, float]], policy: Policy
) -> None:
    worker, present, sent = Worker(policy), list[Member](), Counter[str]()
    crowd = [member(f"m{idx}", Role.DIRECTOR if idx == 3 else Role.PLAYER) for idx in range(4)]
    for number, (what, who, value) in enumerate(happens):
        someone, control_id = crowd[who], f"c{number}"
        is_later = what in ("later", "plan")
        schedule = Schedule(chunk_idx=worker.chunk_idx + 3) if is_later else None
        kinds = {
            "move": Move(forward=value, strafe=-value / 2),
            "look": Look(yaw=value, pitch=0.0),
            "say": Directive(text="rain"),
            "later": Directive(text="rain"),
            "plan": Move(forward=-value, strafe=value),
        }
        if what == "step":
            worker.step()
        elif what == "count":
            worker.send(worker.hands.axes.count_votes())
        elif what == "enter" and someone not in present:
            present.append(someone)
            worker.send(worker.hands.enter(someone))
        elif what == "leave" and someone in present:
            present.remove(someone)
            worker.send(worker.hands.leave(someone))
        elif what == "cancel" and sent:
            worker.send(
                [Control(control_id=f"x{number}", kind=Cancel(control_id=next(reversed(sent))), received_s=0.0)]
            )
        elif what in kinds and someone in present:
            control = Control(control_id=control_id, kind=kinds[what], received_s=float(number), schedule=schedule)
            try:
                worker.hands.check(someone, control.kind, is_scheduled=schedule is not None)
            except (NotInControlError, ScopeExceededError, ControlUnsupportedError):
                continue
            sent[control_id] += 1
            worker.send(worker.hands.arrange(someone, control))
    worker.send(worker.hands.axes.count_votes())
    for _ in range(5):
        worker.step()
    assert worker.terminal() == +sent
    held = worker.mailbox.held
    assert all(-1.0 <= axis <= 1.0 for axis in (held.forward, held.strafe, held.yaw, held.pitch))
    assert (held.forward, held.strafe) == (
        worker.hands.axes._axes[Move].in_force.forward,
        worker.hands.axes._axes[Move].in_force.strafe,
    ), "the world gets what is in force"


def test_axes_that_were_merged_take_effect_together() -> None:
    worker, ann, bob = Worker(Policy.MERGE), member("ann"), member("bob")
    for each in (ann, bob):
        worker.send(worker.hands.enter(each))
    worker.send(worker.hands.arrange(ann, move("a", 0.5)))
    worker.send(worker.hands.arrange(bob, move("b", 0.25)))
    worker.step()
    assert worker.mailbox.held.forward == 0.75
    assert [type(each) for each in worker.of("a")] == [type(each) for each in worker.of("b")] == [Accepted, Applied]
    assert len(worker.hands.axes._riders) == 0


def test_a_clients_own_later_move_takes_the_place_of_its_earlier_one() -> None:
    worker, ann, bob = Worker(Policy.MERGE), member("ann"), member("bob")
    for each in (ann, bob):
        worker.send(worker.hands.enter(each))
    for control in (move("a1", 0.5), move("a2", 1.0)):
        worker.send(worker.hands.arrange(ann, control))
        worker.send(worker.hands.arrange(bob, move(f"b-{control.control_id}", 0.0)))
    worker.step()
    assert [type(each) for each in worker.of("a1")] == [Accepted, Superseded]
    assert [type(each) for each in worker.of("a2")] == [Accepted, Applied]


@pytest.mark.parametrize(
    ("name", "subject_id", "held"), [("ann", "local", 1.0), ("bob", "local", 0.0), ("ann", "link", 0.0)]
)
def test_the_last_who_left_finds_what_it_held_and_nobody_else_does(name: str, subject_id: str, held: float) -> None:
    worker, ann = Worker(Policy.SINGLE), member("ann")
    worker.send(worker.hands.enter(ann))
    worker.send(worker.hands.arrange(ann, move("a", 1.0)))
    worker.step()
    worker.send(worker.hands.leave(ann))
    worker.send(worker.hands.enter(member(name, subject_id=subject_id)))
    worker.step()
    assert worker.mailbox.held.forward == held


def test_what_was_scheduled_is_let_go_with_the_rest() -> None:
    worker, ann, bob = Worker(Policy.SINGLE), member("ann"), member("bob")
    worker.send([*worker.hands.enter(ann), *worker.hands.enter(bob)])
    control = Control(
        control_id="a", kind=Move(forward=1.0, strafe=0.0), received_s=0.0, schedule=Schedule(chunk_idx=2)
    )
    worker.send(worker.hands.arrange(ann, control))
    for _ in range(3):
        worker.step()
    assert worker.mailbox.held.forward == 1.0
    worker.send(worker.hands.hand_over(ann, GiveControl("bob")))
    worker.step()
    assert worker.mailbox.held.forward == 0.0
    assert any(each.control_id.startswith(LET_GO) for each in worker.outcomes)


def in_hand(controls: Sequence[Control]) -> list[tuple[InHand, str, str]]:
    """Who has it, by whom, and as what."""
    return [
        (each.kind, each.sender.client_id if each.sender else "", each.control_id[: len(IN_HAND)])
        for each in controls
        if isinstance(each.kind, InHand)
    ]


def test_p_03_whoever_has_a_session_in_hand_after_another_is_put_on_record() -> None:
    hands = Hands(Policy.SINGLE, 0.0, lambda: 0.0)
    ann, bob, cid = member("ann"), member("bob", subject_id="link"), member("cid")
    assert in_hand([each for who in (ann, bob, cid) for each in hands.enter(who)]) == [], "the first who comes has it"
    bobs, cids = InHand(client_id="bob", subject_id="link"), InHand(client_id="cid", subject_id="local")
    assert in_hand(hands.hand_over(bob, AskControl())) == []
    assert in_hand(hands.hand_over(ann, GiveControl(""))) == [(bobs, "ann", IN_HAND)]
    hands.hand_over(cid, AskControl())
    assert in_hand(hands.hand_over(cid, TakeControl())) == [(cids, "cid", IN_HAND)]
    assert in_hand(hands.leave(ann)) == []
    assert in_hand(hands.leave(cid)) == [(bobs, "cid", IN_HAND)]
    assert in_hand(hands.leave(bob)) == []
    assert not is_sent(IN_HAND + "1")


def test_who_looks_on_may_neither_control_nor_take_back() -> None:
    hands = Hands(Policy.DIRECTOR, 1.0, lambda: 0.0)
    viewer, director = member("v", Role.VIEWER), member("d", Role.DIRECTOR)
    for kind in (Move(forward=1.0, strafe=0.0), Directive(text="rain"), Cancel(control_id="c")):
        with pytest.raises(ScopeExceededError):
            hands.check(viewer, kind, is_scheduled=False)
        hands.check(director, kind, is_scheduled=False)
    with pytest.raises(ControlUnsupportedError, match="nobody has control alone"):
        hands.hand_over(member("p"), AskControl())
    hands.check(director, Look(yaw=1.0, pitch=0.0), is_scheduled=True)


def test_votes_are_for_now() -> None:
    hands, ann = Hands(Policy.VOTE, 1.0, lambda: 0.0), member("ann")
    hands.enter(ann)
    hands.check(ann, Directive(text="rain"), is_scheduled=True)
    with pytest.raises(ControlUnsupportedError) as refused:
        hands.check(ann, Look(yaw=1.0, pitch=0.0), is_scheduled=True)
    assert (refused.value.field, refused.value.allowed) == ("control.schedule", ("single", "merge", "director"))


def planned(control_id: str, forward: float, chunk_idx: int) -> Control:
    return replace(move(control_id, forward), schedule=Schedule(chunk_idx=chunk_idx))


def housed(policy: Policy, *members: Member) -> Worker:
    worker = Worker(policy)
    for each in members:
        worker.send(worker.hands.enter(each))
    return worker


def test_p_03_what_is_planned_is_merged_with_what_others_hold_by_then() -> None:
    ann, bob = member("ann"), member("bob")
    worker = housed(Policy.MERGE, ann, bob)
    worker.send(worker.hands.arrange(bob, move("b1", 0.25)))
    worker.send(worker.hands.arrange(ann, planned("a", 0.5, 6)))
    worker.step()
    worker.send(worker.hands.arrange(bob, move("b2", -0.25)))
    held = []
    for _ in range(7):
        worker.step()
        held.append(worker.mailbox.held.forward)
    assert held == [-0.25] * 5 + [0.25] * 2, "in the very chunk"
    [accepted, applied] = worker.of("a")
    assert isinstance(accepted, Accepted)
    assert isinstance(applied, Applied)
    assert (accepted.due_chunk_idx, applied.chunk_idx) == (6, 6)
    worker.send(worker.hands.leave(ann))
    worker.step()
    assert worker.mailbox.held.forward == -0.25


def test_others_who_change_their_minds_fill_nothing() -> None:
    ann, bob = member("ann"), member("bob")
    worker = housed(Policy.MERGE, ann, bob)
    worker.send(worker.hands.arrange(ann, planned("a", 0.5, 3)))
    worker.step()
    for number in range(80):
        worker.send(worker.hands.arrange(bob, move(f"b{number}", number / 200)))
        worker.send(worker.hands.axes.coming(worker.chunk_idx + 2))
    assert len(worker.mailbox) <= 3
    for _ in range(4):
        worker.step()
    assert worker.mailbox.held.forward == pytest.approx(0.5 + 79 / 200)


def test_what_a_worker_had_no_room_for_is_put_right_when_it_takes_effect() -> None:
    ann, bob = member("ann"), member("bob")
    worker = housed(Policy.MERGE, ann, bob)
    for number in range(64):
        worker.send(worker.hands.arrange(ann, planned(f"a{number}", 0.5, 3 if number == 0 else 100)))
    worker.step()
    worker.send(worker.hands.arrange(bob, move("b", 0.25)))
    for _ in range(5):
        worker.step()
    assert worker.mailbox.held.forward == 0.75


def test_what_several_planned_for_one_chunk_takes_effect_together() -> None:
    ann, bob, cid = member("ann"), member("bob"), member("cid")
    worker = housed(Policy.MERGE, ann, bob, cid)
    for someone, control in ((ann, planned("a", 0.5, 4)), (bob, planned("b", 0.25, 4)), (cid, planned("c", -1.0, 9))):
        worker.send(worker.hands.arrange(someone, control))
    for _ in range(5):
        worker.step()
    assert worker.mailbox.held.forward == 0.75
    assert [type(each) for each in (*worker.of("a"), *worker.of("b"))] == [Accepted, Applied] * 2
    for _ in range(5):
        worker.step()
    assert worker.mailbox.held.forward == -0.25


def test_what_a_player_planned_gives_way_to_a_director_who_holds_something_by_then() -> None:
    player, director = member("p"), member("d", Role.DIRECTOR)
    worker = housed(Policy.DIRECTOR, player, director)
    worker.send(worker.hands.arrange(player, planned("p1", 1.0, 4)))
    worker.send(worker.hands.arrange(player, planned("p2", 0.5, 8)))
    worker.send(worker.hands.arrange(director, move("d1", -1.0)))
    for _ in range(5):
        worker.step()
    assert [type(each) for each in worker.of("p1")] == [Accepted, Superseded]
    assert [each.reason for each in worker.of("p1") if isinstance(each, Superseded)] == ["DIRECTOR"]
    assert worker.mailbox.held.forward == -1.0
    worker.send(worker.hands.arrange(director, move("d2", 0.0)))
    for _ in range(5):
        worker.step()
    assert [type(each) for each in worker.of("p2")] == [Accepted, Applied]
    assert worker.mailbox.held.forward == 0.5


def test_what_was_planned_and_taken_back_leaves_nothing_behind() -> None:
    ann, bob = member("ann"), member("bob")
    worker = housed(Policy.MERGE, ann, bob)
    worker.send(worker.hands.arrange(ann, planned("a", 1.0, 3)))
    worker.send(worker.hands.arrange(bob, move("b", 0.5)))
    worker.step()  # the worker has been told of bob's by now
    worker.step()
    worker.send([Control(control_id="x", kind=Cancel(control_id="a"), received_s=0.0)])
    for _ in range(4):
        worker.step()
    assert worker.mailbox.held.forward == 0.5
    assert [each.reason for each in worker.of("a") if isinstance(each, Superseded)] == ["CANCELLED"]
    assert not worker.hands.axes.has_plans


def test_a_move_that_was_taken_back_is_not_held() -> None:
    ann, bob = member("ann"), member("bob")
    worker = housed(Policy.MERGE, ann, bob)
    worker.send(worker.hands.arrange(bob, move("b", 0.5)))
    worker.step()
    worker.send(worker.hands.arrange(ann, move("a", 0.25)))
    worker.send([Control(control_id="x", kind=Cancel(control_id="a"), received_s=0.0)])
    worker.step()
    assert worker.mailbox.held.forward == 0.5
    assert [type(each) for each in worker.of("a")] == [Accepted, Superseded]


def test_what_is_planned_after_another_is_known_once_that_takes_effect() -> None:
    ann, bob = member("ann"), member("bob")
    worker = housed(Policy.MERGE, ann, bob)
    worker.send(worker.hands.arrange(bob, planned("b", 0.25, 2)))
    after = replace(move("a", 0.5), schedule=Schedule(after_control_id="b", delay_chunks=3))
    worker.send(worker.hands.arrange(ann, after))
    held = []
    for _ in range(6):
        worker.step()
        held.append(worker.mailbox.held.forward)
    assert held == [0.0, 0.0, 0.25, 0.25, 0.25, 0.75]


def test_p_03_a_vote_is_accepted_at_once_and_settled_when_it_is_counted() -> None:
    crowd = [member(f"m{idx}") for idx in range(3)]
    worker = housed(Policy.VOTE, *crowd)
    for idx, (someone, forward) in enumerate(zip(crowd, (1.0, -1.0, 1.0), strict=True)):
        worker.send(worker.hands.arrange(someone, move(f"v{idx}", forward, at=float(idx))))
    assert [worker.of(f"v{idx}") for idx in range(3)] == [[Accepted(control_id=f"v{idx}")] for idx in range(3)]
    worker.step()
    assert worker.mailbox.held.forward == 0.0, "nobody counted yet"
    worker.send(worker.hands.axes.count_votes())
    worker.step()
    assert worker.mailbox.held.forward == 1.0
    assert [type(worker.of(f"v{idx}")[-1]) for idx in range(3)] == [Applied, Superseded, Applied]
    assert [each.reason for each in worker.of("v1") if isinstance(each, Superseded)] == ["OUTVOTED"]
    assert worker.terminal() == {f"v{idx}": 1 for idx in range(3)}


def test_a_vote_that_nobody_counts_does_not_wait_for_ever() -> None:
    ann = member("ann")
    worker = housed(Policy.VOTE, ann)
    worker.send(worker.hands.arrange(ann, move("v", 1.0)))
    for _ in range(42):
        worker.step()
    assert [type(each) for each in worker.of("v")] == [Accepted, Applied]
    worker.send(worker.hands.axes.count_votes())
    assert worker.mailbox.held.forward == 1.0
