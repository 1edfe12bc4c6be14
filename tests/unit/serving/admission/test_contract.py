"""The contract, read from its descriptors."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions

import nacre.v1

# Words that reading begins with.
READS = ("Get", "List", "Diff", "Export")
# Its first message attaches, and controls have ids of their own.
STREAMS_OF_REQUESTS = {"nacre.v1.SessionService.Play"}


def methods() -> Iterator[MethodDescriptor]:
    for path in sorted(Path(nacre.v1.__path__[0]).glob("*_pb2.py")):
        file = import_module(f"nacre.v1.{path.stem}").DESCRIPTOR
        for service in file.services_by_name.values():
            yield from service.methods


def reads(method: MethodDescriptor) -> bool:
    return method.GetOptions().idempotency_level == MethodOptions.NO_SIDE_EFFECTS


@pytest.mark.parametrize("method", list(methods()), ids=lambda method: method.full_name)
def test_every_call_that_changes_something_takes_an_idempotency_key(method: MethodDescriptor) -> None:
    if method.client_streaming:
        assert method.full_name in STREAMS_OF_REQUESTS
    elif reads(method):
        assert "idempotency_key" not in method.input_type.fields_by_name
    else:
        nested = method.input_type.fields_by_name.get("create")  # a whole request of another call
        request = None if nested is None else nested.message_type
        request = request or method.input_type
        key = request.fields_by_name.get("idempotency_key")
        assert key is not None, f"{method.full_name} has no key, and does not say that it only reads"
        assert key.type == key.TYPE_STRING


@pytest.mark.parametrize(
    "method", [each for each in methods() if each.name.startswith(READS)], ids=lambda method: method.full_name
)
def test_a_call_whose_name_is_of_reading_says_that_it_only_reads(method: MethodDescriptor) -> None:
    assert reads(method)
