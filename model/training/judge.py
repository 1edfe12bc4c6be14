"""Train the judge of style, lighting and weather on the true look of true scenes, and say how well
it reads held-out ones: as they truly look, and as the video decoder's network makes them look.

python -m model.training.judge --minutes 10
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NamedTuple

import torch
import typer
from rich.console import Console
from rich.table import Table
from safetensors.torch import load_file, save_file
from torch import Tensor

from model import camera
from model.codec import MapCodec
from model.look_network import LookNetwork
from model.precipitation import FLAKE_SHARE, drift, frame_noise
from model.presets import PRESETS
from model.training.codec import sample_maps
from model.training.dataset import DATA_FOLDER
from model.training.descent import Descent, DescentConfig
from model.training.judge_network import JUDGED_SLOTS, WEIGHTS, PairReader, by_slot, judge_network
from model.training.look import LookInputs, random_patterns, random_views, render_looks
from model.training.pictures import Pictures
from model.world.conditions import NUM_VALUES, SLOT_RANGES, SLOTS

BATCH = 32
FRESH = 6  # of a batch; the rest is shown again, for a true look takes longer than a step
KEPT = 3000  # frames to show again
RATE = 2e-3
TINGE = 0.2  # the most of another value that a slot shows: a fade is nearly over when it is judged
MADE_SHARE = 0.3  # of the batches whose maps come through the codec, so that soft edges say nothing
HELD_OUT = 512


class Moment(NamedTuple):
    """Two frames of one view that follow each other, as they are to be rendered."""

    first: LookInputs
    second: LookInputs


class Shown(NamedTuple):
    """Two frames that follow each other, and the conditions they show."""

    first_BCHW: Tensor
    second_BCHW: Tensor
    conditions_BV: Tensor


def two_noises(batch: int) -> tuple[Tensor, Tensor]:
    """noise_BNHW of two frames that follow each other: flakes have fallen a little, what else is there is new."""
    shape, pairs = (camera.VIEW_H, camera.VIEW_W), []
    for seed in torch.randint(0, 2**31, (batch,)).tolist():
        specks = (torch.rand(shape) < FLAKE_SHARE).float()
        fallen = drift(specks, seed, seed % 3, 0, 0)
        pairs.append((frame_noise(torch.rand(shape), specks), frame_noise(torch.rand(shape), fallen)))
    patterns = random_patterns(batch)
    first, second = (torch.cat([torch.stack(frames), patterns], 1) for frames in zip(*pairs, strict=True))
    return first, second


def sample_moments(batch: int) -> Tensor:
    """conditions_BV: one value per slot, half of the time with a tinge of another."""
    conditions = torch.zeros(batch, NUM_VALUES)
    for slot, values in SLOTS.items():
        pair = torch.randint(0, len(values), (batch, 2))
        tinge = TINGE * torch.rand(batch) * (torch.rand(batch) < 0.5)
        part = conditions[:, SLOT_RANGES[slot]]
        part.scatter_add_(1, pair[:, :1], 1 - tinge[:, None])
        part.scatter_add_(1, pair[:, 1:], tinge[:, None])
    return conditions


class Moments:
    """Random moments of the true world."""

    def __init__(self, data: Path, seed: int, codec: MapCodec) -> None:
        self._pictures, self._codec = Pictures(data, seed), codec

    @torch.no_grad()
    def sample(self, batch: int, held_out: bool = False) -> Moment:
        maps = sample_maps(self._pictures, self._pictures.sample_scenes(batch, held_out))
        if not held_out and torch.rand(()) < MADE_SHARE:
            maps = self._codec.decode(self._codec.encode(maps))
        views, slopes = random_views(maps)
        conditions = sample_moments(batch)
        first, second = two_noises(batch)
        return Moment(LookInputs(views, conditions, slopes, first), LookInputs(views, conditions, slopes, second))


class Replay:
    """Pairs of frames and their conditions: new ones, and earlier ones once more, mirrored half of the time."""

    def __init__(self, moments: Moments) -> None:
        self._moments, self._num_seen = moments, 0
        self._rgb = torch.zeros(KEPT, 2, 3, camera.VIEW_H, camera.VIEW_W, dtype=torch.uint8)
        self._conditions = torch.zeros(KEPT, NUM_VALUES)

    def sample(self) -> Shown:
        new = true_frames(self._moments.sample(FRESH))
        at = torch.arange(self._num_seen, self._num_seen + FRESH) % KEPT
        self._rgb[at] = (255 * torch.stack([new.first_BCHW, new.second_BCHW], 1)).round().byte()
        self._conditions[at] = new.conditions_BV
        self._num_seen += FRESH
        again = torch.randint(0, min(self._num_seen, KEPT), (BATCH - FRESH,))
        chosen = torch.cat([at, again])
        rgb = self._rgb[chosen].float() / 255
        rgb = rgb.flip(4) if torch.rand(()) < 0.5 else rgb
        return Shown(rgb[:, 0], rgb[:, 1], self._conditions[chosen])


@torch.no_grad()
def true_frames(moment: Moment) -> Shown:
    """In steps of 8 bits."""
    first, second = ((render_looks(inputs) * 255).round() / 255 for inputs in moment)
    return Shown(first, second, moment.first.conditions_BV)


def wanted(conditions_BV: Tensor) -> dict[str, Tensor]:
    """Per judged slot the index of its value."""
    return {slot: conditions_BV[:, SLOT_RANGES[slot]].argmax(1) for slot in JUDGED_SLOTS}


def judge_loss(logits_BV: Tensor, conditions_BV: Tensor) -> Tensor:
    goals = wanted(conditions_BV)
    parts = by_slot(logits_BV).items()
    return torch.stack([torch.nn.functional.cross_entropy(part, goals[slot]) for slot, part in parts]).sum()


@torch.no_grad()
def accuracy(network: PairReader, shown: Shown) -> dict[str, float]:
    """Per slot, the share of moments that are read right."""
    goals = wanted(shown.conditions_BV)
    pairs = zip(shown.first_BCHW.split(BATCH), shown.second_BCHW.split(BATCH), strict=True)
    logits = torch.cat([network(*pair) for pair in pairs])
    return {slot: float((part.argmax(1) == goals[slot]).float().mean()) for slot, part in by_slot(logits).items()}


def train(network: PairReader, moments: Moments, minutes: float, console: Console) -> None:
    replay = Replay(moments)
    descent = Descent(network, DescentConfig(rate=RATE, minutes=minutes, warm_up_steps=50), console)
    for step in descent:
        shown = replay.sample()
        with torch.autocast("cpu", torch.bfloat16):
            logits = network(shown.first_BCHW, shown.second_BCHW).float()
        descent.step(step, judge_loss(logits, shown.conditions_BV))


@torch.no_grad()
def made_frames(look: LookNetwork, moment: Moment) -> Shown:
    """As the video decoder's network paints the moment."""
    frames = []
    for inputs in moment:
        parts = zip(*(part.split(BATCH) for part in inputs), strict=True)
        frames.append(torch.cat([look(*part).clamp(0, 1) for part in parts]))
    return Shown(frames[0], frames[1], moment.first.conditions_BV)


