"""What the first signal does, and the second."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest

from bench.hardware import ROOT
from bench.stopping import SAME_SIGNAL_S, SIGNALS, Stopper


class Ended:
    def __init__(self) -> None:
        self.now_s, self.statuses = 50.0, list[int]()

    def stopper(self) -> Stopper:
        return Stopper(lambda: self.now_s, self.statuses.append)


@pytest.fixture
def as_before() -> Iterator[None]:
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


def test_the_first_signal_is_an_error_that_blocks_clean_up_after() -> None:
    ended = Ended()
    with pytest.raises(SystemExit) as error:
        ended.stopper().heard(signal.SIGTERM)
    assert error.value.code == 143
    with pytest.raises(KeyboardInterrupt):
        ended.stopper().heard(signal.SIGINT)
    assert ended.statuses == []


def test_the_same_signal_told_twice_is_one_and_a_later_one_ends_at_once() -> None:
    ended = Ended()
    stopper = ended.stopper()
    with pytest.raises(SystemExit):
        stopper.heard(signal.SIGTERM)
    ended.now_s += SAME_SIGNAL_S / 2
    stopper.heard(signal.SIGTERM)
    assert ended.statuses == []
    ended.now_s += SAME_SIGNAL_S
    stopper.heard(signal.SIGINT)
    assert ended.statuses == [130]


@pytest.mark.usefixtures("as_before")
def test_what_is_ignored_stays_so() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    stopper = Ended().stopper()
    stopper.install()
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    assert signal.getsignal(signal.SIGTERM) == stopper.heard


def test_at_once_means_all_that_descend() -> None:
    child = "import subprocess as s, sys; p = s.Popen(['sleep', '600']); print(p.pid, flush=True); p.wait()"
    program = f"""
import subprocess, sys
from bench.stopping import end_at_once
with subprocess.Popen([sys.executable, "-c", {child!r}], stdout=subprocess.PIPE, text=True) as process:
    print(process.pid, process.stdout.readline(), flush=True)
    end_at_once(7)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 7
    pids = [int(pid) for pid in done.stdout.split()]
    assert len(pids) == 2
    # Whoever is killed dies when the system next gives it a processor, which may be after its killer has ended.
    give_up_s = time.monotonic() + 30.0
    while not all(is_over(pid) for pid in pids):
        assert time.monotonic() < give_up_s, pids
        time.sleep(0.01)


def is_over(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
