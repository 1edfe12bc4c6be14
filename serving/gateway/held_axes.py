"""What each client of a session holds on one pair of axes, and what the session got of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Generic

from serving.gateway.arbitration import Axes, Held, Policy, Ruling, rule
from serving.gateway.audience import Member
from serving.gateway.roles import Role
from serving.sessions.contract import Control


class HeldAxes(Generic[Axes]):
    def __init__(self, idle: Axes) -> None:
        self._idle = idle
        self._held: dict[Member, Held[Axes]] = {}
        self.in_force = idle  # as far as was asked for
        self.num_sent = 0  # values that the worker was given to take effect at once

    def hold(self, member: Member, control: Control, value: Axes) -> None:
        self._held[member] = _held(member, control, value, self._held.get(member))

    def let_go(self, member: Member) -> None:
        self._held.pop(member, None)

    def pass_on(self, member: Member, to: Member) -> None:
        """The same client, come back."""
        if (held := self._held.pop(member, None)) is not None:
            self._held[to] = replace(held)

    def rule(self, policy: Policy) -> Ruling[Axes]:
        return rule(policy, list(self._held.values()), self._idle)

    def rule_with(self, policy: Policy, planned: Iterable[tuple[Member, Control]]) -> Ruling[Axes]:
        """As it will be once those hold what they planned, the later in place of the earlier."""
        held = dict(self._held)
        for member, control in planned:
            value: Any = control.kind
            held[member] = _held(member, control, value, held.get(member))
        return rule(policy, list(held.values()), self._idle)

    def control_id_of(self, member: Member) -> str:
        """By which it holds what it holds; empty for nothing."""
        held = self._held.get(member)
        return "" if held is None else held.control_id

    def holder_of(self, control_id: str) -> Member | None:
        return next((member for member, held in self._held.items() if held.control_id == control_id), None)


def _held(member: Member, control: Control, value: Axes, before: Held[Axes] | None) -> Held[Axes]:
    """Since when somebody wants the same does not begin anew when they say it again."""
    is_same = before is not None and before.value == value
    return Held(
        control_id=control.control_id,
        value=value,
        since_s=before.since_s if is_same and before is not None else control.received_s,
        is_director=member.role is Role.DIRECTOR,
    )
