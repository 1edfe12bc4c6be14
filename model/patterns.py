"""Patterns that a style may draw with: paper grain, blots, a swirling sky, brush strokes.

They are fixed to the whole turn of the world, not to the screen: they move with what they are
painted on when the camera turns or tilts. The same for every world, made once from counter noise.

Letters: H rows of a canvas, W columns of a turn, P patterns, N noises.
"""

from __future__ import annotations

import math
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from model.camera import CANVAS_H, HORIZON_ROW, TURN_PX, VIEW_H, VIEW_W
from model.columns import Columns
from model.sampler import chunk_noise, uniform_noise

GRAIN, BLOTCH, SWIRL, STROKE_ACROSS, STROKE_RISING, STROKE_UPRIGHT, STROKE_FALLING = range(7)
STROKES = slice(STROKE_ACROSS, STROKE_FALLING + 1)
NUM_PATTERNS = 7
BLOTCH_PX = 7
STROKE_PX = 5  # half the length of a brush stroke
NUM_EDDIES, EDDY_PX = 14, 15.0
EDDY_STEPS = 9  # pixels a swirl is smeared along its eddy, either way
CONTRAST = 0.75  # spread of a pattern before it is bounded by -1 and 1


def _wrapped(field_HW: Tensor, rows: int, columns: int) -> Tensor:
    """Extended by its own other side across, by its rim up and down: [1, 1, H + 2 rows, W + 2 columns]."""
    around = F.pad(field_HW[None, None], (columns, columns, 0, 0), mode="circular")
    return F.pad(around, (0, 0, rows, rows), mode="replicate")


def _blurred(field_HW: Tensor, reach: int) -> Tensor:
    return F.avg_pool2d(_wrapped(field_HW, reach, reach), 2 * reach + 1, 1)[0, 0]


def _bounded(field_HW: Tensor) -> Tensor:
    """Mean 0, within -1 and 1."""
    return torch.tanh((field_HW - field_HW.mean()) / field_HW.std() * CONTRAST)


def _noise(name: str) -> Tensor:
    return chunk_noise(0, 0, name, (CANVAS_H, TURN_PX))


def _grain() -> Tensor:
    noise = _noise("grain")
    fine = F.avg_pool2d(_wrapped(noise, 1, 1)[..., :-1, :-1], 2, 1)[0, 0]
    return _bounded(fine - _blurred(noise, 3))


def _blotch() -> Tensor:
    return _bounded(_blurred(_blurred(_noise("blotch"), BLOTCH_PX), BLOTCH_PX // 2))


def _stroke(angle_rad: float) -> Tensor:
    """Noise smeared along a line: strokes all of one direction."""
    size = 2 * STROKE_PX + 1
    offset = torch.arange(size) - STROKE_PX
    across, up = offset[None, :], -offset[:, None]
    along = across * math.cos(angle_rad) + up * math.sin(angle_rad)
    off = up * math.cos(angle_rad) - across * math.sin(angle_rad)
    kernel = torch.exp(-0.5 * (off / 0.75).square() - 0.5 * (along / (0.55 * STROKE_PX)).square())
    noise = _noise(f"stroke {angle_rad:.2f}")
    smeared = F.conv2d(_wrapped(noise, STROKE_PX, STROKE_PX), kernel[None, None])[0, 0]
    return _bounded(smeared - _blurred(smeared, 4))


def _eddies() -> tuple[Tensor, Tensor]:
    """Direction of a slow wind with eddies in the sky: (right, down) per pixel, of length 1."""
    places = uniform_noise(0, 0, "eddies", (NUM_EDDIES, 3))
    rows, columns = torch.arange(CANVAS_H)[:, None] + 0.5, torch.arange(TURN_PX)[None] + 0.5
    right, down = torch.full((CANVAS_H, TURN_PX), 0.35), 0.12 * torch.sin(columns / 19).expand(CANVAS_H, -1)
    for idx, (height, shift, turn) in enumerate(places.tolist()):
        centre = (idx + 0.7 * shift) * TURN_PX / NUM_EDDIES
        dx = (columns - centre + TURN_PX / 2) % TURN_PX - TURN_PX / 2
        dy = rows - (0.1 + 0.75 * height) * HORIZON_ROW
        sense = 1.0 if turn < 0.6 else -1.0
        pull = sense * torch.exp(-(dx.square() + dy.square()) / (2 * EDDY_PX**2)) / 6
        right, down = right - pull * dy, down + pull * dx
    length = torch.hypot(right, down).clamp_min(1e-3)
    return right / length, down / length


def _swirl() -> Tensor:
    """Noise smeared along the eddies (line integral convolution, Cabral and Leedom 1993)."""
    right, down = _eddies()
    noise = _blurred(_noise("swirl"), 1)
    rows, columns = torch.arange(CANVAS_H)[:, None].float(), torch.arange(TURN_PX)[None].float()
    total = noise.clone()
    for sense in (1.0, -1.0):
        row, column = rows.expand(-1, TURN_PX), columns.expand(CANVAS_H, -1)
        for _ in range(EDDY_STEPS):
            at = (row.round().long().clamp(0, CANVAS_H - 1), column.round().long() % TURN_PX)
            row, column = row + sense * down[at], column + sense * right[at]
            total = total + noise[row.round().long().clamp(0, CANVAS_H - 1), column.round().long() % TURN_PX]
    return _bounded(total - _blurred(total, 6))


@cache
def whole_turn() -> Tensor:
    """patterns_PHW of the whole turn, in the order of the names above."""
    strokes = [_stroke(idx * math.pi / 4) for idx in range(4)]
    return torch.stack([_grain(), _blotch(), _swirl(), *strokes])


def patterns_at(azimuth_px: int, first_row: int) -> Tensor:
    """patterns_PHW of the view whose upper left pixel lies at a column of the turn and a row of the canvas."""
    return Columns(azimuth_px, VIEW_W).of(whole_turn()[:, first_row : first_row + VIEW_H])
