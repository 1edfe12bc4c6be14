"""The training world as it truly is, to compare with: never part of what is measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from bench.evaluation.pictures import Picture
from model import camera
from model.control import MAX_SPEED_M_PER_S, PITCH_PX_PER_CHUNK, YAW_PX_PER_CHUNK
from model.interface import ChunkControls, Tensors
from model.precipitation import NUM_NOISES
from model.walker import Walker
from model.world.conditions import NUM_SLOTS, conditions_of
from model.world.look import render_look
from model.world.renderer import Viewpoint, render_maps

TOP_ROW = (camera.CANVAS_H - camera.VIEW_H) // 2


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueWorld:
    """One procedural world, by clear daylight, from a place on its way."""

    place: str
    seed: int
    x_m: float = 0.0
    y_m: float = 0.0

    def frame(self, walker: Walker, path: Sequence[Walker]) -> Picture:
        """The view; nothing stands on `path`."""
        conditions = torch.from_numpy(conditions_of(place=self.place))[None]
        slope = camera.row_slope(camera.VIEW_H, TOP_ROW - walker.pitch_px)[None]
        still = torch.zeros(1, NUM_NOISES, camera.VIEW_H, camera.VIEW_W)
        rgb = render_look(self._maps(walker, path), conditions, slope, still)[0]
        return (rgb.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()

    def reading(self, walker: Walker, path: Sequence[Walker]) -> Tensors:
        """What a perfect image encoder would say of the view."""
        maps = (self._maps(walker, path)[0] * 255).round().to(torch.uint8).numpy()
        return {
            "maps": maps,
            "gates": np.ones(NUM_SLOTS, np.float32),
            "values": conditions_of(place=self.place).astype(np.float32),
        }

    def _maps(self, walker: Walker, path: Sequence[Walker]) -> torch.Tensor:
        clear = torch.tensor([[[self.x_m + each.x_m, self.y_m + each.y_m] for each in path]], dtype=torch.float32)
        view = Viewpoint(
            torch.tensor([self.x_m + walker.x_m], dtype=torch.float32),
            torch.tensor([self.y_m + walker.y_m], dtype=torch.float32),
            torch.tensor([walker.view_column]),
        )
        maps = render_maps(self.place, torch.tensor([self.seed]), view, clear, camera.VIEW_W)
        row = TOP_ROW - walker.pitch_px
        return maps[:, :, row : row + camera.VIEW_H]


def walkers_of(script: Sequence[ChunkControls], chunk_s: float) -> list[Walker]:
    """Where the keys take a camera that nothing stands in the way of: before the script and after each chunk."""
    walkers = [Walker()]
    for controls in script:
        walkers.append(_advance(walkers[-1], controls, chunk_s))
    return walkers


def _advance(walker: Walker, controls: ChunkControls, chunk_s: float) -> Walker:
    yaw_px = walker.yaw_px + round(controls.yaw * YAW_PX_PER_CHUNK)
    pitch_px = walker.pitch_px + round(controls.pitch * PITCH_PX_PER_CHUNK)
    heading = yaw_px / camera.FOCAL_PX
    ahead, aside = (axis * MAX_SPEED_M_PER_S * chunk_s for axis in (controls.forward, controls.strafe))
    return Walker(
        x_m=walker.x_m + ahead * np.cos(heading) - aside * np.sin(heading),
        y_m=walker.y_m - ahead * np.sin(heading) - aside * np.cos(heading),
        yaw_px=yaw_px,
        pitch_px=max(-camera.MAX_PITCH_PX, min(camera.MAX_PITCH_PX, pitch_px)),
    )
