"""Where a session's controls wait for the next chunk boundary."""

from __future__ import annotations

from bisect import insort
from collections import deque
from dataclasses import dataclass
from operator import attrgetter

from model.interface import ChunkControls
from serving.engine.calendar import Calendar, Numbered
from serving.sessions.contract import Accepted, LatestWins, Rejected, Superseded
from serving.sessions.encoded import EncodedControl, EncodedImage, HeldAxes
from serving.sessions.replay import chunk_controls, held_after

Settled = Superseded | Rejected
CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drained:
    """What takes effect at a boundary."""

    controls: ChunkControls
    applied: tuple[EncodedControl, ...]  # in the order they came
    lost: tuple[Settled, ...] = ()  # what gave way to those that were due, and what waited for that


class Mailbox:
    """Bounded. Of moves, looks, perspectives and camera moves the latest waits alone; directives and
    images wait in order, and one too many is rejected. What is scheduled waits in a calendar, and comes at its
    boundary as if it were sent then. Not thread-safe: its engine's lock guards it."""

    def __init__(self, max_waiting: int, held: HeldAxes | None = None) -> None:
        self._max_waiting = max_waiting
        self._held = held or HeldAxes()
        self._latest: dict[type, EncodedControl] = {}
        self._queue: deque[Numbered] = deque()  # in the order they were accepted, which a replay keeps
        self._calendar = Calendar()
        self._num_put = 0

    @property
    def held(self) -> HeldAxes:
        """What was in force at the last boundary."""
        return self._held

    def hold(self, control: EncodedControl) -> None:
        """From the next boundary on, without waiting."""
        self._held = held_after(self._held, control)

    @property
    def waiting_ids(self) -> tuple[str, ...]:
        """Of what was accepted and has no outcome yet."""
        waiting = [*self._latest.values(), *(each.control for each in self._queue), *self._calendar.controls]
        return tuple(control.control_id for control in waiting)

    def __len__(self) -> int:
        return len(self._latest) + len(self._queue) + len(self._calendar)

    def has_room(self, control: EncodedControl) -> bool:
        if control.schedule is not None:
            return len(self._calendar) < self._max_waiting
        return isinstance(control.kind, LatestWins) or len(self._queue) < self._max_waiting

    def put(self, control: EncodedControl) -> tuple[Accepted | Settled, ...]:
        """What became of `control`, and of the one whose place it took."""
        if control.loss is None and not self.has_room(control):
            message = f"{self._max_waiting} instructions wait already"
            return (Rejected(control_id=control.control_id, reason="RATE_EXCEEDED", message=message),)
        accepted = Accepted(control_id=control.control_id)
        if (loss := control.loss) is not None:
            lost = Superseded(control_id=control.control_id, by_control_id=loss.by_control_id, reason=loss.reason)
            return (accepted, lost, *self._calendar.settle(control.control_id, None))
        self._num_put += 1
        if control.schedule is not None:
            return self._calendar.put(Numbered(self._num_put, control))
        return (accepted, *self._place(Numbered(self._num_put, control)))

    def cancel(self, control_id: str, by_control_id: str, reason: str = CANCELLED) -> tuple[Settled, ...]:
        """Take a control back; what waits for it goes with it. Gives nothing when it does not wait."""
        if not self._take_back(control_id):
            return ()
        cancelled = Superseded(control_id=control_id, by_control_id=by_control_id, reason=reason)
        return (cancelled, *self._calendar.settle(control_id, None))

    def drain(self, chunk_idx: int = 0) -> Drained:
        """Empty the box for that chunk, up to a second image: a chunk takes one."""
        lost = [each for due in self._calendar.take_due(chunk_idx) for each in self._place(due)]
        applied = [*self._latest.values(), *self._take_queue()]
        self._latest.clear()
        for control in applied:
            self._held = held_after(self._held, control)
            lost += self._calendar.settle(control.control_id, chunk_idx)
        return Drained(controls=chunk_controls(self._held, applied), applied=tuple(applied), lost=tuple(lost))

    def reject_all(self, reason: str, message: str) -> tuple[Rejected, ...]:
        """Empty the box for good."""
        waiting = [*self._latest.values(), *(each.control for each in self._queue), *self._calendar.take_all()]
        self._latest.clear()
        self._queue.clear()
        return tuple(Rejected(control_id=each.control_id, reason=reason, message=message) for each in waiting)

    def _place(self, numbered: Numbered) -> tuple[Settled, ...]:
        """What gave way to it."""
        control = numbered.control
        if not isinstance(control.kind, LatestWins):
            insort(self._queue, numbered, key=attrgetter("number"))
            return ()
        # Taken out and put back, so that the order among them stays the order of arrival.
        earlier = self._latest.pop(type(control.kind), None)
        self._latest[type(control.kind)] = control
        if earlier is None:
            return ()
        superseded = Superseded(control_id=earlier.control_id, by_control_id=control.control_id)
        return (superseded, *self._calendar.settle(earlier.control_id, None))

    def _take_back(self, control_id: str) -> bool:
        for kind, control in self._latest.items():
            if control.control_id == control_id:
                del self._latest[kind]
                return True
        for numbered in self._queue:
            if numbered.control.control_id == control_id:
                self._queue.remove(numbered)
                return True
        return self._calendar.take_back(control_id)

    def _take_queue(self) -> list[EncodedControl]:
        taken: list[EncodedControl] = []
        has_image = False
        while self._queue and not (has_image and isinstance(self._queue[0].control.kind, EncodedImage)):
            control = self._queue.popleft().control
            has_image = has_image or isinstance(control.kind, EncodedImage)
            taken.append(control)
        return taken
