"""Sessions of nobody at an open model: from an empty window to a full one.

A session's shapes change until its window is full; all of them come here, at every number of sessions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from model import warming
from model.adapters.interface import IMAGE, LATENTS, TEXT
from model.adapters.presets import WanPreset
from model.adapters.wan.config import IMAGE_TOKENS
from model.adapters.wan.encoder import PICTURE_LATENTS
from model.interface import SessionState, Transformer

# With a full window: the first records what every other replays.
FULL_CHUNKS = 2


def play_strangers(transformer: Transformer, preset: WanPreset, sizes: Sequence[int]) -> None:
    """At each of the batch sizes."""
    num_chunks = -(-preset.past_latents // preset.latents_per_chunk) + FULL_CHUNKS
    warming.play_strangers(transformer, lambda seed: _stranger(transformer, preset, seed), sizes, num_chunks)


def _stranger(transformer: Transformer, preset: WanPreset, seed: int) -> SessionState:
    """A session that says nothing and shows nothing."""
    network = preset.network
    prompt = {TEXT: np.zeros((0, network.text_dim), np.float32)} if network.text_dim else None
    picture = {
        LATENTS: np.zeros((PICTURE_LATENTS, *preset.chunk_shape[1:]), np.float32),
        IMAGE: np.zeros((IMAGE_TOKENS, network.image_dim), np.float32),
    }
    return transformer.open(seed, prompt, picture if network.image_dim else None)
