"""Sentences into events with the shipped heads: who does what, and nobody where nobody is spoken of."""

from __future__ import annotations

import random
import re
import shutil
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from model.presets import WEIGHTS_FOLDER
from model.text.encoder import THESAURUS_FILE, PearlTextEncoder, load_event_heads, load_heads, save_heads
from model.text.events import NUM_ANSWERS, QUESTION_RANGES, QUESTIONS, Event, event_of, probabilities_of
from model.training.text_encoder import evaluation_sets as slot_captions
from model.training.text_event_sentences import WRITTEN_COLOURS, WRITTEN_EVENTS, WRITTEN_NUMBERS
from model.training.text_events import measure
from model.training.text_new_words import NEW_EVENTS
from model.world.actors_captions import random_event_caption
from model.world.actors_phrases import EVERY_EVENT, HELD_OUT_EVENTS, TRAINING_EVENTS

WEIGHTS = WEIGHTS_FOLDER / "pearl-xs" / "text_encoder.safetensors"


@cache
def encoder() -> PearlTextEncoder:
    return PearlTextEncoder.load(WEIGHTS)


def read(text: str) -> Event:
    return event_of(encoder().encode_text(text)["events"])


def test_what_is_told_is_read_again() -> None:
    answers = {"action": "come", "subject": "kitten", "target": "person"}
    told = probabilities_of(answers)
    assert told.shape == (NUM_ANSWERS,)
    assert event_of(told) == Event(**answers)
    assert event_of(probabilities_of({})).is_nothing


def test_a_deed_without_a_doer_is_no_event_but_the_camera_may_move() -> None:
    assert event_of(probabilities_of({"action": "appear", "colour": "red"})).is_nothing
    assert event_of(probabilities_of({"subject": "car", "camera": "orbit"})) == Event(camera="orbit")


def test_an_answer_that_is_not_sure_is_not_taken() -> None:
    told = probabilities_of({"action": "appear", "subject": "car"})
    part = QUESTION_RANGES["subject"]
    told[part] = 0.0
    told[part.start + 1 : part.start + 4] = 1 / 3
    assert event_of(told).is_nothing


@pytest.mark.parametrize(
    ("text", "answers"),
    [
        ("a kitten suddenly runs to the girl", {"action": "come", "subject": "kitten", "target": "person"}),
        ("the girl crouches down to pet the kitten", {"action": "crouch", "subject": "person", "target": "kitten"}),
        ("a car drives past", {"action": "pass", "subject": "car"}),
        ("a red umbrella", {"action": "appear", "subject": "umbrella", "colour": "red"}),
        ("put a fountain here", {"action": "appear", "subject": "fountain"}),
        ("two kittens run to the girl", {"action": "come", "subject": "kitten", "number": "two", "target": "person"}),
        ("three birds fly past", {"action": "pass", "subject": "bird", "number": "several"}),
        ("all the dogs run away", {"action": "leave", "subject": "dog", "number": "all"}),
        ("everyone leaves", {"action": "leave", "subject": "everybody"}),
        ("pull the camera back", {"camera": "pull_back"}),
        ("orbit around her", {"camera": "orbit"}),
        ("show her from behind", {"perspective": "third_person"}),
    ],
)
def test_plain_sentences_are_read(text: str, answers: dict[str, str]) -> None:
    event = read(text)
    assert {name: getattr(event, name) for name in answers} == answers


def test_a_character_is_described() -> None:
    event = read("A stylish blonde woman in a red coat. A quiet street at dusk")
    assert (event.subject, event.figure, event.hair, event.colour) == ("person", "woman", "blonde", "red")


@pytest.mark.parametrize(
    ("prompt", "figure", "colour"),
    [
        ("a girl in a red coat in a green meadow", "girl", "red"),
        ("a man with a blue jacket in a desert", "man", "blue"),
    ],
)
def test_the_character_of_a_starter_wears_the_colour_that_is_said(prompt: str, figure: str, colour: str) -> None:
    event = read(prompt)
    assert (event.figure, event.colour) == (figure, colour)


