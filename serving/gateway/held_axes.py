"""What each client of a session holds on one pair of axes, and what the session got of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Generic

from serving.gateway.arbitration import Axes, Held, Policy, Ruling, rule
from serving.gateway.audience import Member
from serving.gateway.roles import Role
from serving.sessions.contract import Control


class HeldAxes(Generic[Axes]):
    def __init__(self, idle: Axes) -> None:
        self._idle = idle
        self._held: dict[Member, Held[Axes]] = {}
        self.in_force = idle  # as far as was asked for

    def hold(self, member: Member, control: Control, value: Axes) -> None:
        """Since when somebody wants the same does not begin anew when they say it again."""
        before = self._held.get(member)
        is_same = before is not None and before.value == value
        self._held[member] = Held(
            control_id=control.control_id,
            value=value,
            since_s=before.since_s if is_same and before is not None else control.received_s,
            is_director=member.role is Role.DIRECTOR,
        )

    def let_go(self, member: Member) -> None:
        self._held.pop(member, None)

    def pass_on(self, member: Member, to: Member) -> None:
        """The same client, come back."""
        if (held := self._held.pop(member, None)) is not None:
            self._held[to] = replace(held)

    def rule(self, policy: Policy) -> Ruling[Axes]:
        return rule(policy, list(self._held.values()), self._idle)

    def holder_of(self, control_id: str) -> Member | None:
        return next((member for member, held in self._held.items() if held.control_id == control_id), None)
