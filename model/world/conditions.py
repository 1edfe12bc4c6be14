"""The words a world answers to: five slots, each a soft choice among named values.

A world's conditions are one probability vector per slot, concatenated in the order of
`SLOTS` (letter `V`, 24 numbers). Text moves them through a `ConditionUpdate`: how far
each slot is to move (its gate) and where to.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SLOTS: dict[str, tuple[str, ...]] = {
    "place": ("street", "forest", "meadow", "desert", "city", "shore"),
    "style": ("paper", "watercolour", "noir", "neon", "swirl", "vintage"),
    "lighting": ("day", "dusk", "night", "dawn"),
    "weather": ("clear", "rain", "snow", "fog"),
    "mood": ("calm", "joyful", "melancholy", "tense"),
}
SLOT_NAMES = tuple(SLOTS)
NUM_SLOTS = len(SLOTS)
NUM_VALUES = sum(len(values) for values in SLOTS.values())


def slot_range(slot: str) -> slice:
    """Where the slot's values stand in a conditions vector."""
    start = 0
    for name, values in SLOTS.items():
        if name == slot:
            return slice(start, start + len(values))
        start += len(values)
    raise ValueError(f"slot must be one of {SLOT_NAMES}, not {slot!r}")


SLOT_RANGES: dict[str, slice] = {name: slot_range(name) for name in SLOTS}


class ConditionUpdate(NamedTuple):
    """What a sentence asks for."""

    gates_G: NDArray[np.float32]  # 0 (leave the slot) to 1 (set it), one per slot
    values_V: NDArray[np.float32]  # probabilities within each slot


def conditions_of(**choices: str) -> NDArray[np.float32]:
    """The conditions vector of named values; a slot left out takes its first value."""
    vector_V = np.zeros(NUM_VALUES, np.float32)
    for name, values in SLOTS.items():
        vector_V[SLOT_RANGES[name].start + values.index(choices.get(name, values[0]))] = 1.0
    return vector_V


def apply_update(conditions_V: NDArray[np.float32], update: ConditionUpdate) -> NDArray[np.float32]:
    """The conditions after the update: each slot moves toward its value by its gate."""
    result_V = conditions_V.copy()
    for gate, part in zip(update.gates_G, SLOT_RANGES.values(), strict=True):
        result_V[part] += gate * (update.values_V[part] - result_V[part])
    return result_V
