"""Memory and processor time of a process and all that descend from it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from enum import Enum
from types import TracebackType
from typing import Self

import psutil


class Role(Enum):
    GATEWAY_AND_WORKERS = "gateway_and_workers"
    CONTROL_PLANE = "control_plane"  # the launcher, and what keeps the cluster together


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessUse:
    pid: int
    started_s: float  # with the pid, tells one process from a later one
    name: str
    role: Role
    rss_bytes: int
    # Of it, what is no file's and nobody else's: the rest is programs and libraries, read as they are needed, and what
    # the system may drop. 0 where the system does not tell.
    anonymous_bytes: int = 0
    cpu_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeUse:
    """All processes of a tree at one moment."""

    processes: tuple[ProcessUse, ...]

    @property
    def rss_bytes(self) -> int:
        """The sum; pages that processes share are counted once for each."""
        return sum(process.rss_bytes for process in self.processes)

    def cpu_s_by_process(self, earlier: TreeUse) -> dict[ProcessUse, float]:
        """Processor time that each process still alive took since."""
        before = {(each.pid, each.started_s): each.cpu_s for each in earlier.processes}
        return {each: each.cpu_s - before.get((each.pid, each.started_s), 0.0) for each in self.processes}

    def cpu_s_since(self, earlier: TreeUse) -> float:
        return sum(self.cpu_s_by_process(earlier).values())


def measure_tree(root_pid: int) -> TreeUse:
    """Empty once the root is gone."""
    try:
        root = psutil.Process(root_pid)
        members = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return TreeUse(processes=())
    found = [found for process in members if (found := _measure(process)) is not None]
    has_replicas = any(is_replica(each.name) for each in found)
    return TreeUse(processes=tuple(replace(each, role=role_of(each.name, has_replicas)) for each in found))


def is_replica(name: str) -> bool:
    """Replicas of Serve deployments carry their name as title."""
    return name.startswith("ray::ServeReplica")


def role_of(name: str, has_replicas: bool) -> Role:
    """A service without replicas is gateway and worker in one."""
    return Role.GATEWAY_AND_WORKERS if is_replica(name) or not has_replicas else Role.CONTROL_PLANE


def _measure(process: psutil.Process) -> ProcessUse | None:
    try:
        with process.oneshot():
            times = process.cpu_times()
            memory = process.memory_info()
            command_line = process.cmdline()
            return ProcessUse(
                pid=process.pid,
                started_s=process.create_time(),
                name=_short_name(command_line) or process.name(),
                role=Role.CONTROL_PLANE,
                rss_bytes=memory.rss,
                anonymous_bytes=memory.rss - memory.shared if hasattr(memory, "shared") else 0,
                cpu_s=times.user + times.system,
            )
    except psutil.NoSuchProcess:
        return None


def _short_name(command_line: list[str]) -> str:
    words = [word.rsplit("/", 1)[-1] for word in command_line[:4]]
    return " ".join(word for word in words if word)


class PeakMemory:
    """Watches trees from a thread of its own and remembers the highest sum of their memory."""

    def __init__(self, *root_pids: int, interval_s: float = 0.5) -> None:
        self._root_pids = root_pids
        self._interval_s = interval_s
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="peak-memory", daemon=True)
        self.rss_bytes = 0

    def __enter__(self) -> Self:
        self._sample()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._is_over.set()
        self._thread.join()
        self._sample()

    def _watch(self) -> None:
        while not self._is_over.wait(self._interval_s):
            self._sample()

    def _sample(self) -> None:
        # A tree may hold another: the client's holds the service that it started.
        processes = {use.pid: use for pid in self._root_pids for use in measure_tree(pid).processes}
        self.rss_bytes = max(self.rss_bytes, sum(use.rss_bytes for use in processes.values()))
