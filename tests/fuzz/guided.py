"""`python -m tests.fuzz.guided SECONDS`: the parsers again, led by coverage to where nobody looked (atheris).

Each gets an equal share of the time in a process of its own, since atheris ends the one it runs in.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.fuzz.tally import guided_result, write

NAMES = ("manifest", "snapshot file", "tensors", "records", "image")
EXECUTED = re.compile(r"number_of_executed_units: (\d+)")  # among libFuzzer's final figures
MISSING = "atheris is not installed (pip install -c constraints.txt atheris; Python 3.11 to 3.13): not run"


def main(seconds: float) -> int:
    if importlib.util.find_spec("atheris") is None:
        print(MISSING)  # noqa: T201  # a command line
        return 0
    share, began_s = str(max(1, round(seconds / len(NAMES)))), time.monotonic()
    ended = {name: _search_apart(name, share) for name in NAMES}
    executed = {name: int(found[1]) for name, each in ended.items() if (found := EXECUTED.search(each.stderr))}
    codes = {name: each.returncode for name, each in ended.items()}
    write(guided_result(time.monotonic() - began_s, executed, codes))
    return max(codes.values(), key=abs)


def _search_apart(name: str, seconds: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.fuzz.guided", seconds, name]
    ended = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    sys.stderr.write(ended.stderr)
    return ended


def search(name: str, seconds: int) -> None:
    """Ends the process: with 0 when the time is over, with another code and the bytes when it found something."""
    atheris: Any = importlib.import_module("atheris")
    # What is ours is watched; to watch all that it imports takes minutes.
    with atheris.instrument_imports(include=["serving.sessions", "serving.gateway.images"]):
        from tests.fuzz.parsers import parsers
    parser = parsers()[name]
    with tempfile.TemporaryDirectory() as corpus:
        for idx, seed in enumerate(parser.seeds):
            (Path(corpus) / str(idx)).write_bytes(seed)
        flags = [
            f"-max_total_time={seconds}",
            "-max_len=4096",
            "-rss_limit_mb=2048",
            "-timeout=10",
            "-print_final_stats=1",
        ]
        atheris.Setup([sys.argv[0], *flags, corpus], parser.accepts)
        atheris.Fuzz()


if __name__ == "__main__":
    if len(sys.argv) == 3:
        search(sys.argv[2], int(sys.argv[1]))
    sys.exit(main(float(sys.argv[1])))
