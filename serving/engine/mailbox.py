"""Where a session's controls wait for the next chunk boundary."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from model.interface import ChunkControls
from serving.sessions.contract import Accepted, LatestWins, Rejected, Superseded
from serving.sessions.encoded import EncodedControl, EncodedImage, HeldAxes
from serving.sessions.replay import chunk_controls, held_after


@dataclass(frozen=True, slots=True, kw_only=True)
class Drained:
    """What takes effect at a boundary."""

    controls: ChunkControls
    applied: tuple[EncodedControl, ...]  # in the order they came


class Mailbox:
    """Bounded. Of moves, looks, perspectives and camera moves the latest waits alone; directives and
    images wait in order, and one too many is rejected. Not thread-safe: its engine's lock guards it."""

    def __init__(self, max_waiting: int, held: HeldAxes | None = None) -> None:
        self._max_waiting = max_waiting
        self._held = held or HeldAxes()
        self._latest: dict[type, EncodedControl] = {}
        self._queue: deque[EncodedControl] = deque()

    @property
    def held(self) -> HeldAxes:
        """What was in force at the last boundary."""
        return self._held

    def __len__(self) -> int:
        return len(self._latest) + len(self._queue)

    def has_room(self, control: EncodedControl) -> bool:
        return isinstance(control.kind, LatestWins) or len(self._queue) < self._max_waiting

    def put(self, control: EncodedControl) -> tuple[Accepted | Superseded | Rejected, ...]:
        """What became of `control`, and of the one whose place it took."""
        if not self.has_room(control):
            message = f"{self._max_waiting} instructions wait already"
            return (Rejected(control_id=control.control_id, reason="RATE_EXCEEDED", message=message),)
        accepted = Accepted(control_id=control.control_id)
        if not isinstance(control.kind, LatestWins):
            self._queue.append(control)
            return (accepted,)
        # Taken out and put back, so that the order among them stays the order of arrival.
        earlier = self._latest.pop(type(control.kind), None)
        self._latest[type(control.kind)] = control
        if earlier is None:
            return (accepted,)
        return (accepted, Superseded(control_id=earlier.control_id, by_control_id=control.control_id))

    def drain(self) -> Drained:
        """Empty the box up to a second image: a chunk takes one."""
        applied = [*self._latest.values(), *self._take_queue()]
        self._latest.clear()
        for control in applied:
            self._held = held_after(self._held, control)
        return Drained(controls=chunk_controls(self._held, applied), applied=tuple(applied))

    def reject_all(self, reason: str, message: str) -> tuple[Rejected, ...]:
        """Empty the box for good."""
        waiting = [*self._latest.values(), *self._queue]
        self._latest.clear()
        self._queue.clear()
        return tuple(Rejected(control_id=each.control_id, reason=reason, message=message) for each in waiting)

    def _take_queue(self) -> list[EncodedControl]:
        taken: list[EncodedControl] = []
        has_image = False
        while self._queue and not (has_image and isinstance(self._queue[0].kind, EncodedImage)):
            control = self._queue.popleft()
            has_image = has_image or isinstance(control.kind, EncodedImage)
            taken.append(control)
        return taken
