"""Train the witness of events on true figures in the true world, and say how well it reports on held-out scenes.

python -m model.training.witness --minutes 15
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console
from safetensors.torch import load_file, save_file
from torch import Tensor

from model import camera
from model.actors.looks import KINDS
from model.codec import MapCodec
from model.presets import PRESETS
from model.training.dataset import DATA_FOLDER
from model.training.descent import Descent, DescentConfig
from model.training.witness_network import SURE, WEIGHTS, WitnessNetwork, focus
from model.training.witness_scenes import Pairs, PairSource

BATCH, FRESH, KEPT = 48, 6, 4000  # pairs of a step, how many of them are new, and how many are kept to show again
RATE = 2e-3
HELD_OUT = 512


class Replay:
    """New pairs, and earlier ones once more, mirrored half of the time."""

    def __init__(self, source: PairSource) -> None:
        self._source, self._num_seen = source, 0
        self._rgb = torch.zeros(KEPT, 2, 3, camera.VIEW_H, camera.VIEW_W, dtype=torch.uint8)
        self._came = torch.zeros(KEPT, len(KINDS))

    def sample(self) -> Pairs:
        new = self._source.sample(FRESH)
        at = torch.arange(self._num_seen, self._num_seen + FRESH) % KEPT
        self._rgb[at] = (255 * torch.stack([new.before_BCHW, new.after_BCHW], 1)).round().byte()
        self._came[at] = new.came_BN
        self._num_seen += FRESH
        chosen = torch.cat([at, torch.randint(0, min(self._num_seen, KEPT), (BATCH - FRESH,))])
        rgb = self._rgb[chosen].float() / 255
        rgb = rgb.flip(4) if torch.rand(()) < 0.5 else rgb
        return Pairs(rgb[:, 0], rgb[:, 1], self._came[chosen])


def answers(came_BN: Tensor) -> Tensor:
    """Whom to report of each pair: a kind's index, the number of kinds for nobody; -1, not to be asked, where
    several came or one who is hardly to be seen."""
    came, num_came = (came_BN > 0).float(), (came_BN != 0).sum(1)
    one = came.argmax(1)
    is_clear = (num_came == 1) & (came.sum(1) == 1)
    return torch.where(num_came == 0, came_BN.shape[1], torch.where(is_clear, one, -1))


def witness_loss(logits_BN: Tensor, came_BN: Tensor) -> Tensor:
    return torch.nn.functional.cross_entropy(logits_BN, answers(came_BN), ignore_index=-1)


def train(network: WitnessNetwork, source: PairSource, minutes: float, console: Console) -> None:
    replay = Replay(source)
    descent = Descent(network, DescentConfig(rate=RATE, minutes=minutes), console)
    for step in descent:
        pairs = replay.sample()
        with torch.autocast("cpu", torch.bfloat16):
            logits = network(focus(pairs.before_BCHW, pairs.after_BCHW)).float()
        descent.step(step, witness_loss(logits, pairs.came_BN))


def figures(reported_BN: Tensor, came_BN: Tensor) -> dict[str, float]:
    """Per kind the share of those who came that are reported, then shares over all kinds, and of the pairs in
    which anybody is reported who did not come."""
    shares = {kind: float(reported_BN[came_BN[:, idx] > 0, idx].float().mean()) for idx, kind in enumerate(KINDS)}
    shares["all"] = float(reported_BN[came_BN > 0].float().mean())
    shares["not there"] = float((reported_BN & (came_BN == 0)).any(1).float().mean())
    return shares


@torch.no_grad()
def report(network: WitnessNetwork, source: PairSource, console: Console) -> None:
    batches = [source.sample(BATCH, held_out=True) for _ in range(HELD_OUT // BATCH)]
    seen = [focus(each.before_BCHW, each.after_BCHW) for each in batches]
    reported = torch.cat([network(each).softmax(1)[:, :-1] > SURE for each in seen])
    shares = figures(reported, torch.cat([each.came_BN for each in batches]))
    console.log("held out, reported:", ", ".join(f"{name} {100 * share:.1f} %" for name, share in shares.items()))


def main(
    minutes: Annotated[float, typer.Option(help="Training time; 0 measures only.")] = 15.0,
    seed: Annotated[int, typer.Option(help="Seeds weights and samples.")] = 0,
    preset: Annotated[str, typer.Option(help="Whose picture codec softens some of the scenes.")] = "pearl-xs",
    data: Annotated[Path, typer.Option(help="Folder of the picture data set.")] = DATA_FOLDER,
    weights: Annotated[Path, typer.Option(help="Where the weights go.")] = WEIGHTS,
) -> None:
    """Train the witness, going on from weights that are there."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    console, chosen = Console(), PRESETS[preset]()
    codec, network = MapCodec(chosen.codec).requires_grad_(False), WitnessNetwork()
    codec.load_state_dict(load_file(chosen.folder / "codec.safetensors"))
    if weights.exists():
        network.load_state_dict({name: value.float() for name, value in load_file(weights).items()})
    source = PairSource(data, seed, codec)
    if minutes:
        train(network.to(memory_format=torch.channels_last), source, minutes, console)  # pyright: ignore[reportCallIssue]
        save_file({name: value.half().contiguous() for name, value in network.state_dict().items()}, weights)
    report(network, source, console)


if __name__ == "__main__":
    typer.run(main)
