"""Verbs in any order and at the same time, many runs of them: what `make fuzz` does, with its result written down.

The runs are those of `tests/integration/durable/test_interleavings.py`, found by Hypothesis. Each that ends well leaves
a line in a file; the figures are made of those lines, so that a run that was not made is not counted.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.hardware import ROOT
from bench.results import Result

TEST = "tests/integration/durable/test_interleavings.py"
OUTPUT = ROOT / "out" / "bench" / "fuzz.log"
POLL_S = 5.0
# Of what the test said in the end: the verbs that broke something are among it.
TOLD_LINES = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class FuzzConfig:
    runs: int = 500
    verbs: int = 30

    def __post_init__(self) -> None:
        if self.runs < 1 or self.verbs < 1:
            raise ValueError(f"at least one run of one verb, got {self.runs} of {self.verbs}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FuzzRuns:
    """All runs that ended well, together."""

    runs: int
    verbs: Mapping[str, int]
    refusals: Mapping[str, int]  # verbs at the wrong moment, by what they were told
    controls: int  # each with one outcome
    sessions: int  # each made again from its record, and compared
    cuts: int  # of a record at one of its snapshots, with the same to follow


def bench_fuzz(config: FuzzConfig, on_progress: Callable[[int], None] = lambda num_runs: None) -> Result:
    """`on_progress` hears of the number of runs now and then."""
    with tempfile.TemporaryDirectory(prefix="nacre-fuzz-") as folder:
        file = Path(folder) / "runs"
        file.touch()
        started_s = time.monotonic()
        status = _run(config, file, on_progress)
        seconds = time.monotonic() - started_s
        runs = runs_of(file.read_text().splitlines())
    return result_of(config, runs, seconds, status, OUTPUT.read_text(errors="replace").splitlines())


def _run(config: FuzzConfig, file: Path, on_progress: Callable[[int], None]) -> int | None:
    """Gives the test's exit status; None when it was stopped before its end."""
    settings = {
        "NACRE_FUZZ_RUNS": str(config.runs),
        "NACRE_FUZZ_VERBS": str(config.verbs),
        "NACRE_FUZZ_LOG": str(file),
    }
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    with OUTPUT.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", "-q", TEST],
            cwd=ROOT,
            env=os.environ | settings,
            stdout=output,
            stderr=output,
        )
        try:
            while process.poll() is None:
                on_progress(len(file.read_text().splitlines()))
                time.sleep(POLL_S)
        except (KeyboardInterrupt, SystemExit):  # what was done by then is told
            return None
        finally:
            process.kill()
            process.wait()
    return process.returncode


def runs_of(lines: Sequence[str]) -> FuzzRuns:
    noted: list[dict[str, Any]] = [json.loads(line) for line in lines]
    return FuzzRuns(
        runs=len(noted),
        verbs=_together(each["verbs"] for each in noted),
        refusals=_together(each["refusals"] for each in noted),
        controls=sum(each["controls"] for each in noted),
        sessions=sum(each["sessions"] for each in noted),
        cuts=sum(each["cuts"] for each in noted),
    )


def _together(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    all_counts = Counter[str]()
    for each in counts:
        all_counts.update(each)
    return dict(all_counts.most_common())


def result_of(config: FuzzConfig, runs: FuzzRuns, seconds: float, status: int | None, output: Sequence[str]) -> Result:
    faults: list[str] = []
    if status is None:
        faults.append(f"stopped after {runs.runs} of {config.runs} runs")
    elif status:
        faults += [f"the test ended with status {status} after {runs.runs} runs", *output[-TOLD_LINES:]]
    elif runs.runs < config.runs:
        faults.append(f"only {runs.runs} of {config.runs} runs ended well")
    num_verbs, num_refused = sum(runs.verbs.values()), sum(runs.refusals.values())
    return Result(
        benchmark="interleavings",
        model="fake",
        settings={"runs": config.runs, "verbs": config.verbs},
        figures={"seconds": seconds, "all": runs},
        summary=(
            f"{runs.runs} runs of {config.verbs} verbs in {seconds:.0f} s: {num_verbs} verbs,"
            f" {num_refused} refused at the wrong moment; {runs.controls} controls, each with one outcome;"
            f" {runs.sessions} sessions made again from their records, which were cut at {runs.cuts} snapshots",
        ),
        faults=tuple(faults),
    )
