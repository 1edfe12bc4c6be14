"""The picture data set: panoramas of the training world, three per scene along a walk.

    python -m model.training.dataset --scenes 4500

writes `data/panoramas.npy` (uint8, scene x step x map x row x column) and `data/scenes.npz`
(place, seed, positions). A whole turn is stored, so every crop of it is a view.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import torch
import typer
from rich.progress import track
from torch import Tensor

from model import camera
from model.world.conditions import SLOTS
from model.world.renderer import Viewpoint, render_maps

DATA_FOLDER = Path("data")
STEPS_PER_SCENE = 3
BATCH = 8
# Half-width in metres of the corridor that walks start in; roads are narrower than fields.
CORRIDOR_M = {"street": 2.2, "city": 3.6, "forest": 30.0, "meadow": 30.0, "desert": 30.0, "shore": 5.0}


class Walks(NamedTuple):
    """Where each scene's cameras stand, metres: [B, STEPS_PER_SCENE]."""

    x_BT: Tensor
    y_BT: Tensor


def sample_walks(place: str, batch: int, generator: torch.Generator) -> Walks:
    """Straight walks of 0.3 to 8 m, along the road where there is one."""
    x = 400 * torch.rand(batch, 1, generator=generator)
    y = CORRIDOR_M[place] * (2 * torch.rand(batch, 1, generator=generator) - 1)
    heading = 2 * math.pi * torch.rand(batch, 1, generator=generator)
    along = (torch.rand(batch, 1, generator=generator) < 0.6) | torch.tensor(place in ("street", "city"))
    heading = torch.where(along, 0.25 * torch.randn(batch, 1, generator=generator), heading)
    steps = 0.3 * (4.0 / 0.3) ** torch.rand(batch, STEPS_PER_SCENE - 1, generator=generator)
    walked = torch.cat([torch.zeros(batch, 1), steps.cumsum(1)], 1)
    return Walks(x + walked * torch.cos(heading), y + walked * torch.sin(heading))


def render_scene_batch(place: str, seed_B: Tensor, walks: Walks) -> Tensor:
    """Panoramas of B scenes: uint8 [B, T, M, H, TURN_PX]."""
    share = torch.linspace(0, 1, 9)[None]
    clear_x = walks.x_BT[:, :1] * (1 - share) + walks.x_BT[:, -1:] * share
    clear_y = walks.y_BT[:, :1] * (1 - share) + walks.y_BT[:, -1:] * share
    clear_BP2 = torch.stack([clear_x, clear_y], -1)
    column_B = torch.zeros(len(seed_B), dtype=torch.long)
    maps = [
        render_maps(place, seed_B, Viewpoint(walks.x_BT[:, t], walks.y_BT[:, t], column_B), clear_BP2, camera.TURN_PX)
        for t in range(STEPS_PER_SCENE)
    ]
    return (torch.stack(maps, 1) * 255).round().to(torch.uint8)


def main(
    scenes: Annotated[int, typer.Option(help="How many scenes to render.")] = 4500,
    seed: Annotated[int, typer.Option(help="Seeds the worlds and the walks.")] = 0,
    folder: Annotated[Path, typer.Option(help="Where the data goes.")] = DATA_FOLDER,
) -> None:
    """Render the picture data set."""
    torch.set_num_threads(1)
    folder.mkdir(parents=True, exist_ok=True)
    scenes -= scenes % BATCH
    shape = (scenes, STEPS_PER_SCENE, camera.NUM_MAPS, camera.CANVAS_H, camera.TURN_PX)
    panoramas = np.lib.format.open_memmap(folder / "panoramas.npy", "w+", np.uint8, shape)
    generator = torch.Generator().manual_seed(seed)
    places, seeds, xs, ys = [], [], [], []
    for start in track(range(0, scenes, BATCH), description="rendering"):
        place_idx = (start // BATCH) % len(SLOTS["place"])
        place = SLOTS["place"][place_idx]
        walks = sample_walks(place, BATCH, generator)
        seed_B = torch.randint(0, 2**31, (BATCH,), generator=generator)
        panoramas[start : start + BATCH] = render_scene_batch(place, seed_B, walks).numpy()
        places += [place_idx] * BATCH
        seeds.append(seed_B)
        xs.append(walks.x_BT)
        ys.append(walks.y_BT)
    np.savez(folder / "scenes.npz", place=np.array(places), seed=torch.cat(seeds), x=torch.cat(xs), y=torch.cat(ys))


if __name__ == "__main__":
    typer.run(main)
