"""The service as an operator runs it: a process of its own, waited for, and stopped with nothing left."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import psutil

from bench.hardware import ROOT

HOST = "127.0.0.1"
ANY_PORTS = (f"--host={HOST}", "--port=0", "--web-port=0", "--metrics-port=0")
# READY pearl-xs on 127.0.0.1:50051 (metrics: http://127.0.0.1:9464/metrics, http://...)
READY_LINE = re.compile(r"^READY .* on (?P<address>\S+:\d+) \(metrics: (?P<urls>.*)\)$", re.MULTILINE)
POLL_S = 0.2
LOG_TAIL_LINES = 15
STOPPED = "the service was stopped"


class ServiceError(Exception):
    """The service did not start, failed, or left something behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceConfig:
    log: Path
    arguments: tuple[str, ...] = ()  # more of `python -m serving`
    launcher: tuple[str, ...] = ()  # a command that becomes the one after it
    # Ray starts its processes one after another, and a cold disk takes its time.
    start_timeout_s: float = 180.0
    # Draining warns clients for 5 s, then Serve and Ray take about as long again.
    stop_timeout_s: float = 60.0
    # Ray's own processes end a moment after their launcher.
    linger_s: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalService:
    """One that somebody else runs: its processes are not ours to see."""

    address: str
    metrics_urls: tuple[str, ...] = ()
    pid: None = None


class RunningService:
    """Starts `python -m serving` on ports of its choice and with nothing on record; leaves nothing when the block
    ends."""

    def __init__(self, config: ServiceConfig) -> None:
        self._config = config
        self._process: subprocess.Popen[bytes] | None = None
        # One thread may stop what another one starts.
        self._changing = threading.Lock()
        self._is_over = False
        self._log: IO[bytes] | None = None
        self._data: tempfile.TemporaryDirectory[str] | None = None
        self.address = ""
        self.metrics_urls: tuple[str, ...] = ()
        self.faults: list[str] = []
        # Descendants ever seen: those of a launcher that died can no longer be found through it.
        self._family: dict[int, psutil.Process] = {}

    @property
    def pid(self) -> int:
        assert self._process is not None, "started"
        return self._process.pid

    def __enter__(self) -> Self:
        self._config.log.parent.mkdir(parents=True, exist_ok=True)
        self._log = self._config.log.open("wb")
        # Not the user's own: that may hold a thousand sessions, and another service may be at work there.
        self._data = tempfile.TemporaryDirectory(prefix="nacre-data-", ignore_cleanup_errors=True)
        own = (*ANY_PORTS, f"--data-folder={self._data.name}")
        command = [*self._config.launcher, sys.executable, "-m", "serving", *own, *self._config.arguments]
        try:
            self._start(command)
            ready = self._wait_ready(time.monotonic() + self._config.start_timeout_s)
        except BaseException:
            self.stop()
            raise
        self.address, self.metrics_urls = ready.address, ready.metrics_urls
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _start(self, command: Sequence[str]) -> None:
        with self._changing:
            if self._is_over:
                raise ServiceError(STOPPED)
            # A session of its own: Ctrl-C is ours to hear, and to pass on in order.
            self._process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log, start_new_session=True
            )

    def _wait_ready(self, give_up_s: float) -> Ready:
        while (ready := find_ready(self._config.log.read_text(errors="replace"))) is None:
            self.check_alive()
            if time.monotonic() > give_up_s:
                raise ServiceError(f"not ready within {self._config.start_timeout_s:.0f} s{self._log_tail()}")
            time.sleep(POLL_S)
        return ready

    def check_alive(self) -> None:
        """Raises ServiceError if it ended by itself, or was stopped."""
        process = self._process
        if process is None:
            raise ServiceError(STOPPED)
        self._meet_family(process.pid)
        if process.poll() is not None:
            raise ServiceError(f"the service ended with status {process.returncode}{self._log_tail()}")

    def stop(self) -> None:
        """Drain and end it as Ctrl-C would; what is wrong with that is added to `faults`."""
        with self._changing:
            self._is_over = True
            process, self._process = self._process, None
        if process is None:
            return
        self._meet_family(process.pid)
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(self._config.stop_timeout_s)
        except subprocess.TimeoutExpired:
            self.faults.append(f"the service did not stop within {self._config.stop_timeout_s:.0f} s")
        if process.returncode:
            self.faults.append(f"the service ended with status {process.returncode}")
        self.faults += end_survivors(list(self._family.values()), self._config.linger_s)
        process.wait()
        if self._log is not None:
            self._log.close()
        if self._data is not None:
            self._data.cleanup()

    def _meet_family(self, pid: int) -> None:
        try:
            root = psutil.Process(pid)
            self._family |= {process.pid: process for process in (root, *root.children(recursive=True))}
        except psutil.NoSuchProcess:
            return

    def _log_tail(self) -> str:
        lines = self._config.log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:]
        return "\n  ".join([f"; the end of {self._config.log}:", *lines])


def service_arguments(is_local: bool, model: str) -> tuple[str, ...]:
    """Flags of `python -m serving`; those not given keep its defaults."""
    return (*(["--local"] if is_local else []), *([f"--model={model}"] if model else []))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """What the service says about itself once it serves."""

    address: str
    metrics_urls: tuple[str, ...]


def find_ready(log: str) -> Ready | None:
    match = READY_LINE.search(log)
    return match and Ready(address=match["address"], metrics_urls=tuple(match["urls"].split(", ")))


def end_survivors(family: Sequence[psutil.Process], linger_s: float) -> list[str]:
    """Wait for processes to end, then kill those that do not: a fault each."""
    _, alive = psutil.wait_procs(family, timeout=linger_s)
    faults = []
    for process in alive:
        try:
            faults.append(f"process {process.pid} ({process.name()}) outlived the service")
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(alive, timeout=linger_s)
    return faults
