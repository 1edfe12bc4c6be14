"""When a control is to take effect: `world.say("dusk", when=nacre.after(2.0))`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from google.protobuf.duration_pb2 import Duration

from nacre.ranges import unsigned
from nacre.v1 import control_pb2


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """Made by `at` and `after`."""

    chunk: int | None = None
    world_time_s: float | None = None
    after_s: float | None = None
    after_control_id: str = ""

    def to_message(self) -> control_pb2.Schedule:
        schedule = control_pb2.Schedule(after_control_id=self.after_control_id)
        if self.chunk is not None:
            schedule.at_chunk_index = self.chunk
        elif self.world_time_s is not None:
            schedule.at_world_time.CopyFrom(_duration(self.world_time_s))
        elif self.after_s is not None:
            schedule.after.CopyFrom(_duration(self.after_s))
        return schedule


def at(world_time_s: float | None = None, *, chunk: int | None = None) -> When:
    """At a world time in seconds, or at a chunk."""
    if (world_time_s is None) == (chunk is None):
        raise ValueError("give a world time or a chunk")
    return When(chunk=unsigned(chunk, "chunk"), world_time_s=world_time_s)


class Identified(Protocol):
    """A receipt, of either client."""

    @property
    def control_id(self) -> str: ...


def after(what: float | Identified, seconds: float | None = None) -> When:
    """So many seconds of world time from now, or once another control took effect: `after(receipt)`, or
    `after(receipt, 2.0)` for two seconds later. A control that never takes effect takes with it what waits for it."""
    if not isinstance(what, int | float):
        return When(after_control_id=what.control_id, after_s=seconds)
    if seconds is not None:
        raise ValueError("give one number of seconds")
    return When(after_s=what)


def _duration(seconds: float) -> Duration:
    whole, rest = divmod(round(seconds * 1e9), 1_000_000_000)
    return Duration(seconds=whole, nanos=rest)
