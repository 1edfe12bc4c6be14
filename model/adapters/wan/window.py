"""What a session keeps of its earlier latent frames, and what one chunk's passes see of it.

    LatentCache   fixed capacity, a page for each latent frame: keys before rotation, and values; sinks pinned
    Window        workspace for one chunk of a batch: the cached frames' keys, rotated once, and room behind them
                  where every pass lays the chunk's own

Letters: I blocks, B batch, F latent frames, T tokens of a latent frame, L frames of a window, N heads, K head dim.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from typing import NamedTuple

import torch
from torch import Tensor

from model.adapters.wan.rotary import Rotation, rotate
from model.gpu.host_memory import Arrival, Copy, fetch, room_on_host, sent_back


class KeysValues(NamedTuple):
    """Keys and values with the same leading axes: [..., N, K]."""

    k: Tensor
    v: Tensor


Shapes = Mapping[str, tuple[int, ...]]  # by the kind of attention: [I, ..., N, K] of one latent frame in all its blocks
Kept = Mapping[str, KeysValues]  # by the kind of attention: [I, F, ..., N, K]


class LatentCache:
    """Of one session. The oldest latent frame behind the sinks makes room for the newest."""

    def __init__(self, shapes: Shapes, capacity: int, sinks: int, dtype: torch.dtype, device: torch.device) -> None:
        if sinks > capacity:
            raise ValueError(f"{sinks} sinks do not fit into {capacity} latent frames")
        self._capacity, self._sinks = capacity, sinks
        self._pages = {
            kind: KeysValues(*(torch.zeros(i, capacity, *rest, dtype=dtype, device=device) for _ in range(2)))
            for kind, (i, *rest) in shapes.items()
        }
        self._device = device
        self._order: list[int] = []  # pages as the window shows them
        self._parked: dict[str, Tensor] | None = None  # what `state` gives, with the host
        self._arrival: Arrival | None = None  # of what was parked, and has not been read yet

    @property
    def num_latents(self) -> int:
        return len(self._order)

    @property
    def is_parked(self) -> bool:
        return self._parked is not None

    @property
    def num_bytes(self) -> int:
        """Of its pages, used or not; while it is parked, of what it had in them."""
        if self._parked is not None:
            return sum(tensor.nbytes for tensor in self._parked.values())
        return sum(field.nbytes for pages in self._pages.values() for field in pages)

    def append(self, kept: Kept) -> None:
        """Keep the latent frames of one more chunk."""
        self._await()
        num_frames = next(iter(kept.values())).k.shape[1]
        frame_of_page: dict[int, int] = {}
        for frame in range(num_frames):
            if (page := self._next_page()) is not None:
                frame_of_page[page] = frame
        for kind, (k, v) in kept.items():
            for page, frame in frame_of_page.items():
                self._pages[kind].k[:, page] = k[:, frame]
                self._pages[kind].v[:, page] = v[:, frame]

    def _next_page(self) -> int | None:
        if len(self._order) < self._capacity:
            page = len(self._order)
        elif self._sinks < self._capacity:
            page = self._order.pop(self._sinks)
        else:
            return None
        self._order.append(page)
        return page

    def forget(self) -> None:
        self._order.clear()

    def past(self, kind: str, block: int) -> Iterator[tuple[slice, Tensor, Tensor]]:
        """Latent frames that lie side by side: where they stand in the window, keys and values [F, ..., N, K]."""
        self._await()
        k, v = self._pages[kind]
        for place, pages in _stretches(self._order):
            yield place, k[block, pages], v[block, pages]

    def state(self) -> dict[str, Tensor]:
        """All that is kept, in window order; views or copies. With the host while it is parked."""
        if self._parked is not None:
            return self._parked
        self._await()
        used = torch.tensor(self._order, dtype=torch.long, device=self._device)
        return {name: field.index_select(1, used) for name, field in self._fields().items()}

    def load(self, state: Mapping[str, Tensor]) -> None:
        """What `state` gave. Raises ValueError for other sizes."""
        counts = sorted({tensor.shape[1] for tensor in state.values() if tensor.ndim > 1})
        if len(counts) != 1 or counts[0] > self._capacity:
            raise ValueError(f"a cache of {self._capacity} latent frames cannot hold {counts}")
        self._await()
        count = counts[0]
        for name, field in self._fields().items():
            given, wanted = state[name], (field.shape[0], count, *field.shape[2:])
            if given.shape != wanted or given.dtype != field.dtype:
                raise ValueError(f"{name} is {given.dtype} {list(given.shape)}, not {field.dtype} {wanted}")
            field[:, :count] = given.to(field.device)
        self._order = list(range(count))

    def park(self) -> LatentCache:
        """Keep what is cached with the host until `wake`. Gives an empty cache that has its memory now."""
        assert self._parked is None, "parked twice"
        self._await()
        parked = {
            name: room_on_host((field.shape[0], self.num_latents, *field.shape[2:]), field)
            for name, field in self._fields().items()
        }
        fetch(self._copies(parked), self._device)
        heir = copy(self)
        heir._order = []
        self._parked, self._pages = parked, {}
        return heir

    def wake(self, empty: LatentCache) -> None:
        """Take the memory of an empty cache, which is none afterwards, and begin to fill it with what was parked."""
        assert self._parked is not None, "not parked"
        self._pages, empty._pages = empty._pages, {}
        self._order = list(range(len(self._order)))
        self._arrival, self._parked = sent_back(self._copies(self._parked), self._device), None

    def _fields(self) -> dict[str, Tensor]:
        """By the names that `state` gives them."""
        return {
            f"{kind}_{name}": field
            for kind, pages in self._pages.items()
            for name, field in zip(("k", "v"), pages, strict=True)
        }

    def _copies(self, parked: Mapping[str, Tensor]) -> Iterator[Copy]:
        """Between what is parked and its pages: what a block keeps of neighbouring pages lies side by side in both."""
        fields = self._fields()
        for name, host in parked.items():
            for own, field in zip(host, fields[name], strict=True):
                yield from (Copy(own[place], field[pages]) for place, pages in _stretches(self._order))

    def _await(self) -> None:
        if self._arrival is not None:
            self._arrival.awaited()
            self._arrival = None


def past_of(caches: Sequence[LatentCache]) -> int:
    """Latent frames that each of them holds. Raises ValueError where that differs."""
    counts = {cache.num_latents for cache in caches}
    if len(counts) != 1:
        raise ValueError(f"sessions with {sorted(counts)} cached latent frames cannot share a window")
    return counts.pop()


def _stretches(pages: Sequence[int]) -> list[tuple[slice, slice]]:
    """Of neighbouring pages, in order, and where they stand in it: [3, 4, 1] is 3:5 standing at 0:2, and 1:2 at 2:3."""
    stretches: list[tuple[slice, slice]] = []
    for place, page in enumerate(pages):
        if stretches and stretches[-1][1].stop == page:
            places, before = stretches.pop()
            stretches.append((slice(places.start, place + 1), slice(before.start, page + 1)))
        else:
            stretches.append((slice(place, place + 1), slice(page, page + 1)))
    return stretches


class Window:
    """Of one chunk of each session of a batch, all with the same number of cached latent frames.

    `layers[kind][block]` holds [B, L, ..., N, K] where the chunk's own latent frames are the last.
    """

    def __init__(
        self,
        num_sessions: int,
        num_past: int,
        num_own: int,
        shapes: Shapes,
        rotations: Mapping[str, Rotation],
        like: Tensor,
    ) -> None:
        """Room, of `like`'s dtype and on its device, with nothing in it. `rotations`: of at least as many frames."""
        self.num_past, self.num_own = num_past, num_own
        self._rotations = rotations
        self.layers: dict[str, list[KeysValues]] = {}
        for kind, (blocks, *rest) in shapes.items():
            size = (num_sessions, num_past + num_own, *rest)
            self.layers[kind] = [KeysValues(like.new_empty(size), like.new_empty(size)) for _ in range(blocks)]

    def fill(self, caches: Sequence[LatentCache]) -> None:
        """Lay what is cached for a chunk of as many sessions as there is room for, each with as much of it."""
        num_past = past_of(caches)
        if num_past != self.num_past:
            raise ValueError(f"a window of {self.num_past} cached latent frames is not for {num_past}")
        for kind in self.layers:
            self._fill(caches, kind)

    def _fill(self, caches: Sequence[LatentCache], kind: str) -> None:
        rotation = self._rotations[kind]
        for block, room in enumerate(self.layers[kind]):
            for row, cache in enumerate(caches):
                for place, k, v in cache.past(kind, block):
                    room.k[row, place] = rotate(k, rotation.part(place.start, place.stop))
                    room.v[row, place] = v

    def part(self, num_sessions: int, num_past: int) -> Window:
        """The same room for fewer sessions with less behind them, which are not stepped at the same time as those."""
        part, frames = copy(self), num_past + self.num_own
        part.num_past = num_past
        part.layers = {
            kind: [KeysValues(room.k[:num_sessions, :frames], room.v[:num_sessions, :frames]) for room in rooms]
            for kind, rooms in self.layers.items()
        }
        return part

    def own_rotation(self, kind: str) -> Rotation:
        """Of the chunk's own latent frames."""
        return self._rotations[kind].part(self.num_past, self.num_past + self.num_own)

    def lay(self, kind: str, block: int, rotated_k: Tensor, v: Tensor) -> KeysValues:
        """Put the chunk's own keys and values [B, F, ..., N, K] behind the cached ones. Returns all."""
        room = self.layers[kind][block]
        room.k[:, self.num_past :] = rotated_k
        room.v[:, self.num_past :] = v
        return room
