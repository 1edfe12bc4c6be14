"""What a directive costs that makes the window again: the chunk that it shapes, with and without."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median

from bench.batching.worlds import warm_snapshots
from model.interface import ChunkControls, Model, Tensors, Transformer
from model.recaching import marked

SENTENCE = "it starts to rain"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecacheFigures:
    """Medians, processor time of the one thread. Windows are full."""

    num_chunks: int
    plain_cpu_s: float  # the chunk of a directive, as it is by default
    recached_cpu_s: float  # with the window made again

    @property
    def cost_s(self) -> float:
        return self.recached_cpu_s - self.plain_cpu_s


def measure_recaching(model: Model, num_chunks: int) -> RecacheFigures:
    """Turn by turn, both from the same snapshot of a session that kept its window."""
    transformer, encoder = model.load_transformer(1), model.load_encoder()
    words = encoder.encode_text(SENTENCE)
    [snapshot] = warm_snapshots(transformer, encoder, 1, is_marked=True)
    seconds: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(num_chunks):
        for is_marked, taken in seconds.items():
            taken.append(_step_s(transformer, snapshot, marked(words) if is_marked else words))
    return RecacheFigures(
        num_chunks=num_chunks, plain_cpu_s=median(seconds[False]), recached_cpu_s=median(seconds[True])
    )


def _step_s(transformer: Transformer, snapshot: Tensors, words: Tensors) -> float:
    state = transformer.restore(snapshot)
    started_s = time.thread_time()
    transformer.step([state], [ChunkControls(forward=1.0, directives=(words,))])
    return time.thread_time() - started_s
