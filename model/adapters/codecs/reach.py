"""How far back a causal network sees, counted from its layers: arithmetic, no tensors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Past(NamedTuple):
    """A layer that looks back, and keeps what it looks back at."""

    num_frames: int


class Doubling(NamedTuple):
    """A layer that makes two frames of each."""


class Halving(NamedTuple):
    """A layer that makes one frame of two and the one before them."""


def steps_remembered(layers: Iterable[Past | Doubling], rate: int) -> int:
    """How many steps must have been seen until all that is kept is what it would be, had the past begun otherwise. A
    step enters the first layer as `rate` frames.

    After n steps a layer at `rate` frames a step has seen n * rate frames, of which the first `num_wrong` still
    depend on what was before; it keeps the last `num_frames` of its input, and those must be right.
    """
    num_wrong, num_steps = 0, 0
    for layer in layers:
        if isinstance(layer, Doubling):
            num_wrong, rate = 2 * num_wrong, 2 * rate
        else:
            num_steps = max(num_steps, -(-(num_wrong + layer.num_frames) // rate))
            num_wrong += layer.num_frames
    return num_steps


def steps_until_steady(layers: Iterable[Past | Halving]) -> int:
    """How many outputs still depend on the first input, of a network that then sees the same frame for ever. The first
    frame passes a halving alone; a later one is made of two frames and the one before them."""
    num_wrong = 1
    for layer in layers:
        num_wrong = -(-num_wrong // 2) + 1 if isinstance(layer, Halving) else num_wrong + layer.num_frames
    return num_wrong
