"""Sessions of nobody, so that the first client's chunks are not the first of their kind.

Kernels are chosen, compiled and recorded when a shape comes for the first time. A session's shapes change until its
window is full, and differ for every number of sessions that step together; all of them come here.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

import numpy as np

from model.adapters.interface import IMAGE, LATENTS, TEXT
from model.adapters.presets import WanPreset
from model.adapters.wan.config import IMAGE_TOKENS
from model.adapters.wan.encoder import PICTURE_LATENTS
from model.interface import ChunkControls, ClosableState, SessionState, Transformer

# With a full window: the first records what every other replays.
FULL_CHUNKS = 2


def play_strangers(transformer: Transformer, preset: WanPreset, sizes: Sequence[int]) -> None:
    """From an empty window to a full one at each of the batch sizes, the most sessions first: they need most memory,
    and the others find theirs in it."""
    num_chunks = -(-preset.past_latents // preset.latents_per_chunk) + FULL_CHUNKS
    for size in sorted(sizes, reverse=True):
        with ExitStack() as strangers:
            states = [_stranger(strangers, transformer, preset, seed) for seed in range(size)]
            for _ in range(num_chunks):
                transformer.step(states, [ChunkControls()] * size)


def _stranger(strangers: ExitStack, transformer: Transformer, preset: WanPreset, seed: int) -> SessionState:
    """A session that says nothing and shows nothing, until the block ends."""
    network = preset.network
    prompt = {TEXT: np.zeros((0, network.text_dim), np.float32)} if network.text_dim else None
    picture = {
        LATENTS: np.zeros((PICTURE_LATENTS, *preset.chunk_shape[1:]), np.float32),
        IMAGE: np.zeros((IMAGE_TOKENS, network.image_dim), np.float32),
    }
    state = transformer.open(seed, prompt, picture if network.image_dim else None)
    if isinstance(state, ClosableState):
        strangers.callback(state.close)
    return state
