"""How a session's conditions move: set at once when a world opens, fading while it runs."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from model.interface import Tensors
from model.world.conditions import SLOT_RANGES, SLOTS, ConditionUpdate, apply_update, conditions_of

FADE_PER_CHUNK = 0.16  # 90 % of the way in 13 chunks, about a second
SETTLED = 0.004  # nearer than this, a fade is over
SHARPNESS = 3.0  # a reading of 70 to 30 is meant as one thing with a tinge, not as a blend


def sharpened(values_V: np.ndarray) -> np.ndarray:
    """Each slot's values leaning toward the likeliest; a place is one place."""
    result = values_V.astype(np.float32).copy()
    for name, part in SLOT_RANGES.items():
        if name == "place":
            result[part] = np.eye(part.stop - part.start, dtype=np.float32)[int(values_V[part].argmax())]
        else:
            powered = np.maximum(values_V[part], 1e-6) ** SHARPNESS
            result[part] = powered / powered.sum()
    return result


def update_of(tensors: Tensors) -> ConditionUpdate:
    """What an encoder's tensors ask for. Gates lean to all or nothing."""
    gates = np.clip((tensors["gates"].astype(np.float32) - 0.25) * 2.0, 0.0, 1.0)
    return ConditionUpdate(gates, sharpened(tensors["values"]))


def first_conditions(seed: int, prompt: Tensors | None, image: Tensors | None) -> Tensor:
    """What a world opens with: the picture's conditions, then the words'; the seed picks a place that
    neither names."""
    places = SLOTS["place"]
    conditions_V = conditions_of(place=places[seed % len(places)])
    for tensors in (image, prompt):
        if tensors is not None:
            conditions_V = apply_update(conditions_V, update_of(tensors))
    part = SLOT_RANGES["place"]
    conditions_V[part] = np.eye(len(places), dtype=np.float32)[int(conditions_V[part].argmax())]
    return torch.from_numpy(conditions_V)


def faded(conditions_V: Tensor, goal_V: Tensor) -> Tensor:
    """One chunk nearer to the goal; the place changes at once, for what is painted from now on."""
    step = conditions_V + FADE_PER_CHUNK * (goal_V - conditions_V)
    step = torch.where((goal_V - step).abs() < SETTLED, goal_V, step)
    step[SLOT_RANGES["place"]] = goal_V[SLOT_RANGES["place"]]
    return step
