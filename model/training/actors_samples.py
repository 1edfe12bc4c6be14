"""Sprites of the training world, drawn as they are needed: random individuals from random sides.

Letters: B sprites, N numbers of a look, Z latent numbers.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from model.actors import looks
from model.actors.looks import COLOURS, HAIR, KINDS, NUM_LATENTS, NUM_LOOK_NUMBERS, USUAL_COLOURS
from model.world.actors import Sprites, draw
from model.world.actors_parts import Figure

# People show the most and are looked at the longest.
KIND_WEIGHTS = torch.tensor([5.0, 1.6, 1.6, 0.6, 0.6, 2.0, 0.8, 0.8, 1.2, 0.5])
PACED = ("person", "kitten", "dog", "bird")
CROUCHING = ("person", "kitten", "dog")


class SpriteBatch(NamedTuple):
    """B figures and what they truly look like."""

    figure: Figure
    truth: Sprites


def random_looks(kind: str, count: int, generator: torch.Generator) -> Tensor:
    """look_BN of one kind: usual colours, named colours and any other, a little off."""

    def colours(choices: list[looks.RGB]) -> Tensor:
        table = torch.tensor(choices)
        chosen = table[torch.randint(0, len(table), (count,), generator=generator)]
        anything = torch.rand(count, 3, generator=generator)
        is_any = torch.rand(count, 1, generator=generator) < 0.15
        near = chosen + 0.05 * torch.randn(count, 3, generator=generator)
        return torch.where(is_any, anything, near).clamp(0.05, 0.98)

    look = torch.zeros(count, NUM_LOOK_NUMBERS)
    look[:, KINDS.index(kind)] = 1
    look[:, looks.MAIN] = colours([*USUAL_COLOURS[kind], *COLOURS.values()])
    look[:, looks.HAIR_COLOUR] = colours(list(HAIR.values())) if kind == "person" else torch.tensor(HAIR["brown"])
    look[:, looks.ACCENT] = colours(list(COLOURS.values())) if kind == "person" else torch.tensor(COLOURS["red"])
    if kind == "person":
        share = torch.tensor([0.55, 0.5, 0.45, 0.3, 0.2])
        look[:, looks.LONG_HAIR :] = (torch.rand(count, 5, generator=generator) < share).float()
    return look


def random_figures(kind: str, count: int, generator: torch.Generator) -> Figure:
    def uniform() -> Tensor:
        return torch.rand(count, generator=generator)

    still = uniform() < 0.35
    gait = torch.where(still, torch.zeros(count), uniform()) if kind in PACED else torch.zeros(count)
    crouch = torch.where(uniform() < 0.5, torch.zeros(count), uniform().sqrt()) * (gait < 0.5)
    view = 2 * math.pi * uniform()
    if kind == "person":  # most often from behind
        view = torch.where(uniform() < 0.35, 0.35 * torch.randn(count, generator=generator), view)
    return Figure(
        random_looks(kind, count, generator),
        torch.tanh(torch.randn(count, NUM_LATENTS, generator=generator)),
        view,
        2 * math.pi * uniform(),
        gait,
        crouch if kind in CROUCHING else torch.zeros(count),
    )


@torch.no_grad()
def sample(batch: int, generator: torch.Generator) -> SpriteBatch:
    """About `batch` sprites of all kinds."""
    drawn = torch.multinomial(KIND_WEIGHTS, batch, replacement=True, generator=generator)
    figures, truths = [], []
    for idx, count in enumerate(drawn.bincount(minlength=len(KINDS)).tolist()):
        if count:
            figure = random_figures(KINDS[idx], count, generator)
            figures.append(figure)
            truths.append(draw(KINDS[idx], figure))
    return SpriteBatch(
        Figure(*(torch.cat(field) for field in zip(*figures, strict=True))),
        Sprites(*(torch.cat(field) for field in zip(*truths, strict=True))),
    )
