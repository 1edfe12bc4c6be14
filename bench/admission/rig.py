"""Starts the service that is measured, and asks it how it is."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

import psutil

import nacre
from bench.hardware import ROOT
from bench.service import ServiceError

TOY_MODEL = "tests.fakes_model:FakeModel"
STOP_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    process: subprocess.Popen[str]
    address: str
    key: str

    def connect(self) -> nacre.Client:
        return nacre.connect(self.address, api_key=self.key)

    def cpu_s(self) -> float:
        times = psutil.Process(self.process.pid).cpu_times()
        return times.user + times.system

    def state(self) -> dict[str, int]:
        _pipe(self.process.stdin).write("\n")
        _pipe(self.process.stdin).flush()
        return _read(self.process)


@contextmanager
def house(*, num_slots: int, plain: bool = False, model: str = TOY_MODEL) -> Iterator[House]:
    """Raises `ServiceError`."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "bench.admission.house", folder, f"--slots={num_slots}", f"--model={model}"]
        process = subprocess.Popen(
            [*command, *(["--plain"] if plain else [])],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            yield House(process=process, **_read(process))
        finally:
            _pipe(process.stdin).close()
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            _pipe(process.stdout).close()


def _read(process: subprocess.Popen[str]) -> Any:
    line = _pipe(process.stdout).readline()
    if not line:
        raise ServiceError("the service that is measured has ended")
    return json.loads(line)


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None, "made with pipes"
    return pipe
