"""What a sentence was taken to ask for, in words that people read."""

from __future__ import annotations

import numpy as np

from model.interface import Tensors
from model.text.events import SOME_COLOUR, Event, event_of
from model.world.conditions import SLOTS, slot_range

OPEN_GATE = 0.5  # a slot below this hardly moves


def understood(update: Tensors) -> tuple[str, ...]:
    """Of what `encode_text` gave: a phrase for each slot and event ("weather: rain", "kitten: come to person"). Empty
    where it asks for nothing, or was not understood."""
    return (*_conditions(update), *_event(event_of(np.asarray(update["events"]))))


def _conditions(update: Tensors) -> list[str]:
    told = []
    for (slot, values), gate in zip(SLOTS.items(), update["gates"], strict=True):
        if gate >= OPEN_GATE:
            told.append(f"{slot}: {values[int(update['values'][slot_range(slot)].argmax())]}")
    return told


def _event(event: Event) -> list[str]:
    told = []
    if event.action is not None and event.subject is not None:
        told.append(f"{_who(event)}: {_what(event)}")
    if event.camera is not None:
        told.append(f"camera: {event.camera.replace('_', ' ')}")
    if event.perspective is not None:
        told.append(f"perspective: {event.perspective.replace('_', ' ')}")
    return told


def _who(event: Event) -> str:
    noun = event.figure if event.subject == "person" and event.figure else event.subject
    clothes = " ".join(filter(None, (event.colour, event.garment)))
    hair = f"{event.hair} hair" if event.hair else None
    return ", ".join(filter(None, (noun, event.number, clothes, hair, _umbrella(event))))


def _umbrella(event: Event) -> str | None:
    if event.umbrella is None:
        return None
    return "umbrella" if event.umbrella == SOME_COLOUR else f"{event.umbrella} umbrella"


def _what(event: Event) -> str:
    toward = "to" if event.action == "come" else "beside"
    return f"{event.action} {toward} {event.target}" if event.target else f"{event.action}"
