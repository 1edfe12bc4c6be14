"""A worker keeps to one core while one is enough, and to one that is nobody else's."""

import os
import subprocess
import sys
import textwrap

import pytest

from serving.one_core import ENOUGH_SHARE, FULL_SHARE, REST_S, Claims, Standing, decide

KEPT = Standing(is_kept=True)
linux_with_cores = pytest.mark.skipif(
    sys.platform != "linux" or len(os.sched_getaffinity(0)) < 2, reason="needs Linux and two cores"
)


@pytest.mark.parametrize(
    ("share", "is_kept"),
    [(0.0, False), (0.05, False), (0.3, True), (ENOUGH_SHARE, True), (0.7, False), (1.5, False)],
)
def test_one_that_works_and_needs_no_more_is_kept(share: float, is_kept: bool) -> None:
    assert decide(Standing(), share, 10.0).is_kept is is_kept


@pytest.mark.parametrize("share", [0.0, 0.5, FULL_SHARE])
def test_one_that_is_kept_stays_while_one_core_is_enough(share: float) -> None:
    """Resting as well: it begins again where it ended."""
    assert decide(KEPT, share, 10.0) == KEPT


def test_one_that_needs_more_is_let_go_and_not_kept_again_for_a_while() -> None:
    left = decide(KEPT, 0.95, 10.0)
    assert not left.is_kept
    assert not decide(left, 0.4, 10.0 + REST_S - 0.1).is_kept
    assert decide(left, 0.4, 10.0 + REST_S).is_kept


@linux_with_cores
def test_no_two_have_the_same_core() -> None:
    first, second, third = (Claims(f"test-{os.getpid()}") for _ in range(3))  # services beside the tests have theirs
    cores = [0, 1]
    assert first.claim(cores) == 0
    assert second.claim(cores) == 1
    assert third.claim(cores) is None
    first.release()
    assert third.claim(cores) == 0
    second.release()
    third.release()


@linux_with_cores
def test_all_threads_keep_to_one_core_until_one_is_not_enough() -> None:
    """In a process of its own: with two threads that compute, each half the time and then all of it."""
    program = textwrap.dedent(
        """
        import hashlib, os, threading, time
        from serving.one_core import MOST_CORES, Claims, keep_to_one_core

        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:MOST_CORES])
        allowed = os.sched_getaffinity(0)
        rest_s, data = 0.01, bytes(1 << 20)

        def compute() -> None:
            while True:
                started_s = time.thread_time()
                while time.thread_time() - started_s < 0.002:
                    hashlib.sha256(data)
                time.sleep(rest_s)

        threads = [threading.Thread(target=compute, daemon=True) for _ in range(2)]
        for thread in threads:
            thread.start()

        def wait_until(num_cores: int) -> None:
            ids = [thread.native_id for thread in threads]
            while {len(os.sched_getaffinity(each)) for each in ids} != {num_cores}:
                time.sleep(0.02)

        keep_to_one_core(every_s=0.2, claims=Claims(f"test-{os.getpid()}"))
        wait_until(1)
        assert len({frozenset(os.sched_getaffinity(each.native_id)) for each in threads}) == 1
        rest_s = 0.0
        wait_until(len(allowed))
        """
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
