"""What a benchmark ran on: figures without it mean nothing."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import psutil

from observability.gpu import find_gpus

ROOT = Path(__file__).parents[1]
PACKAGES = ("torch", "ray", "grpcio", "av", "numpy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    cpu_model: str
    num_cores: int  # that this process may use
    memory_bytes: int
    gpus: tuple[str, ...]
    system: str
    python: str
    packages: dict[str, str]

    @property
    def summary(self) -> str:
        memory_gib = self.memory_bytes / (1 << 30)
        return f"{self.cpu_model}, {self.num_cores} cores, {memory_gib:.0f} GiB, {', '.join(self.gpus) or 'no GPU'}"

    @property
    def versions(self) -> str:
        return ", ".join((f"Python {self.python}", *(f"{name} {version}" for name, version in self.packages.items())))


def describe_hardware() -> Hardware:
    return Hardware(
        cpu_model=_cpu_model(),
        num_cores=_num_cores(),
        memory_bytes=psutil.virtual_memory().total,
        gpus=tuple(gpu.model for gpu in find_gpus()),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        python=platform.python_version(),
        packages={name: version for name in PACKAGES if (version := _version(name))},
    )


def commit() -> str:
    """The checked-out commit, with `-dirty` where files differ from it that are no results; outside a checkout, as
    where only files were brought to, what NACRE_COMMIT says."""
    try:
        head = _git("rev-parse", "--short=12", "HEAD")
        changed = _git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!bench/results")
        return f"{head}-dirty" if changed else head
    except (OSError, subprocess.CalledProcessError):
        return os.environ.get("NACRE_COMMIT", "")


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], check=True, capture_output=True, text=True, timeout=30)
    return done.stdout.strip()


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _num_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
