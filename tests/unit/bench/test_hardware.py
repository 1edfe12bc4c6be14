"""What the figures were measured on."""

from __future__ import annotations

import dataclasses
import json
import re

from bench.hardware import commit, describe_hardware


def test_the_machine_is_described_and_fits_into_json() -> None:
    hardware = describe_hardware()
    assert hardware.num_cores >= 1
    assert hardware.memory_bytes > 1 << 28
    assert "numpy" in hardware.packages
    assert json.loads(json.dumps(dataclasses.asdict(hardware)))["python"].startswith("3.")


def test_the_commit_is_named_or_empty() -> None:
    assert re.fullmatch(r"([0-9a-f]{12}(-dirty)?)?", commit())
