"""What the client shows of itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from nacre.credentials import Tls, signed, to_bearer, to_tls


class Stub:
    def __init__(self) -> None:
        self.calls: list[tuple[tuple, dict]] = []
        self.Ask = self._ask

    def _ask(self, *arguments: object, **values: object) -> str:
        self.calls.append((arguments, values))
        return "answer"


class Grpc:
    """As generated stubs are: a method for each call, and nothing else."""

    def __init__(self, stub: Stub) -> None:
        self.Ask = stub.Ask


def test_each_call_carries_the_key_beside_its_own_metadata() -> None:
    stub = Stub()
    asked = signed(Grpc(stub), "nacre_key")
    assert asked.Ask("request", timeout=3, metadata=(("x-request-id", "7"),)) == "answer"
    metadata = (("x-request-id", "7"), ("authorization", "Bearer nacre_key"))
    assert stub.calls == [(("request",), {"timeout": 3, "metadata": metadata})]


def test_a_function_is_asked_anew_for_each_call() -> None:
    stub, tokens = Stub(), iter("ab")
    asked = signed(Grpc(stub), lambda: next(tokens))
    asked.Ask()
    asked.Ask()
    assert [values["metadata"][0][1] for _, values in stub.calls] == ["Bearer a", "Bearer b"]


def test_without_one_nothing_is_sent() -> None:
    stub = Stub()
    signed(Grpc(stub), "").Ask("request")
    assert stub.calls == [(("request",), {})]


def test_a_key_or_a_token_or_neither() -> None:
    assert to_bearer("key", "") == to_bearer("", "key") == "key"
    assert to_bearer("", "") == ""
    with pytest.raises(ValueError, match="not both"):
        to_bearer("key", "token")


def test_tls_is_a_switch_or_files(tmp_path: Path) -> None:
    assert to_tls(False) is None
    assert to_tls(True) == Tls()
    assert to_tls(Tls(server_name="worlds.example")) == Tls(server_name="worlds.example")
    with pytest.raises(ValueError, match="with its key"):
        Tls(certificate=b"pem")
    with pytest.raises(FileNotFoundError):
        Tls(root_certificates=tmp_path / "missing.pem").to_channel_credentials()
