"""Sentences that ask for events, composed with many ways to say each, and what they ask for.

A sentence may ask for somebody to do something, for the camera, for both beside conditions, or
for nothing of this kind.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from model.actors.looks import COLOURS, FIGURES, HAIR, KINDS
from model.world.actors_phrases import NOTHING, TRAINING_EVENTS, EventWords
from model.world.captions import compose_directive, compose_prompt, compose_words, random_choices
from model.world.conditions import SLOT_NAMES
from model.world.phrases import EVERYTHING, SUBJECTS, TRAINING, Vocabulary

PEOPLE = (*FIGURES, "person")
LIVING = ("person", "kitten", "dog", "bird")
DOERS: dict[str, tuple[str, ...]] = {
    "appear": KINDS,
    "leave": KINDS,
    "come": ("person", "kitten", "dog", "bird", "car"),
    "pass": ("person", "kitten", "dog", "car", "car", "car", "bird", "balloon"),
    "crouch": ("person", "person", "kitten", "dog"),
    "wander": LIVING,
    "fly": ("bird", "bird", "balloon"),
    "stand": LIVING,
}
ACTION_WEIGHTS = {"appear": 4, "come": 2.5, "pass": 2.5, "crouch": 2, "leave": 2, "wander": 1.2, "fly": 1, "stand": 1}
_ADJECTIVES = (
    "little",
    "small",
    "big",
    "old",
    "young",
    "lovely",
    "cute",
    "tall",
    "pretty",
    "stylish",
    "happy",
    "strange",
    "shiny",
    "second",
)
_HAIR_WORDS: dict[str, tuple[str, ...]] = {
    "blonde": ("blonde", "blond", "fair-haired", "golden-haired"),
    "black": ("black-haired", "dark-haired", "raven-haired"),
    "brown": ("brown-haired", "brunette", "chestnut-haired"),
    "red": ("red-haired", "redheaded", "ginger-haired"),
    "grey": ("grey-haired", "white-haired", "silver-haired"),
}
_HAIR_ADJECTIVES = {"blonde": "blonde", "black": "black", "brown": "brown", "red": "red", "grey": "grey"}
_GARMENTS: dict[str, tuple[str, ...]] = {
    "coat": ("coat", "long coat", "jacket", "raincoat", "trench coat", "cloak"),
    "dress": ("dress", "summer dress", "skirt", "gown", "robe"),
    "hat": ("hat", "cap", "straw hat", "bonnet"),
}
_OTHER_CLOTHES = ("shirt", "sweater", "suit", "pullover", "uniform", "blouse", "hoodie", "T-shirt")
_CARRIED = ("umbrella", "parasol", "umbrella")
_NOBODY = (
    "her",
    "him",
    "us",
    "me",
    "you",
    "them",
    "the camera",
    "the character",
    "the hero",
    "the scene",
    "the player",
    "the subject",
)
_BEFORE = (
    "",
    "",
    "",
    "",
    "suddenly ",
    "slowly, ",
    "now ",
    "then ",
    "please, ",
    "and ",
    "quickly ",
    "in the distance ",
    "out of nowhere ",
)
_SCENE_LINKS = (
    "{s} in {scene}",
    "{s} stands in {scene}",
    "{scene}, with {s}",
    "{s} walks through {scene}",
    "{s}. {scene}",
    "{s}. {scene}",
    "{scene} and {s}",
    "{s}, {scene}",
    "{scene}; {s} is there",
    "there is {s} in {scene}",
    "{s} at {scene}",
    "{scene} with {s}",
)
_JOINS = (" and ", ", ", ". ", "; ", ", and ", " while ", " as ")


@dataclass(frozen=True, slots=True, kw_only=True)
class EventCaption:
    text: str
    answers: Mapping[str, str]  # to the questions of model.text.events that it answers


def random_event_caption(
    rng: random.Random, words: EventWords = TRAINING_EVENTS, slots: Vocabulary = TRAINING
) -> EventCaption:
    kind = rng.random()
    if kind < 0.45:
        return _finished(rng, *_event(rng, words))
    if kind < 0.55:
        return _finished(rng, *_directed(rng, words))
    if kind < 0.76:
        return _finished(rng, *_with_conditions(rng, words, slots))
    if kind < 0.81:
        return _finished(rng, rng.choice(NOTHING), {})
    return _finished(rng, _conditions(rng, words, slots), {})


def compose_event_alone(rng: random.Random, words: EventWords = TRAINING_EVENTS) -> EventCaption:
    """An event or a camera move, and no conditions."""
    return _finished(rng, *(_event(rng, words) if rng.random() < 0.8 else _directed(rng, words)))


def _event(rng: random.Random, words: EventWords) -> tuple[str, dict[str, str]]:
    action = rng.choices(list(ACTION_WEIGHTS), list(ACTION_WEIGHTS.values()))[0]
    kind = rng.choice(DOERS[action])
    subject, answers = _named(rng, kind, words, is_described=rng.random() < 0.5)
    template = rng.choice(words.actions[action])
    text = template.replace("{s}", subject)
    answers |= {"action": action, "subject": kind}
    if "{t}" in text:
        target, target_kind = _target(rng, kind, action, words)
        text = text.replace("{t}", target)
        if target_kind:
            answers["target"] = target_kind
    if rng.random() < 0.12:
        text += f" {_surroundings(rng, words, 'beside')}"
    return rng.choice(_BEFORE) + text, answers


def _target(rng: random.Random, kind: str, action: str, words: EventWords) -> tuple[str, str | None]:
    if rng.random() < 0.2:
        return rng.choice(_NOBODY), None
    pets = ("kitten", "kitten", "dog", "bird")
    others = ("person", "person", "person", "tree", "car", "umbrella", "kitten", "dog", "fountain", "lamp", "bird")
    target = rng.choice([other for other in (pets if action == "crouch" else others) if other != kind])
    text, _ = _named(
        rng, target, words, is_described=rng.random() < 0.35, article="the" if rng.random() < 0.8 else None
    )
    return text, target


def _named(
    rng: random.Random, kind: str, words: EventWords, *, is_described: bool, article: str | None = None
) -> tuple[str, dict[str, str]]:
    """A noun phrase, and what it says of looks."""
    if kind == "person":
        return _person(rng, words, is_described, article)
    answers: dict[str, str] = {}
    adjectives = [rng.choice(_ADJECTIVES)] if rng.random() < 0.2 else []
    if is_described:
        answers["colour"] = rng.choice(list(COLOURS))
        adjectives.append(rng.choice(words.colours[answers["colour"]]))
    return _phrase(rng, adjectives, rng.choice(words.nouns[kind]), article), answers


def _person(
    rng: random.Random, words: EventWords, is_described: bool, article: str | None
) -> tuple[str, dict[str, str]]:
    who = rng.choices(PEOPLE, (4, 2, 4, 3, 1))[0]
    noun = rng.choice(words.nouns[who])
    answers = {} if who == "person" else {"figure": who}
    if article != "the" and who != "person" and rng.random() < 0.08:
        pronoun = {"girl": "she", "woman": "she", "boy": "he", "man": "he"}[who]
        return pronoun, {}
    adjectives = [rng.choice(_ADJECTIVES)] if rng.random() < 0.2 else []
    tail = ""
    if noun == "blonde":
        answers["hair"] = "blonde"
    if is_described and rng.random() < 0.5 and "hair" not in answers:
        answers["hair"] = rng.choice(list(HAIR))
        if rng.random() < 0.7:
            adjectives.append(rng.choice(_HAIR_WORDS[answers["hair"]]))
        else:
            tail += f" with {rng.choice(('', 'long ', 'short '))}{_HAIR_ADJECTIVES[answers['hair']]} hair"
    if is_described and rng.random() < 0.75:
        worn, said = _clothes(rng, words)
        tail, answers = tail + worn, answers | said
    if rng.random() < (0.45 if is_described else 0.15):
        held, said = _held(rng, words)
        tail, answers = tail + held, answers | said
    return _phrase(rng, adjectives, noun, article) + tail, answers


def _clothes(rng: random.Random, words: EventWords) -> tuple[str, dict[str, str]]:
    said: dict[str, str] = {}
    if rng.random() < 0.75:
        said["garment"] = rng.choice(list(_GARMENTS))
        noun = rng.choice(_GARMENTS[said["garment"]])
    else:
        noun = rng.choice(_OTHER_CLOTHES)
    colour = ""
    if rng.random() < 0.85:
        said["colour"] = rng.choice(list(COLOURS))
        colour = rng.choice(words.colours[said["colour"]]) + " "
    link = rng.choice((" in a ", " wearing a ", " in her ", " dressed in a ", " with a ", " in the "))
    return f"{link}{colour}{noun}", said


def _held(rng: random.Random, words: EventWords) -> tuple[str, dict[str, str]]:
    link = rng.choice((" with a ", " holding a ", " carrying a ", " under a ", " and a "))
    if rng.random() < 0.25:
        return f"{link.replace(' a ', ' an ')}umbrella", {"umbrella": "any"}
    colour = rng.choice(list(COLOURS))
    return f"{link}{rng.choice(words.colours[colour])} {rng.choice(_CARRIED)}", {"umbrella": colour}


def _phrase(rng: random.Random, adjectives: list[str], noun: str, article: str | None) -> str:
    article = article or rng.choices(("a", "the", "another", "my", ""), (6, 3, 0.5, 0.3, 0.3))[0]
    words = " ".join([*adjectives, noun])
    if article == "a" and words[0] in "aeiou":
        article = "an"
    return f"{article} {words}".strip()


def _directed(rng: random.Random, words: EventWords) -> tuple[str, dict[str, str]]:
    """What the camera is to do."""
    question, table = rng.choice(
        (("camera", words.cameras), ("camera", words.cameras), ("perspective", words.perspectives))
    )
    answer = rng.choice(list(table))
    text = rng.choice(table[answer])
    if "{t}" in text:
        kind = rng.choices(KINDS, (6, 2, 1, 1, 1, 2, 1, 2, 1, 1))[0]
        somebody = _named(rng, kind, words, is_described=rng.random() < 0.2, article="the")[0]
        text = text.replace("{t}", somebody if rng.random() < 0.75 else rng.choice(_NOBODY))
    return rng.choice(_BEFORE) + text, {question: answer}


def _with_conditions(rng: random.Random, words: EventWords, slots: Vocabulary) -> tuple[str, dict[str, str]]:
    """An event beside conditions: a scene with somebody in it, or two directives in one sentence."""
    if rng.random() < 0.6:
        kind = rng.choice(("person", "person", "person", *KINDS))
        subject, answers = _named(rng, kind, words, is_described=rng.random() < 0.75)
        text = rng.choice(_SCENE_LINKS).format(s=subject, scene=_scene(rng, words, slots))
        return text, answers | {"action": "appear", "subject": kind}
    text, answers = _event(rng, words) if rng.random() < 0.75 else _directed(rng, words)
    both = [text, _conditions(rng, words, slots)]
    rng.shuffle(both)
    return rng.choice(_JOINS).join(both), answers


def _scene(rng: random.Random, words: EventWords, slots: Vocabulary) -> str:
    """At times with colours, which are nobody's."""
    coloured = rng.random()
    scene = _surroundings(rng, words, "scene") if coloured < 0.4 else _scene_in_words(rng, slots)
    return f"{scene} {_surroundings(rng, words, 'beside')}" if 0.3 < coloured < 0.55 else scene


