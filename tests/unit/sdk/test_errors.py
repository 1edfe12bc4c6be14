"""Errors of a real service, written with googleapis-common-protos, read without it."""

from __future__ import annotations

import grpc
import grpc.aio
import pytest

import nacre
from nacre.errors import from_rpc_error, from_stream_error
from tests.unit.sdk.scripted_service import status_details


def rpc_error(
    code: grpc.StatusCode, reason: str, *, field_path: str = "", retry_after_s: float | None = None
) -> grpc.aio.AioRpcError:
    trailers = grpc.aio.Metadata(*status_details(code, reason, field_path=field_path, retry_after_s=retry_after_s))
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), trailers, details="a sentence")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (grpc.StatusCode.INVALID_ARGUMENT, nacre.InvalidArgument),
        (grpc.StatusCode.NOT_FOUND, nacre.NotFound),
        (grpc.StatusCode.FAILED_PRECONDITION, nacre.Conflict),
        (grpc.StatusCode.ALREADY_EXISTS, nacre.Conflict),
        (grpc.StatusCode.PERMISSION_DENIED, nacre.PermissionDenied),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, nacre.LimitReached),
        (grpc.StatusCode.UNAVAILABLE, nacre.Unavailable),
        (grpc.StatusCode.DEADLINE_EXCEEDED, nacre.Timeout),
        (grpc.StatusCode.INTERNAL, nacre.InternalError),
        (grpc.StatusCode.UNIMPLEMENTED, nacre.ServiceError),
    ],
)
def test_each_status_has_its_class(code: grpc.StatusCode, kind: type[nacre.NacreError]) -> None:
    assert type(from_rpc_error(rpc_error(code, "ANY"))) is kind


def test_all_details_are_read() -> None:
    error = from_rpc_error(
        rpc_error(grpc.StatusCode.INVALID_ARGUMENT, "TEXT_EMPTY", field_path="world.prompt", retry_after_s=1.5)
    )
    assert isinstance(error, nacre.InvalidArgument)
    assert error.message == "refused: TEXT_EMPTY"
    assert error.reason == "TEXT_EMPTY"
    assert error.field == "world.prompt"
    assert error.allowed == ("a", "b")
    assert error.retry_after_s == 1.5
    assert error.request_id == "r-1"


@pytest.mark.parametrize("trailers", [(), (("grpc-status-details-bin", b"\xff\xff"),)])
def test_a_status_without_readable_details_keeps_its_sentence(trailers: tuple[tuple[str, bytes], ...]) -> None:
    bare = grpc.aio.AioRpcError(
        grpc.StatusCode.NOT_FOUND, grpc.aio.Metadata(), grpc.aio.Metadata(*trailers), details="no such thing"
    )
    error = from_rpc_error(bare)
    assert isinstance(error, nacre.NotFound)
    assert (error.message, error.reason, error.retry_after_s) == ("no such thing", "", None)


def test_an_ended_session_is_told_as_such() -> None:
    error = from_rpc_error(rpc_error(grpc.StatusCode.FAILED_PRECONDITION, "SESSION_ENDED"))
    assert isinstance(error, nacre.SessionEnded)


def test_a_stream_that_breaks_without_a_reason_lost_its_connection() -> None:
    bare = grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata(), details="reset")
    assert isinstance(from_stream_error(bare), nacre.ConnectionLost)


def test_a_stream_that_the_service_ended_for_a_reason_keeps_it() -> None:
    error = from_stream_error(rpc_error(grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE"))
    assert type(error) is nacre.Unavailable
