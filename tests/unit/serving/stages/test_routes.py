"""Which way latents take, by configuration and by where the decoders are."""

from __future__ import annotations

import pytest

from serving.stages.lanes import SharedMemorySender
from serving.stages.routes import Route, is_this_machine, transport_by


@pytest.mark.parametrize(
    ("address", "is_here"),
    [
        ("127.0.0.1:5", True),
        ("127.3.2.1:5", True),
        ("[::1]:5", True),
        ("localhost:5", True),
        ("10.0.0.7:5", True),
        ("grpc:10.0.0.7:5", True),
        ("10.0.0.8:5", False),
        ("worker-3.pods:5", False),
    ],
)
def test_an_address_of_this_machine_is_the_loopback_or_its_own(address: str, is_here: bool) -> None:
    assert is_this_machine(address, "10.0.0.7") is is_here


@pytest.mark.parametrize(
    ("route", "address", "shares_memory"),
    [
        (Route.AUTO, "127.0.0.1:5", True),
        (Route.AUTO, "10.0.0.8:5", False),
        (Route.SHARED_MEMORY, "10.0.0.8:5", True),
        (Route.STREAM, "127.0.0.1:5", False),
        (Route.GRPC, "grpc:127.0.0.1:5", False),
    ],
)
def test_memory_is_shared_on_one_machine_unless_told_otherwise(route: Route, address: str, shares_memory: bool) -> None:
    make_lane = transport_by(route, address, "127.0.0.1")._make_lane  # pyright: ignore[reportAttributeAccessIssue]
    assert (make_lane is SharedMemorySender) is shares_memory
