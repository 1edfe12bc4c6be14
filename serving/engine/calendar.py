"""A session's controls that wait for their time, or for another control."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import NamedTuple

from serving.sessions.contract import Accepted, Rejected
from serving.sessions.encoded import EncodedControl

# What became of so many controls is remembered, for those that are to come after one of them.
REMEMBERED = 1_024


class Numbered(NamedTuple):
    """By when it was accepted."""

    number: int
    control: EncodedControl


class Calendar:
    """In the order they came. Not more than its mailbox lets in."""

    def __init__(self) -> None:
        self._waiting: dict[str, Numbered] = {}
        self._settled: dict[str, int | None] = {}  # where it took effect; None where it never did

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def controls(self) -> list[EncodedControl]:
        """What waits."""
        return [each.control for each in self._waiting.values()]

    def put(self, numbered: Numbered) -> tuple[Accepted | Rejected, ...]:
        number, control = numbered
        assert control.schedule is not None, "the others do not wait here"
        control_id, after = control.control_id, control.schedule.after_control_id
        if control.schedule.chunk_idx is None and after in self._settled:
            chunk_idx = self._settled[after]
            if chunk_idx is None:
                return (_lost(control_id),)
            control = replace(control, schedule=control.schedule.after(chunk_idx))
        self._waiting[control_id] = Numbered(number, control)
        assert control.schedule is not None, "it stays scheduled"
        return (Accepted(control_id=control_id, due_chunk_idx=control.schedule.chunk_idx),)

    def take_due(self, chunk_idx: int) -> list[Numbered]:
        """Those for that chunk or an earlier one, the earliest first."""
        if not self._waiting:
            return []
        waiting = [(_due(each), each) for each in self._waiting.values()]
        due = [(at, each) for at, each in waiting if at is not None and at <= chunk_idx]
        for _, each in due:
            del self._waiting[each.control.control_id]
        return [each for _, each in sorted(due, key=lambda pair: (pair[0], pair[1].number))]

    def take_back(self, control_id: str) -> bool:
        return self._waiting.pop(control_id, None) is not None

    def take_all(self) -> list[EncodedControl]:
        waiting, self._waiting = self._waiting, {}
        return [each.control for each in waiting.values()]

    def settle(self, control_id: str, chunk_idx: int | None) -> list[Rejected]:
        """A control took effect at a chunk, or never will: then what waits for it is lost too, and is given."""
        lost: list[Rejected] = []
        settled = deque([(control_id, chunk_idx)])
        while settled:
            each_id, each_idx = settled.popleft()
            self._remember(each_id, each_idx)
            for number, control in self._after(each_id):
                assert control.schedule is not None, "the others do not wait here"
                if each_idx is None:
                    del self._waiting[control.control_id]
                    lost.append(_lost(control.control_id))
                    settled.append((control.control_id, None))
                else:
                    control = replace(control, schedule=control.schedule.after(each_idx))
                    self._waiting[control.control_id] = Numbered(number, control)
        return lost

    def _after(self, control_id: str) -> list[Numbered]:
        return [each for each in self._waiting.values() if _due(each) is None and _awaited(each) == control_id]

    def _remember(self, control_id: str, chunk_idx: int | None) -> None:
        self._settled[control_id] = chunk_idx
        if len(self._settled) > REMEMBERED:
            del self._settled[next(iter(self._settled))]


def _due(waiting: Numbered) -> int | None:
    schedule = waiting.control.schedule
    return None if schedule is None else schedule.chunk_idx


def _awaited(waiting: Numbered) -> str:
    schedule = waiting.control.schedule
    return "" if schedule is None else schedule.after_control_id


def _lost(control_id: str) -> Rejected:
    message = "the control that it was to come after did not take effect"
    return Rejected(control_id=control_id, reason="PREDECESSOR_LOST", message=message)
