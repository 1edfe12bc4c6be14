"""How a session's conditions move: set at once when a world opens, fading while it runs."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from model.interface import Tensors
from model.world.conditions import SLOT_RANGES, SLOTS, ConditionUpdate, apply_update, conditions_of

FADE_CHUNKS = 22  # 1.8 s: what was asked for is there two seconds later
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


def eased(chunks: int) -> float:
    """The share of a fade that is done after so many chunks: slow at both ends, so that neither is seen as a cut."""
    share = min(1.0, max(0.0, chunks / FADE_CHUNKS))
    return share * share * (3 - 2 * share)


def faded(conditions_V: Tensor, goal_V: Tensor, chunks: int) -> Tensor:
    """One chunk nearer to the goal, `chunks` after it was set; the place changes at once, for what is painted
    from now on."""
    if chunks >= FADE_CHUNKS:
        return goal_V.clone()
    done = eased(chunks - 1)
    step = conditions_V + (eased(chunks) - done) / (1 - done) * (goal_V - conditions_V)
    step[SLOT_RANGES["place"]] = goal_V[SLOT_RANGES["place"]]
    return step
