"""Train the video decoder's network on the true look of the training world.

python -m model.training.look --minutes 12
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NamedTuple

import torch
import typer
from rich.console import Console
from safetensors.torch import load_file, save_file
from torch import Tensor

from model import camera
from model.codec import MapCodec
from model.look_network import LookNetwork
from model.patterns import patterns_at
from model.precipitation import FLAKE_SHARE, frame_noise
from model.presets import PRESETS
from model.training.codec import sample_maps
from model.training.dataset import DATA_FOLDER
from model.training.descent import Descent, DescentConfig
from model.training.gradients import edge_error
from model.training.pictures import Pictures
from model.training.samples import sample_conditions
from model.world.conditions import SLOT_RANGES, SLOTS
from model.world.look import render_look

BATCH = 8
RATE = 2.5e-3
HELD_OUT = 256
SAVE_STEPS = 100
MADE_SHARE = 0.3  # of the views that come through the codec, as generated ones do


class LookInputs(NamedTuple):
    """What a look is of."""

    maps_BMHW: Tensor
    conditions_BV: Tensor
    slope_BH: Tensor
    noise_BNHW: Tensor


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
    """noise_BNHW: of moments and places in the turn chosen at random."""
    shape = (camera.VIEW_H, camera.VIEW_W)
    frames = [frame_noise(torch.rand(shape), (torch.rand(shape) < FLAKE_SHARE).float()) for _ in range(batch)]
    return torch.cat([torch.stack(frames), random_patterns(batch)], 1)


def random_patterns(batch: int) -> Tensor:
    """patterns_BPHW of places in the turn chosen at random."""
    azimuth = torch.randint(0, camera.TURN_PX, (batch,)).tolist()
    rows = torch.randint(0, camera.CANVAS_H - camera.VIEW_H + 1, (batch,)).tolist()
    return torch.stack([patterns_at(*at) for at in zip(azimuth, rows, strict=True)])


@torch.no_grad()
def render_looks(inputs: LookInputs) -> Tensor:
    """rgb_BCHW. One by one, for each is painted in its own styles only."""
    return torch.cat([render_look(*(part[idx : idx + 1] for part in inputs)) for idx in range(len(inputs.maps_BMHW))])


class Samples:
    """True looks of random views at random moments, with what the network sees of them."""

    def __init__(self, data: Path, seed: int, codec: MapCodec) -> None:
        self._pictures, self._codec = Pictures(data, seed), codec
        self._generator = torch.Generator().manual_seed(seed)

    @torch.no_grad()
    def sample(self, batch: int, held_out: bool = False) -> tuple[Tensor, LookInputs]:
        """rgb_BCHW and the inputs it is of."""
        maps = sample_maps(self._pictures, self._pictures.sample_scenes(batch, held_out))
        if torch.rand(()) < MADE_SHARE:
            maps = self._codec.decode(self._codec.encode(maps))
        views, slopes = random_views(maps)
        conditions = sample_conditions(torch.zeros(batch, dtype=torch.long), self._generator)
        inputs = LookInputs(views, conditions, slopes, random_noise(batch))
        return render_looks(inputs), inputs


@torch.no_grad()
def fidelity_db(network: LookNetwork, samples: Samples) -> dict[str, float]:
    """PSNR against the true look on held-out scenes: over all moments, and per style where it is pure."""
    true, inputs = samples.sample(HELD_OUT, held_out=True)
    error_B = (network(*inputs).clamp(0, 1) - true).square().mean((1, 2, 3))
    styles = inputs.conditions_BV[:, SLOT_RANGES["style"]]
    shares = {name: styles[:, idx] > 0.99 for idx, name in enumerate(SLOTS["style"])}
    shares["all"] = torch.ones(HELD_OUT, dtype=torch.bool)
    return {name: -10 * float(error_B[share].mean().log10()) for name, share in shares.items()}


def save(network: LookNetwork, path: Path) -> None:
    """Whole or not at all, in half precision, as it is decoded with."""
    unfinished = path.with_suffix(".unfinished")
    save_file({name: value.bfloat16().contiguous() for name, value in network.state_dict().items()}, unfinished)
    unfinished.replace(path)


def train(network: LookNetwork, samples: Samples, minutes: float, path: Path, console: Console) -> None:
    descent = Descent(network, DescentConfig(rate=RATE, minutes=minutes), console)
    for step in descent:
        true, inputs = samples.sample(BATCH)
        with torch.autocast("cpu", torch.bfloat16):
            made = network(*inputs).float()
        descent.step(step, (made - true).abs().mean() + 0.5 * edge_error(made, true).mean())
        if (step + 1) % SAVE_STEPS == 0:
            save(network, path)


def main(
    minutes: Annotated[float, typer.Option(help="Training time.")] = 12.0,
    seed: Annotated[int, typer.Option(help="Seeds weights and samples.")] = 0,
    preset: Annotated[str, typer.Option(help="Which preset.")] = "pearl-xs",
    data: Annotated[Path, typer.Option(help="Folder of the picture data set.")] = DATA_FOLDER,
    weights: Annotated[Path | None, typer.Option(help="Where the weights go; the preset's if not given.")] = None,
) -> None:
    """Train the look, going on from weights that are there."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    console, chosen = Console(), PRESETS[preset]()
    codec = MapCodec(chosen.codec).requires_grad_(False)
    codec.load_state_dict(load_file(chosen.folder / "codec.safetensors"))
    network, path = LookNetwork(chosen.look), weights or chosen.folder / "video_decoder.safetensors"
    if path.exists():
        network.load_state_dict({name: value.float() for name, value in load_file(path).items()})
    network = network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    samples = Samples(data, seed, codec)
    train(network, samples, minutes, path, console)
    save(network, path)
    for name, psnr_db in fidelity_db(network, samples).items():
        console.log(f"held-out PSNR {name} {psnr_db:.2f} dB")


if __name__ == "__main__":
    typer.run(main)
