"""Which sessions step now, and when to look again. Pure: no clock, no I/O.

A session is anchored when it starts to flow: chunk t starts at anchor + t chunk
durations and is due `delivery_lead_s` later, the time left for stepping, decoding,
encoding and the way to the gateway's socket.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from serving.engine.step_times import StepTimes

SAME_TIME = 1e-6  # of a chunk
KEPT_ORDER = 1e-6  # of how late a session was: enough to sort by, too little to be one


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleConfig:
    chunk_duration_s: float
    # A control waits at most one chunk duration for its boundary and then this lead: 80 + 120 ms
    # stay under the control-to-frame objective, while step, decode and encode take about half of it.
    delivery_lead_s: float = 0.12
    # Sizes a step may have, so that compiled graphs can be reused; those of the model, where it names its own.
    batch_sizes: tuple[int, ...] = (1, 2, 4, 8, 16)
    # A session due this soon joins a batch that starts now; costs it as much control latency at most.
    batch_window_s: float = 0.01
    # A worker this far behind stops catching up: the world slips instead of every later chunk being late.
    max_lag_s: float = 0.5
    # A session that waited longer than this for credit goes on from now instead of catching up.
    max_pause_s: float = 0.08
    # The same of one that another worker handed over: it did not wait, it was on its way.
    max_hand_over_s: float = 0.25
    # A step has this share of the lead; decoding, encoding and the way have the rest.
    step_share: float = 0.6
    # Sessions step together where that takes at most this share of the time that they take one after the other.
    max_batch_cost: float = 0.95

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
    rate: float = 1.0  # share of the model's chunks per second

    def start_s(self, chunk_idx: int, config: ScheduleConfig) -> float:
        return self.anchor_s + (chunk_idx - self.chunk_idx) * config.chunk_duration_s / self.rate

    def next_start_s(self, now_s: float, config: ScheduleConfig) -> float:
        """When, from now on, a chunk starts."""
        every_s = config.chunk_duration_s / self.rate
        return self.anchor_s + max(0, math.ceil((now_s - self.anchor_s) / every_s - SAME_TIME)) * every_s

    def at_rate(self, rate: float, chunk_idx: int, config: ScheduleConfig) -> Pace:
        """The same start of `chunk_idx`, and another rate from there on."""
        return Pace(anchor_s=self.start_s(chunk_idx, config), chunk_idx=chunk_idx, rate=rate)

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


def plan(runnables: Iterable[Runnable], now_s: float, config: ScheduleConfig, times: StepTimes | None = None) -> Plan:
    """Without `times` the largest batch that there is a size for."""
    ordered = sorted(runnables, key=lambda runnable: runnable.start_s)
    if not ordered:
        return Plan(batch=(), wake_s=None)
    if ordered[0].start_s > now_s:
        return Plan(batch=(), wake_s=ordered[0].start_s)
    ready = [each.session_id for each in ordered if each.start_s <= now_s + config.batch_window_s]
    slack_s = ordered[0].start_s + config.step_share * config.delivery_lead_s - now_s
    size = batch_size(len(ready), slack_s, config, times)
    return Plan(batch=tuple(ready[:size]), wake_s=now_s)


def batch_size(num_ready: int, slack_s: float, config: ScheduleConfig, times: StepTimes | None) -> int:
    """Of the sizes there are: the largest of those worth it that is done within `slack_s`, when the first is to be;
    where none is, the one that does most in its time. Where nobody knows the largest one's time, it is tried."""
    sizes = [size for size in config.batch_sizes if size <= num_ready]
    if times is None or len(sizes) == 1:
        return sizes[-1]
    if not times.is_known(sizes[-1]):
        return sizes[-1]
    costs = {size: times.expected_s(size) for size in sizes}
    known = {size: cost for size, cost in costs.items() if cost is not None}
    worth = [size for size in sizes if size == 1 or known[size] <= config.max_batch_cost * size * known[1]]
    in_time = [size for size in worth if known[size] <= slack_s]
    return max(in_time) if in_time else max(worth, key=lambda size: size / max(known[size], 1e-9))


def resumed(
    pace: Pace | None,
    next_chunk_idx: int,
    now_s: float,
    config: ScheduleConfig,
    rate: float = 1.0,
    others: Sequence[Pace] = (),
) -> Pace:
    """The pace of a session that got credit again, or for the first time at `rate`, beside those of the others that
    run."""
    if pace is not None and now_s - pace.start_s(next_chunk_idx, config) <= config.max_pause_s:
        return pace
    rate = rate if pace is None else pace.rate
    return Pace(anchor_s=_in_step(now_s, others, config), chunk_idx=next_chunk_idx, rate=rate)


def handed_over(due_s: float, chunk_idx: int, now_s: float, config: ScheduleConfig, rate: float = 1.0) -> Pace:
    """The pace of a session that another worker made due then. Not further ahead than a chunk, whatever the clocks of
    the two say."""
    start_s = min(due_s - config.delivery_lead_s, now_s + config.chunk_duration_s / rate)
    return Pace(anchor_s=start_s, chunk_idx=chunk_idx, rate=rate)


def taken_over(pace: Pace, now_s: float, config: ScheduleConfig, others: Sequence[Pace] = ()) -> Pace:
    """The pace of a session that was handed over and may go on now: the one it had, so that nobody sees that it moved,
    or in step with the others that run, where that makes it no more than a chunk later."""
    late_s = now_s - pace.anchor_s
    if late_s > config.max_hand_over_s:
        return resumed(None, pace.chunk_idx, now_s, config, pace.rate, others)
    if not others or len(config.batch_sizes) == 1:
        return pace
    start_s = _in_step(now_s, others, config)
    is_near = start_s - pace.anchor_s <= config.chunk_duration_s / pace.rate
    return Pace(anchor_s=start_s, chunk_idx=pace.chunk_idx, rate=pace.rate) if is_near else pace


def caught_up(
    pace: Pace, next_chunk_idx: int, now_s: float, config: ScheduleConfig, *, is_slipping: bool = False
) -> Pace:
    """The pace of a session whose worker may be behind. Where one of its sessions slips, all that are late do, and who
    was later stays before the others: else one would come last, slip again, and starve."""
    late_s = now_s - pace.start_s(next_chunk_idx, config)
    if late_s <= (0.0 if is_slipping else config.max_lag_s):
        return pace
    return Pace(anchor_s=now_s - KEPT_ORDER * late_s, chunk_idx=next_chunk_idx, rate=pace.rate)


def is_slipping(runnables: Iterable[Runnable], now_s: float, config: ScheduleConfig) -> bool:
    """Whether one is further behind than may be caught up."""
    return any(now_s - each.start_s > config.max_lag_s for each in runnables)


def _in_step(now_s: float, others: Sequence[Pace], config: ScheduleConfig) -> float:
    """Now; where sessions can step together, the next moment at which another starts a chunk, less than a chunk later:
    whoever begins out of step would never share one."""
    if len(config.batch_sizes) == 1:
        return now_s
    return min((pace.next_start_s(now_s, config) for pace in others), default=now_s)


def load(num_sessions: int, rate: float, config: ScheduleConfig, times: StepTimes) -> float | None:
    """The share of the time that steps of so many sessions take at that rate; None while nobody knows."""
    if num_sessions == 0:
        return 0.0
    seconds = times.round_s(num_sessions, config.batch_sizes)
    return None if seconds is None else seconds * rate / config.chunk_duration_s
