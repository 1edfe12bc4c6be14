"""What is done about ports and about processes that do not end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from bench.service import RunningService, ServiceConfig, ServiceError, end_survivors, find_ready


def test_the_service_says_where_it_listens() -> None:
    log = (
        "starting pearl-xs on Ray ...\n"
        "READY pearl-xs on 127.0.0.1:40001 (metrics: http://127.0.0.1:40002/metrics, http://127.0.0.1:40003/metrics)\n"
    )
    ready = find_ready(log)
    assert ready is not None
    assert ready.address == "127.0.0.1:40001"
    assert ready.metrics_urls == ("http://127.0.0.1:40002/metrics", "http://127.0.0.1:40003/metrics")


@pytest.mark.parametrize("log", ["", "starting ...\n", "READY pearl-xs on 127.0.0.1:40001 (metri"])
def test_before_that_it_is_not_ready(log: str) -> None:
    assert find_ready(log) is None


def test_a_service_that_does_not_start_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    config = ServiceConfig(log=tmp_path / "service.log", arguments=("--no-such-flag",))
    with pytest.raises(ServiceError, match="status 2(.|\n)*no-such-flag"), RunningService(config):
        pass


def test_a_launcher_stands_before_the_service_and_is_given_it(tmp_path: Path) -> None:
    launcher = (sys.executable, "-c", "import sys; print(*sys.argv[2:4]); sys.exit(7)")
    config = ServiceConfig(log=tmp_path / "service.log", launcher=launcher)
    with pytest.raises(ServiceError, match="status 7(.|\n)*-m serving"), RunningService(config):
        pass


def test_a_process_that_outlives_the_service_is_told_and_ended() -> None:
    survivor = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    faults = end_survivors([psutil.Process(survivor.pid)], linger_s=0.2)
    assert len(faults) == 1
    assert f"process {survivor.pid}" in faults[0]
    assert not psutil.pid_exists(survivor.pid) or psutil.Process(survivor.pid).status() == psutil.STATUS_ZOMBIE
    survivor.wait()


def test_processes_that_end_are_no_fault() -> None:
    done = subprocess.Popen([sys.executable, "-c", ""])
    assert end_survivors([psutil.Process(done.pid)], linger_s=10.0) == []
    done.wait()
