"""The many hands on one session: who may send what, and who has it in hand. What comes of the axes of several is
`serving.gateway.shared_axes`' business."""

from __future__ import annotations

from collections.abc import Callable

from serving.errors import ControlUnsupportedError, NotInControlError, ScopeExceededError
from serving.gateway.arbitration import Policy
from serving.gateway.audience import Member
from serving.gateway.handover import AskControl, Baton, GiveControl, HandVerb, TakeControl
from serving.gateway.roles import Role
from serving.gateway.shared_axes import LET_GO, SharedAxes, own_control
from serving.sessions.contract import Cancel, Control, InHand, Outcome

IN_HAND = "in-hand."  # begins ids as LET_GO does
# Of a vote that nobody comes to count, where nobody says when it is to take effect.
FAR_CHUNK_IDX = 1 << 40


class Hands:
    """Its methods never wait; they give what is to be sent to the worker."""

    def __init__(
        self,
        policy: Policy,
        take_control_after_s: float,
        clock: Callable[[], float],
        uncounted_until: Callable[[], int] = lambda: FAR_CHUNK_IDX,
    ) -> None:
        """`uncounted_until`: as `SharedAxes`."""
        self.policy = policy
        self.take_control_after_s = take_control_after_s
        self._clock = clock
        self.axes = SharedAxes(policy, clock, uncounted_until)
        self._baton: Baton[Member] = Baton()
        self._players: list[Member] = []
        self._absent: Member | None = None  # the last who drove, while nobody does

    # --- coming and going ---

    def enter(self, member: Member) -> list[Control]:
        self.axes.enter(member)
        if member.role is not Role.PLAYER:
            return []
        self._players.append(member)
        self._baton = self._baton.entered(member)
        absent, self._absent = self._absent, None
        if absent is None:
            return []
        is_same = member.is_same_as(absent) or not member.is_named
        return self.axes.pass_on(absent, member) if is_same else self.axes.let_go(absent)

    def leave(self, member: Member) -> list[Control]:
        """Those who stay go on without what it held. The last one's hold stays for it to come back to."""
        lost = self.axes.leave(member)
        if member in self._players:
            self._players.remove(member)
            before, self._baton = self._baton, self._baton.left(member, tuple(self._players))
            if not self._players:
                self._absent = member
                return lost
            lost += self._passed_on(before, by=member)
        return [*lost, *self.axes.let_go(member)]

    def is_in_control(self, member: Member) -> bool:
        if member.role is Role.PLAYER:
            return self.policy is not Policy.SINGLE or self._baton.holder is member
        return member.role is Role.DIRECTOR

    def asks_control(self, member: Member) -> bool:
        return any(ask.who is member for ask in self._baton.asks)

    # --- control, handed over ---

    def hand_over(self, member: Member, verb: HandVerb) -> list[Control]:
        """Raises `NotInControlError`, `InvalidFieldError`, `ControlUnsupportedError` or `ScopeExceededError`."""
        if self.policy is not Policy.SINGLE:
            message = f"with the policy {self.policy} nobody has control alone"
            raise ControlUnsupportedError(message, field="control")
        if member.role is not Role.PLAYER:
            raise ScopeExceededError("only players can have control", field="control")
        before = self._baton
        match verb:
            case AskControl():
                self._baton = self._baton.asked(member, self._clock())
            case GiveControl(client_id=client_id):
                self._baton = self._baton.given(member, self._player(client_id) if client_id else None)
            case TakeControl():
                self._baton = self._baton.taken(member, self._clock(), self.take_control_after_s)
        passed_on = self._passed_on(before, by=member)
        return [*passed_on, *self.axes.let_go(before.holder)] if passed_on and before.holder else passed_on

    def _passed_on(self, before: Baton[Member], by: Member) -> list[Control]:
        """For the record: who has the session in hand from now on, and by whose doing."""
        holder = self._baton.holder
        if self.policy is not Policy.SINGLE or before.holder in (None, holder) or holder is None:
            return []
        kind = InHand(client_id=holder.client_id, subject_id=holder.subject_id)
        return [own_control(IN_HAND, kind, by, self._clock())]

    def _player(self, client_id: str) -> Member:
        found = next((each for each in self._players if each.client_id == client_id), None)
        if found is None:
            allowed = tuple(each.client_id for each in self._players)
            raise NotInControlError(
                "there is no such player here", field="control.give_control.client_id", allowed=allowed
            )
        return found

    # --- controls ---

    def check(self, member: Member, kind: object, *, is_scheduled: bool) -> None:
        """Whether a client may send it now. Raises `ScopeExceededError`, `NotInControlError` or
        `ControlUnsupportedError`."""
        is_directing = member.role is Role.DIRECTOR and self.policy is Policy.DIRECTOR
        is_own_affair = isinstance(kind, Cancel) and member.role is not Role.VIEWER
        if not is_directing and not is_own_affair:
            member.role.check(kind)
        if not self.is_in_control(member) and not isinstance(kind, Cancel):
            raise NotInControlError("another client is in control; ask for it", field="control")
        if is_scheduled and self.policy is Policy.VOTE and self.axes.is_shared(kind):
            allowed = tuple(each for each in Policy if each is not Policy.VOTE)
            message = f"votes are for now: moves and looks can be scheduled with the policies {', '.join(allowed)}"
            raise ControlUnsupportedError(message, field="control.schedule", allowed=allowed)

    def arrange(self, member: Member, control: Control) -> list[Control]:
        """What the worker gets now."""
        return self.axes.arrange(member, control)

    def read(self, outcome: Outcome) -> list[Outcome]:
        """As `SharedAxes.read`."""
        return self.axes.read(outcome)

    def holder_of(self, control_id: str) -> Member | None:
        """Who holds axes by it."""
        return self.axes.holder_of(control_id)


def is_sent(control_id: str) -> bool:
    """Whether a client sent it, and is to hear of it."""
    return not control_id.startswith((LET_GO, IN_HAND))
