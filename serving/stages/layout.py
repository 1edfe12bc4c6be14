"""A chunk's latents in one buffer: where each tensor lies. Pure.

Tensors are numpy arrays, or on a GPU torch tensors; a name tells which a dtype is of ("<f4", "torch.bfloat16").
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from model.interface import Tensors
from serving.sessions.encoded import LatentChunk

# Of each tensor's begin: whole cache lines.
ALIGNMENT_BYTES = 64
TORCH = "torch."


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    name: str
    dtype: str
    shape: tuple[int, ...]
    offset_bytes: int
    num_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Of one chunk. None for a part that is not there."""

    video: tuple[Place, ...] | None
    audio: tuple[Place, ...] | None
    num_bytes: int


def lay_out(chunk: LatentChunk) -> Layout:
    video, end = _places(chunk.video, 0)
    audio, end = _places(chunk.audio, end)
    return Layout(video=video, audio=audio, num_bytes=end)


def _places(tensors: Mapping[str, Any] | None, start: int) -> tuple[tuple[Place, ...] | None, int]:
    if tensors is None:
        return None, start
    places = []
    for name, tensor in tensors.items():
        dtype = tensor.dtype.str if isinstance(tensor, np.ndarray) else str(tensor.dtype)
        place = Place(name=name, dtype=dtype, shape=tuple(tensor.shape), offset_bytes=start, num_bytes=tensor.nbytes)
        places.append(place)
        start = -(-(start + tensor.nbytes) // ALIGNMENT_BYTES) * ALIGNMENT_BYTES
    return tuple(places), start


def check_place(place: Place, capacity_bytes: int) -> None:
    """Raises ValueError for one that does not lie within so many bytes, or whose numbers do not fit together."""
    end = place.offset_bytes + place.num_bytes
    if min(place.offset_bytes, place.num_bytes, *place.shape, 0) < 0 or end > capacity_bytes:
        raise ValueError(f"{place.name} lies at {place.offset_bytes} to {end}, of {capacity_bytes} bytes")
    if not place.dtype.startswith(TORCH):
        dtype = np.dtype(place.dtype)
        if dtype.kind not in "biufc" or math.prod(place.shape) * dtype.itemsize != place.num_bytes:
            raise ValueError(f"{place.name}: {place.shape} of {place.dtype} are not {place.num_bytes} bytes")


def write_arrays(chunk: LatentChunk, layout: Layout, buffer: Any) -> None:
    """Into `buffer`, writable, of at least the layout's size."""
    for tensors, places in ((chunk.video, layout.video), (chunk.audio, layout.audio)):
        for place in places or ():
            assert tensors is not None, "laid out from it"
            array = np.asarray(tensors[place.name])
            target = np.frombuffer(buffer, array.dtype, array.size, place.offset_bytes)
            np.copyto(target.reshape(array.shape), array)


def read_arrays(places: Sequence[Place] | None, buffer: Any, capacity_bytes: int) -> Tensors | None:
    """Copies: nothing refers to `buffer` afterwards. Raises ValueError."""

    def read(place: Place) -> Any:
        dtype = np.dtype(place.dtype)
        count = place.num_bytes // dtype.itemsize if dtype.itemsize else 0
        return np.frombuffer(buffer, dtype, count, place.offset_bytes).reshape(place.shape).copy()

    return read_places(places, capacity_bytes, read)


def read_places(places: Sequence[Place] | None, capacity_bytes: int, read: Callable[[Place], Any]) -> Tensors | None:
    """Each place's tensor as `read` gives it. Raises ValueError for places that cannot be."""
    if places is None:
        return None
    for place in places:
        check_place(place, capacity_bytes)
    return {place.name: read(place) for place in places}
