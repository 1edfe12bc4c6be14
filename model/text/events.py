"""What a sentence may ask for besides conditions: who is to do what, how they look, where the camera goes.

One question each, with one answer; the first answer of every question is "none". An encoder
tells them as one probability per answer, concatenated in the order of `QUESTIONS` (letter `Y`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.actors.looks import COLOURS, FIGURES, HAIR, KINDS
from model.interface import CAMERA_MOVES

NONE = "none"
EVERYBODY = "everybody"  # of whatever kind
ACTIONS = ("appear", "come", "pass", "crouch", "leave", "wander", "fly", "stand", "change")  # change: of looks
NUMBERS = ("two", "several", "all")  # all: of those that are there
SOME_COLOUR = "any"  # there is one, its colour is not said

QUESTIONS: dict[str, tuple[str, ...]] = {
    "action": (NONE, *ACTIONS),
    "subject": (NONE, *KINDS, EVERYBODY),  # who does it
    "number": (NONE, *NUMBERS),  # how many of them; none for one
    "which": (NONE, "new", "known"),  # somebody else than whoever is there, or one of those
    "target": (NONE, *KINDS),  # to whom, beside whom
    "figure": (NONE, *FIGURES),  # if the subject is a person
    "colour": (NONE, *COLOURS),  # of the subject; of a person's clothes
    "hair": (NONE, *HAIR),
    "garment": (NONE, "coat", "dress", "hat"),
    "umbrella": (NONE, SOME_COLOUR, *COLOURS),  # that a person holds
    "camera": (NONE, *CAMERA_MOVES),
    "perspective": (NONE, "first_person", "third_person"),
}
NUM_ANSWERS = sum(len(answers) for answers in QUESTIONS.values())
SURE = 0.5  # an answer below this is not taken
DETAILS = ("figure", "colour", "hair", "garment", "umbrella")  # here an answer that is likely will do
LIKELY = 0.35


def _ranges() -> dict[str, slice]:
    ends = np.cumsum([len(answers) for answers in QUESTIONS.values()]).tolist()
    starts = [0, *ends[:-1]]
    return {name: slice(start, end) for name, start, end in zip(QUESTIONS, starts, ends, strict=True)}


QUESTION_RANGES = _ranges()


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """The answers. None: not said."""

    action: str | None = None
    subject: str | None = None
    number: str | None = None
    which: str | None = None
    target: str | None = None
    figure: str | None = None
    colour: str | None = None
    hair: str | None = None
    garment: str | None = None
    umbrella: str | None = None
    camera: str | None = None
    perspective: str | None = None

    @property
    def is_nothing(self) -> bool:
        return self == Event()


def event_of(probabilities_Y: NDArray[np.float32]) -> Event:
    """The likeliest answers where they are sure. Nobody does nothing, and nothing is done by nobody."""
    said: dict[str, str | None] = {}
    for name, part in QUESTION_RANGES.items():
        best = 1 + int(probabilities_Y[part][1:].argmax())
        sure = float(probabilities_Y[part][best])
        is_said = sure >= (LIKELY if name in DETAILS else SURE)
        said[name] = QUESTIONS[name][best] if is_said else None
    if said["action"] is None or said["subject"] is None:
        said = dict.fromkeys(said) | {name: said[name] for name in ("camera", "perspective")}
    return Event(**said)


def probabilities_of(answers: Mapping[str, str]) -> NDArray[np.float32]:
    """What an encoder that is sure of these answers tells."""
    told_Y = np.zeros(NUM_ANSWERS, np.float32)
    for name, part in QUESTION_RANGES.items():
        told_Y[part.start + QUESTIONS[name].index(answers.get(name, NONE))] = 1.0
    return told_Y
