"""Whoever started the service was killed: once told to end, nothing of it stays, or of Ray."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.cluster.conftest import MODEL, POLL_S, READY_TIMEOUT_S, ROOT, STOP_TIMEOUT_S, temporary_folder
from tests.tagged import TAG, processes_of

pytestmark = pytest.mark.timeout(500)

LINGER_S = 10.0


@contextmanager
def demo(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """One that plays: it has its service, which has Ray."""
    command = [sys.executable, "-m", "bench.demo", "--model", MODEL, "--output", str(folder)]
    with temporary_folder() as temporary:
        environment = os.environ | {TAG: folder.name, "TMPDIR": str(temporary)}
        with subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True) as process:
            try:
                log = folder / "service.log"
                wait_until(lambda: log.exists() and "READY" in log.read_text(), READY_TIMEOUT_S)
                yield process
            finally:
                process.kill()


def wait_until(is_so: Callable[[], bool], timeout_s: float) -> None:
    give_up_s = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < give_up_s, "it did not come to that in time"
        time.sleep(POLL_S)


def test_a_service_whose_starter_was_killed_stops_and_leaves_nothing(tmp_path: Path) -> None:
    with demo(tmp_path) as process:
        service = next(each for each in psutil.Process(process.pid).children() if "serving" in each.cmdline())
        process.kill()
        process.wait()
        assert service.is_running()
        folder = ray_folder(service)
        assert folder.is_dir()
        service.terminate()
        assert psutil.wait_procs([service], timeout=STOP_TIMEOUT_S)[1] == []
        wait_until(lambda: processes_of(tmp_path.name) == [], LINGER_S)
        assert not folder.exists()


def ray_folder(service: psutil.Process) -> Path:
    """What the service made for Ray's sockets and logs, which holds a folder for each of Ray's sessions."""
    words = [word for each in service.children(recursive=True) for word in each.cmdline()]
    return Path(next(word for word in words if word.startswith("--session-dir=")).partition("=")[2]).parent
