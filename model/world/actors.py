"""Draws the actors of the training world, in batches, with exact truth.

An actor is a figure of paper parts that stand in its own space (forward, left, up, metres),
turned toward the viewer, sorted by depth and laid over each other. Gives sprites: colour in
plain daylight, cover, relief (metres toward the viewer) and glow.

Letters: B actors, K parts, H rows, W columns of the sprite.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from model.actors.looks import FOOT_SHARE, KINDS, SIDE_M
from model.world import actors_beings, actors_things
from model.world.actors_parts import CONE, ROUND, Figure, Part

FIGURES: dict[str, Callable[[Figure], list[Part]]] = {
    "person": actors_beings.person, "kitten": actors_beings.kitten, "dog": actors_beings.dog,
    "umbrella": actors_things.umbrella, "lamp": actors_things.lamp, "car": actors_things.car,
    "tree": actors_things.tree, "fountain": actors_things.fountain, "bird": actors_beings.bird,
    "balloon": actors_things.balloon,
}  # fmt: skip
SPRITE_PX = 48
MAX_RELIEF_SHARE = 0.5  # of the side: how far from the middle a part may stand toward the viewer


class Sprites(NamedTuple):
    """What B actors look like from where they are seen."""

    rgb_B3HW: Tensor
    cover_BHW: Tensor  # 0 to 1
    relief_BHW: Tensor  # metres toward the viewer over the side, -0.5 to 0.5; 0 outside
    glow_BHW: Tensor


def draw(kind: str, figure: Figure) -> Sprites:
    """Sprites of B actors of one kind."""
    side_m = SIDE_M[KINDS.index(kind)]
    parts = FIGURES[kind](figure)
    sin, cos = torch.sin(figure.view_B), torch.cos(figure.view_B)
    step = side_m / SPRITE_PX
    across_W = (torch.arange(SPRITE_PX) + 0.5) * step - side_m / 2
    up_H1 = ((SPRITE_PX - torch.arange(SPRITE_PX) - 0.5) * step - FOOT_SHARE * side_m)[:, None]
    cover_BKHW = torch.stack([_cover(part, sin, cos, across_W, up_H1, step) for part in parts], 1)
    depth_BK = torch.stack([_toward_viewer(part, sin, cos) for part in parts], 1)
    colour_BK3 = torch.stack([_colour(part, sin) for part in parts], 1)
    glow_BK = torch.stack([torch.broadcast_to(torch.as_tensor(part.glow), sin.shape) for part in parts], 1)
    middle_BKH = torch.stack([(part.up + 0 * sin)[:, None] - up_H1[None, :, 0] for part in parts], 1)
    shade_BKHW = (1.0 - 0.12 * (middle_BKH / (0.12 * side_m)).clamp(-1, 1))[..., None]
    order = (depth_BK + torch.tensor([part.bias for part in parts])).argsort(1, descending=True)
    cover = _taken(cover_BKHW, order)
    behind = torch.cumprod(1 - cover, 1)
    weight_BKHW = cover * torch.cat([torch.ones_like(behind[:, :1]), behind[:, :-1]], 1)
    total = weight_BKHW.sum(1)
    solid = total.clamp_min(1e-3)
    shaded = _taken(shade_BKHW.expand_as(cover_BKHW), order) * weight_BKHW
    rgb = torch.einsum("bkhw,bkc->bchw", shaded, _taken(colour_BK3, order)) / solid[:, None]
    relief = torch.einsum("bkhw,bk->bhw", weight_BKHW, _taken(depth_BK, order)) / side_m
    glow = torch.einsum("bkhw,bk->bhw", weight_BKHW, _taken(glow_BK, order))
    return Sprites(rgb.clamp(0, 1), total.clamp(0, 1), relief.clamp(-MAX_RELIEF_SHARE, MAX_RELIEF_SHARE), glow)


def _colour(part: Part, like_B: Tensor) -> Tensor:
    """rgb_B3."""
    return torch.stack([torch.broadcast_to(torch.as_tensor(channel), like_B.shape) for channel in part.rgb], -1)


def _taken(field: Tensor, order_BK: Tensor) -> Tensor:
    index = order_BK.view(*order_BK.shape, *(1 for _ in field.shape[2:])).expand_as(field)
    return torch.gather(field, 1, index)


def _screen(forward: Tensor, left: Tensor, sin: Tensor, cos: Tensor) -> Tensor:
    """Metres to the right on the screen. Seen from behind, left is left; heading right, ahead is right."""
    return forward * sin - left * cos


def _toward_viewer(part: Part, sin: Tensor, cos: Tensor) -> Tensor:
    forward, left = 0.5 * (part.forward + part.end_forward), 0.5 * (part.left + part.end_left)
    return -forward * cos - left * sin


def _cover(part: Part, sin: Tensor, cos: Tensor, across_W: Tensor, up_H1: Tensor, step: float) -> Tensor:
    """cover_BHW of one part: 1 inside, soft over one pixel at its rim."""
    x0 = _screen(part.forward, part.left, sin, cos)[:, None, None]
    x1 = _screen(part.end_forward, part.end_left, sin, cos)[:, None, None]
    y0, y1 = ((value + 0 * sin)[:, None, None] for value in (part.up, part.end_up))
    px, py = across_W - x0, up_H1 - y0
    if part.shape == ROUND:
        wide = torch.hypot(part.radius_forward * sin, part.radius * cos)[:, None, None].clamp_min(0.3 * step)
        high = (part.radius_up + 0 * sin)[:, None, None].clamp_min(0.3 * step)
        power = part.squareness
        reach = ((px / wide).abs() ** power + (py / high).abs() ** power).clamp_min(1e-6) ** (1 / power)
        outside = (reach - 1) * torch.minimum(wide, high)
    else:
        dx, dy = x1 - x0, y1 - y0
        along = ((px * dx + py * dy) / (dx**2 + dy**2).clamp_min(1e-6)).clamp(0, 1)
        start, end = ((value + 0 * sin)[:, None, None] for value in (part.radius, part.end_radius))
        if part.shape == CONE:
            half = start + (end - start) * along
            outside = torch.maximum((px - along * dx).abs() - half, (py - 0.5 * dy).abs() - 0.5 * dy.abs())
        else:
            outside = torch.hypot(px - along * dx, py - along * dy) - (start + (end - start) * along)
    return (0.5 - outside / step).clamp(0, 1) * torch.as_tensor(part.share).view(-1, 1, 1)
