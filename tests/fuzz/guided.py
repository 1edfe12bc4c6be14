"""`python -m tests.fuzz.guided SECONDS`: the parsers again, led by coverage to where nobody looked (atheris).

Each gets an equal share of the time in a process of its own, since atheris ends the one it runs in.
"""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

NAMES = ("manifest", "snapshot file", "tensors", "records", "image")
MISSING = "atheris is not installed (pip install -c constraints.txt atheris; Python 3.11 to 3.13): not run"


def main(seconds: float) -> int:
    if importlib.util.find_spec("atheris") is None:
        print(MISSING)  # noqa: T201  # a command line
        return 0
    share = str(max(1, round(seconds / len(NAMES))))
    return max(subprocess.call([sys.executable, "-m", "tests.fuzz.guided", share, name]) for name in NAMES)


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
