"""Train the transformer.

    python -m model.training.transformer --minutes 90

Resumes from `runs/transformer.pt` if it is there. Logs to the console and, for TensorBoard,
to `runs/transformer/`. Writes the averaged weights as it goes.
"""

from __future__ import annotations

import copy
import math
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from rich.console import Console
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.utils.data import DataLoader
from torch.utils.tensorboard import SummaryWriter

from model.audio.codec import AudioEncoder
from model.codec import MapCodec
from model.presets import PRESETS
from model.training.dataset import DATA_FOLDER
from model.training.flow import flow_loss
from model.training.samples import SequenceBatch, Sequences
from model.transformer import TransformerConfig, WorldTransformer

PEAK_RATE = 1.2e-3
WARM_UP_STEPS = 200
AVERAGE_HALF_LIFE_STEPS = 400.0
LOG_EVERY, SAVE_EVERY = 50, 200


class Run:
    """Everything a training carries from step to step; saved and resumed as a whole."""

    def __init__(
        self,
        config: TransformerConfig,
        seed: int,
        peak_rate: float = PEAK_RATE,
        half_life_steps: float = AVERAGE_HALF_LIFE_STEPS,
    ) -> None:
        torch.manual_seed(seed)
        self.peak_rate, self._keep = peak_rate, 0.5 ** (1 / half_life_steps)
        self.net = WorldTransformer(config)
        self.average = copy.deepcopy(self.net).requires_grad_(False)
        self.optimizer = torch.optim.AdamW(self.net.parameters(), PEAK_RATE, (0.9, 0.98), weight_decay=0.01)
        self.generator = torch.Generator().manual_seed(seed)
        self.step = 0
        self.elapsed_s = 0.0

    def advance(self, batch: SequenceBatch, rate: float) -> tuple[float, float]:
        """One step; the video and audio losses."""
        with torch.autocast("cpu", torch.bfloat16):  # twice as fast where the CPU has AVX512-BF16
            loss = flow_loss(self.net, batch, self.generator)
        self.descend(loss.total, rate)
        return loss.video.item(), loss.audio.item()

    def descend(self, loss: Tensor, rate: float) -> None:
        """One step along the gradients of a loss, and the average after it."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        keep = min(self._keep, self.step / (self.step + 20))
        for kept, new in zip(self.average.parameters(), self.net.parameters(), strict=True):
            kept.lerp_(new.detach(), 1 - keep)

    def begin_with(self, weights: dict[str, Tensor]) -> None:
        """Parameters that the weights do not have begin as they are."""
        for network in (self.net, self.average):
            network.load_state_dict(network.state_dict() | weights)

    def state(self) -> dict[str, Any]:
        return {
            "net": self.net.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
            "step": self.step,
            "elapsed_s": self.elapsed_s,
        }

    def resume(self, state: dict[str, Any]) -> None:
        self.net.load_state_dict(state["net"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.generator.set_state(state["generator"])
        self.step, self.elapsed_s = state["step"], state["elapsed_s"]


def rate_share(step: int, progress: float, warm_up_steps: int = WARM_UP_STEPS) -> float:
    """Of the peak: warm-up, then a cosine over the share of the time that has gone."""
    warm = min(1.0, (step + 1) / warm_up_steps)
    return warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0))))


def save(run: Run, checkpoint: Path) -> None:
    """All that is needed to go on."""
    scratch = checkpoint.with_suffix(".tmp")
    torch.save(run.state(), scratch)
    os.replace(scratch, checkpoint)


def write_weights(weights: Mapping[str, Tensor], file: Path) -> None:
    """In half precision."""
    save_file({name: value.half().contiguous() for name, value in weights.items()}, file)


def train(run: Run, loader: DataLoader[SequenceBatch], budget_s: float, folder: Path, weights: Path) -> None:
    console, writer = Console(), SummaryWriter(str(folder / "transformer"))
    checkpoint = folder / "transformer.pt"
    losses = []
    started_s = time.monotonic() - run.elapsed_s
    for batch in loader:
        run.elapsed_s = time.monotonic() - started_s
        rate = run.peak_rate * rate_share(run.step, run.elapsed_s / budget_s)
        losses.append(run.advance(batch, rate))
        if run.step % LOG_EVERY == 0:
            video, audio = (sum(column) / len(losses) for column in zip(*losses, strict=True))
            losses.clear()
            console.log(
                f"step {run.step} {run.elapsed_s / 60:.1f} min video {video:.4f} audio {audio:.4f} rate {rate:.2e}"
            )
            writer.add_scalar("loss/video", video, run.step)
            writer.add_scalar("loss/audio", audio, run.step)
        if run.step % SAVE_EVERY == 0 or run.elapsed_s > budget_s:
            save(run, checkpoint)
            write_weights(run.average.state_dict(), weights)
        if run.elapsed_s > budget_s:
            break
    writer.close()


def main(
    minutes: Annotated[float, typer.Option(help="Training time in all, over every resumption.")] = 90.0,
    batch: Annotated[int, typer.Option(help="Sequences a step.")] = 16,
    threads: Annotated[int, typer.Option(help="CPU threads of the training process.")] = 1,
    seed: Annotated[int, typer.Option(help="Seeds weights, noise and samples.")] = 0,
    preset: Annotated[str, typer.Option(help="Which preset to train.")] = "pearl-xs",
    data: Annotated[Path, typer.Option(help="Folder of the picture data set.")] = DATA_FOLDER,
    runs: Annotated[Path, typer.Option(help="Folder of checkpoints and logs.")] = Path("runs"),
    weights: Annotated[Path | None, typer.Option(help="Where the weights go; else to the folder of runs.")] = None,
    start: Annotated[Path | None, typer.Option(help="Weights to begin with, where there is no checkpoint.")] = None,
    rate: Annotated[
        float, typer.Option(help="Peak learning rate; a third of it to go on from good weights.")
    ] = PEAK_RATE,
) -> None:
    """Train the transformer, or go on with a training that was interrupted."""
    torch.set_num_threads(threads)
    chosen = PRESETS[preset]()
    runs.mkdir(exist_ok=True)
    codec = MapCodec(chosen.codec).requires_grad_(False)
    codec.load_state_dict(load_file(chosen.folder / "codec.safetensors"))
    audio = AudioEncoder.load(chosen.folder / "audio_codec.safetensors")
    run = Run(chosen.transformer, seed, rate)
    if start is not None:
        run.begin_with(load_file(start))
    if (runs / "transformer.pt").exists():
        run.resume(torch.load(runs / "transformer.pt", weights_only=True))
    sequences = Sequences(data, codec, audio, batch, seed + run.step)
    loader = DataLoader(sequences, batch_size=None, num_workers=1, prefetch_factor=4)
    train(run, loader, minutes * 60, runs, weights or runs / "transformer.safetensors")


if __name__ == "__main__":
    typer.run(main)
