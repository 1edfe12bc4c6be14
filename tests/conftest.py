"""What holds for every test."""

from __future__ import annotations

import os
import sys
from pathlib import Path

# Before torch is loaded: on few cores, threads of several processes would only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest

UNIT = Path(__file__).parent / "unit"


@pytest.fixture(autouse=True)
def unit_tests_start_no_ray(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A unit test that needs a cluster is no unit test."""
    if not request.path.is_relative_to(UNIT) or "ray" not in sys.modules:
        return

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("ray.init in a unit test: move it to tests/cluster")

    monkeypatch.setattr(sys.modules["ray"], "init", refuse)
