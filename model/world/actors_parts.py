"""What a figure of the training world is made of: paper parts in its own space, each a value per actor of a batch.

Letters: B actors.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from model.actors import looks

ROUND, LIMB, CONE = "round", "limb", "cone"
Value = Tensor | float
Colour = tuple[Value, Value, Value]

SKIN: Colour = (0.95, 0.78, 0.66)
DARK: Colour = (0.13, 0.12, 0.15)
PALE: Colour = (0.95, 0.94, 0.90)


class Figure(NamedTuple):
    """How B actors of one kind are drawn."""

    look_BN: Tensor  # model.actors.looks.look_numbers
    latent_BZ: Tensor  # individual, -1 to 1
    view_B: Tensor  # heading against the viewer's direction, radians to the right: 0 is seen from behind
    phase_B: Tensor  # of the gait (or of what else recurs), radians
    gait_B: Tensor  # 0 still to 1 at full pace
    crouch_B: Tensor  # 0 upright to 1 crouching or sitting

    @property
    def main(self) -> Colour:
        return self._colour(looks.MAIN)

    @property
    def hair(self) -> Colour:
        return self._colour(looks.HAIR_COLOUR)

    @property
    def accent(self) -> Colour:
        return self._colour(looks.ACCENT)

    def _colour(self, part: slice) -> Colour:
        red, green, blue = self.look_BN[:, part].unbind(1)
        return red, green, blue

    def worn(self, flag: int) -> Tensor:
        return self.look_BN[:, flag]

    def latent(self, idx: int) -> Tensor:
        return self.latent_BZ[:, idx]


class Part(NamedTuple):
    """A ball or box (round), a tapered limb or an upright cone. Metres in the actor's space."""

    shape: str
    forward: Tensor
    left: Tensor
    up: Tensor
    end_forward: Tensor
    end_left: Tensor
    end_up: Tensor
    radius_forward: Tensor
    radius: Tensor  # to the left, or at the start of a limb or cone
    radius_up: Tensor
    end_radius: Tensor
    rgb: Colour
    glow: Value
    squareness: float
    bias: float  # metres by which it is drawn nearer than it is
    share: Value  # 0 where an actor lacks this part, 1 where it has it


Point = tuple[Value, Value, Value]


def ball(
    at: Point,
    radii: Point,
    rgb: Colour,
    *,
    glow: Value = 0.0,
    squareness: float = 2.0,
    bias: float = 0.0,
    share: Value = 1.0,
) -> Part:
    """An ellipsoid, or a box with round corners where squareness is high."""
    forward, left, up, wide_f, wide_l, high = _tensors(*at, *radii)
    return Part(
        ROUND, forward, left, up, forward, left, up, wide_f, wide_l, high, high, rgb, glow, squareness, bias, share
    )


def limb(
    start: Point,
    end: Point,
    radius: Value,
    end_radius: Value,
    rgb: Colour,
    *,
    bias: float = 0.0,
    glow: Value = 0.0,
    share: Value = 1.0,
) -> Part:
    """A round stroke from one point to another."""
    f0, l0, u0, f1, l1, u1, r0, r1 = _tensors(*start, *end, radius, end_radius)
    return Part(LIMB, f0, l0, u0, f1, l1, u1, r0, r0, r0, r1, rgb, glow, 2.0, bias, share)


def cone(
    base: Point,
    height: Value,
    radius: Value,
    end_radius: Value,
    rgb: Colour,
    *,
    bias: float = 0.0,
    glow: Value = 0.0,
    share: Value = 1.0,
) -> Part:
    """An upright cone or cylinder over a base."""
    forward, left, up, tall, r0, r1 = _tensors(*base, height, radius, end_radius)
    return Part(CONE, forward, left, up, forward, left, up + tall, r0, r0, r0, r1, rgb, glow, 2.0, bias, share)


def _tensors(*values: Value) -> tuple[Tensor, ...]:
    return torch.broadcast_tensors(*(torch.as_tensor(value, dtype=torch.float32) for value in values))


def toned(rgb: Colour, factor: Value) -> Colour:
    return tuple(torch.as_tensor(channel * factor).clamp(0, 1) for channel in rgb)  # type: ignore[return-value]


def mixed(one: Colour, two: Colour, share: Value) -> Colour:
    return tuple(first + (second - first) * share for first, second in zip(one, two, strict=True))  # type: ignore[return-value]
