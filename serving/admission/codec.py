"""Between what is told of admission and what stands for it here."""

from __future__ import annotations

from nacre.v1 import admission_pb2, quota_pb2
from serving.admission.limits import Limits, left_of, reset_s
from serving.admission.quotas import QuotaState
from serving.admission.turn import Standing
from serving.errors import InvalidFieldError
from serving.gateway.codec import to_duration
from serving.gateway.library_codec import to_timestamp


def to_limits(limits: Limits) -> quota_pb2.Limits:
    """What is not limited stays absent."""
    return quota_pb2.Limits(
        concurrent_sessions=limits.concurrent_sessions,
        session_seconds_per_day=limits.session_seconds_per_day,
        controls_per_second=limits.controls_per_second,
        storage_bytes=limits.storage_bytes,
    )


def read_limits(message: quota_pb2.Limits, field: str) -> Limits:
    """Raises `InvalidFieldError`."""

    def value(name: str) -> float | None:
        return getattr(message, name) if message.HasField(name) else None

    sessions, storage = value("concurrent_sessions"), value("storage_bytes")
    try:
        return Limits(
            concurrent_sessions=None if sessions is None else int(sessions),
            session_seconds_per_day=value("session_seconds_per_day"),
            controls_per_second=value("controls_per_second"),
            storage_bytes=None if storage is None else int(storage),
        )
    except ValueError as error:
        raise InvalidFieldError(str(error), field=field) from error


def to_quota(state: QuotaState, now_s: float) -> admission_pb2.Quota:
    quota, use = state.quota, state.use
    return admission_pb2.Quota(
        tenant_id=quota.tenant_id,
        limits=to_limits(quota.limits),
        use=admission_pb2.Use(
            concurrent_sessions=use.concurrent_sessions,
            session_seconds_today=use.session_seconds_today,
            storage_bytes=use.storage_bytes,
            num_waiting=use.num_waiting,
        ),
        left=to_limits(left_of(quota.limits, use)),
        reset_time=to_timestamp(reset_s(now_s)),
        weight=quota.weight,
    )


def to_standing(standing: Standing, give_up_s: float) -> admission_pb2.QueueStanding:
    return admission_pb2.QueueStanding(
        position=standing.position,
        num_waiting=standing.num_waiting,
        eta=None if standing.eta_s is None else to_duration(standing.eta_s),
        reservation_id=standing.place_id,
        give_up_time=to_timestamp(give_up_s),
        limits=to_limits(standing.limits),
    )


def to_reservation(standing: Standing) -> admission_pb2.Reservation:
    return admission_pb2.Reservation(
        reservation_id=standing.place_id,
        expire_time=to_timestamp(standing.until_s),
        limits=to_limits(standing.limits),
    )
