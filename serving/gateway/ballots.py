"""Votes that are on record with the worker, and wait to be counted."""

from __future__ import annotations

from typing import NamedTuple

from serving.gateway.audience import Member
from serving.sessions.contract import Control


class Ballot(NamedTuple):
    member: Member
    control: Control

    @property
    def control_id(self) -> str:
        return self.control.control_id


class Ballots:
    """One of each kind for each client: whoever thinks better of it in time has its first taken back."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[Member, type], Ballot] = {}
        self._unsettled: set[str] = set()  # counted ones included: until the worker said what became of them

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def cast(self, member: Member, control: Control) -> Ballot | None:
        """Gives the one that it takes the place of."""
        key = (member, type(control.kind))
        earlier = self._waiting.pop(key, None)  # the order among them is that of arrival
        self._waiting[key] = Ballot(member, control)
        self._unsettled.add(control.control_id)
        return earlier

    def is_one(self, control_id: str) -> bool:
        return control_id in self._unsettled

    def settle(self, control_id: str) -> Ballot | None:
        """It has its outcome. Gives it where nobody had counted it yet."""
        if control_id not in self._unsettled:
            return None
        self._unsettled.discard(control_id)
        found = next((key for key, ballot in self._waiting.items() if ballot.control_id == control_id), None)
        return None if found is None else self._waiting.pop(found)

    def take(self) -> list[Ballot]:
        waiting, self._waiting = self._waiting, {}
        return list(waiting.values())

    def take_of(self, member: Member) -> list[Ballot]:
        return [self._waiting.pop(key) for key in list(self._waiting) if key[0] is member]
