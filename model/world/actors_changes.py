"""Sentences that give somebody another look: an umbrella, other clothes, hair or paint of another colour."""

from __future__ import annotations

import random

from model.actors.looks import COLOURS, HAIR
from model.world.actors_looks import CARRIED, GARMENTS, HAIR_ADJECTIVES, PRONOUNS
from model.world.actors_words import EventWords, in_list

# `{s}` who, `{o}` to whom, `{p}` whose; `{c}` a colour, `{g}` a garment, `{h}` what hair looks like.
UMBRELLA = in_list(
    "give {o} a {c} {u}, {s} opens a {c} {u}, {s} takes out a {c} {u}, {s} holds a {c} {u}, hand {o} a {c} {u}, {s} "
    "gets a {c} {u}, put a {c} {u} in {p} hand, {s} has a {c} {u} now, {s} puts up a {c} {u}, let {o} hold a {c} {u}, "
    "{s} unfolds a {c} {u}"
)
CLOTHES = in_list(
    "{s} puts on a {c} {g}, {s} wears a {c} {g} now, give {o} a {c} {g}, change {p} {g} to {c}, make {p} {g} {c}, {p} "
    "{g} turns {c}, {p} {g} is {c}, {s} changes into a {c} {g}, dress {o} in a {c} {g}, {s} is now wearing a {c} {g}, "
    "let {o} wear a {c} {g}, {p} {g} becomes {c}, {s} should wear a {c} {g}"
)
COLOUR_ALONE = in_list(
    "dress {o} in {c}, {s} is dressed in {c} now, {p} clothes turn {c}, make {p} clothes {c}, {s} wears {c}"
)
HAT_ALONE = in_list("{s} puts on a hat, give {o} a hat, {s} wears a hat now, put a hat on {p} head, {s} gets a cap")
HAIR_OTHER = in_list(
    "{p} hair turns {h}, give {o} {h} hair, {s} has {h} hair now, make {p} hair {h}, dye {p} hair {h}, {p} hair is {h}"
)
PAINT = in_list(
    "make {s} {c}, paint {s} {c}, {s} turns {c}, colour {s} {c}, change the colour of {s} to {c}, {s} becomes {c}, {s} "
    "should be {c}, I want {s} to be {c}, turn {s} {c}, {s} is {c} now, let {s} be {c}"
)
_THINGS = ("kitten", "dog", "umbrella", "car", "car", "tree", "bird", "balloon", "fountain")


def compose_change(rng: random.Random, words: EventWords) -> tuple[str, dict[str, str]]:
    """The sentence, and the answers to the questions of model.text.events."""
    if rng.random() < 0.35:
        return _of_a_thing(rng, words)
    return _of_a_person(rng, words)


def _of_a_thing(rng: random.Random, words: EventWords) -> tuple[str, dict[str, str]]:
    kind, colour = rng.choice(_THINGS), rng.choice(list(COLOURS))
    subject = f"{rng.choice(('the', 'the', 'my', 'that'))} {rng.choice(words.nouns[kind])}"
    text = rng.choice(PAINT).replace("{s}", subject).replace("{c}", rng.choice(words.colours[colour]))
    return text, {"action": "change", "subject": kind, "which": "known", "colour": colour}


def _of_a_person(rng: random.Random, words: EventWords) -> tuple[str, dict[str, str]]:
    template, said = rng.choice((_umbrella, _clothes, _clothes, _colour, _hat, _hair))(rng, words)
    figure = rng.choice(list(PRONOUNS))
    answers = {"action": "change", "subject": "person", "which": "known"}
    if rng.random() < 0.4:
        subject, object_, whose = PRONOUNS[figure]
    else:
        noun = f"the {rng.choice(words.nouns[figure])}"
        subject, object_, whose, answers = noun, noun, f"{noun}'s", answers | {"figure": figure}
    text = template.replace("{s}", subject).replace("{o}", object_).replace("{p}", whose)
    return _with_article(text), answers | said


def _umbrella(rng: random.Random, words: EventWords) -> tuple[str, dict[str, str]]:
    template = rng.choice(UMBRELLA).replace("{u}", rng.choice(CARRIED))
    if rng.random() < 0.25:
        return template.replace("{c} ", ""), {"umbrella": "any"}
    colour = rng.choice(list(COLOURS))
    return template.replace("{c}", rng.choice(words.colours[colour])), {"umbrella": colour}


def _clothes(rng: random.Random, words: EventWords) -> tuple[str, dict[str, str]]:
    garment, colour = rng.choice(("coat", "dress")), rng.choice(list(COLOURS))
    template = rng.choice(CLOTHES).replace("{g}", rng.choice(GARMENTS[garment]))
    return template.replace("{c}", rng.choice(words.colours[colour])), {"garment": garment, "colour": colour}


def _colour(rng: random.Random, words: EventWords) -> tuple[str, dict[str, str]]:
    colour = rng.choice(list(COLOURS))
    return rng.choice(COLOUR_ALONE).replace("{c}", rng.choice(words.colours[colour])), {"colour": colour}


def _hat(rng: random.Random, words: EventWords) -> tuple[str, dict[str, str]]:
    return rng.choice(HAT_ALONE), {"garment": "hat"}


def _hair(rng: random.Random, words: EventWords) -> tuple[str, dict[str, str]]:
    hair = rng.choice(list(HAIR))
    return rng.choice(HAIR_OTHER).replace("{h}", HAIR_ADJECTIVES[hair]), {"hair": hair}


def _with_article(text: str) -> str:
    """ "an orange coat"."""
    for vowel in "aeiou":
        text = text.replace(f" a {vowel}", f" an {vowel}")
    return text
