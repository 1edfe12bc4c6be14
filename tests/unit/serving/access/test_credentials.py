"""What a call says of who makes it."""

from __future__ import annotations

import pytest

from serving.access.credentials import MAX_BEARER_CHARS, Credentials, read_credentials
from serving.errors import UnauthenticatedError


def test_nothing_said_is_nothing_shown() -> None:
    assert read_credentials([("user-agent", "x"), ("grpc-trace-bin", b"\x00")]) == Credentials()


@pytest.mark.parametrize("text", ["Bearer abc", "bearer abc", "BEARER  abc "])
def test_a_bearer_is_taken_in_any_case(text: str) -> None:
    assert read_credentials([("authorization", text)]).bearer == "abc"


@pytest.mark.parametrize("metadata", [
    [("authorization", "Basic abc")],
    [("authorization", "abc")],
    [("authorization", "Bearer abc"), ("authorization", "Bearer abc")],
    [("origin", "https://a.example"), ("origin", "https://b.example")],
    [("authorization", b"Bearer abc")],
    [("authorization", "Bearer " + "a" * MAX_BEARER_CHARS)],
])  # fmt: skip
def test_e03_what_can_be_read_in_two_ways_is_not_read(metadata: list) -> None:
    with pytest.raises(UnauthenticatedError):
        read_credentials(metadata)


def test_a_certificates_names_come_with_the_alternative_ones_first() -> None:
    transport = {
        "x509_common_name": [b"game"],
        "x509_subject_alternative_name": [b"spiffe://example/game", b"game.example"],
        "transport_security_type": [b"ssl"],
    }
    read = read_credentials([], transport)
    assert read.certificate_names == ("spiffe://example/game", "game.example", "game")
