"""The rolling cache of one session: sound and register tokens of the sink chunks and of a window.

Keys are kept before rotation; positions count within the window. Fixed capacity, a page of the model's pool
(model.pages) for each chunk, taken when the cache is made: the oldest chunk after the sinks makes room for the newest,
whose page it becomes. Nothing is moved.

Letters: I blocks, L cached tokens, T tokens of a chunk, N heads, K head dim; the 2 stands for keys and values.
"""

from __future__ import annotations

import weakref

import numpy as np
import torch
from torch import Tensor

from model.interface import Tensors
from model.layers import KeysValues
from model.memory import sized
from model.pages import PagePool, PageShape, Parked
from model.transformer import TransformerConfig


def cache_chunks(config: TransformerConfig) -> int:
    """As many chunks as a full cache holds: its pages."""
    return config.sink_chunks + config.window_chunks


def page_pool(config: TransformerConfig, num_sessions: int, *, may_grow: bool = True) -> PagePool:
    """For so many sessions at once."""
    shape = PageShape(
        blocks=config.layers, tokens=config.cached_tokens, heads=config.heads, head_dim=config.dim // config.heads
    )
    return PagePool(shape, num_sessions * cache_chunks(config), may_grow=may_grow)


class RollingCache:
    def __init__(self, config: TransformerConfig, pool: PagePool | None = None) -> None:
        """Without a `pool` it has one of its own. Raises `PoolEmptyError`."""
        self._config = config
        self._pool = pool or page_pool(config, 1)
        self._pages = self._pool.allocate(cache_chunks(config))  # those in use first, in window order
        self._chunks = 0
        self._parked: Parked | None = None
        # A session that nobody closed, as one whose step raised, must not keep them.
        self._give_back = weakref.finalize(self, _free_all, self._pool, self._pages)
        self._give_back.atexit = False

    @property
    def num_bytes(self) -> int:
        """Of its pages, the same from the first chunk to the last; of their copy while it is parked."""
        return len(self._pages) * self._pool.shape.num_bytes if self._parked is None else self._parked.num_bytes

    @property
    def num_chunks(self) -> int:
        return self._chunks

    @property
    def is_parked(self) -> bool:
        return self._parked is not None

    def append(self, kept: list[KeysValues]) -> int | None:
        """Keep one more chunk: per block, its keys (unrotated) and values [1, tokens, N, K]. Gives the place in window
        order of the chunk that made room for it; None where there was room."""
        gone = None
        if self._chunks == len(self._pages):
            gone = min(self._config.sink_chunks, self._chunks - 1)
            self._pages.append(self._pages.pop(gone))
            self._chunks -= 1
        keys = torch.stack([block.k_BLNK[0] for block in kept])
        values = torch.stack([block.v_BLNK[0] for block in kept])
        self._pool.write(self._pages[self._chunks], torch.stack([keys, values]))
        self._chunks += 1
        return gone

    def shorten(self, num_chunks: int) -> None:
        """Keep the first so many in window order; the pages of the others are free for those that follow."""
        self._chunks = min(num_chunks, self._chunks)

    def past(self) -> list[KeysValues]:
        """Per block, what is cached, in window order."""
        keys_ILNK, values_ILNK = self._read()
        return [KeysValues(k[None], v[None]) for k, v in zip(keys_ILNK, values_ILNK, strict=True)]

    def park(self) -> None:
        """Keep what is cached on the host, and give the pages back. Does nothing for one that is parked."""
        if self._parked is None:
            self._parked = self._pool.park(self._pages)
            self._pages.clear()

    def wake(self) -> None:
        """Take pages again. Does nothing for one that is not parked. Raises `PoolEmptyError`."""
        if self._parked is not None:
            self._pages.extend(self._pool.wake(self._parked))
            self._parked = None

    def close(self) -> None:
        """Give the pages back for good. Safe to call twice."""
        self._give_back()

    def snapshot(self) -> Tensors:
        """Of one that is parked too, which stays so."""
        if self._parked is None:
            keys_ILNK, values_ILNK = self._read()
        else:
            keys_ILNK, values_ILNK = self._parked.pages_2ICTNK[:, :, : self._chunks].flatten(2, 3)
        return {"cache_k": keys_ILNK.cpu().numpy(), "cache_v": values_ILNK.cpu().numpy()}

    @classmethod
    def restore(cls, config: TransformerConfig, snapshot: Tensors, pool: PagePool | None = None) -> RollingCache:
        """Raises ValueError for tensors of other sizes."""
        tokens, used = config.cached_tokens, snapshot["cache_k"].shape[1]
        chunks, most = used // tokens, cache_chunks(config)
        if used % tokens or chunks > most:
            raise ValueError(f"cache_k has {used} tokens, of at most {most} chunks' {tokens}")
        shape = (config.layers, used, config.heads, config.dim // config.heads)
        both = np.stack([sized(snapshot, name, shape, np.float32) for name in ("cache_k", "cache_v")])
        cache = cls(config, pool)
        for chunk_2ITNK in torch.from_numpy(both).split(tokens, 2) if chunks else ():
            cache._pool.write(cache._pages[cache._chunks], chunk_2ITNK)
            cache._chunks += 1
        return cache

    def _read(self) -> tuple[Tensor, Tensor]:
        """Keys and values, [I, L, N, K] each."""
        self.wake()
        keys_ILNK, values_ILNK = self._pool.read(self._pages[: self._chunks])
        return keys_ILNK, values_ILNK


def _free_all(pool: PagePool, pages: list[int]) -> None:
    pool.free(pages)
    pages.clear()


def empty_past(config: TransformerConfig, like: Tensor) -> list[KeysValues]:
    """No earlier chunks, for a batch of `len(like)`."""
    shape = (len(like), 0, config.heads, config.dim // config.heads)
    return [KeysValues(torch.zeros(shape), torch.zeros(shape)) for _ in range(config.layers)]
