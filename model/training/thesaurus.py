"""Finds the nearest word of the captions for words that no caption holds: `python -m model.training.thesaurus`.

It reads the database of WordNet 3.0 (Fellbaum 1998; wordnet.princeton.edu, or Debian's package wordnet-base). A word's
nearest is found among its synonyms, then among what it is a kind of or a way of, step by step. The result is kept
beside the weights, and is a part of what makes a session what it is.
"""

# ruff: noqa: T201 (a command line prints)

from __future__ import annotations

import argparse
import json
import math
import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from model.presets import WEIGHTS_FOLDER
from model.text.encoder import THESAURUS_FILE
from model.text.sentence import SentenceEncoder
from model.text.thesaurus import PARTS_OF_SPEECH, WORD, Near, Thesaurus, stems
from model.world.actors_captions import random_event_caption
from model.world.actors_phrases import EVERY_EVENT, TRAINING_EVENTS, EventWords
from model.world.actors_words import in_list
from model.world.phrases import EVERYTHING, TRAINING, Vocabulary

SHIPPED = WEIGHTS_FOLDER / "pearl-xs" / THESAURUS_FILE
WORDNET = Path("/usr/share/wordnet")  # where Debian's package puts it
NUM_CAPTIONS = 20_000  # whose words count as known
# Of the sentence encoder's tokens: those it knows well, and a thesaurus less so (love is a person, in "I'd love to see
# a fountain"). Costs 1 % of the words held out.
NUM_COMMON = 6_000
# How far a word may be, in steps; by words held out and heads that never saw them, as what follows. With those, nouns
# do as well at 4: a cormorant and a puffin, tried by hand, have more kinds of birds than that between them and a bird.
# Of what is done, a few steps on nothing is left but that it is done.
FARTHEST = {"nouns": 7.0, "verbs": 4.0, "adjectives": 4.0}
MAX_STEPS = {"nouns": 8, "verbs": 8, "adjectives": 1}
# A word's rarer meanings count as farther; so does a rarer word of the captions: a brolly is an umbrella, not a gamp.
NUM_MEANINGS, FARTHER_PER_MEANING, FARTHER_PER_RARITY = 3, 0.5, 0.5
# Everybody comes and goes: what these mean, the words after them say.
SAYING_LITTLE = frozenset(
    in_list(
        "add, are, be, can, come, could, do, get, give, go, have, is, keep, let, make, place, put, see, should, show, "
        "take, to, want, wants, would, us, me, here, there, with, not"
    )
)
OF_ONE_ANSWER = 0.8  # as a share of where a word is used, if it is to tell that answer
# Usages whose words are left out.
ABUSE = frozenset({"ethnic_slur", "disparagement", "obscenity", "dirty_word"})


class Synset(NamedTuple):
    """Words of one meaning, the synsets of wider meaning (of adjectives: the similar ones), and those that say of what
    usage the words are."""

    words: tuple[str, ...]
    wider: tuple[str, ...]
    usages: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WordNet:
    """By part of speech: synsets by their place in the file, and each word's meanings, the commonest first."""

    synsets: Mapping[str, Mapping[str, Synset]]
    meanings: Mapping[str, Mapping[str, tuple[str, ...]]]

    def is_abuse(self, part: str, word: str) -> bool:
        """Whether any meaning of a word is marked as a slur or the like."""
        usages = (usage for place in self.meanings[part][word] for usage in self.synsets[part][place].usages)
        return any(ABUSE & set(self.synsets["nouns"][usage].words) for usage in usages)

    @classmethod
    def read(cls, folder: Path) -> WordNet:
        """Raises FileNotFoundError. The format: wndb(5WN)."""
        synsets, meanings = {}, {}
        for part, (name, wider) in _FILES.items():
            synsets[part] = dict(_synset(line, wider) for line in _lines(folder / f"data.{name}"))
            meanings[part] = dict(_meanings(line) for line in _lines(folder / f"index.{name}"))
        return cls(synsets=synsets, meanings=meanings)


