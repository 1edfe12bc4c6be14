"""The moves and looks of several clients: what the worker gets of what they hold, now and at later chunks, and what its
answers mean for each of them.

Where several clients' axes make one control, that bears the id of the last of theirs, and the outcomes of the others
follow its own. What loses goes to the worker as well, to be on record with whoever sent it. A vote goes there at once,
to be on record until it is counted, and is then taken back in favour of what came of the count.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from serving.gateway.arbitration import LOSS_REASONS, LossReason, Policy, Ruling
from serving.gateway.audience import Member
from serving.gateway.ballots import Ballot, Ballots
from serving.gateway.held_axes import HeldAxes
from serving.gateway.planned_axes import Moment, Plan, PlannedAxes, Promise
from serving.gateway.riders import Riders
from serving.gateway.roles import Role
from serving.sessions.attribution import Loss, Schedule, Sender
from serving.sessions.contract import (
    Accepted,
    Applied,
    Cancel,
    Control,
    ControlKind,
    Look,
    Move,
    Outcome,
    Rejected,
    Superseded,
)

# Begins the ids of controls that nobody sent: of a kind that no client can choose.
LET_GO = "let-go."
NOBODYS = Loss(by_control_id="", reason=LossReason.CANCELLED)


def own_control(prefix: str, kind: ControlKind, on_behalf: Member, now_s: float) -> Control:
    """One that the gateway sends by itself."""
    sender = Sender(subject_id=on_behalf.subject_id, client_id=on_behalf.client_id)
    return Control(control_id=prefix + secrets.token_hex(8), kind=kind, received_s=now_s, sender=sender)


class _Check(NamedTuple):
    """Something planned took effect: is it what there should be?"""

    member: Member
    promise: Promise | None  # None where it should not have taken effect


class SharedAxes:
    """Its methods never wait; they give what is to be sent to the worker."""

    def __init__(self, policy: Policy, clock: Callable[[], float], uncounted_until: Callable[[], int]) -> None:
        """`uncounted_until`: the chunk at which a vote takes effect that nobody came to count."""
        self.policy = policy
        self._clock = clock
        self._uncounted_until = uncounted_until
        self._axes: dict[type, HeldAxes[Any]] = {
            Move: HeldAxes(Move(forward=0.0, strafe=0.0)),
            Look: HeldAxes(Look(yaw=0.0, pitch=0.0)),
        }
        self._here: set[Member] = set()
        self._riders = Riders()
        self._plans = PlannedAxes()
        self._ballots = Ballots()
        self._unsettled: set[str] = set()  # axes that were sent to take effect at once
        self._checks: dict[type, _Check] = {}
        self._orphans: list[Control] = []

    def is_shared(self, kind: object) -> bool:
        return type(kind) in self._axes

    @property
    def has_ballots(self) -> bool:
        return bool(self._ballots)

    @property
    def has_plans(self) -> bool:
        return len(self._plans) > 0

    # --- coming and going ---

    def enter(self, member: Member) -> None:
        self._here.add(member)

    def leave(self, member: Member) -> list[Control]:
        """What it holds and has planned stays, until `let_go`. Its votes do not count."""
        self._here.discard(member)
        return [self._withdraw(ballot, NOBODYS) for ballot in self._ballots.take_of(member)]

    def pass_on(self, member: Member, to: Member) -> list[Control]:
        """The same client, come back."""
        for axes in self._axes.values():
            axes.pass_on(member, to)
        self._plans.pass_on(member, to)
        return self._settle(to)

    def let_go(self, member: Member) -> list[Control]:
        """Of all that it holds, and, where others hold the same axes, of what it planned."""
        for axes in self._axes.values():
            axes.let_go(member)
        planned = [] if self.policy is Policy.SINGLE else self._plans.of(member)
        return [*(each for plan in planned for each in self._leave_out(plan, NOBODYS)), *self._settle(member)]

    # --- controls ---

    def arrange(self, member: Member, control: Control) -> list[Control]:
        """What the worker gets now."""
        axes = self._axes.get(type(control.kind))
        if axes is None:
            return [control]
        if control.schedule is not None:
            return [self._plan(axes, member, control)]
        axes.hold(member, control, control.kind)
        if self.policy is Policy.VOTE:
            return self._cast(member, control)
        return [self._ruled(axes, axes.rule(self.policy), control)]

    def forget(self, control_id: str) -> None:
        """It never reached the worker."""
        self._riders.forget(control_id)
        self._unsettled.discard(control_id)
        self._ballots.settle(control_id)
        if (plan := self._plans.pop(control_id)) is not None:
            self._plans.keep_promise(plan.moment)

    def _ruled(self, axes: HeldAxes[Any], ruling: Ruling[Any], control: Control) -> Control:
        if control.control_id not in ruling.in_force:
            return replace(control, loss=self._loss(ruling))
        axes.in_force, axes.num_sent = ruling.value, axes.num_sent + 1
        self._unsettled.add(control.control_id)
        if len(ruling.in_force) > 1:
            self._riders.compose(control.control_id, ruling.in_force)
        return replace(control, kind=ruling.value)

    def _loss(self, ruling: Ruling[Any]) -> Loss:
        return Loss(by_control_id=ruling.leading, reason=LOSS_REASONS.get(self.policy, ""))

    def _settle(self, on_behalf: Member) -> list[Control]:
        """What nobody sent and is needed all the same, for the session to get what is held."""
        needed = [(axes, axes.rule(self.policy).value) for axes in self._axes.values()]
        return [self._set(axes, value, on_behalf) for axes, value in needed if value != axes.in_force]

    def _set(self, axes: HeldAxes[Any], value: Any, on_behalf: Member) -> Control:
        axes.in_force, axes.num_sent = value, axes.num_sent + 1
        return own_control(LET_GO, value, on_behalf, self._clock())

    def _take_back(self, control_id: str, loss: Loss, on_behalf: Member) -> Control:
        return replace(own_control(LET_GO, Cancel(control_id=control_id), on_behalf, self._clock()), loss=loss)

    # --- votes ---

    def _cast(self, member: Member, control: Control) -> list[Control]:
        earlier = self._ballots.cast(member, control)
        on_record = replace(control, schedule=Schedule(chunk_idx=self._uncounted_until()))
        later = Loss(by_control_id=control.control_id)
        return [on_record, *([] if earlier is None else [self._withdraw(earlier, later)])]

    def _withdraw(self, ballot: Ballot, loss: Loss) -> Control:
        return self._take_back(ballot.control_id, loss, ballot.member)

    def count_votes(self) -> list[Control]:
        ballots = self._ballots.take()
        ordered: list[Control] = []
        for kind, axes in self._axes.items():
            cast = [ballot for ballot in ballots if type(ballot.control.kind) is kind]
            if cast:
                ordered += self._counted(axes, cast)
        return [*ordered, *self._settle(ballots[0].member)] if ballots else []

    def _counted(self, axes: HeldAxes[Any], ballots: list[Ballot]) -> list[Control]:
        ruling = axes.rule(self.policy)
        result = self._set(axes, ruling.value, ballots[0].member)
        self._riders.compose(result.control_id, ruling.in_force)
        won, lost = Loss(by_control_id=result.control_id), self._loss(ruling)
        taken_back = [self._withdraw(each, won if each.control_id in ruling.in_force else lost) for each in ballots]
        return [*taken_back, result]

    # --- what is to be held later ---

    def _plan(self, axes: HeldAxes[Any], member: Member, control: Control) -> Control:
        plan = self._plans.add(member, control)
        value, moment = control.kind, plan.moment
        if self.policy is not Policy.SINGLE:
            ruling = self._ruling_at(moment)
            value = ruling.value
            self._riders.compose(control.control_id, ruling.in_force)
        self._promise(moment, value)
        return replace(control, kind=value)

    def _promise(self, moment: Moment, value: Any, amending_id: str = "") -> None:
        before = self._plans.promised(moment)
        amending_id = amending_id or ("" if before is None else before.amending_id)
        num_sent = self._axes[moment.kind].num_sent
        self._plans.promise(moment, Promise(value=value, num_sent_before=num_sent, amending_id=amending_id))

    def _ruling_at(self, moment: Moment) -> Ruling[Any]:
        planned = [(plan.member, plan.control) for plan in self._plans.until(moment)]
        return self._axes[moment.kind].rule_with(self.policy, planned)

    def coming(self, chunk_idx: int) -> list[Control]:
        """Of what is planned up to that chunk: what the worker does not know, because somebody holds something else
        than when it was told."""
        if not self.has_plans or self.policy is Policy.SINGLE:
            return []
        return [each for moment in self._plans.moments_until(chunk_idx) for each in self._bring_up_to_date(moment)]

    def _bring_up_to_date(self, moment: Moment) -> list[Control]:
        ruling, latest = self._ruling_at(moment), {plan.member: plan for plan in self._plans.until(moment)}
        # A client's own earlier one gives way at the worker by itself.
        out = [each for each in self._plans.at(moment) if latest[each.member] is each and not _is_in(each, ruling)]
        told = [control for each in out for control in self._leave_out(each, self._loss(ruling))]
        promise, left = self._plans.promised(moment), self._plans.at(moment)
        if promise is None or not left:
            return told
        self._riders.compose(left[-1].control.control_id, ruling.in_force)
        if promise.value != ruling.value:
            if promise.amending_id:  # or many who change their minds would fill what a worker lets wait
                told.append(self._take_back(promise.amending_id, NOBODYS, left[-1].member))
            amending = own_control(LET_GO, ruling.value, left[-1].member, self._clock())
            self._riders.compose(amending.control_id, ruling.in_force)
            self._promise(moment, ruling.value, amending.control_id)
            told.append(replace(amending, schedule=Schedule(chunk_idx=moment.chunk_idx)))
        return told

    def _leave_out(self, plan: Plan, loss: Loss) -> list[Control]:
        plan.is_lost = True
        control_ids = [plan.control.control_id]
        promise = self._plans.keep_promise(plan.moment)
        if promise is not None and promise.amending_id:
            control_ids.append(promise.amending_id)
        return [self._take_back(each, loss, plan.member) for each in control_ids]

    # --- outcomes ---

    def read(self, outcome: Outcome) -> list[Outcome]:
        """What the outcome means for those who sent controls."""
        if isinstance(outcome, Accepted):
            is_ballot = self._ballots.is_one(outcome.control_id)
            return [replace(outcome, due_chunk_idx=None) if is_ballot else outcome]
        self._note_unsettled(outcome)
        if isinstance(outcome, Rejected) and outcome.control_id.startswith(LET_GO):
            self._plans.break_promise(outcome.control_id)
        told = self._riders.read(outcome)
        for each in told:
            self._note_ballot(each)
            self._note_plan(each)
            if isinstance(each, Applied):
                self._plans.resolve(each.control_id, each.chunk_idx)
        return told

    def amends(self) -> list[Control]:
        """What the worker needs after what it said last."""
        if not self._checks and not self._orphans:
            return []
        orphans, self._orphans = self._orphans, []
        checks, self._checks = self._checks, {}
        return [*orphans, *(each for kind, check in checks.items() for each in self._checked(self._axes[kind], check))]

    def _checked(self, axes: HeldAxes[Any], check: _Check) -> list[Control]:
        promise, value = check.promise, axes.rule(self.policy).value
        if promise is None or (promise.value, promise.num_sent_before) != (value, axes.num_sent):
            return [self._set(axes, value, check.member)]
        axes.in_force = value
        return []

    def _note_unsettled(self, outcome: Outcome) -> None:
        if outcome.control_id not in self._unsettled:
            return
        self._unsettled.discard(outcome.control_id)
        if isinstance(outcome, Superseded) and outcome.reason == LossReason.CANCELLED:
            for kind, axes in self._axes.items():  # taken back by its client, which holds nothing by it
                if (member := axes.holder_of(outcome.control_id)) is not None:
                    axes.let_go(member)
                    self._checks[kind] = _Check(member, None)

    def _note_ballot(self, outcome: Outcome) -> None:
        ballot = self._ballots.settle(outcome.control_id)
        if ballot is None:
            return
        kind = type(ballot.control.kind)
        if isinstance(outcome, Applied):  # it was not counted in time
            self._checks[kind] = _Check(ballot.member, None)
        elif isinstance(outcome, Superseded) and self._axes[kind].holder_of(ballot.control_id) is ballot.member:
            self._axes[kind].let_go(ballot.member)  # taken back by its client

    def _note_plan(self, outcome: Outcome) -> None:
        plan = self._plans.pop(outcome.control_id)
        if plan is None:
            return
        promise, last = self._plans.promised(plan.moment), self._plans.keep_promise(plan.moment)
        if isinstance(outcome, Applied):
            self._begin(plan, promise)
        elif last is not None and last.amending_id:
            self._orphans.append(self._take_back(last.amending_id, NOBODYS, plan.member))

    def _begin(self, plan: Plan, promise: Promise | None) -> None:
        """It is held from now on."""
        axes, member, control = self._axes[plan.moment.kind], plan.member, plan.control
        # What its client sent since, and has no outcome yet, comes after it.
        is_old = axes.control_id_of(member) in self._unsettled
        if is_old and self.policy is Policy.SINGLE:
            return
        # The last who left finds it held on coming back.
        is_held = not plan.is_lost and (
            member in self._here or not any(each.role is Role.PLAYER for each in self._here)
        )
        if is_held and not is_old:
            axes.hold(member, control, control.kind)
        if is_held and self.policy is Policy.SINGLE:
            axes.in_force = control.kind
        else:
            self._checks[plan.moment.kind] = _Check(member, promise if is_held else None)

    def holder_of(self, control_id: str) -> Member | None:
        """Who holds axes by it."""
        found = (axes.holder_of(control_id) for axes in self._axes.values())
        return next((member for member in found if member is not None), None)


def _is_in(plan: Plan, ruling: Ruling[Any]) -> bool:
    return plan.control.control_id in ruling.in_force
