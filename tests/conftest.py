"""What holds for every test."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

# Before torch is loaded: on few cores, threads of several processes would only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

# Set where tests run in several processes; a console that is made with it keeps that width.
os.environ.pop("COLUMNS", None)
os.environ.pop("LINES", None)

# Before any service is started: what tests leave behind is not the user's.
DATA_FOLDER = tempfile.mkdtemp(prefix="test-nacre-")
os.environ["NACRE_DATA_FOLDER"] = DATA_FOLDER
atexit.register(shutil.rmtree, DATA_FOLDER, ignore_errors=True)

# No test judges by the clock: machines are shared.
settings.register_profile("nacre", deadline=None)
settings.load_profile("nacre")

TESTS = Path(__file__).parent
UNIT = TESTS / "unit"
# These start whole services and wait for them most of the time: one at a time, beside all the others.
SERVICES = ("tests/browser/", "tests/cluster/", "tests/integration/demo/", "tests/integration/test_restart.py")


class ByFile(LoadScopeScheduling):
    """What goes to one process of several: a file as a whole, which shares its fixtures, and all services."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        return "services" if path.startswith(SERVICES) else path


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    return ByFile(config, log)


@pytest.fixture(autouse=True)
def unit_tests_start_no_ray(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A unit test that needs a cluster is no unit test."""
    if not request.path.is_relative_to(UNIT) or "ray" not in sys.modules:
        return

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("ray.init in a unit test: move it to tests/cluster")

    monkeypatch.setattr(sys.modules["ray"], "init", refuse)