def test_what_stands_beside_somebody_does_not_give_them_its_colour() -> None:
    figures = measure([read(caption.text) for caption in WRITTEN_COLOURS], WRITTEN_COLOURS)
    assert figures["colour"] >= 0.8
    assert figures["colour_unsaid"] <= 0.1


def test_several_are_told_from_one() -> None:
    figures = measure([read(caption.text) for caption in WRITTEN_NUMBERS], WRITTEN_NUMBERS)
    assert figures["deed_and_doer"] >= 0.85
    assert figures["number"] >= 0.85
    assert figures["false_events"] <= 0.1
    of_one = (*WRITTEN_EVENTS, *WRITTEN_COLOURS)
    assert measure([read(caption.text) for caption in of_one], of_one)["number_unsaid"] <= 0.03


def test_sentences_of_conditions_bring_nobody() -> None:
    texts = [caption.text for caption in slot_captions()["training_words"][:150] if caption.choices]
    spoken = [text for text in texts if read(text).action is not None]
    peopled = [
        text for text in spoken if any(word in text.lower() for word in ("girl", "man", "woman", "kitten", "dog"))
    ]
    assert len(spoken) - len(peopled) <= 0.06 * len(texts), spoken  # subjects of every kind walk through some of them


def test_sentences_written_by_hand() -> None:
    figures = measure([read(caption.text) for caption in WRITTEN_EVENTS], WRITTEN_EVENTS)
    assert figures["deed_and_doer"] > 0.85
    assert figures["false_events"] <= 0.03
    shuffled = [read(caption.text) for caption in WRITTEN_EVENTS[1:]] + [Event()]
    assert measure(shuffled, WRITTEN_EVENTS)["deed_and_doer"] < 0.6


def test_saving_keeps_both_heads(tmp_path: Path) -> None:
    path = tmp_path / "heads.safetensors"
    save_heads(load_heads(WEIGHTS), path, load_event_heads(WEIGHTS))
    shutil.copy(WEIGHTS.with_name(THESAURUS_FILE), tmp_path)
    again = PearlTextEncoder.load(path).encode_text("a dog runs to the boy in the rain")
    for name, value in encoder().encode_text("a dog runs to the boy in the rain").items():
        np.testing.assert_allclose(again[name], value, atol=1e-6)
    save_heads(load_heads(WEIGHTS), path)
    with pytest.raises(ValueError, match="no event heads"):
        load_event_heads(path)


def test_heads_for_other_questions_are_refused(tmp_path: Path) -> None:
    path, heads = tmp_path / "heads.safetensors", load_event_heads(WEIGHTS)
    heads.read[0] = heads.read[-1]
    save_heads(load_heads(WEIGHTS), path, heads)
    with pytest.raises(ValueError, match="other questions"):
        load_event_heads(path)


def test_captions_answer_only_questions_there_are_and_held_out_words_are_new() -> None:
    rng = random.Random(3)
    for _ in range(400):
        caption = random_event_caption(rng)
        for name, answer in caption.answers.items():
            assert answer in QUESTIONS[name][1:]
        assert "{" not in caption.text
    for known, unknown in zip(TRAINING_EVENTS, HELD_OUT_EVENTS, strict=True):
        for name, ways in unknown.items():
            assert not set(ways) & set(known[name])


def test_of_every_new_name_and_deed_a_word_stands_in_no_list() -> None:
    listed = {word for table in EVERY_EVENT for ways in table.values() for way in ways for word in words_of(way)}
    for table in NEW_EVENTS[:3]:
        for ways in table.values():
            for way in ways:
                assert words_of(way) - listed, way


def words_of(way: str) -> set[str]:
    return set(re.findall(r"[a-z]+", way.lower().replace("{s}", "").replace("{t}", "")))
