"""What has to be brought along to a machine that has torch and a GPU, and no network.

Such an image has the usual scientific packages. What the engine and its benchmarks import beside them is named here,
in the versions that this repository is tested with; messages were generated for grpcio and protobuf, so those come too.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.hardware import ROOT

# Found by importing all that the parts import, and looking at whose modules they are. What may be sent along is often
# bounded, so what ours needs and what it is compared with lie apart.
FOLDERS = {
    "serving": (
        "cffi", "cryptography", "googleapis-common-protos", "grpcio", "grpcio-health-checking", "grpcio-reflection",
        "obstore", "platformdirs", "protobuf", "pyjwt", "pytest-asyncio", "sqlalchemy",
    ),
    "reference": ("diffusers",),
}  # fmt: skip
PYTHON = "3.12"
PLATFORMS = ("manylinux_2_34_x86_64", "manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")


def pinned(constraints: str, packages: Sequence[str]) -> list[str]:
    """Each package as it stands in `constraints`. Raises ValueError for one that does not."""
    lines = {line.split("==")[0].strip().lower(): line.split("#")[0].strip() for line in constraints.splitlines()}
    if missing := [name for name in packages if "==" not in lines.get(name, "")]:
        raise ValueError(f"constraints.txt pins no {', '.join(missing)}")
    return [lines[name] for name in packages]


def fetch_wheels(folder: Path) -> dict[str, int]:
    """Bytes by folder in it. Raises CalledProcessError where one cannot be had."""
    platforms = [part for platform in PLATFORMS for part in ("--platform", platform)]
    constraints = (ROOT / "constraints.txt").read_text()
    for name, packages in FOLDERS.items():
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
        command += ["--python-version", PYTHON, "--implementation", "cp", *platforms, "--dest", str(folder / name)]
        subprocess.run([*command, *pinned(constraints, packages)], check=True)
    return {name: sum(file.stat().st_size for file in (folder / name).glob("*.whl")) for name in FOLDERS}
