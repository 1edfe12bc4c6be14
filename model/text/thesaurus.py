"""Words that no caption held, told by words that captions hold: an osprey is a bird, and whoever scampers runs.

The sentence encoder cuts rare words into pieces and knows little of most of them. What a rare word is a kind of, or a
way of, is known all the same: `model.training.thesaurus` takes it from WordNet (Fellbaum 1998) and keeps, for each
word, the nearest one that captions hold.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

PARTS_OF_SPEECH = ("nouns", "verbs", "adjectives")
WORD = re.compile(r"[a-z]+", re.IGNORECASE)
# A word that ends as a verb does, and may be one, is rather read as one: what a sentence asks for is mostly done.
NOT_A_VERB = 1.0


class Near(NamedTuple):
    """The nearest word that captions hold, and how far it is: in steps of meaning, more for rarer words and senses."""

    word: str
    distance: float

    @classmethod
    def parse(cls, text: str) -> Near:
        word, distance = text.split()
        return cls(word, float(distance))


@dataclass(frozen=True, slots=True, kw_only=True)
class Thesaurus:
    """By part of speech, what each word that captions do not hold comes near to; all without endings."""

    known: frozenset[str]  # every word of the captions, with its endings
    nouns: Mapping[str, Near]
    verbs: Mapping[str, Near]
    adjectives: Mapping[str, Near]

    @classmethod
    def load(cls, path: Path) -> Thesaurus:
        fields = json.loads(path.read_text())
        nouns, verbs, adjectives = (
            {word: Near.parse(near) for word, near in fields[part].items()} for part in PARTS_OF_SPEECH
        )
        return cls(known=frozenset(fields["known"]), nouns=nouns, verbs=verbs, adjectives=adjectives)

    def told(self, text: str) -> str:
        """`text` in words that captions hold, as far as such are near. Punctuation, and all other words, stay."""
        return WORD.sub(lambda match: self.nearest(match.group().lower()) or match.group(), text)

    def nearest(self, word: str) -> str | None:
        """In the form of `word`, where captions hold that form. None for words that need none, or have none."""
        if any(stem in self.known for stem, _ in stems(word)):
            return None
        near = min(self._near(word), default=None)
        return None if near is None else _with_ending(near[1], near[2], self.known)

    def _near(self, word: str) -> Iterator[tuple[float, str, str]]:
        """Distance, word that captions hold, ending."""
        readings = list(stems(word))
        otherwise = NOT_A_VERB if any(stem in self.verbs for stem, ending in readings if ending) else 0.0
        for stem, ending in readings:
            if near := self.verbs.get(stem):
                yield near.distance, near.word, ending
            if ending in ("", "s") and (near := self.nouns.get(stem)):
                yield near.distance + otherwise, near.word, ending
            if not ending and (near := self.adjectives.get(stem)):
                yield near.distance + otherwise, near.word, ending


def stems(word: str) -> Iterator[tuple[str, str]]:
    """What `word` may be a form of, and the ending it then has: itself first. Regular forms alone."""
    yield word, ""
    for ending, cuts in _CUTS.items():
        if word.endswith(ending):
            for cut, added in cuts:
                if word.endswith(cut) and len(word) > len(cut) + 1:
                    yield word.removesuffix(cut) + added, ending
            stem = word.removesuffix(ending)
            if ending != "s" and len(stem) > 2 and stem[-1] == stem[-2]:
                yield stem[:-1], ending


# How forms with an ending are made; after the rules of detachment of WordNet's morphy(7WN).
_CUTS = {
    "s": (("s", ""), ("es", ""), ("ies", "y")),
    "ed": (("ed", ""), ("ed", "e"), ("ied", "y")),
    "ing": (("ing", ""), ("ing", "e")),
}


def _with_ending(word: str, ending: str, known: frozenset[str]) -> str:
    """`word` itself where captions hold no such form of it."""
    forms = [word.removesuffix(added) + cut for cut, added in _CUTS.get(ending, ()) if word.endswith(added)]
    return next((form for form in (*forms, word + word[-1] + ending) if ending and form in known), word)
