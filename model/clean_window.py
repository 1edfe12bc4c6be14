"""The finished chunks of a session's window, kept so that the cache can be made of them again under other words.

Those that are kept are the latest; what the cache holds of earlier ones, as where a session began to keep them on the
way, stays as it was.

Letters: G kept chunks, V patches, C latent dims, A audio latent dims, E control features, Q numbers of patch coverage.
"""

from __future__ import annotations

import numpy as np
import torch

from model.cache import RollingCache, cache_chunks
from model.control import NUM_CONTROL_FEATURES
from model.denoising import CleanChunk, remember
from model.interface import Tensors
from model.layers import KeysValues
from model.memory import sized
from model.transformer import COVERAGE_NUMBERS, NUM_PATCHES, TransformerConfig, WorldTransformer

PREFIX = "clean_"  # before the names of what a snapshot holds of them


class CleanWindow:
    def __init__(self) -> None:
        self._chunks: list[CleanChunk] = []  # in window order

    @property
    def num_bytes(self) -> int:
        return sum(field.nbytes for chunk in self._chunks for field in chunk)

    def append(self, cache: RollingCache, chunk: CleanChunk, kept: list[KeysValues]) -> None:
        """Keep a chunk, and in `cache` what may be kept of it."""
        num_missing = cache.num_chunks - len(self._chunks)
        gone = cache.append(kept)
        if gone is not None and gone >= num_missing:
            del self._chunks[gone - num_missing]
        self._chunks.append(chunk)

    def recache(self, network: WorldTransformer, cache: RollingCache, prompt: list[KeysValues]) -> None:
        """Make again what `cache` holds of these chunks, under another prompt: a cache pass for each."""
        cache.shorten(cache.num_chunks - len(self._chunks))
        for chunk in self._chunks:
            cache.append(remember(network, chunk, prompt, cache.past()))

    def snapshot(self) -> Tensors:
        chunks = self._chunks
        return {
            PREFIX + name: np.concatenate([getattr(chunk, name).numpy() for chunk in chunks])
            for name in (CleanChunk._fields if chunks else ())
        } | {PREFIX + "count": np.array(len(chunks), np.int64)}

    @classmethod
    def restore(cls, config: TransformerConfig, snapshot: Tensors) -> CleanWindow | None:
        """None where a snapshot has none. Raises ValueError for tensors of other sizes."""
        if PREFIX + "count" not in snapshot:
            return None
        count, window = int(snapshot[PREFIX + "count"]), cls()
        if not 0 <= count <= cache_chunks(config):
            raise ValueError(f"{count} chunks are kept, of a window of {cache_chunks(config)}")
        if not count:
            return window
        sizes = {
            "video_BVC": (NUM_PATCHES, config.latent_dims),
            "known_BVC": (NUM_PATCHES, config.latent_dims),
            "coverage_BVQ": (NUM_PATCHES, COVERAGE_NUMBERS),
            "audio_BA": (config.audio_dims,),
            "control_BE": (NUM_CONTROL_FEATURES,),
            "azimuth_B": (),
        }
        fields = [
            torch.from_numpy(sized(snapshot, PREFIX + name, (count, *sizes[name]), _dtype(name)).copy()).split(1)
            for name in CleanChunk._fields
        ]
        window._chunks = [CleanChunk(*parts) for parts in zip(*fields, strict=True)]
        return window


def without_chunks(snapshot: Tensors) -> Tensors:
    """Of a snapshot that is to be small: chunks are kept from then on."""
    kept = {name: array for name, array in snapshot.items() if not name.startswith(PREFIX)}
    return kept if PREFIX + "count" not in snapshot else {**kept, PREFIX + "count": np.array(0, np.int64)}


def _dtype(name: str) -> type:
    return np.int64 if name == "azimuth_B" else np.float32
