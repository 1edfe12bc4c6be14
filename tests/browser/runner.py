"""Runs scenarios of the page in real Chromium: run.mjs has them, and tells how each went."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.strangers.test_node import NODE

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CHROMIUM = os.environ.get("NACRE_CHROMIUM") or shutil.which("chromium") or ""
PICTURE = ROOT / "bench" / "assets" / "start.png"
OUT = ROOT / "out" / "browser"
MODEL = "pearl-xs"
RUN_TIMEOUT_S = 540

NEEDS_CHROMIUM = [
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

    def check(self) -> None:
        assert not self.error, f"after {self.seconds:.1f} s: {self.error}"


def names_in(*files: str) -> list[str]:
    """Of the scenarios in these files, in their order."""
    return [name for file in files for name in re.findall(r"^  async (\w+)\(", (HERE / file).read_text(), re.MULTILINE)]


def page_url(log: str) -> str:
    """Where a service that has printed `log` shows its page."""
    found = re.search(r"PAGE (\S+)", log)
    assert found is not None, log
    return found[1]


def run_scenarios(url: str, names: Sequence[str], **environment: str) -> Mapping[str, Outcome]:
    """All in one go, in one browser."""
    command = [NODE, "run.mjs", url, str(PICTURE), str(OUT), *names]
    variables = os.environ | {"NACRE_CHROMIUM": CHROMIUM} | environment
    done = subprocess.run(command, cwd=HERE, env=variables, capture_output=True, text=True, timeout=RUN_TIMEOUT_S)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {each["name"]: Outcome(error=each["error"], seconds=each["seconds"]) for each in lines}
