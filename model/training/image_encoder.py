"""Train the picture encoder: from the look of a moment back to its maps and conditions.

python -m model.training.image_encoder --minutes 12
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NamedTuple

import torch
import typer
from rich.console import Console
from safetensors.torch import load_file, save_file
from torch import Tensor

from model.image_network import ImageNetwork, ImageReading
from model.presets import PRESETS
from model.training.codec import MAP_WEIGHTS, sample_maps
from model.training.dataset import DATA_FOLDER
from model.training.descent import Descent, DescentConfig
from model.training.gradients import edge_error
from model.training.look import LookInputs, random_noise, random_views, render_looks
from model.training.pictures import Pictures
from model.training.samples import sample_conditions
from model.world.conditions import SLOT_RANGES, conditions_of

BATCH = 16
RATE = 2e-3
READ_SLOTS = ("place", "style", "lighting", "weather")  # a picture does not show a mood
PLAIN_SHARE = 0.4  # of the pictures that show a clear day on paper, as most that people bring do
PLAIN = slice(SLOT_RANGES["place"].stop, None)
BLUR_SHARE = 0.25  # of the pictures that come softened, as resized ones do
HELD_OUT = 128


class ReadPicture(NamedTuple):
    """A picture and what is to be read in it."""

    rgb_BCHW: Tensor
    maps_BMHW: Tensor
    conditions_BV: Tensor


def condition_error(logits_BV: Tensor, conditions_BV: Tensor) -> Tensor:
    """Cross-entropy summed over the slots that a picture shows."""
    errors = [
        torch.nn.functional.cross_entropy(logits_BV[:, SLOT_RANGES[slot]], conditions_BV[:, SLOT_RANGES[slot]])
        for slot in READ_SLOTS
    ]
    return torch.stack(errors).sum()


def reading_loss(made: ImageReading, maps_BMHW: Tensor, conditions_BV: Tensor) -> Tensor:
    error = (made.maps_BMHW - maps_BMHW).abs().mean((0, 2, 3)) + edge_error(made.maps_BMHW, maps_BMHW)
    return (error * torch.tensor(MAP_WEIGHTS)).mean() + 0.04 * condition_error(made.logits_BV, conditions_BV)


class PictureSamples:
    """Pictures of random views at random moments, and what is to be read in them."""

    def __init__(self, data: Path, seed: int) -> None:
        self._pictures, self._generator = Pictures(data, seed), torch.Generator().manual_seed(seed)

    def sample(self, batch: int, held_out: bool = False) -> ReadPicture:
        scenes = self._pictures.sample_scenes(batch, held_out)
        views, slopes = random_views(sample_maps(self._pictures, scenes))
        conditions = sample_conditions(self._pictures.places(scenes), self._generator)
        is_plain = torch.rand(batch) < PLAIN_SHARE
        conditions[is_plain, PLAIN.start :] = torch.from_numpy(conditions_of())[PLAIN.start :]
        rgb = render_looks(LookInputs(views, conditions, slopes, random_noise(batch)))
        if torch.rand(()) < BLUR_SHARE:
            padded = torch.nn.functional.pad(rgb, (1, 1, 1, 1), mode="replicate")
            rgb = torch.nn.functional.avg_pool2d(padded, 3, 1)
        return ReadPicture(rgb, views, conditions)


def train(network: ImageNetwork, samples: PictureSamples, minutes: float, console: Console) -> None:
    descent = Descent(network, DescentConfig(rate=RATE, minutes=minutes, log_steps=50), console)
    for step in descent:
        picture = samples.sample(BATCH)
        with torch.autocast("cpu", torch.bfloat16):
            made = network(picture.rgb_BCHW)
        made = ImageReading(*(part.float() for part in made))
        descent.step(step, reading_loss(made, picture.maps_BMHW, picture.conditions_BV))


@torch.no_grad()
def report(network: ImageNetwork, samples: PictureSamples, console: Console) -> None:
    """How well pictures of held-out scenes are read."""
    picture = samples.sample(HELD_OUT, held_out=True)
    made = network(picture.rgb_BCHW)
    for slot in READ_SLOTS:
        part = SLOT_RANGES[slot]
        right = made.logits_BV[:, part].argmax(1) == picture.conditions_BV[:, part].argmax(1)
        console.log(f"held-out {slot}: {100 * float(right.float().mean()):.1f} %")
    error = (made.maps_BMHW.clamp(0, 1) - picture.maps_BMHW)[:, :3].square().mean()
    console.log(f"held-out colour PSNR {-10 * float(error.log10()):.2f} dB")


def main(
    minutes: Annotated[float, typer.Option(help="Training time.")] = 12.0,
    seed: Annotated[int, typer.Option(help="Seeds weights and samples.")] = 0,
    preset: Annotated[str, typer.Option(help="Which preset.")] = "pearl-xs",
    data: Annotated[Path, typer.Option(help="Folder of the picture data set.")] = DATA_FOLDER,
    output: Annotated[Path | None, typer.Option(help="Where the weights go; the preset's if not given.")] = None,
) -> None:
    """Train the picture encoder, going on from weights that are there."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    console, chosen = Console(), PRESETS[preset]()
    samples, network = PictureSamples(data, seed), ImageNetwork(chosen.image)
    weights = chosen.folder / "image_encoder.safetensors"
    if weights.exists():
        network.load_state_dict({name: value.float() for name, value in load_file(weights).items()})
    network = network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    train(network, samples, minutes, console)
    half = {name: value.half().contiguous() for name, value in network.state_dict().items()}
    save_file(half, output or weights)
    report(network, samples, console)


if __name__ == "__main__":
    typer.run(main)
