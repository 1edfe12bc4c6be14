"""Sentences that ask for events, composed with many ways to say each, and what they ask for.

A sentence may ask for somebody to do something, for the camera, for both beside conditions, or
for nothing of this kind.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from model.actors.looks import COLOURS, HAIR, KINDS
from model.text.events import EVERYBODY
from model.world.actors_changes import compose_change
from model.world.actors_looks import (
    ADJECTIVES,
    CARRIED,
    GARMENTS,
    HAIR_ADJECTIVES,
    HAIR_WORDS,
    OTHER_CLOTHES,
    PEOPLE,
    PRONOUNS,
)
from model.world.actors_phrases import NOTHING, STRANGERS, TRAINING_EVENTS, EventWords
from model.world.captions import compose_directive, compose_prompt, compose_words, random_choices
from model.world.conditions import SLOT_NAMES
from model.world.phrases import EVERYTHING, SUBJECTS, TRAINING, Vocabulary
from model.world.plurals import (
    EVERYBODY_PLURAL,
    EVERYBODY_SINGULAR,
    GROUPS,
    KNOWN_QUANTIFIERS,
    QUANTIFIERS,
    done_by_several,
    plural,
)

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
ARTICLES = {"a": 6, "the": 3, "another": 0.4, "a second": 0.1, "one more": 0.1, "my": 0.3, "that": 0.1, "": 0.3}
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
# Shares of events: of new looks for somebody, of several of a kind, and of whoever is there.
CHANGES, SEVERAL, EVERYBODY_SHARE = 0.12, 0.2, 0.12
UNKNOWN = 0.06  # of all: somebody whom no world here knows does something
# Of what is said to do something, how many; those who are there are more often all of them.
_NUMBERS_OF_NEW, _NUMBERS_OF_KNOWN = {"two": 1, "several": 1.4}, {"two": 1, "several": 1, "all": 2}
_STANDING_THINGS = ("umbrella", "lamp", "tree", "fountain")  # of these, a plural alone is a place
_VAGUE = ("", "some", "many", "lots of", "plenty of", "more", "a lot of", "a number of")
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
    if kind < 0.80:
        return _finished(rng, rng.choice(NOTHING), {})
    if kind < 0.80 + UNKNOWN:
        return _finished(rng, _of_nobody_here(rng, words), {})
    return _finished(rng, _conditions(rng, words, slots), {})


def compose_event_alone(rng: random.Random, words: EventWords = TRAINING_EVENTS) -> EventCaption:
    """An event or a camera move, and no conditions."""
    return _finished(rng, *(_event(rng, words) if rng.random() < 0.8 else _directed(rng, words)))


def _event(rng: random.Random, words: EventWords) -> tuple[str, dict[str, str]]:
    if rng.random() < CHANGES:
        return compose_change(rng, words)
    action = rng.choices(list(ACTION_WEIGHTS), list(ACTION_WEIGHTS.values()))[0]
    kind = rng.choice(DOERS[action])
    template = rng.choice(words.actions[action])
    chance = rng.random()
    if chance < SEVERAL:
        subject, answers = _several(rng, kind, words, action)
        template = done_by_several(template)
    elif chance < SEVERAL + EVERYBODY_SHARE and action not in ("appear", "pass", "fly"):
        kind, subject, template, answers = EVERYBODY, *_everybody(rng, template), {}
    else:
        subject, answers = _named(rng, kind, words, is_described=rng.random() < 0.5)
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


def _of_nobody_here(rng: random.Random, words: EventWords) -> str:
    """What creatures and things do that no world here knows."""
    template = rng.choice(words.actions[rng.choice(("appear", "come", "pass", "leave", "wander", "stand"))])
    noun = rng.choice(STRANGERS)
    article = "an" if noun[0] in "aeiou" and rng.random() < 0.7 else rng.choice(("a", "the"))
    return template.replace("{s}", f"{article} {noun}").replace(
        "{t}", _named(rng, "person", words, is_described=False)[0]
    )


def _everybody(rng: random.Random, template: str) -> tuple[str, str]:
    """Whoever is there, and the template for them."""
    if rng.random() < 0.5:
        return rng.choice(EVERYBODY_SINGULAR), template
    return rng.choice(EVERYBODY_PLURAL), done_by_several(template)


def _several(rng: random.Random, kind: str, words: EventWords, action: str) -> tuple[str, dict[str, str]]:
    """A noun phrase in the plural, and what it says of number and looks."""
    numbers = _NUMBERS_OF_NEW if action in ("appear", "pass") else _NUMBERS_OF_KNOWN
    number = rng.choices(list(numbers), list(numbers.values()))[0]
    adjectives = [rng.choice(ADJECTIVES[:-1])] if rng.random() < 0.2 else []
    quantifier, which = _quantifier(rng, kind, number, is_new=action == "appear")
    answers, tail, noun_kind = {"number": number} | which, "", kind
    if kind == "person":
        noun_kind = rng.choices(PEOPLE, (4, 2, 4, 3, 3))[0]
        tail, answers = _dressed_alike(rng, words, answers | ({} if noun_kind == kind else {"figure": noun_kind}))
    elif rng.random() < 0.4:
        answers["colour"] = rng.choice(list(COLOURS))
        adjectives.append(rng.choice(words.colours[answers["colour"]]))
    noun = plural(rng.choice(words.nouns[noun_kind]))
    return " ".join(filter(None, [quantifier, *adjectives, noun])) + tail, answers


def _dressed_alike(rng: random.Random, words: EventWords, said: dict[str, str]) -> tuple[str, dict[str, str]]:
    tail = ""
    if rng.random() < 0.4:
        said |= {"colour": rng.choice(list(COLOURS)), "garment": rng.choice(list(GARMENTS))}
        garments = plural(rng.choice(GARMENTS[said["garment"]]))
        tail = f" {rng.choice(('in', 'wearing', 'with'))} {rng.choice(words.colours[said['colour']])} {garments}"
    if rng.random() < 0.1:
        said |= {"umbrella": rng.choice(list(COLOURS))}
        held = rng.choice(words.colours[said["umbrella"]])
        tail += f" {rng.choice(('with', 'holding', 'under'))} {held} umbrellas"
    return tail, said


def _quantifier(rng: random.Random, kind: str, number: str, *, is_new: bool) -> tuple[str, dict[str, str]]:
    """Which tells as well whether they are new."""
    found = QUANTIFIERS[number] + (GROUPS.get(kind, ()) if number == "several" else ())
    if is_new and kind in _STANDING_THINGS:
        found = tuple(each for each in found if each not in _VAGUE)
    quantifier = rng.choice(found)
    if not quantifier:
        return quantifier, {}
    is_known = number == "all" or quantifier in KNOWN_QUANTIFIERS
    return quantifier, {"which": "known" if is_known else "new"}


def _target(rng: random.Random, kind: str, action: str, words: EventWords) -> tuple[str, str | None]:
    if rng.random() < 0.2:
        return rng.choice(_NOBODY), None
    pets = ("kitten", "kitten", "dog", "bird")
    others = ("person", "person", "person", "tree", "car", "umbrella", "kitten", "dog", "fountain", "lamp", "bird")
    target = rng.choice([other for other in (pets if action == "crouch" else others) if other != kind])
    text, _ = _named(rng, target, words, is_described=rng.random() < 0.35, article="the" if rng.random() < 0.8 else "a")
    return text, target


def _named(
    rng: random.Random, kind: str, words: EventWords, *, is_described: bool, article: str | None = None
) -> tuple[str, dict[str, str]]:
    """A noun phrase, and what it says of looks."""
    if kind == "person":
        return _person(rng, words, is_described, article)
    answers: dict[str, str] = {}
    adjectives = [rng.choice(ADJECTIVES)] if rng.random() < 0.2 else []
    if is_described:
        answers["colour"] = rng.choice(list(COLOURS))
        adjectives.append(rng.choice(words.colours[answers["colour"]]))
    text, which = _phrase(rng, adjectives, rng.choice(words.nouns[kind]), article)
    return text, answers | which


def _person(
    rng: random.Random, words: EventWords, is_described: bool, article: str | None
) -> tuple[str, dict[str, str]]:
    who = rng.choices(PEOPLE, (4, 2, 4, 3, 1))[0]
    noun = rng.choice(words.nouns[who])
    answers = {} if who == "person" else {"figure": who}
    if article != "the" and who != "person" and rng.random() < 0.08:
        return PRONOUNS[who][0], {"which": "known"}
    if article != "the" and who == "person" and rng.random() < 0.2:
        return rng.choice(("someone", "somebody")), {}
    adjectives = [rng.choice(ADJECTIVES)] if rng.random() < 0.2 else []
    tail = ""
    if noun == "blonde":
        answers["hair"] = "blonde"
    if is_described and rng.random() < 0.5 and "hair" not in answers:
        answers["hair"] = rng.choice(list(HAIR))
        if rng.random() < 0.7:
            adjectives.append(rng.choice(HAIR_WORDS[answers["hair"]]))
        else:
            tail += f" with {rng.choice(('', 'long ', 'short '))}{HAIR_ADJECTIVES[answers['hair']]} hair"
    tails = []
    if is_described and rng.random() < 0.75:
        tails.append(_clothes(rng, words))
    if rng.random() < (0.45 if is_described else 0.15):
        tails.append(_held(rng, words))
    if rng.random() < 0.3:
        tails.reverse()
    for text, said in tails:
        tail, answers = tail + text, answers | said
    text, which = _phrase(rng, adjectives, noun, article)
    return text + tail, answers | which


def _clothes(rng: random.Random, words: EventWords) -> tuple[str, dict[str, str]]:
    said: dict[str, str] = {}
    if rng.random() < 0.75:
        said["garment"] = rng.choice(list(GARMENTS))
        noun = rng.choice(GARMENTS[said["garment"]])
    else:
        noun = rng.choice(OTHER_CLOTHES)
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
    return f"{link}{rng.choice(words.colours[colour])} {rng.choice(CARRIED)}", {"umbrella": colour}


def _phrase(rng: random.Random, adjectives: list[str], noun: str, article: str | None) -> tuple[str, dict[str, str]]:
    """With its article, which tells whether it is somebody new."""
    article = article or rng.choices(list(ARTICLES), list(ARTICLES.values()))[0]
    words = " ".join([*adjectives, noun])
    which = {} if not article else {"which": "new" if article in ("a", "another", "a second", "one more") else "known"}
    if article == "a" and words[0] in "aeiou":
        article = "an"
    return f"{article} {words}".strip(), which


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
        link = rng.choice(_SCENE_LINKS)
        if rng.random() < SEVERAL:
            link = done_by_several(link)
            subject, answers = _several(rng, kind, words, "appear")
        else:
            subject, answers = _named(rng, kind, words, is_described=rng.random() < 0.75)
        text = link.format(s=subject, scene=_scene(rng, words, slots))
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
