"""Keeps a process on one core for as long as one is enough for it.

Threads that do one after the other what a chunk takes, and sleep in between, are woken on whichever core is idle, which
knows nothing of them. Within one play by turns, a worker of the embedded model took a little less on one core of two;
over ten rounds of `python -m bench overhead` that does not stand out from the machine's changing pace.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

# How often a process looks at itself. With a second session one core may not be enough: in this time the two fall
# behind by 60 ms, and chunks have a lead of 120.
LOOK_S = 0.5
# Of one core's time. Below, one core is enough; above, it may not be.
ENOUGH_SHARE, FULL_SHARE = 0.65, 0.8
MOST_CORES = 4  # of more, there is nearly always an idle one that was the last
IDLE_SHARE = 0.1  # below it there is nothing to gain
REST_S = 30.0  # from when one was not enough until it is tried again


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    is_kept: bool = False
    not_before_s: float = float("-inf")  # when it may be kept again


def decide(standing: Standing, share: float, now_s: float) -> Standing:
    """`share`: of one core's time, that the process took since the last look; on more cores it may be above 1. Pure."""
    if standing.is_kept:
        return standing if share <= FULL_SHARE else Standing(not_before_s=now_s + REST_S)
    is_wanted = IDLE_SHARE <= share <= ENOUGH_SHARE and now_s >= standing.not_before_s
    return Standing(is_kept=True) if is_wanted else standing


class Claims:
    """Which core is whose among the processes of this machine: two on one core would have half of it each. A claim ends
    with its process."""

    def __init__(self, name: str = "nacre-core") -> None:
        """`name`: of those among whom no two have the same."""
        self._name = name
        self._held: socket.socket | None = None

    def claim(self, cores: Iterable[int]) -> int | None:
        """The first of these that nobody has; None where all are taken."""
        for core in cores:
            held = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            with contextlib.suppress(OSError):
                held.bind(f"\0{self._name}-{core}")  # a name that is nobody's file, and gone with whoever has it
                self._held = held
                return core
            held.close()
        return None

    def release(self) -> None:
        if self._held is not None:
            self._held.close()
            self._held = None


class OneCore:
    """Of this process. `look` is to be called regularly, from one thread."""

    def __init__(self, cores: Iterable[int], claims: Claims, clock: Callable[[], float] = time.monotonic) -> None:
        """`cores`: those it may run on."""
        self.cores = frozenset(cores)
        self.standing = Standing()
        self._claims = claims
        self._clock = clock
        self._looked_s, self._cpu_s = clock(), time.process_time()

    def look(self) -> None:
        """Take or leave a core, by what the process took since the last look."""
        now_s, cpu_s = self._clock(), time.process_time()
        if now_s <= self._looked_s:
            return
        share = (cpu_s - self._cpu_s) / (now_s - self._looked_s)
        self._looked_s, self._cpu_s = now_s, cpu_s
        standing = decide(self.standing, share, now_s)
        if standing.is_kept and not self.standing.is_kept:
            standing = self._keep(now_s)
        elif self.standing.is_kept and not standing.is_kept:
            self.leave()
        self.standing = standing

    def leave(self) -> None:
        """Run wherever it may."""
        _run_on(self.cores)
        self._claims.release()

    def _keep(self, now_s: float) -> Standing:
        core = self._claims.claim(sorted(self.cores, reverse=True))  # the first has more of the system's own work
        if core is None:
            return Standing(not_before_s=now_s + REST_S)
        _run_on({core})
        return Standing(is_kept=True)


def _run_on(cores: Iterable[int]) -> None:
    """All threads there are; one that begins later runs where whoever began it does."""
    mask = set(cores)
    for thread_id in os.listdir("/proc/self/task"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            os.sched_setaffinity(int(thread_id), mask)


def keep_to_one_core(every_s: float = LOOK_S, claims: Claims | None = None) -> None:
    """While one is enough, for as long as the process lives; of no effect where there is one core, or many, or no
    Linux. `claims` are those of this machine, or of this container: others' workers are not seen from there."""
    if sys.platform != "linux":
        return
    cores = os.sched_getaffinity(0)
    if not 2 <= len(cores) <= MOST_CORES:
        return
    one_core = OneCore(cores, claims or Claims())

    def run() -> None:
        while True:
            time.sleep(every_s)
            one_core.look()

    threading.Thread(target=run, name="one-core", daemon=True).start()
