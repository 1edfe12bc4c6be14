"""Teach the transformer to paint in four steps or fewer what it paints in many.

    python -m model.training.distill --minutes 10

The teacher (model.training.teacher) goes its way from noise to a canvas in many steps. The pupil begins with the same
weights, and learns every step of every row of `SIGMAS`: from where the teacher is at the level of that step straight
to where it is at the next, as in progressive distillation (Salimans and Ho, arXiv 2202.00512), for several numbers of
steps at once. What a chunk is to sound like, and what the cache keeps of it, stays as it was.

What is written lies half of the way from the weights that the pupil began with to its own (weight averaging as in
Wortsman et al., arXiv 2109.01903): a pupil of so sharp a teacher breaks a wall of leaves that fills the view into
shards, and half of the way it has the detail of twelve steps without.

Resumes from `distill.pt` in the folder of runs if it is there. Logs to the console and, for TensorBoard, to `distill/`
there. Writes the averaged weights as it goes, and says in the end how they do on scenes held out.

Letters: B scenes, V patches, C latent dims, A audio dims.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, NamedTuple

import torch
import typer
from einops import rearrange
from rich.console import Console
from safetensors.torch import load_file
from torch import Tensor
from torch.utils.data import DataLoader
from torch.utils.tensorboard import SummaryWriter

from model.audio.codec import AudioEncoder
from model.codec import MapCodec
from model.layers import KeysValues
from model.presets import PRESETS
from model.training.comparison import report
from model.training.dataset import DATA_FOLDER
from model.training.lessons import Classroom, Lesson
from model.training.samples import SequenceBatch, Sequences
from model.training.teacher import Teacher
from model.training.transformer import Run, rate_share, save, write_weights
from model.transformer import PATCH_COLUMNS, WorldTransformer

PEAK_RATE = 4e-4  # a third of what the weights were trained with
WARM_UP_STEPS = 50
HALF_LIFE_STEPS = 100.0  # of the averaged weights; the training is short
STEPS_A_WAY = 12  # a way costs the teacher about as much as half of these cost the pupil
AUDIO_WEIGHT, CACHE_WEIGHT = 4.0, 4.0  # beside the painting: sound has nothing to gain, only to lose
GUIDANCE = 0.8  # edges and small things as in the training world; twice as much makes more than there are
SHARE = 0.5  # of the way from the painter's weights to the pupil's, of what is written
HELD_OUT = 24  # scenes on which the pupil is compared with its teacher in the end
LOG_EVERY, SAVE_EVERY_S = 24, 90.0


class DistillationLoss(NamedTuple):
    total: Tensor
    video: Tensor
    audio: Tensor
    cache: Tensor


def distillation_loss(network: WorldTransformer, lesson: Lesson) -> DistillationLoss:
    """Mean squared errors: of the steps over what was not known, of sound, and of what the cache keeps."""
    velocity, kept = lesson.scene.velocity(network, lesson.start.video_BVC, lesson.start.audio_BA, lesson.sigma_B)
    error_BV = (velocity.video_BVC - lesson.velocity_BVC).square().mean(-1)
    video = (error_BV * lesson.weight_BV).sum() / lesson.weight_BV.sum().clamp_min(1)
    audio = (velocity.audio_BA - lesson.start.audio_velocity_BA).square().mean()
    cache = torch.stack([_distance(own, theirs) for own, theirs in zip(kept, lesson.kept, strict=True)]).mean()
    return DistillationLoss(video + AUDIO_WEIGHT * audio + CACHE_WEIGHT * cache, video, audio, cache)


def _distance(own: KeysValues, theirs: KeysValues) -> Tensor:
    """Of the scenes that stand first, as a share of how large keys and values are."""
    parts = [
        (mine[: len(wanted)].float() - wanted.float()).square().mean() / wanted.float().square().mean().clamp_min(1e-6)
        for mine, wanted in zip(own, theirs, strict=True)
    ]
    return torch.stack(parts).mean()


class Losses(NamedTuple):
    video: float
    audio: float
    cache: float


def advance(run: Run, classroom: Classroom, batch: SequenceBatch, rate: float) -> list[Losses]:
    """One way of the teacher, and the pupil's steps along it."""
    made = []
    for lesson in classroom.lessons(batch, STEPS_A_WAY):
        with torch.autocast("cpu", torch.bfloat16):
            loss = distillation_loss(run.net, lesson)
        run.descend(loss.total, rate)
        made.append(Losses(loss.video.item(), loss.audio.item(), loss.cache.item()))
    return made


def part_way(painter: Mapping[str, Tensor], pupil: Mapping[str, Tensor], share: float) -> dict[str, Tensor]:
    """Weights that lie so far from the painter's toward the pupil's. Those that the painter lacks are the pupil's."""
    return {name: torch.lerp(painter.get(name, own).to(own), own, share) for name, own in pupil.items()}


