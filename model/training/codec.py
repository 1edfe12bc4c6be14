"""Fit the picture codec, and train its refiner.

python -m model.training.codec --minutes 10
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from rich.console import Console
from safetensors.torch import load_file, save_file
from torch import Tensor

from model import camera
from model.codec import MapCodec
from model.presets import PRESETS
from model.training.dataset import DATA_FOLDER
from model.training.gradients import edge_error
from model.training.pictures import Pictures

FIT_CANVASES = 3000
BATCH = 16
RATE = 2e-3
LATENT_NOISE = 0.15  # what the transformer's latents are off by; the refiner must bear it
MAP_WEIGHTS = (1.0, 1.0, 1.0, 1.5, 0.5)


def sample_maps(pictures: Pictures, scenes: np.ndarray) -> Tensor:
    """A random canvas of each scene, maps_BMHW."""
    rng, batch = pictures.rng, len(scenes)
    columns, steps = rng.integers(0, camera.TURN_PX, batch), rng.integers(0, 3, batch)
    return pictures.crops(scenes, steps, columns, camera.CANVAS_W, rng.random(batch) < 0.5)


def refine_loss(codec: MapCodec, true_BMHW: Tensor) -> Tensor:
    latents = codec.encode(true_BMHW)
    latents = latents + LATENT_NOISE * torch.rand(len(latents), 1, 1, 1) * torch.randn_like(latents)
    with torch.autocast("cpu", torch.bfloat16):
        made = codec.refiner(codec.decode_linear(latents), latents).float()
    error = (made - true_BMHW).abs().mean((0, 2, 3)) + edge_error(made, true_BMHW)
    return (error * torch.tensor(MAP_WEIGHTS)).mean()


@torch.no_grad()
def reconstruction_db(codec: MapCodec, maps_BMHW: Tensor) -> tuple[float, float]:
    """Colour PSNR of the linear code alone, and refined."""
    latents = codec.encode(maps_BMHW)
    errors = [
        (made - maps_BMHW)[:, :3].square().mean()
        for made in (codec.decode_linear(latents).clamp(0, 1), codec.decode(latents))
    ]
    return -10 * float(errors[0].log10()), -10 * float(errors[1].log10())


def main(
    minutes: Annotated[float, typer.Option(help="Time for the refiner; 0 fits the linear code alone.")] = 10.0,
    refit_refiner: Annotated[bool, typer.Option(help="Keep the linear code, start the refiner anew.")] = False,
    seed: Annotated[int, typer.Option(help="Seeds weights and samples.")] = 0,
    preset: Annotated[str, typer.Option(help="Which preset's codec.")] = "pearl-xs",
    data: Annotated[Path, typer.Option(help="Folder of the picture data set.")] = DATA_FOLDER,
) -> None:
    """Fit the linear code if there is none yet, then train the refiner."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    console, chosen = Console(), PRESETS[preset]()
    pictures = Pictures(data, seed)
    codec = MapCodec(chosen.codec)
    path = chosen.folder / "codec.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        codec.load_state_dict(load_file(path), strict=not refit_refiner)
    else:
        codec.fit(sample_maps(pictures, pictures.sample_scenes(FIT_CANVASES)))
        save_file(codec.state_dict(), path)
    optimizer = torch.optim.AdamW(codec.refiner.parameters(), RATE)
    started_s, step = time.monotonic(), 0
    while (gone := (time.monotonic() - started_s) / 60) < minutes:
        for group in optimizer.param_groups:
            group["lr"] = RATE * (1 - gone / minutes)
        loss = refine_loss(codec, sample_maps(pictures, pictures.sample_scenes(BATCH)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        step += 1
        if step % 50 == 0:
            console.log(f"step {step} {gone:.1f} min loss {loss.item():.4f}")
    save_file(codec.state_dict(), path)
    linear_db, refined_db = reconstruction_db(codec, sample_maps(pictures, pictures.sample_scenes(64, held_out=True)))
    console.log(f"held-out colour PSNR: linear {linear_db:.2f} dB, refined {refined_db:.2f} dB")


if __name__ == "__main__":
    typer.run(main)
