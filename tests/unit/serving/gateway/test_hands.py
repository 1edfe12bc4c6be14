from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.interface import ModelInfo
from serving.engine.mailbox import Mailbox
from serving.errors import ControlUnsupportedError, NotInControlError, ScopeExceededError
from serving.gateway.arbitration import Policy
from serving.gateway.audience import Member
from serving.gateway.handover import AskControl, GiveControl
from serving.gateway.hands import LET_GO, Hands, is_sent
from serving.gateway.media import AudioCodec, MediaConfig, VideoCodec
from serving.gateway.media_channel import Codecs, MediaChannel
from serving.gateway.roles import Role
from serving.gateway.seats import Seat
from serving.gateway.seen import Seen
from serving.sessions.attribution import Schedule
from serving.sessions.contract import (
    Accepted,
    Applied,
    Cancel,
    Control,
    Directive,
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
        self.hands = Hands(policy, 10.0, lambda: 0.0)
        self.mailbox = Mailbox(max_waiting=64)
        self.outcomes: list[Outcome] = []
        self.chunk_idx = 0

    def send(self, controls: Sequence[Control]) -> None:
        for each in controls:
            kind = RAIN if isinstance(each.kind, Directive) else each.kind
            assert isinstance(kind, Move | Look | EncodedDirective)
            encoded = EncodedControl(
                control_id=each.control_id, kind=kind, received_s=0.0, schedule=each.schedule, loss=each.loss
            )
            self.read(self.mailbox.put(encoded))

    def step(self) -> None:
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
        st.sampled_from(["move", "look", "say", "later", "step", "count", "leave", "enter"]),
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
        schedule = Schedule(chunk_idx=worker.chunk_idx + 3) if what == "later" else None
        kinds = {
            "move": Move(forward=value, strafe=-value / 2),
            "look": Look(yaw=value, pitch=0.0),
            "say": Directive(text="rain"),
            "later": Directive(text="rain"),
        }
        if what == "step":
            worker.step()
        elif what == "count":
            worker.send(worker.hands.count_votes())
        elif what == "enter" and someone not in present:
            present.append(someone)
            worker.send(worker.hands.enter(someone))
        elif what == "leave" and someone in present:
            present.remove(someone)
            worker.send(worker.hands.leave(someone))
        elif what in kinds and someone in present:
            control = Control(control_id=control_id, kind=kinds[what], received_s=float(number), schedule=schedule)
            try:
                worker.hands.check(someone, control.kind, is_scheduled=schedule is not None)
            except (NotInControlError, ScopeExceededError, ControlUnsupportedError):
                continue
            sent[control_id] += 1
            worker.send(worker.hands.arrange(someone, control))
    worker.send(worker.hands.count_votes())
    for _ in range(5):
        worker.step()
    assert worker.terminal() == +sent
    held = worker.mailbox.held
    assert all(-1.0 <= axis <= 1.0 for axis in (held.forward, held.strafe, held.yaw, held.pitch))
    assert (held.forward, held.strafe) == (
        worker.hands._axes[Move].in_force.forward,
        worker.hands._axes[Move].in_force.strafe,
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
    assert worker.hands._made_of == worker.hands._riders == {}


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
    assert worker.outcomes[-1].control_id.startswith(LET_GO)


def test_who_looks_on_may_neither_control_nor_take_back() -> None:
    hands = Hands(Policy.DIRECTOR, 1.0, lambda: 0.0)
    viewer, director = member("v", Role.VIEWER), member("d", Role.DIRECTOR)
    for kind in (Move(forward=1.0, strafe=0.0), Directive(text="rain"), Cancel(control_id="c")):
        with pytest.raises(ScopeExceededError):
            hands.check(viewer, kind, is_scheduled=False)
        hands.check(director, kind, is_scheduled=False)
    with pytest.raises(ControlUnsupportedError, match="nobody has control alone"):
        hands.hand_over(member("p"), AskControl())
    with pytest.raises(ControlUnsupportedError, match="cannot be scheduled"):
        hands.check(director, Look(yaw=1.0, pitch=0.0), is_scheduled=True)
