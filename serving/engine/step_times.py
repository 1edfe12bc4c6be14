"""How long steps take, by the number of sessions in them: what was measured, and from it what is to be expected. Pure:
no clock, no I/O; the engine tells of each step what it took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

# A step weighs this much against all before it: about two seconds of play tell what is usual now.
WEIGHT = 1 / 16
# A number of sessions that was not stepped together for so many steps may have become quicker: it is tried again.
STALE_STEPS = 1_024


@dataclass(slots=True, kw_only=True)
class _Usual:
    """An exponentially weighted mean."""

    seconds: float
    step_number: int  # when it was measured last


@dataclass(slots=True, kw_only=True)
class StepTimes:
    """Of one worker."""

    _usual: dict[int, _Usual] = field(default_factory=dict)  # by the number of sessions
    _num_steps: int = 0

    def note(self, num_sessions: int, seconds: float) -> None:
        """A step of so many sessions took that long."""
        self._num_steps += 1
        usual = self._usual.get(num_sessions)
        if usual is None:
            self._usual[num_sessions] = _Usual(seconds=seconds, step_number=self._num_steps)
            return
        usual.seconds += WEIGHT * (seconds - usual.seconds)
        usual.step_number = self._num_steps

    def is_known(self, num_sessions: int) -> bool:
        """Whether steps of just so many were measured, and not too long ago."""
        usual = self._usual.get(num_sessions)
        return usual is not None and self._num_steps - usual.step_number < STALE_STEPS

    def expected_s(self, num_sessions: int) -> float | None:
        """What a step of so many takes: as measured; else no more than in proportion to the next smaller, or than the
        next larger that was. None before anything was."""
        usual = self._usual.get(num_sessions)
        if usual is not None:
            return usual.seconds
        smaller = max((size for size in self._usual if size < num_sessions), default=None)
        if smaller is not None:
            return self._usual[smaller].seconds * num_sessions / smaller
        larger = min((size for size in self._usual if size > num_sessions), default=None)
        return None if larger is None else self._usual[larger].seconds

    def round_s(self, num_sessions: int, sizes: Sequence[int]) -> float | None:
        """What it takes to step each of so many sessions once, in steps of these sizes, the largest first. None before
        anything was measured."""
        total_s, left = 0.0, num_sessions
        while left:
            size = max(each for each in sizes if each <= left)
            seconds = self.expected_s(size)
            if seconds is None:
                return None
            total_s, left = total_s + seconds, left - size
        return total_s
