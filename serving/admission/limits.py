"""What a tenant may use, what it uses, and whether it may begin another session. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from serving.errors import QuotaExceededError

DAY_S = 86_400.0
MIN_WEIGHT, MAX_WEIGHT = 0.01, 100.0
CONCURRENT_SESSIONS = "concurrent_sessions"
SESSION_SECONDS = "session_seconds_per_day"
CONTROLS = "controls_per_second"
STORAGE = "storage_bytes"
# What the catalogue's columns hold.
MAX_LIMITS = {CONCURRENT_SESSIONS: 2**31 - 1, STORAGE: 2**63 - 1}
# A tenant of no weight of its own.
DEFAULT_WEIGHT = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """None where there is no limit."""

    concurrent_sessions: int | None = None
    session_seconds_per_day: float | None = None  # UTC
    controls_per_second: float | None = None
    storage_bytes: int | None = None

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if value is not None and not (math.isfinite(value) and 0 <= value <= MAX_LIMITS.get(each.name, math.inf)):
                raise ValueError(f"{each.name} must be a number from 0 on that can be kept, got {value}")

    def over(self, default: Limits) -> Limits:
        """These, and those of `default` where there is none."""
        chosen = {each.name: getattr(self, each.name) for each in fields(self)}
        return Limits(**{name: getattr(default, name) if value is None else value for name, value in chosen.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmissionConfig:
    """The operator's: what every tenant may use of whom nothing else was said, and how places are given."""

    limits: Limits = field(default_factory=Limits)
    weights: Mapping[str, float] = field(default_factory=dict)  # of tenants in the queue; 1 for all others
    reservation_s: float = 15.0  # for which a place is held until a session takes it
    max_waiting: int = 1_000
    max_waiting_per_tenant: int = 100

    def __post_init__(self) -> None:
        for tenant_id, weight in self.weights.items():
            check_weight(weight, f"weights.{tenant_id}")
        if not (math.isfinite(self.reservation_s) and self.reservation_s > 0):
            raise ValueError(f"reservation_s must be a positive number of seconds, got {self.reservation_s}")
        if self.max_waiting < 0 or self.max_waiting_per_tenant < 0:
            raise ValueError("max_waiting and max_waiting_per_tenant must not be negative")

    @classmethod
    def from_table(cls, table: Mapping[str, object]) -> AdmissionConfig:
        """Of a settings file, where limits stand beside the rest. Raises TypeError or ValueError."""
        limits = {each.name: table[each.name] for each in fields(Limits) if each.name in table}
        rest = {name: value for name, value in table.items() if name not in limits}
        return cls(limits=Limits(**limits), **rest)  # pyright: ignore[reportArgumentType]  # checked where they are used


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """What holds for one tenant."""

    tenant_id: str
    limits: Limits
    weight: float = DEFAULT_WEIGHT


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    concurrent_sessions: int = 0  # places that are held for it, reserved ones too
    session_seconds_today: float = 0.0
    storage_bytes: int = 0
    num_waiting: int = 0


def check_weight(weight: float, name: str) -> float:
    if not (math.isfinite(weight) and MIN_WEIGHT <= weight <= MAX_WEIGHT):
        raise ValueError(f"{name} must be {MIN_WEIGHT:g} to {MAX_WEIGHT:g}, got {weight}")
    return weight


def day_of(now_s: float) -> int:
    return int(now_s // DAY_S)


def reset_s(now_s: float) -> float:
    """The next midnight, UTC."""
    return (day_of(now_s) + 1) * DAY_S


def has_seconds_left(limits: Limits, used_s: float) -> bool:
    return limits.session_seconds_per_day is None or used_s < limits.session_seconds_per_day


def has_room(limits: Limits, num_held: int) -> bool:
    return limits.concurrent_sessions is None or num_held < limits.concurrent_sessions


def check_seconds(quota: Quota, used_s: float, now_s: float) -> None:
    """Raises `QuotaExceededError`: waiting in a queue does not help before midnight."""
    if not has_seconds_left(quota.limits, used_s):
        raise QuotaExceededError(
            f"the tenant's sessions have run for their {quota.limits.session_seconds_per_day:g} s of today",
            quota=SESSION_SECONDS,
            tenant_id=quota.tenant_id,
            retry_after_s=reset_s(now_s) - now_s,
        )


def check_storage(quota: Quota, used_bytes: int) -> None:
    """Before anything is kept. Raises `QuotaExceededError`."""
    limit = quota.limits.storage_bytes
    if limit is not None and used_bytes >= limit:
        raise QuotaExceededError(
            f"the tenant keeps {used_bytes:,} bytes of {limit:,}", quota=STORAGE, tenant_id=quota.tenant_id
        )


def too_many_sessions(quota: Quota, retry_after_s: float) -> QuotaExceededError:
    return QuotaExceededError(
        f"the tenant may run {quota.limits.concurrent_sessions} sessions at once",
        quota=CONCURRENT_SESSIONS,
        tenant_id=quota.tenant_id,
        retry_after_s=retry_after_s,
    )


def left_of(limits: Limits, use: Use) -> Limits:
    """Of each limit that there is."""

    def left(limit: float | None, used: float) -> float | None:
        return None if limit is None else max(0.0, limit - used)

    sessions = left(limits.concurrent_sessions, use.concurrent_sessions)
    storage = left(limits.storage_bytes, use.storage_bytes)
    return Limits(
        concurrent_sessions=None if sessions is None else int(sessions),
        session_seconds_per_day=left(limits.session_seconds_per_day, use.session_seconds_today),
        controls_per_second=limits.controls_per_second,
        storage_bytes=None if storage is None else int(storage),
    )
