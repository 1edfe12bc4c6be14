"""Waiting for a session, places that are held, and what one may use."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import grpc.aio
from google.protobuf import duration_pb2

from nacre.errors import ProtocolError, from_rpc_error
from nacre.v1 import admission_pb2, quota_pb2

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a tenant may use at most; None where there is no limit."""

    concurrent_sessions: int | None = None
    session_seconds_per_day: float | None = None  # UTC
    controls_per_second: float | None = None
    storage_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    concurrent_sessions: int
    session_seconds_today: float
    storage_bytes: int
    num_waiting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    tenant_id: str
    limits: Limits
    use: Use
    left: Limits  # of each limit that there is
    resets_at: datetime  # when the seconds of the day begin anew
    weight: float  # of its turns in the queue


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueStanding:
    """How far somebody is who waits."""

    position: int  # 1 for whoever is next
    num_waiting: int
    eta_s: float | None  # None while nobody can tell
    reservation_id: str  # leaves the queue, with `cancel_reservation`
    gives_up_at: datetime | None = None  # when the wait that was asked for is over
    limits: Limits | None = None  # what its tenant may use, now


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """A place that is held until then; `create(reservation_id=...)` takes it."""

    reservation_id: str
    expires_at: datetime


OnQueue = Callable[[QueueStanding], None]


class Waiting(Awaitable[T]):
    """Iterate for how far one is, or await what is waited for, or first the one and then the other. Leaving it alone
    with `close` gives the place in the queue back."""

    def __init__(self, call: Any, read: Callable[[Any], T | None], on_queue: OnQueue | None = None) -> None:
        """`read`: what was waited for, from an answer that has it."""
        self._call = call
        self._read = read
        self._on_queue = on_queue
        self._outcome: T | None = None

    async def __aiter__(self) -> AsyncIterator[QueueStanding]:
        """Raises `NacreError`."""
        try:
            while (response := await self._call.read()) is not grpc.aio.EOF:  # pyright: ignore[reportAttributeAccessIssue]
                if response.HasField("queued"):
                    standing = to_standing(response.queued)
                    if self._on_queue is not None:
                        self._on_queue(standing)
                    yield standing
                else:
                    self._outcome = self._read(response)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from error
        except asyncio.CancelledError:
            self.close()
            raise

    def __await__(self) -> Generator[Any, None, T]:
        return self._wait().__await__()

    def close(self) -> None:
        self._call.cancel()

    async def _wait(self) -> T:
        if self._outcome is None:
            async for _ in self:
                pass
        if self._outcome is None:
            raise ProtocolError("the service said neither that there is a place nor that there is none")
        return self._outcome


def to_wait(wait_s: float) -> duration_pb2.Duration:
    duration = duration_pb2.Duration()
    duration.FromNanoseconds(round(wait_s * 1e9))
    return duration


def to_admission(wait_s: float, reservation_id: str) -> quota_pb2.Admission | None:
    """None where the service's own way is meant: a refusal at once."""
    if not wait_s and not reservation_id:
        return None
    return quota_pb2.Admission(wait=to_wait(wait_s), reservation_id=reservation_id)


def to_standing(message: admission_pb2.QueueStanding) -> QueueStanding:
    return QueueStanding(
        position=message.position,
        num_waiting=message.num_waiting,
        eta_s=message.eta.ToNanoseconds() / 1e9 if message.HasField("eta") else None,
        reservation_id=message.reservation_id,
        gives_up_at=message.give_up_time.ToDatetime(UTC) if message.HasField("give_up_time") else None,
        limits=to_limits(message.limits) if message.HasField("limits") else None,
    )


def to_reservation(message: admission_pb2.Reservation) -> Reservation:
    return Reservation(reservation_id=message.reservation_id, expires_at=message.expire_time.ToDatetime(UTC))


def to_limits(message: quota_pb2.Limits) -> Limits:
    def value(name: str) -> Any:
        return getattr(message, name) if message.HasField(name) else None

    return Limits(
        concurrent_sessions=value("concurrent_sessions"),
        session_seconds_per_day=value("session_seconds_per_day"),
        controls_per_second=value("controls_per_second"),
        storage_bytes=value("storage_bytes"),
    )


def from_limits(limits: Limits) -> quota_pb2.Limits:
    return quota_pb2.Limits(
        concurrent_sessions=limits.concurrent_sessions,
        session_seconds_per_day=limits.session_seconds_per_day,
        controls_per_second=limits.controls_per_second,
        storage_bytes=limits.storage_bytes,
    )


def to_quota(message: admission_pb2.Quota) -> Quota:
    return Quota(
        tenant_id=message.tenant_id,
        limits=to_limits(message.limits),
        use=Use(
            concurrent_sessions=message.use.concurrent_sessions,
            session_seconds_today=message.use.session_seconds_today,
            storage_bytes=message.use.storage_bytes,
            num_waiting=message.use.num_waiting,
        ),
        left=to_limits(message.left),
        resets_at=message.reset_time.ToDatetime(UTC),
        weight=message.weight,
    )
