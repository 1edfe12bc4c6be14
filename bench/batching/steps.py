"""One step of several sessions against a step of each, on the same chunks."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

import numpy as np

from bench.batching.worlds import is_same, rounds, step_alone, warm_snapshots
from model.interface import Model

_Made = TypeVar("_Made")


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFigures:
    """Medians over the chunks, processor time of the one thread: what others do on the machine is not in it."""

    profile: str
    num_sessions: int
    num_chunks: int
    together_cpu_s: float
    alone_cpu_s: float  # of all of them, in the same profile
    is_same: bool  # every chunk, to the bit
    maps_mean_difference: float  # the largest of any chunk, of 255; it grows with what grew before

    @property
    def share(self) -> float:
        return self.together_cpu_s / self.alone_cpu_s


def measure_steps(model: Model, num_sessions: int, num_chunks: int) -> StepFigures:
    """Round after round together and alone, so that both see the same machine."""
    transformer = model.load_transformer(1)
    snapshots = warm_snapshots(transformer, model.load_encoder(), num_sessions)
    mixed = [transformer.restore(each) for each in snapshots]
    alone = [transformer.restore(each) for each in snapshots]
    together_s, alone_s, difference, same = [], [], 0.0, True
    for controls in rounds(num_sessions, num_chunks):
        seconds, ours = _timed(lambda controls=controls: transformer.step(mixed, controls))
        together_s.append(seconds)
        seconds, theirs = _timed(lambda controls=controls: step_alone(transformer, alone, controls))
        alone_s.append(seconds)
        for one, two in zip(ours, theirs, strict=True):
            same &= is_same(one, two)
            apart = np.abs(one.video["maps"].astype(int) - two.video["maps"].astype(int)).mean()
            difference = max(difference, float(apart))
    return StepFigures(
        profile=str(model.info.profile),
        num_sessions=num_sessions,
        num_chunks=num_chunks,
        together_cpu_s=median(together_s),
        alone_cpu_s=median(alone_s),
        is_same=same,
        maps_mean_difference=difference,
    )


def _timed(call: Callable[[], _Made]) -> tuple[float, _Made]:
    started_s = time.thread_time()
    made = call()
    return time.thread_time() - started_s, made
