from __future__ import annotations

from typing import TypeVar

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from serving.errors import (
    CapacityExhaustedError,
    ImageTooLargeError,
    NacreError,
    QuotaExceededError,
    RateExceededError,
    SessionEndedError,
    error_classes,
)
from serving.gateway.status import to_status

Detail = TypeVar("Detail", bound=Message)


def read(status: status_pb2.Status, kind: type[Detail]) -> Detail | None:
    found = kind()
    return found if any(detail.Unpack(found) for detail in status.details) else None


def make(kind: type[NacreError]) -> NacreError:
    if issubclass(kind, QuotaExceededError):
        return kind("a sentence", quota="max_sessions", tenant_id="acme", retry_after_s=2.0)
    return kind("a sentence")


@pytest.mark.parametrize("kind", error_classes(), ids=lambda kind: kind.__name__)
def test_every_error_says_its_reason_and_the_call(kind: type[NacreError]) -> None:
    error = make(kind)
    status = to_status(error, "r-1")
    info = read(status, error_details_pb2.ErrorInfo)
    assert info is not None
    assert (info.reason, info.domain, info.metadata["request_id"]) == (kind.reason, "nacre", "r-1")
    request = read(status, error_details_pb2.RequestInfo)
    assert request is not None
    assert request.request_id == "r-1"
    assert (status.code, status.message) == (kind.status.value[0], "a sentence")
    quota = read(status, error_details_pb2.QuotaFailure)
    assert (quota is not None) == (kind.status is grpc.StatusCode.RESOURCE_EXHAUSTED)
    assert (read(status, error_details_pb2.RetryInfo) is not None) == (error.retry_after_s is not None)
    assert read(status, error_details_pb2.BadRequest) is None


def test_a_field_at_fault_is_named() -> None:
    status = to_status(ImageTooLargeError("too many pixels", field="world.image.data", allowed=("a", "b")), "r-1")
    bad_request = read(status, error_details_pb2.BadRequest)
    assert bad_request is not None
    (violation,) = bad_request.field_violations
    assert (violation.field, violation.reason) == ("world.image.data", "IMAGE_TOO_LARGE")
    info = read(status, error_details_pb2.ErrorInfo)
    assert info is not None
    assert (info.metadata["field"], info.metadata["allowed"]) == ("world.image.data", "a,b")


@pytest.mark.parametrize(
    ("error", "subject", "seconds"),
    [
        (CapacityExhaustedError("full"), "service", 5.0),
        (RateExceededError("too fast", retry_after_s=0.25), "session", 0.25),
        (RateExceededError("too fast", subject="tenant:acme", retry_after_s=0.25), "tenant:acme", 0.25),
    ],
)
def test_a_limit_says_whose_it_is_and_when_to_try_again(error: NacreError, subject: str, seconds: float) -> None:
    status = to_status(error, "r-1")
    quota, retry = read(status, error_details_pb2.QuotaFailure), read(status, error_details_pb2.RetryInfo)
    assert quota is not None
    assert retry is not None
    assert quota.violations[0].subject == subject
    assert retry.retry_delay.ToMilliseconds() == seconds * 1000


def test_a_tenants_quota_has_a_name() -> None:
    quota = read(to_status(make(QuotaExceededError), "r-1"), error_details_pb2.QuotaFailure)
    assert quota is not None
    assert (quota.violations[0].subject, quota.violations[0].quota_metric) == ("tenant:acme", "max_sessions")


def test_where_waiting_does_not_help_nothing_says_so() -> None:
    assert read(to_status(SessionEndedError("over"), "r-1"), error_details_pb2.RetryInfo) is None
