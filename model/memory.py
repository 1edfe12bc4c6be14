"""Spatial memory: the model's own past pictures, kept as panoramas of places, seen from anywhere.

A place is remembered where the camera stood: a whole turn of maps, known where they have been
seen. While the camera stands at a place, looking about only reads and fills that panorama;
between places the nearest ones are reprojected (model.warp), and what none of them shows comes
from the last canvas. A new place is laid down every metre and a half, the farthest one is forgotten.
A copy of a copy is no better known than the first: every pixel keeps the nearness it was painted at.

Letters: K places, M maps, H rows, W columns of a canvas.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from numpy.typing import NDArray
from torch import Tensor

from model import camera
from model.columns import Columns
from model.interface import Tensors
from model.warp import GRAIN, Panorama, Sight, Target, look_up_colours, sighted

MAX_PLACES = 32  # 13 MB a session; a trail of 48 m and every stop
SPACING_M = 1.5  # shorter than a thing is wide; every place laid down on a walk resamples what it copies
STOP_SPACING_M = 0.02  # where the camera stops, it may look about: that place is worth its own panorama
SOURCE_W = 256  # columns of a panorama that can matter to a canvas
NEAREST_SOURCES = 2
MIN_SHARED_COLUMNS = 24  # a place that knows less than this of what is in view is no help


NUM_KEPT = GRAIN + 1  # a canvas's maps, and its grain: how near each pixel was when it was painted


class Standpoint(NamedTuple):
    """Where a canvas is seen from: metres, and its left edge in whole-turn columns."""

    x_m: float
    y_m: float
    column: int


class Recollection(NamedTuple):
    """What memory shows on a canvas."""

    maps_MHW: Tensor  # float in [0, 1]; meaningless where unknown
    grain_HW: Tensor  # float in [0, 1]: how near each pixel was when it was painted; meaningless where unknown
    strong_HW: Tensor  # bool: known well
    weak_HW: Tensor  # bool: known roughly


class SpatialMemory:
    """Bounded: the same bytes from the first chunk to the last, all of them taken at once."""

    def __init__(self) -> None:
        turn = (camera.CANVAS_H, camera.TURN_PX)
        # Written, not only asked for: zeros that nobody wrote are no memory yet, and every place would take some more.
        self._maps = [torch.empty(NUM_KEPT, *turn, dtype=torch.uint8).zero_() for _ in range(MAX_PLACES)]
        # Places' maps that snapshots share, until they are written to.
        self._lent: dict[int, NDArray[np.uint8]] = {}
        self._known = torch.empty(MAX_PLACES, *turn, dtype=torch.bool).zero_()
        self._xy = torch.zeros(MAX_PLACES, 2, dtype=torch.float64)
        self._count = 0
        self._last_maps = torch.zeros(NUM_KEPT, camera.CANVAS_H, camera.CANVAS_W, dtype=torch.uint8)
        self._last_known = torch.zeros(camera.CANVAS_H, camera.CANVAS_W, dtype=torch.bool)
        self._last = Standpoint(0.0, 0.0, 0)

    @property
    def num_bytes(self) -> int:
        tensors = (*self._maps, self._known, self._xy, self._last_maps, self._last_known)
        return sum(tensor.nbytes for tensor in tensors)

    @property
    def num_places(self) -> int:
        return self._count

    def recall(self, at: Standpoint) -> Recollection:
        """The canvas as memory shows it from `at`."""
        here = self._place_at(at)
        if here is None and self._is_last(at):
            maps, known = self._last_maps.float() / 255, self._last_known
        elif here is not None:
            columns = Columns(at.column, camera.CANVAS_W)
            maps, known = columns.of(self._maps[here]).float() / 255, columns.of(self._known[here]).clone()
        else:
            return _recollection(*self._reproject(at))
        if bool(known.all()):
            return _recollection(maps, known, torch.zeros_like(known))
        rest, strong, weak = self._reproject(at, skip=here)
        return _recollection(torch.where(known, maps, rest), known | strong, weak & ~known)

    def is_new_place(self, at: Standpoint, is_walking: bool) -> bool:
        """Whether the canvas seen from `at` deserves a place of its own."""
        nearest = self._distances(at).min().item() if self._count else math.inf
        return nearest > (SPACING_M if is_walking else STOP_SPACING_M)

    def remember(
        self, at: Standpoint, maps_MHW: Tensor, grain_HW: Tensor, known_HW: Tensor, is_new_place: bool
    ) -> None:
        """Keep a canvas: as the last one, and in the panorama of its place or of a new one."""
        self._last_maps = (torch.cat([maps_MHW, grain_HW[None]]) * 255).round().to(torch.uint8)
        self._last_known = known_HW.clone()
        self._last = at
        place = self._new_place(at) if is_new_place else self._place_at(at)
        if place is None:
            return
        columns = Columns(at.column, camera.CANVAS_W)
        fresh = known_HW & ~columns.of(self._known[place])
        if bool(fresh.any()):
            maps = self._own(place)
            columns.lay(torch.where(fresh, self._last_maps, columns.of(maps)), maps)
            columns.lay(known_HW | columns.of(self._known[place]), self._known[place])

    def forget_places(self) -> None:
        """Keep nothing but the last canvas, as a session without memory would."""
        self._count = 0

    def last_canvas(self) -> tuple[Tensor, Standpoint]:
        """The canvas remembered last, maps_MHW in [0, 1], and where it was seen from."""
        return self._last_maps[:GRAIN].float() / 255, self._last

    def snapshot(self) -> Tensors:
        """Costs little: it shares the places' maps. Those of a place that was not written to are the same array in the
        next one."""
        count = self._count
        return {
            **{place_name(place): self._lend(place) for place in range(count)},
            "place_known": np.packbits(self._known[:count].numpy(), axis=-1),
            "place_xy": self._xy[:count].numpy().copy(),
            "last_maps": self._last_maps.numpy().copy(),
            "last_known": self._last_known.numpy().copy(),
            "last_standpoint": np.array(self._last, np.float64),
        }

    @classmethod
    def restore(cls, snapshot: Tensors) -> SpatialMemory:
        """Raises ValueError for tensors of other sizes."""
        memory = cls()
        count = memory._count = min(len(snapshot["place_xy"]), MAX_PLACES)
        bits = (count, camera.CANVAS_H, camera.TURN_PX // 8)
        known_bits = sized(snapshot, "place_known", bits, np.uint8)
        for maps, stored in zip(memory._maps[:count], stored_places(snapshot, count), strict=True):
            np.copyto(maps.numpy(), stored)
        memory._known[:count] = torch.from_numpy(np.unpackbits(known_bits, axis=-1)).bool()
        memory._xy[:count] = _tensor(snapshot, "place_xy", memory._xy[:count])
        memory._last_maps = _tensor(snapshot, "last_maps", memory._last_maps).clone()
        memory._last_known = _tensor(snapshot, "last_known", memory._last_known).clone()
        x_m, y_m, column = sized(snapshot, "last_standpoint", (3,), np.float64).tolist()
        memory._last = Standpoint(x_m, y_m, int(column))
        return memory

    def _lend(self, place: int) -> NDArray[np.uint8]:
        """The place's maps, [1, M, H, W], not to be written to any more."""
        if place not in self._lent:
            self._lent[place] = self._maps[place].numpy()[None]
            self._lent[place].flags.writeable = False
        return self._lent[place]

    def _own(self, place: int) -> Tensor:
        """The place's maps, to be written to: a copy where snapshots share them."""
        if self._lent.pop(place, None) is not None:
            self._maps[place] = self._maps[place].clone()
        return self._maps[place]

    def _new_place(self, at: Standpoint) -> int:
        """A free place, or the farthest one, emptied."""
        if self._count < MAX_PLACES:
            place, self._count = self._count, self._count + 1
        else:
            place = int(self._distances(at).argmax())
        self._known[place] = False
        self._xy[place] = torch.tensor([at.x_m, at.y_m], dtype=torch.float64)
        return place

    def _distances(self, at: Standpoint) -> Tensor:
        offset = self._xy[: self._count] - torch.tensor([at.x_m, at.y_m], dtype=torch.float64)
        return torch.hypot(offset[:, 0], offset[:, 1])

    def _place_at(self, at: Standpoint) -> int | None:
        if not self._count:
            return None
        distances = self._distances(at)
        nearest = int(distances.argmin())
        return nearest if distances[nearest].item() < 1e-9 else None

    def _is_last(self, at: Standpoint) -> bool:
        return at == self._last

    def _reproject(self, at: Standpoint, skip: int | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """The nearest helpful places and the last canvas, each filling what those before it left open: maps with their
        grain, what is known well, and what roughly."""
        sources = self._sources(at, skip)
        maps = torch.zeros(NUM_KEPT, camera.CANVAS_H, camera.CANVAS_W)
        strong = torch.zeros(camera.CANVAS_H, camera.CANVAS_W, dtype=torch.bool)
        weak = strong.clone()
        if sources is None:
            return maps, strong, weak
        count = len(sources.column_B)
        target = Target(
            torch.full((count,), at.column), torch.full((count,), at.x_m), torch.full((count,), at.y_m), camera.CANVAS_W
        )
        seen, chosen = sighted(sources, target), torch.full(strong.shape, -1)
        for idx, (valid, is_weak) in enumerate(zip(seen.valid_BHV, seen.weak_BHV, strict=True)):
            better = valid & ~strong & (~weak | ~is_weak)
            chosen = torch.where(better, idx, chosen)
            strong, weak = strong | (better & ~is_weak), (weak & ~better) | (better & is_weak)
        for idx in range(count):
            _lay_in(maps, idx, chosen == idx, sources, seen)
        return maps, strong, weak

    def _sources(self, at: Standpoint, skip: int | None) -> Panorama | None:
        """Windows of panoramas toward what `at` looks at: nearest places first, the last canvas last."""
        start = at.column - (SOURCE_W - camera.CANVAS_W) // 2
        columns = Columns(start, SOURCE_W)
        windows: list[tuple[Tensor, Tensor, float, float]] = []
        for place in self._distances(at).argsort().tolist() if self._count else []:
            known = columns.of(self._known[place])
            if place == skip or int(known.any(0).sum()) < MIN_SHARED_COLUMNS:
                continue
            windows.append((columns.of(self._maps[place]), known, *self._xy[place].tolist()))
            if len(windows) == NEAREST_SOURCES:
                break
        if bool(self._last_known.any()):
            windows.append((*self._last_window(start), self._last.x_m, self._last.y_m))
        if not windows:
            return None
        maps, known, xs, ys = zip(*windows, strict=True)
        starts = torch.full((len(windows),), start)
        maps_BMHW = torch.stack(maps).float().div_(255)
        return Panorama(maps_BMHW, torch.stack(known), starts, torch.tensor(xs), torch.tensor(ys))

    def _last_window(self, start: int) -> tuple[Tensor, Tensor]:
        """The last canvas, laid into a window of SOURCE_W columns."""
        maps = torch.zeros(NUM_KEPT, camera.CANVAS_H, camera.TURN_PX, dtype=torch.uint8)
        known = torch.zeros(camera.CANVAS_H, camera.TURN_PX, dtype=torch.bool)
        columns = Columns(self._last.column - start, camera.CANVAS_W)
        columns.lay(self._last_maps, maps)
        columns.lay(self._last_known, known)
        return maps[:, :, :SOURCE_W], known[:, :SOURCE_W]


def _lay_in(maps_MHW: Tensor, idx: int, mine_HW: Tensor, sources: Panorama, seen: Sight) -> None:
    """Write into `maps_MHW` what one source alone is to show."""
    at = mine_HW.flatten().nonzero()[:, 0]
    column, row = (where[idx].flatten()[at][None, None] for where in (seen.column_BHV, seen.row_BHV))
    colours = look_up_colours(sources.maps_BMHW[idx : idx + 1, : camera.NEARNESS], column, row)[0, :, 0]
    rest = seen.rest_BMHV[idx].flatten(1).index_select(1, at)
    # A view, or it raises: what is laid into a copy is lost.
    maps_MHW.view(len(maps_MHW), -1).index_copy_(1, at, torch.cat([colours, rest]))


def _recollection(maps_MHW: Tensor, strong_HW: Tensor, weak_HW: Tensor) -> Recollection:
    return Recollection(maps_MHW[:GRAIN], maps_MHW[GRAIN], strong_HW, weak_HW)


def place_name(place: int) -> str:
    """Of a place's maps in a snapshot. One array each, [1, M, H, W]: most places stay as they were."""
    return f"place_maps.{place:02}"


def stored_places(snapshot: Tensors, count: int) -> Iterator[NDArray[np.uint8]]:
    """The maps of each place. Raises ValueError when one has another shape or kind."""
    place = (NUM_KEPT, camera.CANVAS_H, camera.TURN_PX)
    for name in map(place_name, range(count)):
        yield sized(snapshot, name, (1, *place), np.uint8)[0]


def sized(snapshot: Tensors, name: str, shape: tuple[int, ...], dtype: npt.DTypeLike) -> NDArray[Any]:
    """An array of a snapshot. Raises ValueError when it has another shape or kind."""
    array = snapshot[name]
    if array.shape != shape or array.dtype != dtype:
        raise ValueError(f"{name} is {array.dtype} {array.shape}, not {np.dtype(dtype)} {shape}")
    return array


def _tensor(snapshot: Tensors, name: str, like: Tensor) -> Tensor:
    """Shares its numbers with the snapshot."""
    array = sized(snapshot, name, tuple(like.shape), like.numpy().dtype)
    return torch.from_numpy(array if array.flags.writeable else array.copy())
