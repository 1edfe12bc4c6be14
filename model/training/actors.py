"""Trains what actors look like and how they move: `python -m model.training.actors [--minutes 14]`.

Sprites are drawn by the training world while it trains (model.world.actors); half an hour of one
core is plenty. Goes on from `runs/actors.pt` if there is one. The motion network takes seconds.
Prints figures on individuals and walks that were not trained on.

Letters: B sprites, H rows, W columns.
"""

# ruff: noqa: T201 (a command line prints)

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from model.actors.appearance import AppearanceNetwork, Pose, RawSprite
from model.actors.networks import PEARL_XS, ActorNetworks, save_networks
from model.training.actors_motion import train_motion
from model.training.actors_samples import SpriteBatch, sample
from model.world.actors import Sprites
from model.world.actors_parts import Figure

WEIGHTS = Path(__file__).parents[1] / "weights" / "pearl-xs" / "actors.safetensors"
CHECKPOINT = Path("runs/actors.pt")
BATCH, FRESH, POOL = 64, 20, 6000  # each step draws a few new sprites and learns from many recent ones
LEARNING_RATE, WARMUP_STEPS, AVERAGING = 3e-3, 100, 0.998
RARE_GLOW = 8.0  # few pixels shine: each counts so much more
REPORT_EVERY = 200
HELD_OUT_SEED = 77_000_003


class SpritePool:
    """Recently drawn sprites; the oldest makes room."""

    def __init__(self, seed: int) -> None:
        self._generator = torch.Generator().manual_seed(seed)
        self._fields: list[Tensor] = []

    def __len__(self) -> int:
        return len(self._fields[0]) if self._fields else 0

    def draw(self, count: int) -> None:
        batch = sample(count, self._generator)
        fields = [*batch.figure, *batch.truth]
        if not self._fields:
            self._fields = fields
        else:
            joined = zip(self._fields, fields, strict=True)
            self._fields = [torch.cat([old, new]) for old, new in joined]

    def renew(self, count: int) -> None:
        """Put new sprites at random places; they never grow in number."""
        batch = sample(count, self._generator)
        rows = torch.randint(0, len(self), (len(batch.figure.view_B),), generator=self._generator)
        for field, new in zip(self._fields, [*batch.figure, *batch.truth], strict=True):
            field[rows] = new

    def take(self, count: int) -> SpriteBatch:
        rows = torch.randint(0, len(self), (count,), generator=self._generator)
        return _batch_of([field[rows] for field in self._fields])


def _batch_of(fields: list[Tensor]) -> SpriteBatch:
    count = len(Figure._fields)
    return SpriteBatch(Figure(*fields[:count]), Sprites(*fields[count:]))


def sprite_loss(raw: RawSprite, truth: Sprites) -> Tensor:
    """Cover everywhere; colour, relief and glow where there is something to see."""
    cover, sprite = truth.cover_BHW, raw.sprite
    loss = functional.binary_cross_entropy_with_logits(raw.cover_logit_BHW, cover)
    off = (sprite.rgb_B3HW - truth.rgb_B3HW).abs()
    loss = loss + 4 * ((off + 4 * off**2).mean(1) * cover).mean()
    loss = loss + 3 * ((sprite.relief_BHW - truth.relief_BHW).abs() * cover).mean()
    shining = functional.binary_cross_entropy_with_logits(raw.glow_logit_BHW, truth.glow_BHW, reduction="none")
    return loss + 2 * (shining * (1 + RARE_GLOW * truth.glow_BHW)).mean()


@torch.no_grad()
def measure(network: AppearanceNetwork, count: int = 400) -> dict[str, float]:
    """On sprites never trained on: share of the outline that agrees, and colour, in dB."""
    batch = sample(count, torch.Generator().manual_seed(HELD_OUT_SEED))
    sprite = network(Pose(*batch.figure)).sprite
    truth = batch.truth
    is_there, was_there = sprite.cover_BHW > 0.5, truth.cover_BHW > 0.5
    both, either = (is_there & was_there).float().sum((1, 2)), (is_there | was_there).float().sum((1, 2))
    squared = ((sprite.rgb_B3HW - truth.rgb_B3HW) ** 2).mean(1)
    error = (squared * truth.cover_BHW).sum() / truth.cover_BHW.sum()
    return {"outline_overlap": (both / either).mean().item(), "colour_db": -10 * error.log10().item()}


class Trainer:
    """Appearance: steps until the time is over, with an average of the weights that ships."""

    def __init__(self, seed: int) -> None:
        torch.manual_seed(seed)
        self.network = AppearanceNetwork(PEARL_XS.appearance)
        self.average = AppearanceNetwork(PEARL_XS.appearance)
        self.average.load_state_dict(self.network.state_dict())
        self.optimiser = torch.optim.AdamW(self.network.parameters(), LEARNING_RATE, weight_decay=1e-4)
        self.step = 0

    def load(self, path: Path) -> None:
        kept = torch.load(path, weights_only=True)
        self.network.load_state_dict(kept["network"])
        self.average.load_state_dict(kept["average"])
        self.optimiser.load_state_dict(kept["optimiser"])
        self.step = kept["step"]

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        networks = (("network", self.network), ("average", self.average), ("optimiser", self.optimiser))
        torch.save({**{name: part.state_dict() for name, part in networks}, "step": self.step}, path)

    def learn(self, batch: SpriteBatch, progress: float) -> float:
        warm = min(1.0, (self.step + 1) / WARMUP_STEPS)
        for group in self.optimiser.param_groups:
            group["lr"] = LEARNING_RATE * warm * max(0.02, (1 - progress) ** 1.2)
        loss = sprite_loss(self.network(Pose(*batch.figure)), batch.truth)
        self.optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        self._follow()
        self.step += 1
        return loss.item()

    @torch.no_grad()
    def _follow(self) -> None:
        keep = min(AVERAGING, self.step / (self.step + 10))
        for ours, theirs in zip(self.average.parameters(), self.network.parameters(), strict=True):
            ours.lerp_(theirs, 1 - keep)


def train_appearance(minutes: float, seed: int) -> AppearanceNetwork:
    trainer, pool = Trainer(seed), SpritePool(seed)
    if CHECKPOINT.exists():
        trainer.load(CHECKPOINT)
        pool = SpritePool(seed + trainer.step)
    started_s = time.monotonic()
    while (spent := (time.monotonic() - started_s) / (60 * minutes)) < 1:
        if len(pool) < POOL:
            pool.draw(4 * FRESH)
        elif trainer.step % 2:
            pool.renew(FRESH)
        loss = trainer.learn(pool.take(BATCH), spent)
        if trainer.step % REPORT_EVERY == 0:
            figures = ", ".join(f"{name} {value:.3f}" for name, value in measure(trainer.average, 150).items())
            print(f"step {trainer.step:5d}  {100 * spent:3.0f} %  loss {loss:.4f}  {figures}", flush=True)
            trainer.save(CHECKPOINT)
    trainer.save(CHECKPOINT)
    return trainer.average.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=14.0, help="for what actors look like; 0: as it is")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, default=WEIGHTS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    appearance = train_appearance(arguments.minutes, arguments.seed)
    print("appearance, held out:", {name: round(value, 3) for name, value in measure(appearance).items()})
    motion = train_motion(PEARL_XS.motion, arguments.seed)
    save_networks(ActorNetworks(appearance, motion), arguments.output)


if __name__ == "__main__":
    main()
