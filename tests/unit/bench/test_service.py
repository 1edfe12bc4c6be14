"""What is done about ports and about processes that do not end."""

from __future__ import annotations

import socket
import subprocess
import sys

import psutil

from bench.service import HOST, end_survivors, free_ports


def test_free_ports_differ_and_can_be_bound() -> None:
    ports = free_ports(3)
    assert len(set(ports)) == 3
    for port in ports:
        with socket.create_server((HOST, port)):
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
