"""The tree of errors, the reasons of the contract, and the code that raises them: each knows the others."""

from __future__ import annotations

import ast
import base64
import re
from pathlib import Path
from urllib.parse import quote

import grpc
import pytest

import serving.errors
from nacre.v1 import error_pb2
from serving.errors import InternalError, NacreError, error_classes
from serving.gateway.status import to_status

PREFIX = "ERROR_REASON_"
SERVER = Path(serving.errors.__file__).parent
REASONS = {name.removeprefix(PREFIX) for name, number in error_pb2.ErrorReason.items() if number}


@pytest.mark.parametrize("kind", error_classes(), ids=lambda kind: kind.__name__)
def test_every_error_has_a_reason_of_the_contract_and_a_status(kind: type[NacreError]) -> None:
    assert kind.reason in REASONS
    assert kind.status is not grpc.StatusCode.OK


def test_every_reason_has_an_error() -> None:
    assert REASONS - {kind.reason for kind in error_classes()} == set()


def test_every_error_is_drawn_in_the_tree() -> None:
    drawn = set(re.findall(r"\+-- (\w+)", serving.errors.__doc__ or ""))
    # Where others were imported, there are special cases of these too, with their reasons.
    ours = {kind.__name__ for kind in error_classes() if kind.__module__ == serving.errors.__name__}
    assert ours - {"NacreError"} == drawn


def test_only_defects_are_internal() -> None:
    internal = {kind for kind in error_classes() if kind.status is grpc.StatusCode.INTERNAL}
    assert internal == {NacreError, InternalError}


def test_errors_that_the_code_raises_say_no_more_than_they_can() -> None:
    """What is made by name with a keyword that the root does not take would fail only when it is raised."""
    taken = {"field", "allowed", "retry_after_s", "subject"}
    names = {kind.__name__: kind for kind in error_classes() if kind.__init__ is NacreError.__init__}
    for path in SERVER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
                assert {keyword.arg for keyword in node.keywords} <= taken, f"{path}:{node.lineno}"


def test_a_message_that_quotes_a_client_at_length_still_reaches_it() -> None:
    """With its reason: of trailers that are too long nothing does."""
    error = serving.errors.InvalidFieldError(f"there is no such name: {chr(0x1F980) * 100_000}", field="name")
    status = to_status(error, "r-1")
    assert error.message.startswith("there is no such name")
    assert len(quote(error.message)) + len(base64.b64encode(status.SerializeToString())) < 8_000
