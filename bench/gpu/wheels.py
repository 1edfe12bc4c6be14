"""What has to be brought along to a machine that has torch and a GPU, and no network.

Such an image has the usual scientific packages. What the engine and its benchmarks import beside them is named here,
in the versions that this repository is tested with; messages were generated for grpcio and protobuf, so those come too.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bench.hardware import ROOT

# Found by importing all that the parts import, and looking at whose modules they are.
PACKAGES = (
    "cffi", "cryptography", "diffusers", "googleapis-common-protos", "grpcio", "grpcio-health-checking",
    "grpcio-reflection", "obstore", "platformdirs", "protobuf", "pyjwt", "pytest-asyncio", "sqlalchemy",
)  # fmt: skip
PYTHON = "3.12"
PLATFORMS = ("manylinux_2_34_x86_64", "manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")


def pinned(constraints: str) -> list[str]:
    """Each package as it stands in `constraints`. Raises ValueError for one that does not."""
    versions = {
        name.strip().lower().replace("_", "-"): line.split("#")[0].strip()
        for line in constraints.splitlines()
        if (name := line.split("==")[0]) and "==" in line
    }
    if missing := [name for name in PACKAGES if name not in versions]:
        raise ValueError(f"constraints.txt pins no {', '.join(missing)}")
    return [versions[name] for name in PACKAGES]


def fetch_wheels(folder: Path) -> int:
    """Their bytes. Raises CalledProcessError where one cannot be had."""
    platforms = [part for platform in PLATFORMS for part in ("--platform", platform)]
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--dest", str(folder)]
    command += ["--python-version", PYTHON, "--implementation", "cp", *platforms]
    subprocess.run([*command, *pinned((ROOT / "constraints.txt").read_text())], check=True)
    return sum(file.stat().st_size for file in folder.glob("*.whl"))