# File, and the pointers that lead to what is wider: hypernyms, which instances ("@i": Tokyo) have not; similar ones.
_FILES = {"nouns": ("noun", "@"), "verbs": ("verb", "@"), "adjectives": ("adj", "&")}


def _lines(file: Path) -> Iterator[str]:
    with file.open(encoding="latin-1") as lines:
        yield from (line for line in lines if not line.startswith(" "))  # the licence


def _synset(line: str, wider: str) -> tuple[str, Synset]:
    fields = line.split("|")[0].split()
    num_words = int(fields[3], 16)
    words = tuple(fields[4 : 4 + 2 * num_words : 2])
    first = 5 + 2 * num_words
    pointers = fields[first : first + 4 * int(fields[first - 1])]
    pairs = list(zip(pointers[::4], pointers[1::4], strict=True))
    return fields[0], Synset(
        words,
        wider=tuple(place for symbol, place in pairs if symbol == wider),
        usages=tuple(place for symbol, place in pairs if symbol == ";u"),
    )


def _meanings(line: str) -> tuple[str, tuple[str, ...]]:
    fields = line.split()
    return fields[0], tuple(fields[-int(fields[2]) :])


def caption_words(events: EventWords, slots: Vocabulary) -> Counter[str]:
    """How often each word is in captions."""
    rng = random.Random(5)
    captions = (random_event_caption(rng, events, slots) for _ in range(NUM_CAPTIONS))
    return Counter(word for caption in captions for word in _words(caption.text))


def _words(text: str) -> list[str]:
    return [word.lower() for word in WORD.findall(text)]


def telling_words(events: EventWords, slots: Vocabulary) -> Mapping[str, set[str]]:
    """By part of speech, the words that say what a caption asks for, as they stand in its lists."""
    names = _of_one_answer(_last_words(phrases) for phrases in events.nouns.values())
    for slot in ("place", "weather"):
        names |= _of_one_answer(_last_words(way.phrases) for way in slots.ways[slot].values())
    colours = _of_one_answer(_last_words(phrases) for phrases in events.colours.values())
    adjectives: set[str] = set()
    for slot, ways in slots.ways.items():
        said = ((*way.adjectives, *way.phrases) if slot == "mood" else way.adjectives for way in ways.values())
        adjectives |= _of_one_answer([word for phrase in phrases for word in _words(phrase)] for phrases in said)
    deeds = {word for phrases in events.actions.values() for phrase in phrases for word in _deeds(phrase)}
    return {"nouns": names | colours, "verbs": deeds, "adjectives": adjectives | colours}


def _last_words(phrases: Iterable[str]) -> list[str]:
    return [words[-1] for phrase in phrases if (words := _words(phrase))]


def _of_one_answer(words_by_answer: Iterable[list[str]]) -> set[str]:
    """Not what is said of several: all weathers are weather."""
    counts = [Counter(words) for words in words_by_answer]
    in_all = sum(counts, Counter[str]())
    return {word for count in counts for word in count if count[word] > OF_ONE_ANSWER * in_all[word]}


def _deeds(phrase: str) -> list[str]:
    """What stands before or after who does it."""
    return re.findall(r"\{s\} (\w+)", phrase) + re.findall(r"^(\w+) \{s\}", phrase)


def make_thesaurus(
    wordnet: WordNet, events: EventWords, slots: Vocabulary, common: frozenset[str] = frozenset()
) -> Thesaurus:
    """`common`: words that need no telling, besides those of the captions."""
    counts = caption_words(events, slots)
    near = {
        part: _nearest_of_all(wordnet, part, words, counts, common)
        for part, words in telling_words(events, slots).items()
    }
    return Thesaurus(known=frozenset(counts), **near)