def _surroundings(rng: random.Random, words: EventWords, what: str) -> str:
    return rng.choice(words.surroundings[what]).replace("{c}", rng.choice(words.colours[rng.choice(list(COLOURS))]))


def _scene_in_words(rng: random.Random, slots: Vocabulary) -> str:
    others = tuple(slot for slot in SLOT_NAMES[1:] if rng.random() < 0.3)
    return _without_subject(lambda: compose_prompt(rng, random_choices(rng, ("place", *others)), slots).text)


def _conditions(rng: random.Random, words: EventWords, slots: Vocabulary) -> str:
    """A sentence of conditions alone."""
    kind = rng.random()
    if kind < 0.3:
        return _scene(rng, words, slots)
    chosen = tuple(rng.sample(SLOT_NAMES, rng.choices((1, 2), (0.8, 0.2))[0]))
    compose = compose_words if kind < 0.45 else compose_directive
    return _without_subject(lambda: compose(rng, random_choices(rng, chosen), slots).text)


def _without_subject(compose: Callable[[], str]) -> str:
    """Composed anew until nobody from the lists of model.world.phrases walks through it."""
    while True:
        text = compose()
        lowered = text.lower()
        if not any(subject.lower() in lowered for subject in (*SUBJECTS, *EVERYTHING.events)):
            return text


def _finished(rng: random.Random, text: str, answers: dict[str, str]) -> EventCaption:
    if rng.random() < 0.4:
        text = text[0].upper() + text[1:]
    if rng.random() < 0.3:
        text += rng.choice((".", "!", "."))
    return EventCaption(text=text, answers=answers)
