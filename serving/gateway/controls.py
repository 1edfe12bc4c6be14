"""A session's controls that are on their way, by id."""

from __future__ import annotations

from dataclasses import dataclass

from serving.errors import ControlDuplicateError, RateExceededError
from serving.sessions.contract import Accepted, Applied, Outcome

# Ids are remembered for this many controls: a minute of one client at the full rate (20 a second), and a bound on
# memory that an hour of play has long reached. What became of older ones, the record says.
REMEMBERED_IDS = 1_200


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a control, as far as is known."""

    chunk_idx: int | None = None  # where it took effect
    is_lost: bool = False  # it never will


PENDING, LOST = Fate(), Fate(is_lost=True)


class ControlBook:
    """Admits each control once, and knows when those that took effect were received."""

    def __init__(self, max_pending: int) -> None:
        self._max_pending = max_pending
        # Those without a terminal outcome; None for one whose time to the first frame says nothing.
        self._received_s_by_id: dict[str, float | None] = {}
        self._recent: dict[str, Fate] = {}  # the oldest first
        self._unseen: list[tuple[int, float]] = []  # (chunk, received): applied, not delivered yet

    @property
    def pending_ids(self) -> list[str]:
        return list(self._received_s_by_id)

    def fate(self, control_id: str) -> Fate | None:
        """None for one that was not seen lately."""
        return self._recent.get(control_id)

    def admit(self, control_id: str, received_s: float, *, is_timed: bool = True) -> None:
        """Note a valid control as pending. Raises ControlDuplicateError or RateExceededError."""
        if control_id in self._recent:
            raise ControlDuplicateError("the control id was used before", field="control.control_id")
        if len(self._received_s_by_id) >= self._max_pending:
            raise RateExceededError(f"{self._max_pending} controls wait for their outcome")
        self._remember(control_id, PENDING)
        self._received_s_by_id[control_id] = received_s if is_timed else None

    def received_s(self, control_id: str) -> float | None:
        """Of one that has no terminal outcome; None where the time says nothing."""
        return self._received_s_by_id.get(control_id)

    def is_pending(self, control_id: str) -> bool:
        return control_id in self._received_s_by_id

    def bar(self, control_id: str) -> None:
        """Its client was told that it never came: should it come yet, it is refused."""
        self._remember(control_id, self._recent.get(control_id, LOST))

    def forget(self, control_id: str) -> None:
        """It was refused on the way to the worker and will have no outcome from there."""
        self._received_s_by_id.pop(control_id, None)
        self._note(control_id, LOST)

    def settle(self, outcome: Outcome) -> bool:
        """Note an outcome. False for that of a control which is not pending: nobody is to be told."""
        fate = Fate(outcome.chunk_idx) if isinstance(outcome, Applied) else LOST
        if outcome.control_id not in self._received_s_by_id:
            if not isinstance(outcome, Accepted):  # it came by way of another gateway
                self._remember(outcome.control_id, fate)
            return False
        if not isinstance(outcome, Accepted):
            received_s = self._received_s_by_id.pop(outcome.control_id)
            self._note(outcome.control_id, fate)
            if isinstance(outcome, Applied) and received_s is not None:
                self._unseen.append((outcome.chunk_idx, received_s))
        return True

    def _remember(self, control_id: str, fate: Fate) -> None:
        self._recent[control_id] = fate
        if len(self._recent) > REMEMBERED_IDS:
            del self._recent[next(iter(self._recent))]

    def _note(self, control_id: str, fate: Fate) -> None:
        if control_id in self._recent:
            self._recent[control_id] = fate

    def rewind(self) -> None:
        """What took effect and was not seen never will be."""
        self._unseen.clear()

    def take_shown(self, chunk_idx: int) -> list[float]:
        """The chunk left: when the controls that it is the first to show were received."""
        if not self._unseen:
            return []
        shown = [received_s for idx, received_s in self._unseen if idx <= chunk_idx]
        self._unseen = [each for each in self._unseen if each[0] > chunk_idx]
        return shown
