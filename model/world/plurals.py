"""Several of a kind: noun phrases and what they do, as a caption would say it."""

from __future__ import annotations

import re
from functools import cache

import inflect

from model.world.actors_words import in_list

# Before a noun in the plural; "" says it with the plural alone.
QUANTIFIERS = {
    "two": in_list("two, two, two, a pair of, a couple of, 2, the two, both, two more, another two, both of the"),
    "several": (
        *in_list(
            "three, three, three, several, some, a few, many, lots of, a group of, a bunch of, 3, four, five, the "
            "three, a number of, plenty of, more, a lot of, six"
        ),
        "",
        "",
        "",
    ),
    "all": in_list("all the, all the, all, all of the, the, the, these, those, all my, all of these, the other"),
}
KNOWN_QUANTIFIERS = in_list("the two, both, both of the, the three")
GROUPS = {
    "bird": in_list("a flock of, a swarm of"),
    "dog": in_list("a pack of"),
    "kitten": in_list("a litter of"),
    "person": in_list("a crowd of, a family of, a team of"),
    "car": in_list("a line of, a row of, a convoy of"),
    "balloon": in_list("a bunch of, a cluster of"),
}
# Whoever is there. Parted by what the verb after it is like.
EVERYBODY_SINGULAR = in_list("everyone, everyone, everybody, everybody, the whole group, everyone here, each of them")
EVERYBODY_PLURAL = in_list(
    "they all, they all, all of them, they, both of them, all the people and animals, all of you, the others, "
    "all the characters, the people and the animals"
)
_THEIRS = re.compile(r"\b(its|her|his)\b(?= (?:feet|tail|way|wings|knees|walk|leave))")


@cache
def _english() -> inflect.engine:
    return inflect.engine()


@cache
def plural(noun: str) -> str:
    """ "a kitten" without its article, in the plural."""
    if noun.endswith("gentleman"):  # the one word of the lists that inflect does not know
        return noun.removesuffix("man") + "men"
    return _english().plural_noun(noun)  # pyright: ignore[reportArgumentType]


def done_by_several(template: str) -> str:
    """A template of what `{s}` does, for a `{s}` in the plural."""
    told = re.sub(r"\{s\} ([a-z]+)", lambda found: f"{{s}} {_plural_verb(found[1])}", template)
    return _THEIRS.sub("their", told.replace("there is {s}", "there are {s}").replace("here is {s}", "here are {s}"))


@cache
def _plural_verb(word: str) -> str:
    return "lie" if word == "lies" else _english().plural_verb(word)  # pyright: ignore[reportArgumentType]
