"""Sprites of actors, made by the appearance network and kept while they are needed again.

An actor is shown in one of a number of steps of each angle, so one that stands still is painted
once. A sprite depends on what is shown alone, never on who else is in view.

Letters: C planes (colour times cover, cover, relief times cover, glow), H rows, W columns.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from model.actors.actor import Actor
from model.actors.appearance import AppearanceNetwork, Pose
from model.actors.looks import look_numbers

VIEW_STEPS, PHASE_STEPS, GAIT_STEPS, CROUCH_STEPS = 48, 12, 4, 6
FULL_GAIT_M_PER_S = {"person": 1.5, "kitten": 1.8, "dog": 2.2, "car": 1.0, "bird": 0.5}
KEPT = 192  # sprites, 55 KB each with their smaller versions
COVER_FLOOR = 0.12  # fainter than this is the network's breath, not a picture
Levels = tuple[Tensor, ...]  # a sprite and its halves, planes_CHW each


class Sprites(Protocol):
    """Where pictures of actors come from."""

    def sprite(self, actor: Actor, view_rad: float) -> Levels: ...


class Gallery:
    """A cache of a pure function: dropping it changes nothing."""

    def __init__(self, network: AppearanceNetwork) -> None:
        self._network = network.eval()
        self._kept: OrderedDict[tuple[object, ...], Levels] = OrderedDict()

    def sprite(self, actor: Actor, view_rad: float) -> Levels:
        """What an actor looks like, seen `view_rad` from behind to the right."""
        key = (actor.look, actor.latent, *_steps(actor, view_rad))
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        levels = self._kept[key] = self._paint(actor, _steps(actor, view_rad))
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return levels

    @torch.inference_mode()
    def _paint(self, actor: Actor, steps: tuple[int, int, int, int]) -> Levels:
        view, phase, gait, crouch = steps
        pose = Pose(
            torch.tensor([look_numbers(actor.look)]),
            torch.tensor([actor.latent]),
            torch.tensor([2 * math.pi * view / VIEW_STEPS]),
            torch.tensor([2 * math.pi * phase / PHASE_STEPS]),
            torch.tensor([gait / GAIT_STEPS]),
            torch.tensor([crouch / CROUCH_STEPS]),
        )
        sprite = self._network(pose).sprite
        cover = ((sprite.cover_BHW - COVER_FLOOR) / (1 - 2 * COVER_FLOOR)).clamp(0, 1)
        planes = torch.cat(
            [
                sprite.rgb_B3HW * cover[:, None],
                torch.stack([cover, sprite.relief_BHW * cover, sprite.glow_BHW * cover], 1),
            ],
            1,
        )
        return levels_of(planes[0])


def levels_of(planes_CHW: Tensor) -> Levels:
    """A sprite and its halves, quarters and eighths."""
    levels = [planes_CHW]
    for _ in range(3):
        levels.append(F.avg_pool2d(levels[-1], 2))
    return tuple(levels)


def _steps(actor: Actor, view_rad: float) -> tuple[int, int, int, int]:
    flies = actor.look.kind == "bird" and actor.z_m > 0.1
    gait = 1.0 if flies else min(1.0, actor.speed / FULL_GAIT_M_PER_S.get(actor.look.kind, 1.0))
    return (
        round(view_rad / (2 * math.pi) * VIEW_STEPS) % VIEW_STEPS,
        round(actor.phase_rad / (2 * math.pi) * PHASE_STEPS) % PHASE_STEPS,
        0 if actor.look.kind == "car" else round(gait * GAIT_STEPS),
        round(actor.crouch * CROUCH_STEPS),
    )
