"""Two true pictures from one place of the training world, between which figures may have come, moved or gone.

Letters: B batch, M maps, H rows, W columns, N kinds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from model import camera
from model.actors.actor import Actor
from model.actors.cast import Cast, Scene
from model.actors.compositor import composite
from model.actors.gallery import Levels, levels_of
from model.actors.looks import KINDS, NUM_LATENTS, look_numbers, look_of
from model.codec import MapCodec
from model.precipitation import FLAKE_SHARE, frame_noise
from model.training.actors_samples import CROUCHING, PACED, random_looks
from model.training.codec import sample_maps
from model.training.judge import sample_moments
from model.training.look import LookInputs, random_patterns, render_looks
from model.training.pictures import Pictures
from model.walker import Walker
from model.world.actors import draw
from model.world.actors_parts import Figure
from model.world.conditions import SLOT_RANGES, conditions_of

MADE_SHARE = 0.3  # of the scenes that come through the codec, so that soft edges say nothing
CHANGED_SHARE = 0.25  # of the pairs between which style, light or weather changes
PLAIN_SHARE = 0.75  # of the pairs that show a clear day on paper, as most worlds begin
STAYS_SHARE, MOVES_SHARE = 0.85, 0.5  # of those who are there before
SMALL = ("kitten", "bird", "balloon", "umbrella", "dog")
NEAREST_M, FARTHEST_M, FARTHEST_SMALL_M = 2.4, 7.5, 5.2
SEEN_PX, HIDDEN_PX = 70, 4  # changed pixels from which one counts as seen, and up to which as not there
SEEN_CHANGE = 0.08


class Pairs(NamedTuple):
    """What was seen before and after, and who came: 1 yes, 0 no, -1 hardly to be seen."""

    before_BCHW: Tensor
    after_BCHW: Tensor
    came_BN: Tensor


class TrueGallery:
    """Pictures of actors as the training world draws them. Implements model.actors.gallery.Sprites."""

    def sprite(self, actor: Actor, view_rad: float) -> Levels:
        gait = min(1.0, actor.speed / 2) if actor.look.kind in PACED else 0.0
        numbers = (view_rad, actor.phase_rad, gait, actor.crouch)
        figure = Figure(
            torch.tensor([look_numbers(actor.look)]),
            torch.tensor([actor.latent]),
            *(torch.tensor([number], dtype=torch.float32) for number in numbers),
        )
        truth = draw(actor.look.kind, figure)
        cover = truth.cover_BHW
        planes = torch.stack([cover, truth.relief_BHW, truth.glow_BHW], 1)
        return levels_of(torch.cat([truth.rgb_B3HW * cover[:, None], planes], 1)[0])


def here() -> Scene:
    """Seen from the origin; actors stand where they are put."""
    walker = Walker()
    return Scene(
        seed=0, chunk_idx=0, walker=walker, eye=walker, is_third_person=False, has_road=False, room_m=lambda _: math.inf
    )


def random_actor(number: int, generator: torch.Generator) -> Actor:
    """Somebody or something, somewhere in view."""

    def uniform(low: float, high: float) -> float:
        return low + (high - low) * float(torch.rand((), generator=generator))

    kind = KINDS[int(torch.randint(0, len(KINDS), (), generator=generator))]
    metres = uniform(NEAREST_M, FARTHEST_SMALL_M if kind in SMALL else FARTHEST_M)
    x_m, y_m = here().spot(uniform(-52, 52), metres)
    is_up = kind in ("bird", "balloon") and uniform(0, 1) < 0.6
    return Actor(
        look=look_of(tuple(random_looks(kind, 1, generator)[0].tolist())),
        latent=tuple(torch.tanh(torch.randn(NUM_LATENTS, generator=generator)).tolist()),
        number=number,
        born_chunk=0,
        x_m=x_m,
        y_m=y_m,
        z_m=uniform(0.2, 1.8) if is_up else 0.0,
        heading_rad=uniform(0, 2 * math.pi),
        speed=max(0.0, uniform(-1.5, 3.0)) if kind in PACED else 0.0,
        crouch=uniform(0, 1) if kind in CROUCHING and uniform(0, 1) < 0.25 else 0.0,
        phase_rad=uniform(0, 2 * math.pi),
        presence=1.0,
    )


class PairSource:
    """Endless pairs of true pictures."""

    def __init__(self, data: Path, seed: int, codec: MapCodec) -> None:
        self._pictures, self._codec = Pictures(data, seed), codec
        self._generator = torch.Generator().manual_seed(seed)

    @torch.no_grad()
    def sample(self, batch: int, held_out: bool = False) -> Pairs:
        maps = sample_maps(self._pictures, self._pictures.sample_scenes(batch, held_out))
        if not held_out and self._chance(MADE_SHARE):
            maps = self._codec.decode(self._codec.encode(maps))
        views = [self._pair_of_views(canvas) for canvas in maps]
        tops, before, after, came = zip(*views, strict=True)
        slopes = torch.stack([camera.row_slope()[top : top + camera.VIEW_H] for top in tops])
        first, second = self._conditions(batch)
        patterns = random_patterns(batch)
        looks = [
            render_looks(LookInputs(torch.stack(view), conditions, slopes, torch.cat([_noise(batch), patterns], 1)))
            for view, conditions in ((before, first), (after, second))
        ]
        return Pairs(looks[0], looks[1], torch.stack(came))

    def _pair_of_views(self, canvas_MHW: Tensor) -> tuple[int, Tensor, Tensor, Tensor]:
        """Its top row, maps before and after, and who came."""
        top = int(torch.randint(0, camera.CANVAS_H - camera.VIEW_H + 1, (), generator=self._generator))
        left = int(torch.randint(0, camera.CANVAS_W - camera.VIEW_W + 1, (), generator=self._generator))
        view = canvas_MHW[:, top : top + camera.VIEW_H, left : left + camera.VIEW_W]
        there = [random_actor(idx, self._generator) for idx in range(self._count(0.3, 0.1))]
        new = [random_actor(len(there) + idx, self._generator) for idx in range(self._count(0.75, 0.05))]
        later = [self._later(actor) for actor in there if self._chance(STAYS_SHARE)]
        before, after = _shown(view, top, there), _shown(view, top, [*later, *new])
        came = torch.zeros(len(KINDS))
        for actor in new:
            without = _shown(view, top, [*later, *(other for other in new if other is not actor)])
            seen_px = int(((after[:3] - without[:3]).abs().amax(0) > SEEN_CHANGE).sum())
            verdict = 1.0 if seen_px >= SEEN_PX else 0.0 if seen_px <= HIDDEN_PX else -1.0
            kind = actor.look.kind_idx
            came[kind] = verdict if came[kind] == 0 else max(float(came[kind]), verdict)
        return top, before, after, came

    def _later(self, actor: Actor) -> Actor:
        if not self._chance(MOVES_SHARE):
            return actor
        moved = torch.randn(3, generator=self._generator).tolist()
        return replace(
            actor, x_m=actor.x_m + 0.5 * moved[0], y_m=actor.y_m + 0.5 * moved[1], phase_rad=math.pi * moved[2]
        )

    def _count(self, one: float, two: float) -> int:
        return int(self._chance(one)) + int(self._chance(two))

    def _chance(self, share: float) -> bool:
        return float(torch.rand((), generator=self._generator)) < share

    def _conditions(self, batch: int) -> tuple[Tensor, Tensor]:
        """Of both pictures; between some, what is asked for has come to show."""
        is_plain = torch.rand(batch) < PLAIN_SHARE
        first = torch.where(is_plain[:, None], torch.from_numpy(conditions_of()), sample_moments(batch))
        other, second = sample_moments(batch), first.clone()
        for slot in ("style", "lighting", "weather"):
            is_changed = torch.rand(batch) < CHANGED_SHARE / 2
            second[:, SLOT_RANGES[slot]] = torch.where(is_changed[:, None], other, first)[:, SLOT_RANGES[slot]]
        return first, second


def _shown(view_MHW: Tensor, top: int, actors: Sequence[Actor]) -> Tensor:
    return composite(view_MHW, top, Cast(actors=tuple(actors)), here(), TrueGallery())


def _noise(batch: int) -> Tensor:
    shape = (camera.VIEW_H, camera.VIEW_W)
    frames = [frame_noise(torch.rand(shape), (torch.rand(shape) < FLAKE_SHARE).float()) for _ in range(batch)]
    return torch.stack(frames)