def report(network: PairReader, look: LookNetwork, moments: Moments, console: Console) -> None:
    """Accuracy on held-out scenes, per slot and, for what is missed, per style."""
    moment = moments.sample(HELD_OUT, held_out=True)
    shown = {"true frames": true_frames(moment), "the decoder's frames of true maps": made_frames(look, moment)}
    table = Table("read right, %", *JUDGED_SLOTS, *(f"all in {style}" for style in SLOTS["style"]))
    style_B = wanted(moment.first.conditions_BV)["style"]
    for name, frames in shown.items():
        scores = accuracy(network, frames)
        row = [f"{100 * scores[slot]:.1f}" for slot in JUDGED_SLOTS]
        for idx in range(len(SLOTS["style"])):
            of_style = accuracy(network, Shown(*(part[style_B == idx] for part in frames)))
            row.append(" ".join(f"{100 * of_style[slot]:.0f}" for slot in JUDGED_SLOTS))
        table.add_row(name, *row)
    console.print(table)


def main(
    minutes: Annotated[float, typer.Option(help="Training time; 0 measures only.")] = 10.0,
    seed: Annotated[int, typer.Option(help="Seeds weights and samples.")] = 0,
    preset: Annotated[str, typer.Option(help="Whose video decoder is judged too.")] = "pearl-xs",
    data: Annotated[Path, typer.Option(help="Folder of the picture data set.")] = DATA_FOLDER,
    weights: Annotated[Path, typer.Option(help="Where the judge's weights go.")] = WEIGHTS,
    look_weights: Annotated[Path | None, typer.Option(help="Of the video decoder, if not the preset's.")] = None,
) -> None:
    """Train the judge, going on from weights that are there."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    console, chosen = Console(), PRESETS[preset]()
    codec, look, network = MapCodec(chosen.codec).requires_grad_(False), LookNetwork(chosen.look), judge_network()
    codec.load_state_dict(load_file(chosen.folder / "codec.safetensors"))
    look_file = load_file(look_weights or chosen.folder / "video_decoder.safetensors")
    look.load_state_dict({name: value.float() for name, value in look_file.items()})
    if weights.exists():
        network.load_state_dict({name: value.float() for name, value in load_file(weights).items()})
    moments = Moments(data, seed, codec)
    if minutes:
        train(network.to(memory_format=torch.channels_last), moments, minutes, console)  # pyright: ignore[reportCallIssue]
        weights.parent.mkdir(parents=True, exist_ok=True)
        save_file({name: value.half().contiguous() for name, value in network.state_dict().items()}, weights)
    report(network, look, moments, console)


if __name__ == "__main__":
    typer.run(main)
