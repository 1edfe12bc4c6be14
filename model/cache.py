"""The rolling cache of one session: sound and register tokens of the sink chunks and of a window.

Keys are kept before rotation; positions count within the window. Fixed capacity: the oldest
chunk after the sinks makes room for the newest.

Letters: I blocks, L cached tokens, N heads, K head dim.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from model.interface import Tensors
from model.layers import KeysValues
from model.memory import sized
from model.transformer import TransformerConfig


class RollingCache:
    def __init__(self, config: TransformerConfig) -> None:
        self._config = config
        self._capacity = config.sink_chunks + config.window_chunks
        shape = (config.layers, self._capacity * config.cached_tokens, config.heads, config.dim // config.heads)
        self._k_ILNK, self._v_ILNK = torch.zeros(shape), torch.zeros(shape)
        self._chunks = 0

    @property
    def num_bytes(self) -> int:
        return self._k_ILNK.nbytes + self._v_ILNK.nbytes

    @property
    def num_chunks(self) -> int:
        return self._chunks

    def append(self, kept: list[KeysValues]) -> None:
        """Keep one more chunk: per block, its keys (unrotated) and values [1, tokens, N, K]."""
        tokens, sinks = self._config.cached_tokens, self._config.sink_chunks * self._config.cached_tokens
        if self._chunks == self._capacity:
            for field in (self._k_ILNK, self._v_ILNK):
                field[:, sinks:-tokens] = field[:, sinks + tokens :].clone()
            self._chunks -= 1
        place = slice(self._chunks * tokens, (self._chunks + 1) * tokens)
        self._k_ILNK[:, place] = torch.stack([block.k_BLNK[0] for block in kept]).float()
        self._v_ILNK[:, place] = torch.stack([block.v_BLNK[0] for block in kept]).float()
        self._chunks += 1

    def past(self) -> list[KeysValues]:
        """Per block, what is cached, in window order."""
        used = self._chunks * self._config.cached_tokens
        return [KeysValues(k[None, :used], v[None, :used]) for k, v in zip(self._k_ILNK, self._v_ILNK, strict=True)]

    def snapshot(self) -> Tensors:
        used = self._chunks * self._config.cached_tokens
        return {"cache_k": self._k_ILNK[:, :used].numpy().copy(), "cache_v": self._v_ILNK[:, :used].numpy().copy()}

    @classmethod
    def restore(cls, config: TransformerConfig, snapshot: Tensors) -> RollingCache:
        """Raises ValueError for tensors of other sizes."""
        cache = cls(config)
        used = snapshot["cache_k"].shape[1]
        cache._chunks = used // config.cached_tokens
        if used % config.cached_tokens or cache._chunks > cache._capacity:
            raise ValueError(f"cache_k has {used} tokens, of at most {cache._capacity} chunks' {config.cached_tokens}")
        for name, field in (("cache_k", cache._k_ILNK), ("cache_v", cache._v_ILNK)):
            array = sized(snapshot, name, tuple(field[:, :used].shape), np.float32)
            field[:, :used] = torch.tensor(array)
        return cache


def empty_past(config: TransformerConfig, like: Tensor) -> list[KeysValues]:
    """No earlier chunks, for a batch of `len(like)`."""
    shape = (len(like), 0, config.heads, config.dim // config.heads)
    return [KeysValues(torch.zeros(shape), torch.zeros(shape)) for _ in range(config.layers)]
