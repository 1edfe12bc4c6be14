"""Sessions of nobody, so that the first client's chunks are not the first of their kind.

Kernels are chosen, compiled and recorded when a shape comes for the first time; every number of sessions that may step
together is another one.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from model.interface import ChunkControls, ClosableState, SessionState, Transformer

logger = logging.getLogger(__name__)


def play_strangers(
    transformer: Transformer, open_stranger: Callable[[int], SessionState], sizes: Sequence[int], num_chunks: int
) -> None:
    """So many chunks at each of the batch sizes, the most sessions first: they need most memory, and the others find
    theirs in it. `open_stranger` is given a seed."""
    for size in sorted(sizes, reverse=True):
        started_s = time.perf_counter()
        with ExitStack() as strangers:
            states = [_opened(strangers, open_stranger(seed)) for seed in range(size)]
            for _ in range(num_chunks):
                transformer.step(states, [ChunkControls()] * size)
        logger.info("steps of %d sessions are warm, which took %.1f s", size, time.perf_counter() - started_s)


def _opened(strangers: ExitStack, state: SessionState) -> SessionState:
    """Until the block ends."""
    if isinstance(state, ClosableState):
        strangers.callback(state.close)
    return state
