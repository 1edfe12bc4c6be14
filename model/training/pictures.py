"""Training canvases from the picture data set, with what a session might already know of them.

Letters: B batch, M maps, H rows, W columns.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from model import camera
from model.warp import Panorama, Target, warp

SOURCE_W = 256  # columns of a remembered panorama that can matter to a canvas
NOTHING_KNOWN, COLUMNS_KNOWN = 0.18, 0.36  # shares of the samples; the rest is seen from elsewhere
FACES_AHEAD = 0.8  # share of canvases of which nothing is known that look the way a session starts
START_COLUMN = -(camera.CANVAS_W // 2) % camera.TURN_PX
# In the order of SLOTS["place"]: streets and cities hold more to learn than fields do.
PLACE_WEIGHTS = np.array([3.0, 1.0, 1.0, 1.0, 1.5, 1.0])
PATCH_COLUMNS = camera.CANVAS_W // camera.PATCH_PX


class KnownCanvas(NamedTuple):
    """A true canvas and what is known of it."""

    true_BMHW: Tensor
    known_BMHW: Tensor  # meaningless where not known
    strong_BHW: Tensor  # bool: known well
    weak_BHW: Tensor  # bool: known roughly, from afar
    column_B: Tensor  # int64: of the whole turn, where the canvas begins; on the grid of patches


class Pictures:
    """Random crops of the data set. Mirrored half of the time: a mirrored world is a world."""

    def __init__(self, folder: Path, seed: int, held_out: int = 240) -> None:
        self._panoramas = np.load(folder / "panoramas.npy", mmap_mode="r")
        scenes = np.load(folder / "scenes.npz")
        self._place, self._x, self._y = scenes["place"], scenes["x"], scenes["y"]
        self._num_train = len(self._place) - held_out
        self.rng = np.random.default_rng(seed)

    def sample_scenes(self, batch: int, held_out: bool = False) -> np.ndarray:
        low, high = (self._num_train, len(self._place)) if held_out else (0, self._num_train)
        weight = PLACE_WEIGHTS[self._place[low:high]]
        return low + self.rng.choice(high - low, batch, p=weight / weight.sum())

    def places(self, scenes: np.ndarray) -> Tensor:
        """Index of each scene's place among SLOTS["place"]."""
        return torch.from_numpy(self._place[scenes])

    def crops(
        self, scenes: np.ndarray, steps: np.ndarray, columns: np.ndarray, width: int, mirrored: np.ndarray
    ) -> Tensor:
        """maps_BMHW of `width` columns from `columns`, of the mirrored world where `mirrored`."""
        out = np.empty((len(scenes), camera.NUM_MAPS, camera.CANVAS_H, width), np.uint8)
        for row, (scene, step, column, flip) in enumerate(zip(scenes, steps, columns, mirrored, strict=True)):
            index = (column + np.arange(width)) % camera.TURN_PX
            if flip:
                index = (camera.TURN_PX - 1) - index
            out[row] = self._panoramas[scene, step][:, :, index]
        return torch.from_numpy(out).float() / 255

    def sample_canvases(self, scenes: np.ndarray) -> KnownCanvas:
        """One canvas per scene, with a random part of it known."""
        batch = len(scenes)
        kind = self.rng.random(batch)
        columns = self.rng.integers(0, camera.TURN_PX // camera.PATCH_PX, batch) * camera.PATCH_PX
        is_start = (kind < NOTHING_KNOWN) & (self.rng.random(batch) < FACES_AHEAD)
        columns = np.where(is_start, START_COLUMN, columns)
        mirrored = self.rng.random(batch) < 0.5
        steps = self.rng.integers(0, 3, batch)
        true = self.crops(scenes, steps, columns, camera.CANVAS_W, mirrored)
        known, strong, weak = (
            true.clone(),
            torch.ones_like(true[:, 0], dtype=torch.bool),
            torch.zeros_like(true[:, 0], dtype=torch.bool),
        )
        moved = np.flatnonzero(kind > NOTHING_KNOWN + COLUMNS_KNOWN)
        if len(moved):
            seen = self._seen_from_elsewhere(scenes[moved], steps[moved], columns[moved], mirrored[moved])
            known[moved], weak[moved] = seen.maps_BMHV, seen.weak_BHV
            strong[moved] = seen.valid_BHV & ~seen.weak_BHV
        for row in range(batch):
            if kind[row] < NOTHING_KNOWN:
                strong[row] = False
            elif kind[row] < NOTHING_KNOWN + COLUMNS_KNOWN or self.rng.random() < 0.4:
                self._hide_columns(strong[row], weak[row])
        return KnownCanvas(true, known, strong, weak, torch.from_numpy(columns))

    def _hide_columns(self, strong_HW: Tensor, weak_HW: Tensor) -> None:
        """Hide a block of patch columns, mostly a few at one side."""
        count = int(self.rng.integers(1, 4) if self.rng.random() < 0.65 else self.rng.integers(4, PATCH_COLUMNS))
        at_left = self.rng.random() < 0.5
        start = 0 if at_left else camera.CANVAS_W - count * camera.PATCH_PX
        if self.rng.random() < 0.12:
            start = int(self.rng.integers(0, camera.CANVAS_W - count * camera.PATCH_PX + 1))
        for mask in (strong_HW, weak_HW):
            mask[:, start : start + count * camera.PATCH_PX] = False

    def _seen_from_elsewhere(self, scenes: np.ndarray, steps: np.ndarray, columns: np.ndarray, mirrored: np.ndarray):
        others = (steps + self.rng.integers(1, 3, len(scenes))) % 3
        start = (columns - (SOURCE_W - camera.CANVAS_W) // 2) % camera.TURN_PX
        source = self.crops(scenes, others, start, SOURCE_W, mirrored)
        sign = torch.from_numpy(np.where(mirrored, -1.0, 1.0)).float()

        def place(of_steps: np.ndarray) -> tuple[Tensor, Tensor]:
            x, y = self._x[scenes, of_steps], self._y[scenes, of_steps]
            return torch.from_numpy(x).float(), torch.from_numpy(y).float() * sign

        known = torch.ones(len(scenes), camera.CANVAS_H, SOURCE_W, dtype=torch.bool)
        from_panorama = Panorama(source, known, torch.from_numpy(start), *place(others))
        return warp(from_panorama, Target(torch.from_numpy(columns), *place(steps), camera.CANVAS_W))
