"""Errors as clients read them: google.rpc.Status with details. Pure."""

from __future__ import annotations

from google.rpc import error_details_pb2, status_pb2
from grpc import StatusCode

from serving.errors import NacreError
from serving.gateway.codec import to_duration

DOMAIN = "nacre"


def to_status(error: NacreError, request_id: str) -> status_pb2.Status:
    """ErrorInfo and RequestInfo always; BadRequest, QuotaFailure and RetryInfo where they say something."""
    status = status_pb2.Status(code=error.status.value[0], message=error.message)
    status.details.add().Pack(_error_info(error, request_id))
    status.details.add().Pack(error_details_pb2.RequestInfo(request_id=request_id))
    if error.field:
        status.details.add().Pack(_bad_request(error))
    if error.status is StatusCode.RESOURCE_EXHAUSTED:
        status.details.add().Pack(_quota_failure(error))
    if error.retry_after_s is not None:
        status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=to_duration(error.retry_after_s)))
    return status


def _error_info(error: NacreError, request_id: str) -> error_details_pb2.ErrorInfo:
    metadata = {"request_id": request_id}
    if error.field:
        metadata["field"] = error.field
    if error.allowed:
        metadata["allowed"] = ",".join(error.allowed)
    return error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=metadata)


def _bad_request(error: NacreError) -> error_details_pb2.BadRequest:
    violation = error_details_pb2.BadRequest.FieldViolation(
        field=error.field, description=error.message, reason=error.reason
    )
    return error_details_pb2.BadRequest(field_violations=[violation])


def _quota_failure(error: NacreError) -> error_details_pb2.QuotaFailure:
    violation = error_details_pb2.QuotaFailure.Violation(
        subject=error.subject, description=error.message, quota_metric=error.quota
    )
    return error_details_pb2.QuotaFailure(violations=[violation])