def _nearest_of_all(
    wordnet: WordNet, part: str, words: Iterable[str], counts: Mapping[str, int], common: frozenset[str]
) -> dict[str, Near]:
    meanings = wordnet.meanings[part]
    forms = Counter[str]()
    for form in words:
        forms.update({stem: counts[form] for stem, _ in stems(form) if stem in meanings})
    rarity = {word: math.log(max(forms.values()) / max(1, forms[word])) for word in forms.keys() - SAYING_LITTLE}
    nearest = {
        word: min(_near(wordnet, part, word, rarity), key=lambda near: (near.distance, near.word), default=None)
        for word in meanings
        if re.fullmatch("[a-z]{3,}", word)
        and word not in common
        and not any(stem in counts for stem, _ in stems(word))
        and not wordnet.is_abuse(part, word)
    }
    return {
        word: near for word, near in sorted(nearest.items()) if near is not None and near.distance <= FARTHEST[part]
    }


def _near(wordnet: WordNet, part: str, word: str, rarity: Mapping[str, float]) -> Iterator[Near]:
    synsets = wordnet.synsets[part]
    for meaning, place in enumerate(wordnet.meanings[part][word][:NUM_MEANINGS]):
        places, seen = [place], {place}
        for step in range(MAX_STEPS[part] + 1):
            far = step + FARTHER_PER_MEANING * meaning
            for other in (other for place in places for other in synsets[place].words):
                if other in rarity and other != word:
                    yield Near(other, round(far + FARTHER_PER_RARITY * rarity[other], 2))
            places = [wider for place in places for wider in synsets[place].wider if wider in synsets]
            places = [place for place in places if place not in seen]
            seen.update(places)


def shipped_thesaurus() -> Thesaurus:
    return Thesaurus.load(SHIPPED)


def training_thesaurus(wordnet: Path, encoder: SentenceEncoder) -> Thesaurus | None:
    """Of the training words alone, to measure what is made of words held out. None, and said, where there is no
    WordNet."""
    if not wordnet.is_dir():
        print(f"no WordNet in {wordnet}: --wordnet says where it is")
        return None
    return make_thesaurus(WordNet.read(wordnet), TRAINING_EVENTS, TRAINING, encoder.common_words(NUM_COMMON))


def save_thesaurus(thesaurus: Thesaurus, licence: str, path: Path) -> None:
    """One word a line, for people who compare two of them."""
    parts = {
        part: {word: f"{near.word} {near.distance}" for word, near in getattr(thesaurus, part).items()}
        for part in PARTS_OF_SPEECH
    }
    fields = {"source": "WordNet 3.0", "licence": licence, "known": sorted(thesaurus.known), **parts}
    path.write_text(json.dumps(fields, indent=0) + "\n")


def _licence(folder: Path) -> str:
    with (folder / "data.noun").open(encoding="latin-1") as lines:
        head = [line.split(maxsplit=1) for line in lines if line.startswith("  ")]
    return " ".join(rest[0].strip() for _, *rest in head if rest)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wordnet", type=Path, default=WORDNET, help="the folder of its database")
    parser.add_argument("--output", type=Path, default=SHIPPED)
    arguments = parser.parse_args()
    if arguments.wordnet.is_dir():
        _make(arguments.wordnet, arguments.output)
    elif arguments.output.exists():
        print(f"no WordNet in {arguments.wordnet}: {arguments.output} stays as it is")
    else:
        parser.error(f"no WordNet in {arguments.wordnet}: install wordnet-base, or say --wordnet FOLDER")


def _make(wordnet: Path, output: Path) -> None:
    common = SentenceEncoder.load().common_words(NUM_COMMON)
    thesaurus = make_thesaurus(WordNet.read(wordnet), EVERY_EVENT, EVERYTHING, common)
    save_thesaurus(thesaurus, _licence(wordnet), output)
    counts = ", ".join(f"{len(getattr(thesaurus, part)):,} {part}" for part in PARTS_OF_SPEECH)
    print(f"{counts} beside {len(thesaurus.known):,} words of captions: {output}")


if __name__ == "__main__":
    main()
