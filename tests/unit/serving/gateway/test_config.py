from __future__ import annotations

import dataclasses
import math

import pytest

from serving.gateway.config import GatewayConfig


def test_the_defaults_listen_to_this_machine_alone() -> None:
    config = GatewayConfig()
    assert (config.host, config.port) == ("127.0.0.1", 50051)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", -1),
        ("port", 65_536),
        ("host", ""),
        ("attach_timeout_s", 0.0),
        ("detach_grace_s", -1.0),
        ("stall_timeout_s", math.nan),
        ("open_timeout_s", math.inf),
        ("window_chunks", 0),
        ("max_unsent_messages", 0),
        ("control_rate_per_s", 0.0),
        ("drain_s", -0.1),
    ],
)
def test_a_setting_out_of_range_is_named(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=name):
        dataclasses.replace(GatewayConfig(), **{name: value})  # type: ignore[arg-type]
