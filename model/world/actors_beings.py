"""People and animals of the training world, put together from paper parts."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from model.actors import looks
from model.world.actors_parts import DARK, PALE, SKIN, Colour, Figure, Part, ball, cone, limb, mixed, toned

TROUSERS: Colour = (0.26, 0.29, 0.38)
BEAK: Colour = (0.93, 0.62, 0.24)


def person(figure: Figure) -> list[Part]:
    size = (1.05 - 0.22 * figure.worn(looks.CHILD)) * (1 + 0.05 * figure.latent(0))
    crouch = figure.crouch_B
    hip = size * (0.76 - 0.42 * crouch)
    lean = 0.14 * size * crouch
    shoulder = hip + size * (0.46 - 0.05 * crouch)
    hip = hip + 0.02 * figure.gait_B * torch.cos(2 * figure.phase_B)
    return [
        *_legs(figure, size, hip),
        *_clothes(figure, size, hip, shoulder, lean),
        *_arms(figure, size, shoulder, lean),
        *_head(figure, size, shoulder, lean),
        *_umbrella_held(figure, size, shoulder, lean),
    ]


def _legs(figure: Figure, size: Tensor, hip: Tensor) -> list[Part]:
    skirt = figure.worn(looks.SKIRT)
    colour = mixed(mixed(TROUSERS, toned(figure.main, 0.5), 0.3), SKIN, skirt)
    parts = []
    for side, offset in ((1.0, 0.0), (-1.0, math.pi)):
        swing = torch.sin(figure.phase_B + offset) * figure.gait_B
        foot_f = 0.34 * size * swing - 0.05 * size * figure.crouch_B
        foot_u = 0.07 * size + 0.10 * size * figure.gait_B * torch.cos(figure.phase_B + offset).clamp_min(0)
        knee_f = 0.5 * foot_f + size * (0.05 * figure.gait_B + 0.30 * figure.crouch_B)
        knee_u = 0.5 * (hip + foot_u) + 0.06 * size * figure.crouch_B
        knee = (knee_f, side * 0.10 * size, knee_u)
        parts += [
            limb((0.0, side * 0.08 * size, hip), knee, 0.085 * size, 0.070 * size, colour, bias=-0.06),
            limb(knee, (foot_f, side * 0.09 * size, foot_u), 0.070 * size, 0.055 * size, colour, bias=-0.05),
            ball(
                (foot_f + 0.05 * size, side * 0.09 * size, foot_u - 0.02),
                (0.12 * size, 0.065 * size, 0.055 * size),
                DARK,
                bias=-0.04,
            ),
        ]
    return parts


def _clothes(figure: Figure, size: Tensor, hip: Tensor, shoulder: Tensor, lean: Tensor) -> list[Part]:
    skirt, stout = figure.worn(looks.SKIRT), 1 + 0.12 * figure.latent(1)
    hem = hip - size * (0.10 + skirt * (0.24 + 0.06 * figure.latent(5))) * (1 - 0.45 * figure.crouch_B)
    flare = size * (0.175 + 0.10 * skirt)
    return [
        cone((0.0, 0.0, hem), hip - hem + 0.08 * size, flare * stout, 0.15 * size * stout, toned(figure.main, 0.90)),
        limb(
            (0.0, 0.0, hip), (lean, 0.0, shoulder - 0.05 * size), 0.15 * size * stout, 0.16 * size * stout, figure.main
        ),
    ]


def _arms(figure: Figure, size: Tensor, shoulder: Tensor, lean: Tensor) -> list[Part]:
    parts = []
    sleeve = toned(figure.main, 0.94)
    for side, offset in ((1.0, math.pi), (-1.0, 0.0)):
        swing = torch.sin(figure.phase_B + offset) * figure.gait_B
        hand_f = lean + size * (0.26 * swing + 0.03)
        hand_u = shoulder - size * (0.44 - 0.06 * swing.abs())
        if side < 0:  # the right hand reaches out to pet, or holds the umbrella
            hand_f = hand_f + size * 0.36 * figure.crouch_B
            held = figure.worn(looks.UMBRELLA)
            hand_f = hand_f + held * (0.20 * size - hand_f + lean)
            hand_u = hand_u + held * (shoulder - 0.12 * size - hand_u)
        hand = (hand_f, side * 0.23 * size, hand_u)
        top = (lean, side * 0.17 * size, shoulder - 0.05 * size)
        parts += [
            limb(top, hand, 0.065 * size, 0.05 * size, sleeve),
            ball(hand, (0.055 * size, 0.055 * size, 0.055 * size), SKIN, bias=0.01),
        ]
    return parts


def _head(figure: Figure, size: Tensor, shoulder: Tensor, lean: Tensor) -> list[Part]:
    radius = size * (0.150 + 0.012 * figure.worn(looks.CHILD))
    middle, ahead = shoulder + 0.05 * size + radius, lean * 1.4 + 0.02
    long_hair, hat = figure.worn(looks.LONG_HAIR), figure.worn(looks.HAT)
    fall = radius * (0.2 + long_hair * (1.75 + 0.5 * figure.latent(4)))
    hat_colour = toned(figure.main, 0.72)
    return [
        ball((ahead, 0.0, middle), (radius, radius * 0.95, radius * 1.05), SKIN),
        ball(
            (ahead - 0.28 * radius, 0.0, middle + 0.22 * radius),
            (radius * 1.05, radius * 1.12, radius),
            figure.hair,
            bias=0.03,
        ),
        cone(
            (ahead - 0.55 * radius, 0.0, middle - fall),
            fall + 0.3 * radius,
            radius * (0.75 + 0.35 * long_hair),
            radius * 1.08,
            toned(figure.hair, 0.94),
        ),
        ball((ahead + 0.93 * radius, 0.42 * radius, middle + 0.02), (0.03, 0.032, 0.042), DARK, bias=0.02),
        ball((ahead + 0.93 * radius, -0.42 * radius, middle + 0.02), (0.03, 0.032, 0.042), DARK, bias=0.02),
        ball(
            (ahead, 0.0, middle + 0.62 * radius), (radius * 1.75, radius * 1.75, 0.05), hat_colour, bias=0.2, share=hat
        ),
        ball(
            (ahead, 0.0, middle + radius),
            (radius, radius, 0.5 * radius),
            hat_colour,
            squareness=4.0,
            bias=0.19,
            share=hat,
        ),
    ]


def _umbrella_held(figure: Figure, size: Tensor, shoulder: Tensor, lean: Tensor) -> list[Part]:
    held = figure.worn(looks.UMBRELLA)
    at, top = (lean + 0.18 * size, -0.20 * size), shoulder + 0.74 * size
    return [
        limb((*at, shoulder - 0.12 * size), (*at, top), 0.022, 0.022, DARK, bias=0.02, share=held),
        cone((*at, top - 0.26 * size), 0.28 * size, 0.60 * size, 0.05, figure.accent, bias=0.4, share=held),
        cone(
            (*at, top - 0.26 * size), 0.28 * size, 0.22 * size, 0.03, toned(figure.accent, 0.86), bias=0.41, share=held
        ),
    ]


def kitten(figure: Figure) -> list[Part]:
    return _four_legged(figure, 0.38 * (1 + 0.1 * figure.latent(0)), ear=0.62, muzzle=0.30, tail=1.25, head=0.56)


def dog(figure: Figure) -> list[Part]:
    return _four_legged(figure, 0.53 * (1 + 0.1 * figure.latent(0)), ear=-0.55, muzzle=0.55, tail=0.8, head=0.46)


class _Beast(NamedTuple):
    """What the parts of an animal are measured by."""

    size: Tensor  # height of the back
    back: Tensor
    head_forward: Tensor
    head_up: Tensor
    radius: Tensor  # of the head
    dark: Colour
    light: Colour


def _four_legged(figure: Figure, size: Tensor, *, ear: float, muzzle: float, tail: float, head: float) -> list[Part]:
    """`size`: height of the back. Ears stand up or hang (negative)."""
    sit, main = figure.crouch_B, figure.main
    beast = _Beast(
        size=size,
        back=size * (0.88 + 0.06 * sit),
        head_forward=size * (0.86 - 0.30 * sit),
        head_up=size * (1.30 + 0.26 * sit),
        radius=size * head,
        dark=mixed(main, toned(main, 0.6), figure.latent(5).clamp_min(0)),
        light=mixed(main, PALE, (0.4 + 0.6 * figure.latent(3)).clamp(0, 1)),
    )
    parts = [*_trunk(figure, beast), *_snout(figure, beast, muzzle)]
    for side in (1.0, -1.0):
        parts += _ear_and_eye(figure, beast, ear, side)
    return [*parts, *_paws(figure, size, beast.light), _tail(figure, beast, tail)]


def _trunk(figure: Figure, beast: _Beast) -> list[Part]:
    size, back, sit = beast.size, beast.back, figure.crouch_B
    return [
        ball(
            (0.0, 0.0, back * (1 - 0.18 * sit)),
            (size * (0.82 - 0.28 * sit), size * 0.40 * (1 + 0.15 * figure.latent(1)), size * (0.42 + 0.22 * sit)),
            figure.main,
        ),
        ball((-0.15 * size, 0.0, back + 0.12 * size), (size * 0.36, size * 0.36, size * 0.24), beast.dark, bias=0.02),
        ball((0.45 * size, 0.0, back * 0.92), (size * 0.3, size * 0.3, size * 0.34), beast.light, bias=0.0),
    ]


def _snout(figure: Figure, beast: _Beast, muzzle: float) -> list[Part]:
    """The head, what is before it, and the nose."""
    radius, ahead, up = beast.radius, beast.head_forward, beast.head_up
    return [
        ball((ahead, 0.0, up), (radius, radius, radius * 0.92), figure.main, bias=0.02),
        ball(
            (ahead + radius * (0.75 + muzzle), 0.0, up - 0.30 * radius),
            (radius * (0.3 + muzzle), radius * 0.40, radius * 0.32),
            beast.light,
            bias=0.01,
        ),
        ball(
            (ahead + radius * (1.0 + 2 * muzzle), 0.0, up - 0.16 * radius),
            (0.12 * radius, 0.15 * radius, 0.12 * radius),
            DARK,
            bias=0.03,
        ),
    ]


def _ear_and_eye(figure: Figure, beast: _Beast, ear: float, side: float) -> list[Part]:
    radius, ahead, up = beast.radius, beast.head_forward, beast.head_up
    root = (ahead - 0.1 * radius, side * 0.58 * radius, up + 0.55 * radius)
    tip = (
        ahead - 0.1 * radius,
        side * (0.74 if ear > 0 else 1.05) * radius,
        up + (0.75 + ear) * radius + 0.15 * figure.latent(4) * radius,
    )
    eye = (ahead + 0.86 * radius, side * 0.42 * radius, up + 0.12 * radius)
    return [
        limb(root, tip, 0.30 * radius, 0.08 * radius, beast.dark, bias=0.01),
        ball(eye, (0.14 * radius, 0.15 * radius, 0.19 * radius), DARK, bias=0.03),
    ]


def _tail(figure: Figure, beast: _Beast, tail: float) -> Part:
    size = beast.size
    wag = torch.sin(figure.phase_B) * (0.25 + 0.2 * figure.gait_B)
    root = (-0.72 * size, 0.0, beast.back * 0.95 * (1 - 0.45 * figure.crouch_B))
    end = (-size * (1.10 + 0.1 * tail), wag * size, size * (0.75 + 0.55 * tail))
    return limb(root, end, 0.12 * size, 0.09 * size, beast.dark)


def _paws(figure: Figure, size: Tensor, light: Colour) -> list[Part]:
    parts = []
    for ahead, side, offset in ((0.5, 1, 0.0), (0.5, -1, math.pi), (-0.5, 1, math.pi), (-0.5, -1, 0.0)):
        swing = torch.sin(figure.phase_B + offset) * figure.gait_B
        lift = 0.16 * size * figure.gait_B * torch.cos(figure.phase_B + offset).clamp_min(0)
        top = (ahead * size, side * 0.22 * size, 0.75 * size * (1 - 0.3 * figure.crouch_B * (ahead < 0)))
        foot = (size * (ahead + 0.42 * swing), side * 0.24 * size, 0.10 * size + lift)
        parts += [
            limb(top, foot, 0.15 * size, 0.11 * size, toned(figure.main, 0.92)),
            ball(foot, (0.16 * size, 0.12 * size, 0.10 * size), light, bias=0.01),
        ]
    return parts


def bird(figure: Figure) -> list[Part]:
    size, main = 1 + 0.12 * figure.latent(0), figure.main
    belly = mixed(main, PALE, (0.5 + 0.5 * figure.latent(3)).clamp(0, 1))
    flap = 0.34 * torch.sin(figure.phase_B) * figure.gait_B
    spread = 0.10 + 0.34 * figure.gait_B
    parts = [
        ball((0.0, 0.0, 0.40 * size), (0.23 * size, 0.13 * size, 0.14 * size), main),
        ball((0.06, 0.0, 0.35 * size), (0.16 * size, 0.10 * size, 0.10 * size), belly, bias=0.02),
        ball((0.20 * size, 0.0, 0.53 * size), (0.115 * size, 0.11 * size, 0.115 * size), main, bias=0.01),
        limb((0.29 * size, 0.0, 0.52 * size), (0.41 * size, 0.0, 0.50 * size), 0.045, 0.012, BEAK),
        limb(
            (-0.18 * size, 0.0, 0.42 * size),
            (-0.42 * size, 0.0, 0.46 * size + 0.05 * figure.latent(4)),
            0.06,
            0.09,
            toned(main, 0.75),
        ),
    ]
    for side in (1.0, -1.0):
        root = (0.04, side * 0.08, 0.46 * size)
        tip = (-0.10 - 0.14 * (1 - figure.gait_B), side * spread, 0.42 * size + flap + 0.05 * figure.gait_B)
        parts += [
            limb(root, tip, 0.10, 0.05, toned(main, 0.82), bias=0.03),
            ball((0.27 * size, side * 0.065, 0.56 * size), (0.025, 0.028, 0.03), DARK, bias=0.03),
            limb(
                (0.0, side * 0.05, 0.26 * size),
                (0.03, side * 0.05, 0.03),
                0.018,
                0.018,
                BEAK,
                share=(1 - 2 * figure.gait_B).clamp_min(0),
            ),
        ]
    return parts
