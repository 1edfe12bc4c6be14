"""What the C library is told, and that it does it."""

from __future__ import annotations

import ctypes
import subprocess
import sys
import threading

import pytest

from serving.allocator import ENVIRONMENT, KEPT_FREE_BYTES, LARGE_BYTES, MAX_POOLS, bound_memory, give_back_regularly
from serving.cluster import ray_node

HAS_GLIBC = sys.platform == "linux" and hasattr(ctypes.CDLL(None), "mallinfo2")
# A buffer that was large and is freed makes the next of its size come from the pool, unless the limit is fixed.
PROGRAM = """
import ctypes, sys
from serving.allocator import bound_memory

NAMES = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()
Mallinfo2 = type("Mallinfo2", (ctypes.Structure,), {"_fields_": [(name, ctypes.c_size_t) for name in NAMES]})

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
libc.mallinfo2.restype = Mallinfo2
if sys.argv[1] == "bound":
    bound_memory({})
libc.free(libc.malloc(16 << 20))
before = libc.mallinfo2().hblkhd
libc.malloc(16 << 20)
print(libc.mallinfo2().hblkhd - before >= 16 << 20)
"""


# Small buffers of which every tenth stays: what the others leave is not at the heap's end.
SCATTERED = """
import sys, time
from observability.heap import read_heap
from serving.allocator import bound_memory, give_back_regularly
import psutil

bound_memory({})
held = [bytearray(8_000) for _ in range(10_000)]
held = held[::10]
before = psutil.Process().memory_info().rss
give_back_regularly(0.2)
deadline_s = time.monotonic() + 30.0
while before - psutil.Process().memory_info().rss < 30 << 20 and time.monotonic() < deadline_s:
    time.sleep(0.05)
print(before - psutil.Process().memory_info().rss >= 30 << 20, read_heap().in_use_bytes >= 8_000_000)
"""


def test_processes_that_are_started_later_are_told_the_same() -> None:
    assert set(ENVIRONMENT.values()) == {str(MAX_POOLS), str(LARGE_BYTES), str(KEPT_FREE_BYTES)}
    assert ENVIRONMENT.items() <= ray_node.ENVIRONMENT.items()


@pytest.mark.skipif(not HAS_GLIBC, reason="another C library")
@pytest.mark.parametrize(("how", "is_given_back"), [("bound", "True"), ("as it comes", "False")])
def test_a_large_buffer_is_taken_from_the_system_and_given_back_to_it(how: str, is_given_back: str) -> None:
    environment = {"PYTHONPATH": ":".join(sys.path)}
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, how], env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    assert ran.stdout.strip() == is_given_back


def test_what_an_operator_says_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_library(name: object) -> None:
        raise AssertionError("asked")

    monkeypatch.setattr(ctypes, "CDLL", no_library)
    bound_memory({"MALLOC_ARENA_MAX": "1"})
    monkeypatch.setattr(sys, "platform", "darwin")
    bound_memory({})


@pytest.mark.skipif(not HAS_GLIBC, reason="another C library")
def test_what_is_free_between_what_is_in_use_is_given_back_now_and_then() -> None:
    environment = {"PYTHONPATH": ":".join(sys.path)}
    ran = subprocess.run(
        [sys.executable, "-c", SCATTERED], env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    assert ran.stdout.split() == ["True", "True"]


def test_where_there_is_no_glibc_nothing_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    before = threading.active_count()
    give_back_regularly(0.001)
    assert threading.active_count() == before
