"""Write a picture of the training world, fit to start a session from.

python -m model.training.start_image bench/assets/start.png --place meadow --seed 7
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import torch
import typer
from PIL import Image

from model import camera
from model.patterns import NUM_PATTERNS, patterns_at
from model.precipitation import NUM_NOISES
from model.world.conditions import conditions_of
from model.world.look import render_look
from model.world.renderer import Viewpoint, render_maps


def main(
    path: Annotated[Path, typer.Argument(help="Where the PNG goes.")],
    place: Annotated[str, typer.Option(help="Which place.")] = "meadow",
    lighting: Annotated[str, typer.Option(help="Which lighting.")] = "day",
    style: Annotated[str, typer.Option(help="Which style.")] = "paper",
    seed: Annotated[int, typer.Option(help="Which world.")] = 7,
    x: Annotated[float, typer.Option(help="Where the camera stands along the way, metres.")] = 0.0,
    y: Annotated[float, typer.Option(help="And across it.")] = 0.0,
    column: Annotated[int, typer.Option(help="Where it looks, in 512ths of a turn to the right.")] = 0,
    scale: Annotated[int, typer.Option(help="Enlarged so many times.")] = 4,
) -> None:
    """Render one view and enlarge it."""
    clear = torch.tensor([[[x, y]]])
    view = Viewpoint(torch.tensor([x]), torch.tensor([y]), torch.tensor([column - camera.VIEW_W // 2]))
    maps = render_maps(place, torch.tensor([seed]), view, clear, camera.VIEW_W)
    top = (camera.CANVAS_H - camera.VIEW_H) // 2
    maps = maps[:, :, top : top + camera.VIEW_H]
    slope = camera.row_slope(camera.VIEW_H, top)[None]
    conditions = torch.from_numpy(conditions_of(place=place, lighting=lighting, style=style))[None]
    nothing_falls = torch.zeros(NUM_NOISES - NUM_PATTERNS, camera.VIEW_H, camera.VIEW_W)
    noise = torch.cat([nothing_falls, patterns_at(column - camera.VIEW_W // 2, top)])[None]
    rgb = render_look(maps, conditions, slope, noise)[0]
    picture = Image.fromarray((rgb.permute(1, 2, 0) * 255).round().to(torch.uint8).numpy())
    picture.resize((camera.VIEW_W * scale, camera.VIEW_H * scale), Image.Resampling.LANCZOS).save(path)


if __name__ == "__main__":
    typer.run(main)
