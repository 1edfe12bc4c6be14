"""Errors as the Connect protocol has them."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc import StatusCode

from serving.errors import CapacityExhaustedError, InvalidFieldError, QuotaExceededError
from serving.gateway.status import to_status
from serving.web.answers import refusal, retry_after_s
from serving.web.connect_error import http_status, name_of, status_in, to_json
from serving.web.request import check_said, peer_of, with_token


def test_all_details_are_told_twice_and_say_the_same() -> None:
    error = InvalidFieldError("too long: 5,000 of 4,000 characters … at most", field="world.prompt", allowed=("x",))
    document = json.loads(to_json(to_status(error, "my-call")))
    assert (document["code"], document["message"]) == ("invalid_argument", error.message)
    kinds = {each["type"]: each for each in document["details"]}
    assert set(kinds) == {"google.rpc.ErrorInfo", "google.rpc.RequestInfo", "google.rpc.BadRequest"}
    value = kinds["google.rpc.ErrorInfo"]["value"]
    assert "=" not in value
    info = error_details_pb2.ErrorInfo.FromString(base64.b64decode(value + "=" * (-len(value) % 4)))
    assert info.reason == kinds["google.rpc.ErrorInfo"]["debug"]["reason"] == "FIELD_INVALID"
    assert info.metadata["request_id"] == "my-call"


@pytest.mark.parametrize(
    ("code", "name", "status"),
    [
        (StatusCode.CANCELLED, "canceled", 499),
        (StatusCode.UNKNOWN, "unknown", 500),
        (StatusCode.INVALID_ARGUMENT, "invalid_argument", 400),
        (StatusCode.DEADLINE_EXCEEDED, "deadline_exceeded", 504),
        (StatusCode.NOT_FOUND, "not_found", 404),
        (StatusCode.ALREADY_EXISTS, "already_exists", 409),
        (StatusCode.PERMISSION_DENIED, "permission_denied", 403),
        (StatusCode.RESOURCE_EXHAUSTED, "resource_exhausted", 429),
        (StatusCode.FAILED_PRECONDITION, "failed_precondition", 400),
        (StatusCode.ABORTED, "aborted", 409),
        (StatusCode.OUT_OF_RANGE, "out_of_range", 400),
        (StatusCode.UNIMPLEMENTED, "unimplemented", 501),
        (StatusCode.INTERNAL, "internal", 500),
        (StatusCode.UNAVAILABLE, "unavailable", 503),
        (StatusCode.DATA_LOSS, "data_loss", 500),
        (StatusCode.UNAUTHENTICATED, "unauthenticated", 401),
    ],
)
def test_codes_are_connects(code: StatusCode, name: str, status: int) -> None:
    assert (name_of(code), http_status(code)) == (name, status)


def test_waiting_is_told_where_it_helps() -> None:
    assert retry_after_s(to_status(CapacityExhaustedError("full", retry_after_s=2.5), "c")) == 2.5
    assert refusal(to_status(CapacityExhaustedError("full", retry_after_s=2.5), "c")).headers["retry-after"] == "3"
    quota = QuotaExceededError("so many", quota="concurrent_sessions", tenant_id="acme")
    assert refusal(to_status(quota, "c")).headers["retry-after"] == "60"
    assert "retry-after" not in refusal(to_status(InvalidFieldError("x"), "c")).headers


def test_a_refusal_without_details_says_its_code() -> None:
    status = status_in(StatusCode.DEADLINE_EXCEEDED, "too slow", ())
    assert json.loads(to_json(status)) == {"code": "deadline_exceeded", "message": "too slow", "details": []}
    assert json.loads(to_json(status_pb2.Status(code=99)))["code"] == "unknown"


def test_a_token_in_a_message_counts_where_nothing_else_says_who_calls() -> None:
    assert with_token((), "t") == (("authorization", "Bearer t"),)
    assert with_token((), "") == ()
    header = (("authorization", "Bearer h"),)
    assert with_token(header, "t") == header


@pytest.mark.parametrize(
    "document", [None, [], "x", {"cookie": "a"}, {"x-request-id": 1}, {"authorization": "x" * 9_000}]
)
def test_what_may_not_be_said_first(document: Any) -> None:
    assert check_said(document) is None


def test_peers_are_named_as_grpc_names_them() -> None:
    assert peer_of({"client": ("127.0.0.1", 5)}) == "ipv4:127.0.0.1:5"
    assert peer_of({"client": ("::1", 5)}) == "ipv6:[::1]:5"
    assert peer_of({}) == "unknown"
