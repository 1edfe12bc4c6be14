"""Runs the parts, one after the other, for as long as there is time, and writes down what is known after each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.gpu.plan import RESULTS, Part
from bench.hardware import ROOT

# A part that could not even load its model in this time is not begun.
LEAST_S = 60.0
# Of what a part said, the end.
TAIL_CHARS = 6_000
TIMED_OUT = 124
FILE = "gpu.json"

State = dict[str, dict[str, Any]]  # by the part's name


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteConfig:
    folder: Path  # where the one file of all results is written
    seconds: float  # that all parts together may take
    after: Path | None = None  # such a file of an earlier run: what went well there is not run again
    least_s: float = LEAST_S


def run_suite(parts: Sequence[Part], config: SuiteConfig, say: Callable[[str], None]) -> State:
    """All that are not known to have gone well. Gives what is known of each."""
    end_s = time.monotonic() + config.seconds
    state = read_state(config.after) if config.after is not None else {}
    config.folder.mkdir(parents=True, exist_ok=True)
    for part in parts:
        if state.get(part.name, {}).get("status") == 0:
            continue
        left_s = end_s - time.monotonic()
        if left_s < config.least_s:
            say(f"{part.name}: no time left; go on with --after {config.folder / FILE}")
            continue
        say(f"{part.name}: {' '.join(part.command)}")
        state[part.name] = run_part(part, min(left_s, part.limit_s))
        (config.folder / FILE).write_text(json.dumps(state, indent=1) + "\n")
        say(f"{part.name}: {'well' if state[part.name]['status'] == 0 else state[part.name]['tail'][-1500:]}")
    return state


def read_state(file: Path) -> State:
    """Raises ValueError for a file that is none of ours."""
    state = json.loads(file.read_text())
    if not isinstance(state, dict) or not all(isinstance(each, dict) and "status" in each for each in state.values()):
        raise ValueError(f"{file} holds no parts")
    return state


def run_part(part: Part, limit_s: float) -> dict[str, Any]:
    """Its exit status, the seconds it took, the end of what it said, and the results that it wrote."""
    started_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="nacre-gpu-") as folder:
        command = [each.replace(RESULTS, folder) for each in part.command]
        status, said = _run([sys.executable, *command], limit_s)
        results = [json.loads(file.read_text()) for file in sorted(Path(folder).glob("*.json"))]
    seconds = time.monotonic() - started_s
    return {"status": status, "seconds": seconds, "tail": said[-TAIL_CHARS:], "results": results}


def _run(command: Sequence[str], limit_s: float) -> tuple[int, str]:
    # A pipe would be lost with the process that is ended; a file keeps what was said.
    with tempfile.TemporaryFile("w+") as output:
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        try:
            done = subprocess.run(
                command,
                cwd=ROOT,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=limit_s,
                check=False,
            )
            status = done.returncode
        except subprocess.TimeoutExpired:
            status = TIMED_OUT
        output.seek(0)
        return status, output.read()
