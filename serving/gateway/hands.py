"""The many hands on one session: who may send what, and what its worker gets of it.

What loses goes to the worker as well, to be on record with whoever sent it. Where several clients' axes make one
control, that bears the id of the last of theirs, and the outcomes of the others follow its own.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from serving.errors import ControlUnsupportedError, NotInControlError, ScopeExceededError
from serving.gateway.arbitration import LOSS_REASONS, LossReason, Policy, Ruling
from serving.gateway.audience import Member
from serving.gateway.handover import AskControl, Baton, GiveControl, HandVerb, TakeControl
from serving.gateway.held_axes import HeldAxes
from serving.gateway.roles import Role
from serving.sessions.attribution import Loss, Sender
from serving.sessions.contract import Applied, Cancel, Control, Look, Move, Outcome, Rejected, Superseded

# Begins the ids of controls that nobody sent: of a kind that no client can choose.
LET_GO = "let-go."


class Hands:
    """Its methods never wait; they give what is to be sent to the worker."""

    def __init__(self, policy: Policy, take_control_after_s: float, clock: Callable[[], float]) -> None:
        self.policy = policy
        self.take_control_after_s = take_control_after_s
        self._clock = clock
        self._axes: dict[type, HeldAxes[Any]] = {
            Move: HeldAxes(Move(forward=0.0, strafe=0.0)),
            Look: HeldAxes(Look(yaw=0.0, pitch=0.0)),
        }
        self._baton: Baton[Member] = Baton()
        self._players: list[Member] = []
        self._absent: Member | None = None  # the last who drove, while nobody does
        self._ballots: list[tuple[Member, Control]] = []
        self._scheduled: dict[str, tuple[Member, Control]] = {}  # axes that will be held
        self._made_of: dict[str, frozenset[str]] = {}  # by a control that is on its way: those it was made of
        self._riders: dict[str, list[str]] = {}  # by control: those that took effect with it, if it does

    # --- coming and going ---

    def enter(self, member: Member) -> list[Control]:
        if member.role is not Role.PLAYER:
            return []
        self._players.append(member)
        self._baton = self._baton.entered(member)
        absent, self._absent = self._absent, None
        if absent is None:
            return []
        is_same = member.is_same_as(absent) or not member.is_named
        for axes in self._axes.values():
            axes.pass_on(absent, member) if is_same else axes.let_go(absent)
        return self._settle(absent)

    def leave(self, member: Member) -> list[Control]:
        """Those who stay go on without what it held. The last one's hold stays for it to come back to."""
        uncounted = [control for owner, control in self._ballots if owner is member]
        self._ballots = [each for each in self._ballots if each[0] is not member]
        lost = [replace(each, loss=Loss(by_control_id="", reason=LossReason.CANCELLED)) for each in uncounted]
        if member in self._players:
            self._players.remove(member)
            self._baton = self._baton.left(member, tuple(self._players))
            if not self._players:
                self._absent = member
                return lost
        return [*lost, *self._let_go(member)]

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
        before = self._baton.holder
        match verb:
            case AskControl():
                self._baton = self._baton.asked(member, self._clock())
            case GiveControl(client_id=client_id):
                self._baton = self._baton.given(member, self._player(client_id) if client_id else None)
            case TakeControl():
                self._baton = self._baton.taken(member, self._clock(), self.take_control_after_s)
        return [] if before is None or before is self._baton.holder else self._let_go(before)

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
        if is_scheduled and self.policy is not Policy.SINGLE and type(kind) in self._axes:
            message = f"with the policy {self.policy} moves and looks cannot be scheduled: others hold the same axes"
            raise ControlUnsupportedError(message, field="control.schedule")

    def arrange(self, member: Member, control: Control) -> list[Control]:
        """What the worker gets now. Votes wait to be counted."""
        axes = self._axes.get(type(control.kind))
        if axes is None:
            return [control]
        if control.schedule is not None:
            self._scheduled[control.control_id] = (member, control)
            return [control]
        axes.hold(member, control, control.kind)
        if self.policy is Policy.VOTE:
            self._ballots.append((member, control))
            return []
        return [self._ruled(axes, axes.rule(self.policy), control)]

    def forget(self, control_id: str) -> None:
        """It never reached the worker."""
        self._made_of.pop(control_id, None)
        self._scheduled.pop(control_id, None)
        self._ballots = [each for each in self._ballots if each[1].control_id != control_id]

    @property
    def has_ballots(self) -> bool:
        return bool(self._ballots)

    def count_votes(self) -> list[Control]:
        ballots, self._ballots = self._ballots, []
        ordered: list[Control] = []
        for kind, axes in self._axes.items():
            ruling = axes.rule(self.policy)
            cast = [(member, control) for member, control in ballots if type(control.kind) is kind]
            last = {member: control.control_id for member, control in cast}
            for member, control in cast:
                if last[member] == control.control_id:
                    ordered.append(self._ruled(axes, ruling, control))
                else:  # somebody thought better of it in time
                    ordered.append(replace(control, loss=Loss(by_control_id=last[member])))
        absent = ballots[0][0] if ballots else None
        return ordered if absent is None else [*ordered, *self._settle(absent)]

    def _ruled(self, axes: HeldAxes[Any], ruling: Ruling[Any], control: Control) -> Control:
        if control.control_id not in ruling.in_force:
            loss = Loss(by_control_id=ruling.leading, reason=LOSS_REASONS.get(self.policy, ""))
            return replace(control, loss=loss)
        axes.in_force = ruling.value
        if len(ruling.in_force) > 1:
            self._made_of[control.control_id] = ruling.in_force
        return replace(control, kind=ruling.value)

    def _let_go(self, member: Member) -> list[Control]:
        for axes in self._axes.values():
            axes.let_go(member)
        return self._settle(member)

    def _settle(self, on_behalf: Member) -> list[Control]:
        """What nobody sent and is needed all the same, for the session to get what is held."""
        needed = [(axes, axes.rule(self.policy).value) for axes in self._axes.values()]
        changed = [(axes, value) for axes, value in needed if value != axes.in_force]
        for axes, value in changed:
            axes.in_force = value
        sender = Sender(subject_id=on_behalf.subject_id, client_id=on_behalf.client_id)
        return [
            Control(control_id=LET_GO + secrets.token_hex(8), kind=value, received_s=self._clock(), sender=sender)
            for _, value in changed
        ]

    # --- outcomes ---

    def read(self, outcome: Outcome) -> list[Outcome]:
        """What the outcome means for those who sent controls: nothing yet where one of them took effect with another
        that is on its way."""
        control_id = outcome.control_id
        match outcome:
            case Superseded(by_control_id=by, reason="") if control_id in self._made_of.get(by, ()):
                self._made_of.pop(control_id, None)
                # Of those that rode on it, some may have been replaced by their own clients meanwhile.
                left = self._board(by, [*self._riders.pop(control_id, []), control_id])
                return [replace(outcome, control_id=rider) for rider in left]
            case Applied() | Superseded() | Rejected():
                self._made_of.pop(control_id, None)
                self._note_held(outcome)
                riders = self._riders.pop(control_id, [])
                if isinstance(outcome, Superseded):  # by the same client's next, which may be made of theirs as well
                    riders = self._board(outcome.by_control_id, riders)
                return [outcome, *(replace(outcome, control_id=rider) for rider in riders)]
            case _:
                return [outcome]

    def _board(self, control_id: str, riders: list[str]) -> list[str]:
        """Let those ride that the control is made of. Gives the others."""
        made_of = self._made_of.get(control_id, frozenset())
        if also := [rider for rider in riders if rider in made_of]:
            self._riders.setdefault(control_id, []).extend(also)
        return [rider for rider in riders if rider not in made_of]

    def _note_held(self, outcome: Outcome) -> None:
        member, control = self._scheduled.pop(outcome.control_id, (None, None))
        if member is None or control is None or not isinstance(outcome, Applied) or member not in self._players:
            return
        axes = self._axes[type(control.kind)]
        axes.hold(member, control, control.kind)
        axes.in_force = control.kind

    def holder_of(self, control_id: str) -> Member | None:
        """Who holds axes by it."""
        found = (axes.holder_of(control_id) for axes in self._axes.values())
        return next((member for member in found if member is not None), None)


def is_sent(control_id: str) -> bool:
    """Whether a client sent it, and is to hear of it."""
    return not control_id.startswith(LET_GO)
