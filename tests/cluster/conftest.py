"""The service as an operator starts it, on Ray and with a fake model: once for all tests here."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]
MODEL = "tests.fakes_model:load"
# Ray starts a dozen processes, on a machine that may be busy with other things.
READY_TIMEOUT_S = 240.0
# As on a cluster: a process for each stage, but for the decoders.
SEPARATE_STAGES = 'processes = [["encoder"], ["transformer"], ["video_decoder", "audio_decoder"]]'
STOP_TIMEOUT_S = 90.0
POLL_S = 0.1


@dataclass(slots=True, kw_only=True)
class Service:
    process: subprocess.Popen[bytes]
    log: Path
    temporary: Path  # where it puts temporary folders

    @property
    def text(self) -> str:
        return self.log.read_text(errors="replace")

    @property
    def address(self) -> str:
        found = re.search(r"READY \S+ on (\S+)", self.text)
        assert found is not None, self.text
        return found[1]

    @property
    def metrics_urls(self) -> list[str]:
        return re.findall(r"http://\S+/metrics", self.text)

    def descendants(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def replica(self, name: str) -> psutil.Process:
        return next(each for each in self.descendants() if name in " ".join(each.cmdline()))

    def wait_ready(self) -> None:
        give_up_s = time.monotonic() + READY_TIMEOUT_S
        while "READY" not in self.text:
            assert self.process.poll() is None, f"ended with {self.process.returncode}: {self.text}"
            assert time.monotonic() < give_up_s, f"not ready: {self.text}"
            time.sleep(POLL_S)

    def stop(self, number: signal.Signals) -> int:
        """As Ctrl-C does: the signal goes to every process of the group."""
        os.killpg(self.process.pid, number)
        return self.process.wait(STOP_TIMEOUT_S)


def command(*arguments: str) -> Sequence[str]:
    return [sys.executable, "-m", "serving", "--model", MODEL, "--metrics-port", "0", *arguments]


@contextmanager
def started(log: Path, *arguments: str) -> Iterator[Service]:
    """A service that is ready. Whatever it leaves is killed after the block, and the block should find out before."""
    with temporary_folder() as temporary, log.open("wb") as output:
        process = subprocess.Popen(
            command(*arguments),
            cwd=ROOT,
            env=os.environ | {"TMPDIR": str(temporary)},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        service = Service(process=process, log=log, temporary=temporary)
        family: list[psutil.Process] = []
        try:
            service.wait_ready()
            family = service.descendants()
            yield service
        finally:
            if process.poll() is None:
                family = service.descendants()
                process.kill()
            for each in family:
                if each.is_running():
                    each.kill()
            process.wait()


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """One whose path leaves room for Ray's sockets. Who is killed cannot clear up."""
    with tempfile.TemporaryDirectory(prefix="t-", dir="/tmp", ignore_cleanup_errors=True) as name:
        yield Path(name)


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("service")
    (folder / "nacre.toml").write_text(SEPARATE_STAGES)
    with started(folder / "log", "--port", "0", "--slots", "2", "--config", str(folder / "nacre.toml")) as service:
        yield service
