"""What people are told of how their sentence was taken."""

from __future__ import annotations

import numpy as np
import pytest

from model.interface import Tensors
from model.text.events import probabilities_of
from model.text.understood import understood
from model.world.conditions import SLOT_NAMES, conditions_of


def update(answers: dict[str, str], **slots: str) -> Tensors:
    """What an encoder that is sure of these tells."""
    gates = np.array([float(name in slots) for name in SLOT_NAMES], np.float32)
    return {"gates": gates, "values": conditions_of(**slots), "events": probabilities_of(answers)}


PHRASES: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "come": ({"action": "come", "subject": "kitten", "target": "person"}, ("kitten: come to person",)),
    "several": ({"action": "fly", "subject": "bird", "number": "several"}, ("bird, several: fly",)),
    "figure": ({"action": "appear", "subject": "person", "figure": "girl"}, ("girl: appear",)),
    "beside": ({"action": "appear", "subject": "lamp", "target": "tree"}, ("lamp: appear beside tree",)),
    "look": (
        {
            "action": "change", "subject": "person", "colour": "red", "garment": "coat", "hair": "black",
            "umbrella": "green",
        },
        ("person, red coat, black hair, green umbrella: change",),
    ),
    "umbrella": ({"action": "appear", "subject": "person", "umbrella": "any"}, ("person, umbrella: appear",)),
    "camera": (
        {"camera": "pull_back", "perspective": "third_person"},
        ("camera: pull back", "perspective: third person"),
    ),
    "nobody": ({"action": "come"}, ()),
}  # fmt: skip


@pytest.mark.parametrize("name", PHRASES)
def test_an_event_is_told_in_a_phrase(name: str) -> None:
    answers, phrases = PHRASES[name]
    assert understood(update(answers)) == phrases


def test_slots_are_told_before_events() -> None:
    told = understood(update({"camera": "orbit"}, weather="rain", style="noir"))
    assert told == ("style: noir", "weather: rain", "camera: orbit")


def test_a_slot_that_hardly_moves_is_not_told() -> None:
    ajar = {**update({}, weather="rain"), "gates": np.full(len(SLOT_NAMES), 0.49, np.float32)}
    assert understood(ajar) == ()
