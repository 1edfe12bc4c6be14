"""What a signal does to a benchmark: what it started is stopped first.

Left alone, Python ends on SIGTERM and SIGHUP without a word, and a service that was started goes on by itself.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import time
from collections.abc import Callable
from types import FrameType

import psutil

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# `timeout` tells its command and then its whole group, and so does whoever is in a hurry: that is one signal.
SAME_SIGNAL_S = 1.0
SHELL_OFFSET = 128  # what a shell adds to the number of the signal that ended a program


class Stopper:
    """The first signal ends the program as an error does, so that `with` and `finally` stop what was started. One that
    comes later does not wait for that: all that descends from this process is killed, and it ends at once."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        at_once: Callable[[int], None] | None = None,
    ) -> None:
        """`at_once` ends the process with a status."""
        self._clock = clock
        self._at_once = at_once or end_at_once
        self._first_s: float | None = None

    def install(self) -> None:
        """From the main thread. What this process was told to ignore, as by `nohup`, stays ignored."""
        atexit.register(self._end_what_is_left)
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self.heard)

    def heard(self, number: int, frame: FrameType | None = None) -> None:
        now_s = self._clock()
        if self._first_s is None:
            self._first_s = now_s
            raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(SHELL_OFFSET + number)
        if now_s - self._first_s >= SAME_SIGNAL_S:
            self._at_once(SHELL_OFFSET + number)

    def _end_what_is_left(self) -> None:
        """Of processes that nothing stopped on the way out."""
        if self._first_s is not None:
            kill_descendants()


def kill_descendants() -> None:
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def end_at_once(status: int) -> None:
    """End this process and all that descend from it, in the middle of whatever they do."""
    kill_descendants()
    os._exit(status)
