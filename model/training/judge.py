"""Train the judge of style, lighting and weather on the true look of true scenes, and say how well
it reads held-out ones: as they truly look, and as the video decoder's network makes them look.

python -m model.training.judge --minutes 10
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console
from rich.table import Table
from safetensors.torch import load_file, save_file
from torch import Tensor

from model import camera
from model.codec import MapCodec
from model.look_network import LookNetwork
from model.presets import PRESETS
from model.training.codec import sample_maps
from model.training.dataset import DATA_FOLDER
from model.training.judge_network import JUDGED_SLOTS, WEIGHTS, JudgeNetwork, by_slot
from model.training.look import LookInputs, random_noise, random_views, render_looks
from model.training.pictures import Pictures
from model.world.conditions import NUM_VALUES, SLOT_RANGES, SLOTS

BATCH = 32
FRESH = 8  # of a batch; the rest is shown again, for a true look takes longer than a step
KEPT = 3000  # frames to show again
RATE = 2e-3
TINGE = 0.2  # the most of another value that a slot shows: a fade is nearly over when it is judged
MADE_SHARE = 0.3  # of the batches whose maps come through the codec, so that soft edges say nothing
HELD_OUT = 512
LOG_STEPS = 100


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
    def sample(self, batch: int, held_out: bool = False) -> LookInputs:
        maps = sample_maps(self._pictures, self._pictures.sample_scenes(batch, held_out))
        if not held_out and torch.rand(()) < MADE_SHARE:
            maps = self._codec.decode(self._codec.encode(maps))
        views, slopes = random_views(maps)
        return LookInputs(views, sample_moments(batch), slopes, random_noise(batch))


class Replay:
    """Frames and their conditions: new ones, and earlier ones once more, mirrored half of the time."""

    def __init__(self, moments: Moments) -> None:
        self._moments, self._num_seen = moments, 0
        self._rgb = torch.zeros(KEPT, 3, camera.VIEW_H, camera.VIEW_W, dtype=torch.uint8)
        self._conditions = torch.zeros(KEPT, NUM_VALUES)

    def sample(self) -> tuple[Tensor, Tensor]:
        """rgb_BCHW and conditions_BV."""
        inputs = self._moments.sample(FRESH)
        at = torch.arange(self._num_seen, self._num_seen + FRESH) % KEPT
        self._rgb[at], self._conditions[at] = (255 * true_frames(inputs)).round().byte(), inputs.conditions_BV
        self._num_seen += FRESH
        again = torch.randint(0, min(self._num_seen, KEPT), (BATCH - FRESH,))
        chosen = torch.cat([at, again])
        rgb = self._rgb[chosen].float() / 255
        return (rgb.flip(3) if torch.rand(()) < 0.5 else rgb), self._conditions[chosen]


@torch.no_grad()
def true_frames(inputs: LookInputs) -> Tensor:
    """rgb_BCHW, in steps of 8 bits."""
    return (render_looks(inputs) * 255).round() / 255


def wanted(conditions_BV: Tensor) -> dict[str, Tensor]:
    """Per judged slot the index of its value."""
    return {slot: conditions_BV[:, SLOT_RANGES[slot]].argmax(1) for slot in JUDGED_SLOTS}


def judge_loss(logits_BV: Tensor, conditions_BV: Tensor) -> Tensor:
    goals = wanted(conditions_BV)
    parts = by_slot(logits_BV).items()
    return torch.stack([torch.nn.functional.cross_entropy(part, goals[slot]) for slot, part in parts]).sum()


@torch.no_grad()
def accuracy(network: JudgeNetwork, rgb_BCHW: Tensor, conditions_BV: Tensor) -> dict[str, float]:
    """Per slot, the share of single frames that are read right."""
    goals = wanted(conditions_BV)
    logits = torch.cat([network(part) for part in rgb_BCHW.split(BATCH)])
    return {slot: float((part.argmax(1) == goals[slot]).float().mean()) for slot, part in by_slot(logits).items()}


def train(network: JudgeNetwork, moments: Moments, minutes: float, console: Console) -> None:
    optimizer, replay = torch.optim.AdamW(network.parameters(), RATE), Replay(moments)
    started_s, step = time.monotonic(), 0
    while (gone := (time.monotonic() - started_s) / 60) < minutes:
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1, (step + 1) / 50) * (1 - gone / minutes)
        rgb, conditions = replay.sample()
        with torch.autocast("cpu", torch.bfloat16):
            logits = network(rgb).float()
        loss = judge_loss(logits, conditions)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        step += 1
        if step % LOG_STEPS == 0:
            console.log(f"step {step} {gone:.1f} min loss {loss.item():.4f}")


def report(network: JudgeNetwork, look: LookNetwork, moments: Moments, console: Console) -> None:
    """Accuracy on held-out scenes, per slot and, for what is missed, per style."""
    inputs = moments.sample(HELD_OUT, held_out=True)
    with torch.no_grad():
        parts = zip(*(part.split(BATCH) for part in inputs), strict=True)
        made = torch.cat([look(*part).clamp(0, 1) for part in parts])
    frames = {"true frames": true_frames(inputs), "the decoder's frames of true maps": made}
    table = Table("read right, %", *JUDGED_SLOTS, *(f"all in {style}" for style in SLOTS["style"]))
    style_B = wanted(inputs.conditions_BV)["style"]
    for name, rgb in frames.items():
        scores = accuracy(network, rgb, inputs.conditions_BV)
        row = [f"{100 * scores[slot]:.1f}" for slot in JUDGED_SLOTS]
        for idx in range(len(SLOTS["style"])):
            of_style = accuracy(network, rgb[style_B == idx], inputs.conditions_BV[style_B == idx])
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
    codec, look, network = MapCodec(chosen.codec).requires_grad_(False), LookNetwork(chosen.look), JudgeNetwork()
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
