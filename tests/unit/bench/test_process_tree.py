"""Memory and processor time of a tree of real processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from bench.process_tree import PeakMemory, ProcessUse, Role, TreeUse, measure_tree, role_of

CHILD = "import sys; hog = bytearray(64 << 20); print('up', flush=True); sys.stdin.read()"
PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdin=subprocess.PIPE)
sys.stdin.read()
child.communicate()
"""


@pytest.fixture
def family() -> Iterator[subprocess.Popen[bytes]]:
    """A process whose child holds 64 MiB."""
    parent = subprocess.Popen([sys.executable, "-c", PARENT, CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    assert parent.stdout.readline().strip() == b"up"
    yield parent
    parent.communicate()


def test_children_are_counted(family: subprocess.Popen[bytes]) -> None:
    use = measure_tree(family.pid)
    assert len(use.processes) == 2
    assert use.rss_bytes > 64 << 20


def test_the_peak_is_remembered_and_no_process_is_counted_twice(family: subprocess.Popen[bytes]) -> None:
    with PeakMemory(os.getpid(), family.pid) as memory:
        own = measure_tree(os.getpid()).rss_bytes
    assert 64 << 20 < memory.rss_bytes < own + (32 << 20)


def test_a_tree_that_is_gone_is_empty() -> None:
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    assert measure_tree(done.pid).processes == ()


def use(pid: int, cpu_s: float, role: Role = Role.CONTROL_PLANE, started_s: float = 1.0) -> ProcessUse:
    return ProcessUse(pid=pid, started_s=started_s, name="x", role=role, rss_bytes=10, cpu_s=cpu_s)


def test_processor_time_is_the_difference_of_each_process() -> None:
    earlier = TreeUse(processes=(use(1, 5.0), use(2, 1.0, Role.GATEWAY_AND_WORKERS), use(3, 7.0)))
    later = TreeUse(processes=(use(1, 5.5), use(2, 3.0, Role.GATEWAY_AND_WORKERS), use(3, 0.25, started_s=9.0)))
    assert later.cpu_s_since(earlier) == pytest.approx(0.5 + 2.0 + 0.25)
    assert list(later.cpu_s_by_process(earlier).values()) == pytest.approx([0.5, 2.0, 0.25])


@pytest.mark.parametrize(
    ("name", "has_replicas", "role"),
    [
        ("ray::ServeReplica:nacre:Transformer", True, Role.GATEWAY_AND_WORKERS),
        ("ray::ServeController.run_control_loop", True, Role.CONTROL_PLANE),
        ("raylet --head", True, Role.CONTROL_PLANE),
        ("python -m serving", True, Role.CONTROL_PLANE),
        ("python -m serving --local", False, Role.GATEWAY_AND_WORKERS),
        ("", True, Role.CONTROL_PLANE),
    ],
)
def test_replicas_are_told_from_what_keeps_them(name: str, has_replicas: bool, role: Role) -> None:
    assert role_of(name, has_replicas) is role


def test_a_service_of_one_process_is_all_gateway_and_worker(family: subprocess.Popen[bytes]) -> None:
    assert {use.role for use in measure_tree(family.pid).processes} == {Role.GATEWAY_AND_WORKERS}
