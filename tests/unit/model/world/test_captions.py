"""Captions say what was chosen, in many ways, and held-out words are held out."""

from __future__ import annotations

import random
import re

import pytest

from model.world.captions import (
    compose_directive,
    compose_event,
    compose_prompt,
    compose_sunny,
    compose_words,
    random_caption,
)
from model.world.conditions import SLOT_NAMES, SLOT_RANGES, SLOTS
from model.world.phrases import EVERYTHING, HELD_OUT, TRAINING, Vocabulary


def _all_phrases(vocabulary: Vocabulary) -> list[str]:
    said = [p for values in vocabulary.ways.values() for said in values.values() for part in said for p in part]
    return [*said, *vocabulary.sunny]


def _words(texts: list[str]) -> set[str]:
    return {word for text in texts for word in re.findall(r"[a-z']+", text.lower())}


def test_every_value_of_every_slot_can_be_said() -> None:
    for vocabulary in (TRAINING, HELD_OUT):
        assert {slot: tuple(values) for slot, values in vocabulary.ways.items()} == SLOTS
        assert all(said.phrases for values in vocabulary.ways.values() for said in values.values())


def test_every_held_out_phrase_has_a_word_that_training_never_shows() -> None:
    known = _words([*_all_phrases(TRAINING), *TRAINING.events])
    assert [phrase for phrase in _all_phrases(HELD_OUT) if not _words([phrase]) - known] == []


@pytest.mark.parametrize(
    "word",
    [
        "drizzle",
        "downpour",
        "dusk",
        "twilight",
        "gloaming",
        "midnight",
        "blizzard",
        "misty",
        "aquarelle",
        "cyberpunk",
        "gogh",
        "seaside",
        "dunes",
        "alley",
    ],
)
def test_words_of_the_evaluation_do_not_occur_in_training_captions(word: str) -> None:
    rng = random.Random(3)
    assert word not in _words([random_caption(rng).text for _ in range(4000)])
    assert word in _words(_all_phrases(HELD_OUT))


def test_sun_is_day_and_clear_in_any_place() -> None:
    rng = random.Random(4)
    sunny = [compose_sunny(rng) for _ in range(200)]
    assert all({"lighting": "day", "weather": "clear"}.items() <= caption.choices.items() for caption in sunny)
    assert {caption.choices["place"] for caption in sunny if "place" in caption.choices} == set(SLOTS["place"])
    assert not any("{" in caption.text for caption in sunny)
    assert all("sun" in caption.text.lower() for caption in sunny)


def test_no_phrase_means_two_values_of_a_slot() -> None:
    for values in EVERYTHING.ways.values():
        said = [phrase for ways in values.values() for part in ways for phrase in set(part)]
        doubled = {phrase for phrase in said if said.count(phrase) > 1}
        within = {
            p for ways in values.values() for p in set(ways.phrases) & (set(ways.adjectives) | set(ways.sentences))
        }
        within |= {p for ways in values.values() for p in set(ways.adjectives) & set(ways.sentences)}
        assert doubled <= within


def test_a_caption_is_a_function_of_its_seed() -> None:
    first, again = ([random_caption(random.Random(seed)) for seed in range(50)] for _ in range(2))
    assert first == again
    assert len({caption.text for caption in first}) > 45


@pytest.mark.parametrize("compose", [compose_prompt, compose_directive, compose_words])
def test_a_caption_says_each_choice_in_one_of_its_words(compose) -> None:
    for seed in range(100):
        choices = {"place": "shore", "style": "noir", "lighting": "dusk", "weather": "snow", "mood": "tense"}
        text = compose(random.Random(seed), choices).text.lower()
        for slot, value in choices.items():
            ways = [phrase for part in TRAINING.ways[slot][value] for phrase in part]
            said = [phrase.lower().removeprefix("a ").removeprefix("an ").removeprefix("the ") for phrase in ways]
            assert any(phrase in text for phrase in said), (slot, text)


def test_the_update_opens_the_gates_of_the_slots_mentioned_and_no_others() -> None:
    update = compose_directive(random.Random(1), {"weather": "rain"}).as_update()
    assert update.gates_G.tolist() == [float(slot == "weather") for slot in SLOT_NAMES]
    assert update.values_V[SLOT_RANGES["weather"]].tolist() == [0, 1, 0, 0]
    for part in SLOT_RANGES.values():
        assert update.values_V[part].sum() == pytest.approx(1)


def test_an_event_opens_no_gate() -> None:
    assert compose_event(random.Random(1)).as_update().gates_G.sum() == 0
