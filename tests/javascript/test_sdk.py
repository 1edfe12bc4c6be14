"""The JavaScript client: its sources yield what is checked in, and it plays against the service."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.strangers.test_node import NODE

PACKAGE = Path(__file__).resolve().parents[2] / "sdk/js"
TIMEOUT_S = 170

pytestmark = [
    pytest.mark.skipif(not NODE, reason="there is no node"),
    pytest.mark.skipif(not (PACKAGE / "node_modules/vitest").is_dir(), reason="not installed: npm ci --prefix sdk/js"),
]


def run(*arguments: str) -> str:
    environment = os.environ | {"NACRE_PYTHON": sys.executable, "NO_COLOR": "1"}
    command = [NODE, *arguments]
    done = subprocess.run(command, cwd=PACKAGE, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_bundle_is_what_its_sources_yield() -> None:
    run("node_modules/typescript/bin/tsc", "--noEmit")
    assert "dist is what the sources yield" in run("scripts/build.mjs", "--check")


def test_the_javascript_client_plays_b_04() -> None:
    run("node_modules/vitest/vitest.mjs", "run")
