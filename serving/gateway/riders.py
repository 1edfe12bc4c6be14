"""Controls that take effect as part of another: what its worker says of that one is true of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from serving.sessions.contract import Applied, Outcome, Rejected, Superseded


class Riders:
    def __init__(self) -> None:
        self._made_of: dict[str, frozenset[str]] = {}  # by a control that is on its way: those it was made of
        self._riders: dict[str, list[str]] = {}  # by control: those that took effect with it, if it does

    def __len__(self) -> int:
        return len(self._made_of) + len(self._riders)

    def compose(self, control_id: str, of_ids: Collection[str]) -> None:
        """It is made of those, as of now."""
        self._made_of[control_id] = frozenset(of_ids)

    def forget(self, control_id: str) -> None:
        """It never reached the worker."""
        self._made_of.pop(control_id, None)

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
