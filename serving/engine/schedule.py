"""Which sessions step now, and when to look again. Pure: no clock, no I/O.

A session is anchored when it starts to flow: chunk t starts at anchor + t chunk
durations and is due `delivery_lead_s` later, the time left for stepping, decoding,
encoding and the way to the gateway's socket.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleConfig:
    chunk_duration_s: float
    # A control waits at most one chunk duration for its boundary and then this lead: 80 + 120 ms
    # stay under the control-to-frame objective, while step, decode and encode take about half of it.
    delivery_lead_s: float = 0.12
    # Sizes a step may have, so that compiled graphs can be reused.
    batch_sizes: tuple[int, ...] = (1, 2, 4, 8, 16)
    # A session due this soon joins a batch that starts now; costs it as much control latency at most.
    batch_window_s: float = 0.01
    # A worker this far behind stops catching up: the world slips instead of every later chunk being late.
    max_lag_s: float = 0.5
    # A session that waited longer than this for credit goes on from now instead of catching up.
    max_pause_s: float = 0.08

    def __post_init__(self) -> None:
        if self.chunk_duration_s <= 0 or self.delivery_lead_s < 0 or self.batch_window_s < 0:
            raise ValueError("chunk_duration_s must be positive, delivery_lead_s and batch_window_s not negative")
        if self.batch_sizes[:1] != (1,) or list(self.batch_sizes) != sorted(set(self.batch_sizes)):
            raise ValueError(f"batch_sizes {self.batch_sizes}: ascending, beginning with 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """When a session's chunks start: `chunk_idx` at `anchor_s`, the others by their distance from it."""

    anchor_s: float
    chunk_idx: int

    def start_s(self, chunk_idx: int, config: ScheduleConfig) -> float:
        return self.anchor_s + (chunk_idx - self.chunk_idx) * config.chunk_duration_s

    def due_s(self, chunk_idx: int, config: ScheduleConfig) -> float:
        return self.start_s(chunk_idx, config) + config.delivery_lead_s


class Runnable(NamedTuple):
    """A session that has credit for its next chunk."""

    session_id: str
    start_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    batch: tuple[str, ...]  # session ids, earliest deadline first; may be empty
    wake_s: float | None  # when to plan again if nothing happens before; None when nothing is runnable


def plan(runnables: Iterable[Runnable], now_s: float, config: ScheduleConfig) -> Plan:
    ordered = sorted(runnables, key=lambda runnable: runnable.start_s)
    if not ordered:
        return Plan(batch=(), wake_s=None)
    if ordered[0].start_s > now_s:
        return Plan(batch=(), wake_s=ordered[0].start_s)
    ready = [each.session_id for each in ordered if each.start_s <= now_s + config.batch_window_s]
    size = max(size for size in config.batch_sizes if size <= len(ready))
    return Plan(batch=tuple(ready[:size]), wake_s=now_s)


def resumed(pace: Pace | None, next_chunk_idx: int, now_s: float, config: ScheduleConfig) -> Pace:
    """The pace of a session that got credit again, or for the first time."""
    return _anchored_within(pace, next_chunk_idx, now_s, config.max_pause_s, config)


def caught_up(pace: Pace, next_chunk_idx: int, now_s: float, config: ScheduleConfig) -> Pace:
    """The pace of a session whose worker may be behind."""
    return _anchored_within(pace, next_chunk_idx, now_s, config.max_lag_s, config)


def _anchored_within(
    pace: Pace | None, next_chunk_idx: int, now_s: float, slack_s: float, config: ScheduleConfig
) -> Pace:
    if pace is not None and now_s - pace.start_s(next_chunk_idx, config) <= slack_s:
        return pace
    return Pace(anchor_s=now_s, chunk_idx=next_chunk_idx)
