"""One pool of pages, allocated once, from which every session's cache takes its own and to which it gives them back.

A page holds the keys and values of one chunk in all blocks. Nothing is allocated while sessions play, so that memory
is flat, and a worker knows before it opens a session what the session will hold.

A session that rests can leave its pages: `park` copies them to the host, to pinned memory where the pool lies on a GPU,
and `wake` brings them back on a stream of its own, so that those that play do not wait for the copy.

Letters: G pages of the pool, C pages of one session, I blocks, T cached tokens of a chunk, N heads, K head dim;
the 2 stands for keys and values.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from model.gpu.host_memory import Arrival, Copy, fetch, room_on_host, sent_back


class PoolEmptyError(MemoryError):
    """Every page of a pool that may not grow is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageShape:
    """Of one page, and where the pool keeps it."""

    blocks: int
    tokens: int
    heads: int
    head_dim: int
    dtype: torch.dtype = torch.float32
    device: str = "cpu"

    @property
    def num_bytes(self) -> int:
        return 2 * self.blocks * self.tokens * self.heads * self.head_dim * self.dtype.itemsize


class Parked(NamedTuple):
    """Pages on the host, in the order in which they were given."""

    pages_2ICTNK: Tensor

    @property
    def num_bytes(self) -> int:
        return self.pages_2ICTNK.nbytes


class PagePool:
    """Used by the one thread that owns the model; pages may be given back from any."""

    def __init__(self, shape: PageShape, num_pages: int, *, may_grow: bool = True) -> None:
        """With `may_grow`, what is taken beyond `num_pages` is allocated then, and never given back to the system."""
        self.shape = shape
        self._may_grow = may_grow
        self._lock = threading.Lock()
        self._free = list(range(num_pages))
        self._data_2IGTNK = self._zeros(num_pages)
        self._arriving: dict[int, Arrival] = {}  # pages that are being filled from the host

    @property
    def num_pages(self) -> int:
        return self._data_2IGTNK.shape[2]

    @property
    def num_free(self) -> int:
        return len(self._free)

    @property
    def num_bytes(self) -> int:
        """Of the whole pool, taken or not."""
        return self._data_2IGTNK.nbytes

    def allocate(self, count: int) -> list[int]:
        """Raises `PoolEmptyError`; then nothing was taken."""
        with self._lock:
            missing = count - len(self._free)
            if missing > 0:
                self._grow(missing)
            taken, self._free = self._free[:count], self._free[count:]
            return taken

    def free(self, pages: Sequence[int]) -> None:
        with self._lock:
            self._free.extend(pages)

    def write(self, page: int, chunk_2ITNK: Tensor) -> None:
        """Keys and values of one chunk; in place."""
        self._await([page])
        self._data_2IGTNK[:, :, page] = chunk_2ITNK

    def read(self, pages: Sequence[int]) -> Tensor:
        """[2, I, C * T, N, K]: a copy of the pages, one after the other."""
        self._await(pages)
        index = torch.tensor(pages, dtype=torch.long, device=self.shape.device)
        return self._data_2IGTNK.index_select(2, index).flatten(2, 3)

    def park(self, pages: Sequence[int]) -> Parked:
        """Copy the pages to the host and give them back."""
        self._await(pages)
        data = self._data_2IGTNK
        host = room_on_host((*data.shape[:2], len(pages), *data.shape[3:]), data)
        fetch(self._copies(host, pages), data.device)
        self.free(pages)
        return Parked(host)

    def wake(self, parked: Parked) -> list[int]:
        """Take pages again and begin to fill them with what was parked. Who reads them waits for the copy, and nobody
        else does. Raises `PoolEmptyError`."""
        host = parked.pages_2ICTNK
        pages = self.allocate(host.shape[2])
        arrival = sent_back(self._copies(host, pages), self._data_2IGTNK.device)
        self._arriving |= dict.fromkeys(pages, arrival)
        return pages

    def _copies(self, host_2ICTNK: Tensor, pages: Sequence[int]) -> Iterator[Copy]:
        """Between what is parked and its pages, in parts that lie side by side in both."""
        for place, page in enumerate(pages):
            for host_ITNK, data_ITNK in zip(host_2ICTNK[:, :, place], self._data_2IGTNK[:, :, page], strict=True):
                yield from map(Copy, host_ITNK, data_ITNK)

    def _await(self, pages: Sequence[int]) -> None:
        """Let what is done next begin when these pages are filled."""
        for page in pages if self._arriving else ():
            if (arrival := self._arriving.pop(page, None)) is not None:
                arrival.awaited()

    def _grow(self, count: int) -> None:
        if not self._may_grow:
            raise PoolEmptyError(f"{count} pages more than the pool's {self.num_pages} are wanted")
        self._await(list(self._arriving))
        self._free.extend(range(self.num_pages, self.num_pages + count))
        with torch.inference_mode(False):  # it is written outside of a step too
            self._data_2IGTNK = torch.cat([self._data_2IGTNK, self._zeros(count)], 2)

    def _zeros(self, num_pages: int) -> Tensor:
        shape = self.shape
        size = (2, shape.blocks, num_pages, shape.tokens, shape.heads, shape.head_dim)
        # Written, not only asked for: zeros that nobody wrote are no memory yet.
        return torch.empty(size, dtype=shape.dtype, device=shape.device).zero_()
