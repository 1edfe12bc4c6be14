"""How the held axes of several clients become the session's. Pure: what each holds and since when, to what holds.

Moves and looks are settled apart, each by the same rules. A value of zero holds nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields, replace
from enum import StrEnum
from typing import Generic, TypeVar

from serving.sessions.contract import Look, Move

Axes = TypeVar("Axes", Move, Look)
AXIS_LIMIT = 1.0


class Policy(StrEnum):
    """As nacre.v1.ArbitrationPolicy, whose comments say what each does."""

    SINGLE = "single"
    MERGE = "merge"
    DIRECTOR = "director"
    VOTE = "vote"


class LossReason(StrEnum):
    """As nacre.v1.SupersededReason."""

    LATER = "LATER"
    CANCELLED = "CANCELLED"
    DIRECTOR = "DIRECTOR"
    OUTVOTED = "OUTVOTED"


LOSS_REASONS = {Policy.DIRECTOR: LossReason.DIRECTOR, Policy.VOTE: LossReason.OUTVOTED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Held(Generic[Axes]):
    """What one client holds, by its last control."""

    control_id: str
    value: Axes
    since_s: float
    is_director: bool = False

    @property
    def is_idle(self) -> bool:
        return not any(astuple(self.value))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling(Generic[Axes]):
    """What the session gets. Of those who hold nothing nobody loses."""

    value: Axes
    in_force: frozenset[str]  # the controls that it is made of
    leading: str = ""  # the first of those; empty when nothing is held


def rule(policy: Policy, held: Sequence[Held[Axes]], idle: Axes) -> Ruling[Axes]:
    """`held`: of every client that holds something, in any order. `idle`: the value without any."""
    held = sorted(held, key=lambda each: (each.since_s, each.control_id))
    match policy:
        case Policy.VOTE:
            counted = _winning(held)
        case Policy.DIRECTOR:
            counted = [each for each in held if each.is_director and not each.is_idle] or held
        case Policy.SINGLE:
            counted = held[-1:]
        case Policy.MERGE:
            counted = held
    active = [each for each in counted if not each.is_idle]
    value = _ballot(active[0]).value(idle) if policy is Policy.VOTE and active else _sum(active, idle)
    idle_ids = (each.control_id for each in held if each.is_idle)
    return Ruling(
        value=value,
        in_force=frozenset((*(each.control_id for each in counted), *idle_ids)),
        leading=active[0].control_id if active else "",
    )


@dataclass(frozen=True, slots=True)
class _Ballot:
    """One axis, and a direction on it."""

    axis: str
    is_positive: bool
    strength: float

    @property
    def choice(self) -> tuple[str, bool]:
        return self.axis, self.is_positive

    def value(self, idle: Axes) -> Axes:
        return replace(idle, **{self.axis: self.strength})


def _winning(held: Sequence[Held[Axes]]) -> list[Held[Axes]]:
    """Those who want what most want; of as many, what was wanted first."""
    voters: dict[tuple[str, bool], list[Held[Axes]]] = {}
    for each in held:
        if not each.is_idle:
            voters.setdefault(_ballot(each).choice, []).append(each)
    return max(voters.values(), key=len, default=[])  # the first of the largest: they came in order


def _ballot(held: Held[Axes]) -> _Ballot:
    """For the axis that is pushed furthest."""
    pushed = [(field.name, float(getattr(held.value, field.name))) for field in fields(held.value)]
    axis, strength = max(pushed, key=lambda each: abs(each[1]))
    return _Ballot(axis, strength > 0, strength)


def _sum(held: Sequence[Held[Axes]], idle: Axes) -> Axes:
    """Clamped at the end, so that it does not matter who came first."""
    sums = {field.name: sum(float(getattr(each.value, field.name)) for each in held) for field in fields(idle)}
    return replace(idle, **{name: max(-AXIS_LIMIT, min(AXIS_LIMIT, total)) for name, total in sums.items()})