def train(
    run: Run,
    classroom: Classroom,
    loader: DataLoader[SequenceBatch],
    budget_s: float,
    folder: Path,
    write: Callable[[], None],
) -> None:
    console, writer = Console(), SummaryWriter(str(folder / "distill"))
    losses: list[Losses] = []
    started_s, saved_s = time.monotonic() - run.elapsed_s, run.elapsed_s
    for batch in loader:
        run.elapsed_s = time.monotonic() - started_s
        rate = run.peak_rate * rate_share(run.step, run.elapsed_s / budget_s, WARM_UP_STEPS)
        losses += advance(run, classroom, batch, rate)
        if len(losses) >= LOG_EVERY:
            mean = Losses(*(sum(column) / len(losses) for column in zip(*losses, strict=True)))
            losses.clear()
            console.log(f"step {run.step} {run.elapsed_s / 60:.1f} min {_told(mean)} rate {rate:.2e}")
            for name, value in mean._asdict().items():
                writer.add_scalar(f"loss/{name}", value, run.step)
        is_over = run.elapsed_s > budget_s
        if is_over or run.elapsed_s > saved_s + SAVE_EVERY_S:
            save(run, folder / "distill.pt")
            write()
            saved_s = run.elapsed_s
        if is_over:
            break
    writer.close()


def _told(losses: Losses) -> str:
    return " ".join(f"{name} {value:.4f}" for name, value in losses._asdict().items())


def main(
    minutes: Annotated[float, typer.Option(help="Training time in all, over every resumption.")] = 10.0,
    batch: Annotated[int, typer.Option(help="Scenes a step.")] = 16,
    guidance: Annotated[float, typer.Option(help="How far the teacher goes beyond its own velocity.")] = GUIDANCE,
    share: Annotated[float, typer.Option(help="Of the way from the painter to the pupil, of what is written.")] = SHARE,
    rate: Annotated[float, typer.Option(help="Peak learning rate.")] = PEAK_RATE,
    threads: Annotated[int, typer.Option(help="CPU threads of the training process.")] = 1,
    seed: Annotated[int, typer.Option(help="Seeds noise, samples and lessons.")] = 0,
    preset: Annotated[str, typer.Option(help="Which preset to distil.")] = "pearl-xs",
    teacher: Annotated[
        Path | None, typer.Option(help="Weights of the many-step painter; else those in the folder of runs.")
    ] = None,
    data: Annotated[Path, typer.Option(help="Folder of the picture data set.")] = DATA_FOLDER,
    runs: Annotated[Path, typer.Option(help="Folder of checkpoints and logs.")] = Path("runs"),
    weights: Annotated[Path | None, typer.Option(help="Where the weights go; else to the preset.")] = None,
) -> None:
    """Distil the transformer, or go on with a distillation that was interrupted."""
    torch.set_num_threads(threads)
    chosen = PRESETS[preset]()
    (runs / "distill").mkdir(parents=True, exist_ok=True)
    codec = MapCodec(chosen.codec).requires_grad_(False)
    codec.load_state_dict(load_file(chosen.folder / "codec.safetensors"))
    audio = AudioEncoder.load(chosen.folder / "audio_codec.safetensors")
    run = Run(chosen.transformer, seed, rate, HALF_LIFE_STEPS)
    painter = load_file(teacher or runs / "transformer.safetensors")
    run.begin_with(painter)
    taught = Teacher(run.net, guidance)
    if (runs / "distill.pt").exists():
        run.resume(torch.load(runs / "distill.pt", weights_only=True))
    classroom = Classroom(taught, unseen(codec), run.generator)
    loader = DataLoader(Sequences(data, codec, audio, batch, seed + run.step), batch_size=None, num_workers=1)
    file = weights or chosen.folder / "transformer.safetensors"

    def written() -> dict[str, Tensor]:
        return part_way(painter, run.average.state_dict(), share)

    train(run, classroom, loader, minutes * 60, runs, lambda: write_weights(written(), file))
    run.average.load_state_dict(written())
    held_out = next(iter(Sequences(data, codec, audio, HELD_OUT, seed, held_out=True)))
    for line in report(run.average, taught, held_out, unseen(codec), codec):
        Console().log(line)


def unseen(codec: MapCodec) -> Tensor:
    """Latents of a canvas of which nothing is known: [1, V, C]."""
    maps = codec.mean_maps(PATCH_COLUMNS).clamp(0, 1)
    return rearrange(codec.encode(maps[None]), "b r c d -> b (r c) d")


if __name__ == "__main__":
    typer.run(main)
