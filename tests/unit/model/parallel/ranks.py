"""Several processes that share one sequence, each compared with one process that does all of it.

python tests/unit/model/parallel/ranks.py FILE SIZE...     one line of JSON for each size
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor, nn

from model.adapters.presets import preset, random_network
from model.adapters.wan.actions import Actions
from model.adapters.wan.config import HELD_KEYS, WINDOW_FRAMES, WanConfig
from model.adapters.wan.network import Conditions
from model.adapters.wan.window import KeysValues, LatentCache
from model.parallel.sequence import Ranks, SequenceSplit, SharedSequence, WholeSequence, join
from model.parallel.wan import split_wan

LAYERS, HEADS, HEAD_DIM = 2, 4, 8
DIM = HEADS * HEAD_DIM
WINDOW_CHUNKS = 2
# Neither 2 nor 4 divides the third.
LENGTHS = (8, 12, 7, 12, 16)
WAN_PRESETS = ("wan-tiny", "matrix-game-tiny", "abot-tiny")
GRID = (10, 6)  # rows and columns of latents: 15 tokens, which no number of ranks divides


class Block(nn.Module):
    """Attention over cached chunks and this one, and a feed-forward layer: what a streaming block does with a split."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.qkv, self.out = nn.RMSNorm(DIM), nn.Linear(DIM, 3 * DIM), nn.Linear(DIM, DIM)
        self.feed_forward = nn.Sequential(nn.Linear(DIM, 2 * DIM), nn.GELU(), nn.Linear(2 * DIM, DIM))
        self.cache: list[tuple[Tensor, Tensor]] = []

    def forward(self, x_BsD: Tensor, split: SequenceSplit, length: int) -> Tensor:
        q, k, v = (each.unflatten(-1, (HEADS, HEAD_DIM)) for each in self.qkv(self.norm(x_BsD)).chunk(3, -1))
        q, k, v = (split.to_heads(each, length) for each in (q, k, v))
        assert k.shape[1:3] == (length, split.num_heads(HEADS))
        self.cache = [*self.cache, (k, v)][-WINDOW_CHUNKS:]
        keys, values = (torch.cat(each, 1) for each in zip(*self.cache, strict=True))
        q, keys, values = (each.transpose(1, 2) for each in (q, keys, values))
        attended = nn.functional.scaled_dot_product_attention(q, keys, values)
        x_BsD = x_BsD + self.out(split.to_tokens(attended.transpose(1, 2)).flatten(2))
        return x_BsD + self.feed_forward(x_BsD)


def stream(split: SequenceSplit) -> list[Tensor]:
    """Chunks of several lengths, one after the other, of a batch of two."""
    torch.manual_seed(1)
    blocks = [Block().double() for _ in range(LAYERS)]
    made = []
    for length in LENGTHS:
        x = split.split(torch.randn(2, length, DIM, dtype=torch.float64))
        for block in blocks:
            x = block(x, split, length)
        made.append(split.join(x, length))
    return made


def stream_wan(name: str, split: SequenceSplit | None) -> list[Tensor]:
    """Chunks of a small network in a public layout, past the end of its window: denoised, then remembered."""
    tiny = preset(name)
    config = replace(tiny.network, heads=4)
    network = random_network(config, "cpu", torch.float64)
    network = network if split is None else split_wan(network, split)
    cache = LatentCache(network.cache_shapes(*GRID), 5, 1, torch.float64, torch.device("cpu"))
    generator, made = torch.Generator().manual_seed(3), []
    shape = (1, tiny.latents_per_chunk, config.out_channels, *GRID)
    for _ in range(3):
        latents = torch.randn(shape, dtype=torch.float64, generator=generator)
        conditions = conditions_for(config, shape, generator)
        context = network.context(torch.randn(1, 5, config.text_dim or config.image_dim, generator=generator).double())
        window = network.window([cache], shape[1], *GRID)
        made.append(network.denoise(latents, torch.full(shape[:2], 700.0), context, window, conditions))
        kept = network.remember(made[-1], context, window, conditions)
        cache.append({kind: KeysValues(*(field[:, 0] for field in own)) for kind, own in kept.items()})
    return made


def conditions_for(config: WanConfig, shape: tuple[int, ...], generator: torch.Generator) -> Conditions:
    def random(*size: int) -> Tensor:
        return torch.randn(size, dtype=torch.float64, generator=generator)

    frames = shape[1]
    actions = beside = keys = None
    if config.actions:
        actions = Actions(
            random(1, frames, WINDOW_FRAMES, config.actions.keyboard_keys),
            random(1, frames, WINDOW_FRAMES, config.actions.mouse_axes),
        )
    if config.condition_channels:
        beside = random(1, frames, config.condition_channels, *GRID)
    if config.keys:
        keys = random(1, HELD_KEYS)
    return Conditions(beside_BFCHW=beside, actions=actions, keys_BK=keys)


def largest_difference(shared: list[Tensor], whole: list[Tensor]) -> float:
    assert len(shared) == len(whole)
    return max((each - other).abs().max().item() for each, other in zip(shared, whole, strict=True))


def differences(split: SharedSequence) -> dict[str, float]:
    found = {"block": largest_difference(stream(split), stream(WholeSequence()))}
    for name in WAN_PRESETS:
        found[name] = largest_difference(stream_wan(name, split), stream_wan(name, None))
    return found


def run_rank(rank: int, size: int, folder: Path, output: Path) -> None:
    split = join(Ranks(store_file=str(folder / "store"), size=size), rank)
    with torch.inference_mode():
        (folder / str(rank)).write_text(json.dumps(differences(split)))
    dist.barrier()
    if rank == 0:
        found = [json.loads((folder / str(each)).read_text()) for each in range(size)]
        with output.open("a") as file:
            file.write(json.dumps({"size": size, "differences": found}) + "\n")
    dist.destroy_process_group()


def run_group(size: int, output: Path) -> None:
    """Forked from a process that has only imported torch: a second of processor time for all instead of one each."""
    with tempfile.TemporaryDirectory() as folder:
        children = []
        for rank in range(size):
            if (child := os.fork()) == 0:
                run_rank(rank, size, Path(folder), output)
                os._exit(0)
            children.append(child)
        for child in children:
            os.waitpid(child, 0)


if __name__ == "__main__":
    torch.set_num_threads(1)
    for number in sys.argv[2:]:
        run_group(int(number), Path(sys.argv[1]))
