"""Moves and looks that are to be held from a later chunk on, and what the worker was told that there will be by then.

What several clients hold becomes one value, so what takes effect at a later chunk depends on what others hold then.
The worker gets each at once, for it to be on record, with the value as it would be now; shortly before it is due it is
told another where somebody changed their mind meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from serving.gateway.audience import Member
from serving.sessions.contract import Control, Look, Move

UNKNOWN = -1  # number of values: unlike any that there can be


class Moment(NamedTuple):
    """Axes of one kind that take effect together: at a chunk, or after a control that is on its way itself."""

    kind: type[Move | Look]
    chunk_idx: int | None
    control_id: str  # of the only one, where the chunk is not known


@dataclass(slots=True, kw_only=True, eq=False)
class Plan:
    """What one client wants to hold from then on."""

    member: Member
    control: Control  # as its client sent it, scheduled as far as is known
    is_lost: bool = False  # the worker was told to leave it out

    @property
    def moment(self) -> Moment:
        schedule = self.control.schedule
        assert schedule is not None, "the others take effect at once"
        chunk_idx = schedule.chunk_idx
        kind: Any = type(self.control.kind)
        return Moment(kind, chunk_idx, self.control.control_id if chunk_idx is None else "")


@dataclass(slots=True, kw_only=True)
class Promise:
    """What there will be at a moment, as far as the worker knows."""

    value: Any  # Move or Look
    num_sent_before: int  # values of that kind that the worker was given at once
    amending_id: str = ""  # of the control that the gateway added for it


class PlannedAxes:
    """In the order they came."""

    def __init__(self) -> None:
        self._plans: dict[str, Plan] = {}
        self._promises: dict[Moment, Promise] = {}

    def __len__(self) -> int:
        return len(self._plans)

    def add(self, member: Member, control: Control) -> Plan:
        plan = self._plans[control.control_id] = Plan(member=member, control=control)
        return plan

    def pop(self, control_id: str) -> Plan | None:
        return self._plans.pop(control_id, None)

    def promise(self, moment: Moment, promise: Promise) -> None:
        self._promises[moment] = promise

    def promised(self, moment: Moment) -> Promise | None:
        return self._promises.get(moment)

    def break_promise(self, amending_id: str) -> None:
        """The worker would not have it: what takes effect is to be looked at."""
        for promise in self._promises.values():
            if promise.amending_id == amending_id:
                promise.num_sent_before = UNKNOWN

    def keep_promise(self, moment: Moment) -> Promise | None:
        """It has come, or nothing is left of it: None while there are others."""
        return None if self.at(moment) else self._promises.pop(moment, None)

    def at(self, moment: Moment) -> list[Plan]:
        return [plan for plan in self._plans.values() if plan.moment == moment and not plan.is_lost]

    def until(self, moment: Moment) -> list[Plan]:
        """What is held by then beside what is held now, the earliest first."""
        if moment.chunk_idx is None:
            return self.at(moment)
        plans = [plan for plan in self._plans.values() if plan.moment.kind is moment.kind and not plan.is_lost]
        timed = [(plan.moment.chunk_idx, plan) for plan in plans]
        due = [
            (chunk_idx, plan) for chunk_idx, plan in timed if chunk_idx is not None and chunk_idx <= moment.chunk_idx
        ]
        return [plan for _, plan in sorted(due, key=lambda each: each[0])]

    def moments_until(self, chunk_idx: int) -> list[Moment]:
        """Those that come soon, the earliest first."""
        moments = {plan.moment for plan in self._plans.values() if not plan.is_lost}
        due = [(moment.chunk_idx, moment) for moment in moments if moment.chunk_idx is not None]
        return [
            moment for at, moment in sorted(due, key=lambda each: (each[0], each[1].kind.__name__)) if at <= chunk_idx
        ]

    def of(self, member: Member) -> list[Plan]:
        return [plan for plan in self._plans.values() if plan.member is member and not plan.is_lost]

    def pass_on(self, member: Member, to: Member) -> None:
        """The same client, come back."""
        for plan in self._plans.values():
            if plan.member is member:
                plan.member = to

    def resolve(self, control_id: str, chunk_idx: int) -> None:
        """A control took effect: when those are due that wait for it is known."""
        for plan in self._waiting_for(control_id):
            schedule, before = plan.control.schedule, plan.moment
            assert schedule is not None, "it waits for another"
            plan.control = replace(plan.control, schedule=schedule.after(chunk_idx))
            if (promise := self._promises.pop(before, None)) is not None:
                # Of several that turn out to be due together, the last is what the worker will take.
                self._promises[plan.moment] = promise

    def _waiting_for(self, control_id: str) -> Iterable[Plan]:
        for plan in self._plans.values():
            schedule = plan.control.schedule
            if schedule is not None and schedule.chunk_idx is None and schedule.after_control_id == control_id:
                yield plan
