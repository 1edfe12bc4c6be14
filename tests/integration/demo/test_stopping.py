"""A benchmark that is told to end leaves nothing of what it started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.hardware import ROOT
from tests.tagged import TAG, processes_of

START_TIMEOUT_S, STOP_TIMEOUT_S = 100.0, 60.0


def test_a_benchmark_that_is_told_to_end_stops_its_service(tmp_path: Path) -> None:
    environment = os.environ | {TAG: tmp_path.name, "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-m", "bench", "admission"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True) as process:
        try:
            _wait_for("bench.admission.house", tmp_path.name)
            process.send_signal(signal.SIGTERM)
            assert process.wait(STOP_TIMEOUT_S) == 128 + signal.SIGTERM
        finally:
            process.kill()
    assert processes_of(tmp_path.name) == []
    assert list(tmp_path.iterdir()) == []


def _wait_for(command: str, tag: str) -> None:
    give_up_s = time.monotonic() + START_TIMEOUT_S
    while not any(command in line for line in processes_of(tag)):
        if time.monotonic() > give_up_s:
            pytest.fail(f"{command} was not started")
        time.sleep(0.2)
