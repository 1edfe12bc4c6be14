"""Train the video decoder's network on the true look of the training world.

python -m model.training.look --minutes 12
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console
from safetensors.torch import load_file, save_file
from torch import Tensor

from model import camera
from model.codec import MapCodec
from model.look_network import LookNetwork
from model.precipitation import FLAKE_SHARE, flakes, streaks
from model.presets import PRESETS
from model.training.codec import sample_maps
from model.training.dataset import DATA_FOLDER
from model.training.gradients import edge_error
from model.training.pictures import Pictures
from model.training.samples import sample_conditions
from model.world.look import render_look

BATCH = 16
RATE = 3e-3
MADE_SHARE = 0.3  # of the views that come through the codec, as generated ones do


def random_views(maps_BMHW: Tensor) -> tuple[Tensor, Tensor]:
    """Views of canvases at random tilts: maps and slopes of their rows."""
    batch = len(maps_BMHW)
    top = torch.randint(0, camera.CANVAS_H - camera.VIEW_H + 1, (batch,))
    left = torch.randint(0, camera.CANVAS_W - camera.VIEW_W + 1, (batch,))
    corners = zip(maps_BMHW, top, left, strict=True)
    views = torch.stack([canvas[:, t : t + camera.VIEW_H, s : s + camera.VIEW_W] for canvas, t, s in corners])
    slopes = torch.stack([camera.row_slope()[t : t + camera.VIEW_H] for t in top])
    return views, slopes


def random_noise(batch: int) -> Tensor:
    shape = (batch, camera.VIEW_H, camera.VIEW_W)
    return torch.stack([streaks(torch.rand(shape)), flakes((torch.rand(shape) < FLAKE_SHARE).float())], 1)


def main(
    minutes: Annotated[float, typer.Option(help="Training time.")] = 12.0,
    seed: Annotated[int, typer.Option(help="Seeds weights and samples.")] = 0,
    preset: Annotated[str, typer.Option(help="Which preset.")] = "pearl-xs",
    data: Annotated[Path, typer.Option(help="Folder of the picture data set.")] = DATA_FOLDER,
) -> None:
    """Train the look, going on from weights that are there."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    console, chosen = Console(), PRESETS[preset]()
    pictures, generator = Pictures(data, seed), torch.Generator().manual_seed(seed)
    codec = MapCodec(chosen.codec).requires_grad_(False)
    codec.load_state_dict(load_file(chosen.folder / "codec.safetensors"))
    network = LookNetwork(chosen.look)
    weights = chosen.folder / "video_decoder.safetensors"
    if weights.exists():
        network.load_state_dict(load_file(weights))
    network = network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    optimizer = torch.optim.AdamW(network.parameters(), RATE)

    def sample(batch: int, held_out: bool = False) -> tuple[Tensor, tuple[Tensor, Tensor, Tensor, Tensor]]:
        maps = sample_maps(pictures, pictures.sample_scenes(batch, held_out))
        if torch.rand(()) < MADE_SHARE:
            maps = codec.decode(codec.encode(maps))
        views, slopes = random_views(maps)
        conditions = sample_conditions(torch.zeros(batch, dtype=torch.long), generator)
        inputs = (views, conditions, slopes, random_noise(batch))
        return render_look(*inputs), inputs

    started_s, step = time.monotonic(), 0
    while (gone := (time.monotonic() - started_s) / 60) < minutes:
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1, (step + 1) / 100) * (1 - gone / minutes)
        true, inputs = sample(BATCH)
        with torch.autocast("cpu", torch.bfloat16):
            made = network(*inputs).float()
        loss = (made - true).abs().mean() + 0.5 * edge_error(made, true).mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        step += 1
        if step % 50 == 0:
            console.log(f"step {step} {gone:.1f} min loss {loss.item():.4f}")
    save_file({name: value.contiguous() for name, value in network.state_dict().items()}, weights)
    with torch.no_grad():
        true, inputs = sample(128, held_out=True)
        error = (network(*inputs).clamp(0, 1) - true).square().mean()
    console.log(f"held-out PSNR {-10 * float(error.log10()):.2f} dB")


if __name__ == "__main__":
    typer.run(main)
