"""Things of the training world that can be asked for, put together from paper parts."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from model.world.actors_parts import DARK, PALE, Colour, Figure, Part, ball, cone, limb, mixed, toned

WOOD: Colour = (0.44, 0.31, 0.22)
IRON: Colour = (0.25, 0.26, 0.30)
GLASS: Colour = (0.44, 0.58, 0.70)
WATER: Colour = (0.62, 0.80, 0.90)
LIGHT: Colour = (1.0, 0.95, 0.76)
TAIL_LIGHT: Colour = (0.86, 0.20, 0.16)


def umbrella(figure: Figure) -> list[Part]:
    high, wide = 1.62 * (1 + 0.08 * figure.latent(0)), 0.86 * (1 + 0.1 * figure.latent(1))
    lean = 0.08 * figure.latent(4)
    canopy = high - 0.58
    return [
        limb((0.0, 0.0, 0.03), (0.0, lean, high + 0.05), 0.03, 0.025, WOOD),
        cone((0.0, lean, canopy), 0.58, wide, 0.05, figure.main, bias=1.0),
        cone((0.0, lean, canopy), 0.58, 0.55 * wide, 0.03, toned(figure.main, 0.82), bias=1.01),
        cone((0.0, lean, canopy), 0.58, 0.20 * wide, 0.02, figure.main, bias=1.02),
    ]


def lamp(figure: Figure) -> list[Part]:
    high, radius = 3.05 * (1 + 0.06 * figure.latent(0)), 0.24 * (1 + 0.2 * figure.latent(4))
    twin = (figure.latent(5) > 0.4).float()
    arm = 0.42 * twin
    parts = [
        limb((0.0, 0.0, 0.05), (0.0, 0.0, high), 0.075, 0.055, IRON),
        cone((0.0, 0.0, 0.0), 0.35, 0.20, 0.10, IRON, bias=0.02),
        limb((0.0, -arm, high), (0.0, arm, high), 0.045, 0.045, IRON),
    ]
    for side in (1.0, -1.0):
        at = side * arm
        parts += [
            ball(
                (0.0, at, high + 0.05),
                (radius, radius, radius * 1.15),
                figure.main,
                glow=1.0,
                squareness=2.6,
                bias=0.03,
            ),
            cone((0.0, at, high + 0.05 + radius * 0.9), 0.20, radius * 1.05, 0.04, IRON, bias=0.04),
        ]
    return parts


def car(figure: Figure) -> list[Part]:
    size, main = 1 + 0.05 * figure.latent(0), figure.main
    van = figure.latent(5).clamp_min(0)
    top, cabin = 1.05 + 0.10 * figure.latent(1) + 0.16 * van, 1.10 + 0.45 * van
    parts = [
        ball((0.0, 0.0, 0.62), (2.06 * size, 0.86, 0.36), main, squareness=4.5),
        ball((-0.2, 0.0, top), (cabin, 0.72, 0.42), toned(main, 0.95), squareness=3.5, bias=-0.1),
        ball((-0.2 + 0.92 * cabin, 0.0, top + 0.04), (0.06, 0.58, 0.25), GLASS, squareness=4.0),
        ball((-0.2 - 0.92 * cabin, 0.0, top + 0.04), (0.06, 0.56, 0.23), GLASS, squareness=4.0),
        ball((2.02 * size, 0.0, 0.45), (0.08, 0.78, 0.10), toned(main, 0.6), squareness=4.0),
        ball((-2.02 * size, 0.0, 0.45), (0.08, 0.78, 0.10), toned(main, 0.6), squareness=4.0),
    ]
    for side in (1.0, -1.0):
        for middle in (0.46, -0.42):
            window = (-0.2 + middle * cabin, side * 0.72, top + 0.04)
            parts.append(ball(window, (0.36 * cabin, 0.03, 0.24), GLASS, squareness=4.0, bias=0.02))
        parts += [
            ball((2.06 * size, side * 0.58, 0.68), (0.05, 0.16, 0.13), LIGHT, glow=1.0, bias=0.05),
            ball((-2.06 * size, side * 0.60, 0.70), (0.05, 0.15, 0.10), TAIL_LIGHT, glow=0.7, bias=0.05),
        ]
        parts += [part for axle in (1.28, -1.28) for part in _wheel(figure, axle * size, side)]
    return parts


def _wheel(figure: Figure, at: Tensor, side: float) -> list[Part]:
    """A tyre, and a hub by which it is seen to turn."""
    spoke = 0.10 * torch.cos(figure.phase_B)
    hub = (at + spoke * 0.3, side * 0.84, 0.36 + 0.3 * spoke)
    return [
        ball((at, side * 0.80, 0.36), (0.37, 0.12, 0.37), DARK, bias=0.03),
        ball(hub, (0.17, 0.06, 0.17), (0.70, 0.70, 0.72), bias=0.05),
    ]


def tree(figure: Figure) -> list[Part]:
    size, main = 1 + 0.10 * figure.latent(0), figure.main
    wide, sway = 1 + 0.15 * figure.latent(1), 0.05 * torch.sin(figure.phase_B)
    side = 0.5 * figure.latent(4)
    return [
        limb((0.0, 0.0, 0.0), (0.0, sway, 2.4 * size), 0.20, 0.13, WOOD, bias=-0.2),
        limb((0.0, 0.0, 1.3 * size), (0.1, 0.7, 2.2 * size), 0.09, 0.06, WOOD, bias=-0.2),
        ball((0.0, sway, 3.1 * size), (1.45 * wide, 1.45 * wide, 1.30 * size), main),
        ball((0.3, 0.85 * wide + sway, 2.5 * size), (0.85, 0.85, 0.72), toned(main, 0.86), bias=-0.05),
        ball((-0.3, -0.9 * wide + sway, 2.6 * size + 0.2 * side), (0.8, 0.8, 0.75), toned(main, 0.92), bias=0.05),
        ball((0.2, side + 2 * sway, 3.9 * size), (0.85, 0.85, 0.62), toned(main, 1.12), bias=0.1),
        ball((0.4, -side + sway, 3.0 * size), (0.6, 0.6, 0.5), toned(main, 1.08), bias=0.1),
    ]


def fountain(figure: Figure) -> list[Part]:
    wide, high = 1.15 * (1 + 0.08 * figure.latent(1)), 1.35 * (1 + 0.08 * figure.latent(0))
    stone = figure.main
    parts = [
        cone((0.0, 0.0, 0.0), 0.42, wide, wide * 1.05, stone, bias=0.5),
        cone((0.0, 0.0, 0.38), 0.08, wide * 1.05, wide * 1.08, toned(stone, 1.12), bias=0.51),
        ball((0.0, 0.0, 0.47), (wide * 0.98, wide * 0.98, 0.10), WATER, bias=0.1),
        cone((0.0, 0.0, 0.45), high - 0.55, 0.15, 0.11, toned(stone, 0.92), bias=0.2),
        cone((0.0, 0.0, high - 0.22), 0.20, 0.12, 0.52, stone, bias=0.3),
        limb((0.0, 0.0, high), (0.0, 0.0, high + 0.42 + 0.12 * torch.sin(figure.phase_B)), 0.09, 0.05, PALE, bias=0.3),
    ]
    for side in (1.0, -1.0):
        for idx in range(4):
            along = torch.remainder(idx / 4 + figure.phase_B / (2 * math.pi), 1.0)
            rise = high + 0.30 + 0.45 * along - (high + 0.22) * along**2
            drop = mixed(WATER, PALE, 0.3 + 0.5 * (1 - along))
            parts.append(ball((0.0, side * 0.80 * along, rise), (0.085, 0.085, 0.13), drop, bias=0.6))
            parts.append(ball((side * 0.80 * along, 0.0, rise), (0.085, 0.085, 0.13), drop, bias=0.55))
    return parts


def balloon(figure: Figure) -> list[Part]:
    size = 1 + 0.1 * figure.latent(0)
    drift = 0.05 * torch.sin(figure.phase_B)
    middle = 1.12
    return [
        limb((0.0, drift * 1.5, 0.08), (0.0, drift, middle - 0.36), 0.015, 0.015, PALE),
        ball(
            (0.0, drift, middle), (0.32 * size, 0.32 * size, 0.40 * size * (1 + 0.08 * figure.latent(1))), figure.main
        ),
        cone((0.0, drift, middle - 0.45 * size), 0.08, 0.06, 0.02, toned(figure.main, 0.8)),
        ball((0.0, drift, middle + 0.17 * size), (0.12, 0.12, 0.09), mixed(figure.main, PALE, 0.6), bias=0.4),
    ]
