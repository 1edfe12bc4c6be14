"""The page in real Chromium, against the service as an operator starts it.

Each test is a scenario in scenarios.mjs or edge_scenarios.mjs; all share one service, one browser and, in their order,
one page.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cluster.conftest import started
from tests.strangers.test_node import NODE

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CHROMIUM = os.environ.get("NACRE_CHROMIUM") or shutil.which("chromium") or ""
PICTURE = ROOT / "bench" / "assets" / "start.png"
OUT = ROOT / "out" / "browser"
MODEL = "pearl-xs"
RUN_TIMEOUT_S = 540
NAMES = [
    name
    for file in ("scenarios.mjs", "edge_scenarios.mjs")
    for name in re.findall(r"^  async (\w+)\(", (HERE / file).read_text(), re.MULTILINE)
]

pytestmark = [
    pytest.mark.skipif(not NODE, reason="there is no node"),
    pytest.mark.skipif(not CHROMIUM, reason="there is no chromium"),
    pytest.mark.skipif(
        not (ROOT / "sdk/js/node_modules/playwright-core").is_dir(), reason="not installed: npm ci --prefix sdk/js"
    ),
    pytest.mark.timeout(RUN_TIMEOUT_S + 60),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    error: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    url: str
    pid: int  # of the service, which the last scenario stops


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    folder = tmp_path_factory.mktemp("browser")
    arguments = ("--local", "--model", MODEL, "--port", "0", "--web-port", "0", "--slots", "2")
    with started(folder / "log", *arguments, "--data-folder", str(folder / "data")) as service:
        found = re.search(r"PAGE (\S+)", service.text)
        assert found is not None, service.text
        yield Page(url=found[1], pid=service.process.pid)


@pytest.fixture(scope="module")
def outcomes(page: Page, request: pytest.FixtureRequest) -> Mapping[str, Outcome]:
    """Of the scenarios that were asked for, all run in one go."""
    asked = {item.name for item in request.session.items}
    wanted = [name for name in NAMES if f"test_page[{name}]" in asked]
    command = [NODE, "run.mjs", page.url, str(PICTURE), str(OUT), *wanted]
    environment = os.environ | {"NACRE_CHROMIUM": CHROMIUM, "NACRE_SERVICE_PID": str(page.pid)}
    done = subprocess.run(command, cwd=HERE, env=environment, capture_output=True, text=True, timeout=RUN_TIMEOUT_S)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {each["name"]: Outcome(error=each["error"], seconds=each["seconds"]) for each in lines}


@pytest.mark.parametrize("name", NAMES)
def test_page(name: str, outcomes: Mapping[str, Outcome]) -> None:
    outcome = outcomes[name]
    assert not outcome.error, f"after {outcome.seconds:.1f} s: {outcome.error}"
