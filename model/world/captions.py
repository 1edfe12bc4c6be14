"""Sentences about a world, composed from slot choices with many ways to say each.

A prompt describes a world and may leave slots unsaid; a directive changes one slot or
several; an event changes none. Words come from a vocabulary: one to train on, one held out
to test with, or both.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from model.world.conditions import NUM_SLOTS, NUM_VALUES, SLOT_NAMES, SLOT_RANGES, SLOTS, ConditionUpdate
from model.world.phrases import SUBJECTS, TRAINING, Vocabulary

_GENERIC_DIRECTIVES: dict[str, tuple[str, ...]] = {
    "place": (
        "take me to {}", "go to {}", "the world becomes {}", "now we are in {}", "change the place to {}",
        "I want to see {}",
        "bring us to {}", "let us walk through {}", "move the scene to {}", "turn this into {}",
    ),
    "style": (
        "make it look like {}", "turn everything into {}", "in the style of {}", "switch to the style of {}",
        "render it as {}",
        "change the style to {}", "draw it as {}", "now as {}", "I want it to look like {}", "everything looks like {}",
        "give it the look of {}", "paint the world as {}",
    ),
    "lighting": ("show it {}", "now it is {}", "let it be {}", "make it look as it does {}", "{}"),
    "weather": ("now we are {}", "let us be {}", "show it {}", "walk {}", "{}"),
    "mood": (
        "make it feel {}", "the music turns {}", "play {} music", "the mood grows {}", "make the music {}",
        "the atmosphere becomes {}",
        "a {} tune begins", "the music becomes {}", "something more {}", "change the mood to {}",
        "let it sound {}", "be {}",
        "the song gets {}", "I want a {} soundtrack", "the melody is now {}",
    ),
}  # fmt: skip
_ADJECTIVE_DIRECTIVES = ("make it {}", "it gets {}", "the world turns {}", "let it be {}")
_OPENINGS = ("", "", "", "", "a view of ", "imagine ", "show me ", "a scene of ", "we walk through ", "take a walk in ")
_STYLE_TAILS = (
    ", in the style of {}",
    ", {}",
    " as {}",
    ", like {}",
    " rendered as {}",
    ", drawn as {}",
    ", looking like {}",
)
_SUBJECT_LINKS = ("{subject} in {scene}", "{scene}, with {subject}", "{scene} and {subject}", "{subject}, {scene}")
_JOINS = (" and ", ", ", "; then ", ", and ", ". ")
_ADJECTIVE_SHARE = 0.4
_SUNNY_SHARE, _ENDING_SHARE = 0.04, 0.06
_ADVERBIAL_MOODS = ("in a {} mood", "with {} music", "feeling {}", "{}", "a {} atmosphere")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caption:
    text: str
    choices: Mapping[str, str]  # the slots it mentions

    def as_update(self) -> ConditionUpdate:
        """What it asks for; slots it leaves out have a gate of zero and even values."""
        gates_G = np.zeros(NUM_SLOTS, np.float32)
        values_V = np.zeros(NUM_VALUES, np.float32)
        for index, (slot, names) in enumerate(SLOTS.items()):
            part = SLOT_RANGES[slot]
            if slot in self.choices:
                gates_G[index] = 1.0
                values_V[part.start + names.index(self.choices[slot])] = 1.0
            else:
                values_V[part] = 1.0 / len(names)
        return ConditionUpdate(gates_G, values_V)


def random_choices(rng: random.Random, slots: tuple[str, ...]) -> dict[str, str]:
    return {slot: rng.choice(SLOTS[slot]) for slot in slots}


def compose_prompt(rng: random.Random, choices: Mapping[str, str], vocabulary: Vocabulary = TRAINING) -> Caption:
    """A description of a world, such as "a rainy street at night, in the style of film noir"."""
    ways = _Ways(rng, choices, vocabulary)
    before, after = ways.split_adjectives()
    scene = _with_adjectives(ways.phrase("place") if "place" in choices else rng.choice(("a place", "a world")), before)
    text = " ".join([scene, *after]) if rng.random() < 0.6 else ", ".join([scene, *after])
    if rng.random() < 0.15:
        text = rng.choice(_SUBJECT_LINKS).format(subject=rng.choice(SUBJECTS), scene=text)
    text = rng.choice(_OPENINGS) + text
    if "style" in choices:
        style = ways.phrase("style")
        text = f"{style} of {text}" if rng.random() < 0.25 else text + rng.choice(_STYLE_TAILS).format(style)
    return Caption(text=_finish(rng, text), choices=dict(choices))


def compose_directive(rng: random.Random, choices: Mapping[str, str], vocabulary: Vocabulary = TRAINING) -> Caption:
    """An instruction that sets the slots chosen, such as "it starts to rain and night falls"."""
    ways = _Ways(rng, choices, vocabulary)
    slots = list(choices)
    rng.shuffle(slots)
    parts = [ways.directive(slot) for slot in slots]
    if rng.random() < 0.1:
        parts.insert(rng.randrange(len(parts) + 1), rng.choice(vocabulary.events))
    return Caption(text=_finish(rng, rng.choice(_JOINS).join(parts)), choices=dict(choices))


def compose_words(rng: random.Random, choices: Mapping[str, str], vocabulary: Vocabulary = TRAINING) -> Caption:
    """The bare words of the choices, such as "twilight, a cove"."""
    ways = _Ways(rng, choices, vocabulary)
    return Caption(text=_finish(rng, ", ".join(ways.any(slot) for slot in choices)), choices=dict(choices))


def compose_sunny(rng: random.Random, vocabulary: Vocabulary = TRAINING) -> Caption:
    """Of sun: by day, and clear."""
    choices, text = {"lighting": "day", "weather": "clear"}, rng.choice(vocabulary.sunny)
    if "{}" in text:
        choices = random_choices(rng, ("place",)) | choices
        place = _Ways(rng, choices, vocabulary).phrase("place")
        text = _with_adjectives(place, ["sunny"]) if rng.random() < _ADJECTIVE_SHARE else text.format(place)
    return Caption(text=_finish(rng, text), choices=choices)


def compose_ending(rng: random.Random, vocabulary: Vocabulary = TRAINING) -> Caption:
    """Of a style that is taken off, or of rain that is over."""
    ended = rng.choice(vocabulary.endings.ended)
    text = rng.choice(vocabulary.endings.ways).format(x=rng.choice(ended.names))
    return Caption(text=_finish(rng, text), choices={ended.slot: ended.left})


def compose_event(rng: random.Random, vocabulary: Vocabulary = TRAINING) -> Caption:
    """Something that changes no slot."""
    events = (*vocabulary.events, *SUBJECTS)
    text = rng.choice(events)
    if rng.random() < 0.2:
        text += rng.choice(_JOINS) + rng.choice(events)
    return Caption(text=_finish(rng, text), choices={})


def random_caption(rng: random.Random, vocabulary: Vocabulary = TRAINING) -> Caption:
    """A prompt, a directive, bare words, an event, sun or the end of something, of random choices."""
    special = rng.random()
    if special < _SUNNY_SHARE:
        return compose_sunny(rng, vocabulary)
    if special < _SUNNY_SHARE + _ENDING_SHARE:
        return compose_ending(rng, vocabulary)
    kind = rng.random()
    if kind < 0.13:
        return compose_event(rng, vocabulary)
    if kind < 0.6:
        slots = tuple(rng.sample(SLOT_NAMES, rng.choices((1, 2, 3), (0.75, 0.2, 0.05))[0]))
        compose = compose_words if kind < 0.23 else compose_directive
        return compose(rng, random_choices(rng, slots), vocabulary)
    others = tuple(slot for slot in SLOT_NAMES[1:] if rng.random() < 0.4)
    slots = ("place", *others) if rng.random() < 0.9 or not others else others
    return compose_prompt(rng, random_choices(rng, slots), vocabulary)


class _Ways:
    """Draws phrases for the choices of one caption."""

    def __init__(self, rng: random.Random, choices: Mapping[str, str], vocabulary: Vocabulary) -> None:
        self._rng = rng
        self._said = {slot: vocabulary.ways[slot][value] for slot, value in choices.items()}

    def phrase(self, slot: str) -> str:
        return self._rng.choice(self._said[slot].phrases)

    def any(self, slot: str) -> str:
        return self._rng.choice([way for part in self._said[slot] for way in part])

    def split_adjectives(self) -> tuple[list[str], list[str]]:
        """Words before the place and phrases after it, for mood, weather and lighting."""
        before, after = [], []
        for slot in ("mood", "weather", "lighting"):
            if slot not in self._said:
                continue
            said = self._said[slot]
            adjectives = said.phrases if slot == "mood" else said.adjectives
            if adjectives and self._rng.random() < (0.7 if slot == "mood" else _ADJECTIVE_SHARE):
                before.append(self._rng.choice(adjectives))
            else:
                link = self._rng.choice(_ADVERBIAL_MOODS) if slot == "mood" else "{}"
                after.append(link.format(self.phrase(slot)))
        self._rng.shuffle(after)
        return before, after

    def directive(self, slot: str) -> str:
        said = self._said[slot]
        if said.sentences and self._rng.random() < 0.65:
            return self._rng.choice(said.sentences)
        if said.adjectives and self._rng.random() < 0.5:
            return self._rng.choice(_ADJECTIVE_DIRECTIVES).format(self._rng.choice(said.adjectives))
        return self._rng.choice(_GENERIC_DIRECTIVES[slot]).format(self.phrase(slot))


def _with_adjectives(noun_phrase: str, adjectives: list[str]) -> str:
    """Puts adjectives behind the article, which may have to change: "an alley", "a rainy alley"."""
    if not adjectives:
        return noun_phrase
    article, _, rest = noun_phrase.partition(" ")
    if article not in ("a", "an", "the"):
        return " ".join([*adjectives, noun_phrase])
    if article != "the":
        article = "an" if adjectives[0][0] in "aeiou" else "a"
    return " ".join([article, *adjectives, rest])


def _finish(rng: random.Random, text: str) -> str:
    """Small differences of writing: capitals, a full stop, a polite word."""
    if rng.random() < 0.08:
        text = rng.choice(("please, ", "now ", "suddenly ", "slowly, ")) + text
    if rng.random() < 0.3:
        text = text[0].upper() + text[1:]
    if rng.random() < 0.25:
        text += rng.choice((".", "!", "."))
    return text
