"""The machine's pace beside a long session: one and the same step of the model, made now and then in another process.

A machine that others share changes its pace within minutes, and what a session's steps take with it. What this step
takes differs for no other reason.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Self

import typer

from bench.hardware import ROOT

EVERY_S = 5.0
SEED = 1
PROMPT = "a quiet street at dusk"
WARM_UP_STEPS = 10
STOP_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PaceSample:
    time_s: float  # by time.monotonic(), which all processes of a machine share
    cpu_s: float  # what the step took of its processor


class PaceMaker:
    """Use as a context. About a hundredth of one core."""

    def __init__(self, model: str, interval_s: float = EVERY_S) -> None:
        self._command = [sys.executable, "-m", "bench.soak.pace", model, f"--interval-s={interval_s}"]
        self._samples: list[PaceSample] = []

    @property
    def samples(self) -> tuple[PaceSample, ...]:
        return tuple(self._samples)

    def __enter__(self) -> Self:
        environment = os.environ | {"OMP_NUM_THREADS": "1"}  # before torch is loaded, or its threads spin
        self._process = subprocess.Popen(
            self._command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        self._thread = threading.Thread(target=self._read, name="pace", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._thread.join()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self._samples.append(PaceSample(**json.loads(line)))


app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)


@app.command()
def main(model_name: str, *, interval_s: float = EVERY_S) -> None:
    """Prints a sample (JSON) after every interval until it is ended."""
    import torch  # only this process needs them: whoever reads the samples does not

    from model.interface import ChunkControls, ClosableState
    from serving.models import load_model

    torch.set_num_threads(1)
    model = load_model(model_name)
    transformer = model.load_transformer(1)
    state = transformer.open(SEED, model.load_encoder().encode_text(PROMPT), None)
    for _ in range(WARM_UP_STEPS):
        transformer.step([state], [ChunkControls(forward=1.0)])
    snapshot = state.snapshot()
    while True:
        if isinstance(state, ClosableState):
            state.close()
        state = transformer.restore(snapshot)
        before_s = time.process_time()
        transformer.step([state], [ChunkControls(forward=1.0)])
        sample = PaceSample(time_s=time.monotonic(), cpu_s=time.process_time() - before_s)
        print(json.dumps(asdict(sample)), flush=True)
        time.sleep(interval_s)


if __name__ == "__main__":
    app()
