"""What holds for every test."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path

# Before torch is loaded: on few cores, threads of several processes would only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest

# Set where tests run in several processes; a console that is made with it keeps that width.
os.environ.pop("COLUMNS", None)
os.environ.pop("LINES", None)

# Before any service is started: what tests leave behind is not the user's.
DATA_FOLDER = tempfile.mkdtemp(prefix="test-nacre-")
os.environ["NACRE_DATA_FOLDER"] = DATA_FOLDER
atexit.register(shutil.rmtree, DATA_FOLDER, ignore_errors=True)

TESTS = Path(__file__).parent
UNIT = TESTS / "unit"
# These start whole services and wait for them most of the time: one at a time, beside all the others.
SERVICES = (
    TESTS / "browser",
    TESTS / "cluster",
    TESTS / "integration" / "demo",
    TESTS / "integration" / "test_restart.py",
)


@pytest.hookimpl(tryfirst=True)  # the plugin reads what stands there when its turn comes
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What goes to one process of several: a file as a whole, which shares its fixtures."""
    for item in items:
        is_service = any(item.path.is_relative_to(path) for path in SERVICES)
        item.add_marker(pytest.mark.xdist_group("services" if is_service else str(item.path.relative_to(TESTS))))


@pytest.fixture(autouse=True)
def unit_tests_start_no_ray(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A unit test that needs a cluster is no unit test."""
    if not request.path.is_relative_to(UNIT) or "ray" not in sys.modules:
        return

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("ray.init in a unit test: move it to tests/cluster")

    monkeypatch.setattr(sys.modules["ray"], "init", refuse)
