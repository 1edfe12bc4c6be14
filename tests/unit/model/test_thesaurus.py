"""Rare words in the words of captions: what is near in meaning is read, and what is known stays as it is."""

from __future__ import annotations

import json
import shutil
from functools import cache
from pathlib import Path

import pytest
import torch

from model.pearl import PearlModel
from model.presets import PRESETS, Preset
from model.text.encoder import THESAURUS_FILE, PearlTextEncoder, load_event_heads, load_heads
from model.text.event_heads import fuller_events
from model.text.events import QUESTION_RANGES, Event, event_of, probabilities_of
from model.text.sentence import SentenceEncoder
from model.text.thesaurus import Near, Thesaurus, stems
from model.training.text_encoder import WEIGHTS
from model.training.text_sentences import WRITTEN
from model.training.thesaurus import WordNet, make_thesaurus, save_thesaurus, shipped_thesaurus
from model.world.actors_phrases import TRAINING_EVENTS
from model.world.phrases import TRAINING


def thesaurus(**parts: dict[str, Near]) -> Thesaurus:
    known = frozenset({"a", "bird", "birds", "run", "runs", "running", "blue", "tree"})
    return Thesaurus(known=known, **({"nouns": {}, "verbs": {}, "adjectives": {}} | parts))


@cache
def encoder() -> PearlTextEncoder:
    return PearlTextEncoder.load(WEIGHTS)


def read(text: str) -> Event:
    return event_of(encoder().encode_text(text)["events"])


@pytest.mark.parametrize(
    ("form", "stem"),
    [("scampers", "scamper"), ("dashes", "dash"), ("scurries", "scurry"), ("glided", "glide"), ("hopping", "hop")],
)
def test_a_form_leads_to_its_stem(form: str, stem: str) -> None:
    assert stem in {each for each, _ in stems(form)}
    assert next(stems(form)) == (form, "")


def test_a_word_is_told_in_its_own_form_and_the_rest_of_the_sentence_stays() -> None:
    words = thesaurus(nouns={"osprey": Near("bird", 1.0)}, verbs={"scamper": Near("run", 1.0)})
    assert words.told("An osprey, scampering! Two ospreys? It scampers: a tree.") == (
        "An bird, running! Two birds? It runs: a tree."
    )
    assert words.told("it scampered") == "it run"  # captions hold no "ran" and no "runned"


def test_words_of_captions_are_never_told_by_others() -> None:
    words = thesaurus(nouns={"tree": Near("bird", 0.0)}, verbs={"run": Near("bird", 0.0)})
    assert words.told("A tree runs, and running trees") == "A tree runs, and running trees"


def test_what_may_be_a_verb_by_its_ending_is_rather_one() -> None:
    near = {"nouns": {"dart": Near("tree", 1.0)}, "verbs": {"dart": Near("run", 1.5)}}
    assert thesaurus(**near).nearest("darts") == "runs"
    assert thesaurus(**near).nearest("dart") == "tree"


def test_the_nearest_counts_across_parts_of_speech() -> None:
    near = {"nouns": {"azure": Near("tree", 2.0)}, "adjectives": {"azure": Near("blue", 0.5)}}
    assert thesaurus(**near).nearest("azure") == "blue"
    assert thesaurus(**near).nearest("azures") == "tree"  # adjectives have no plural
    assert thesaurus().nearest("azure") is None


def test_the_shipped_one_tells_by_words_that_captions_hold() -> None:
    shipped = shipped_thesaurus()
    held = {stem for word in shipped.known for stem, _ in stems(word)}
    for part in (shipped.nouns, shipped.verbs, shipped.adjectives):
        assert not part.keys() & shipped.known
        assert {near.word for near in part.values()} <= held
    assert "Princeton" in json.loads(WEIGHTS.with_name(THESAURUS_FILE).read_text())["licence"]


@pytest.mark.parametrize(
    ("text", "action", "subject"),
    [
        ("a cormorant circles above us", "fly", "bird"),
        ("put a chestnut tree next to a sycamore", "appear", "tree"),
        ("a mastiff scampers to the girl", "come", "dog"),
        ("a jaguar roadster zooms past", "pass", "car"),
    ],
)
def test_words_that_no_caption_holds_are_read(text: str, action: str, subject: str) -> None:
    event = read(text)
    assert (event.action, event.subject) == (action, subject)


def test_known_sentences_are_read_as_without() -> None:
    """No rare word, no second reading: the same to the bit."""
    plain = PearlTextEncoder(SentenceEncoder.load(), load_heads(WEIGHTS), load_event_heads(WEIGHTS), thesaurus())
    texts = [caption.text for caption in WRITTEN if shipped_thesaurus().told(caption.text) == caption.text][:20]
    assert len(texts) == 20
    for text in texts:
        one, other = encoder().encode_text(text), plain.encode_text(text)
        assert all((one[name] == other[name]).all() for name in one), text


def test_of_two_readings_each_question_is_answered_by_the_surer() -> None:
    one = torch.from_numpy(probabilities_of({"action": "come"}))[None]
    other = torch.from_numpy(probabilities_of({"subject": "dog"}))[None]
    both = event_of(fuller_events(one, other)[0].numpy())
    assert (both.action, both.subject) == ("come", "dog")
    assert all(fuller_events(one, other)[0, part].sum() == 1 for part in QUESTION_RANGES.values())


def test_other_words_make_another_model(tmp_path: Path) -> None:
    """A session that was read with one list is not played again with another."""
    preset = PRESETS["pearl-xs"]()
    folder = tmp_path / preset.name
    shutil.copytree(preset.folder, folder)

    class Moved(Preset):
        @property
        def folder(self) -> Path:
            return folder

    moved = Moved(**{name: getattr(preset, name) for name in preset.__dataclass_fields__})
    before = PearlModel(moved).info.weights_sha256
    assert before == PearlModel(preset).info.weights_sha256
    (folder / THESAURUS_FILE).write_text((folder / THESAURUS_FILE).read_text().replace("osprey", "ospray"))
    assert PearlModel(moved).info.weights_sha256 != before


WORDNET_FILES = {
    "noun": (
        "00000001 05 n 01 bird 0 000 | a\n"
        "00000002 05 n 02 raptor 0 bird_of_prey 0 001 @ 00000001 n 0000 | a\n"
        "00000003 05 n 02 osprey 0 fish_hawk 0 001 @ 00000002 n 0000 | a\n"
        "00000004 05 n 01 Tokyo 0 001 @i 00000001 n 0000 | a\n"
        "00000005 05 n 01 ethnic_slur 0 000 | a\n"
        "00000006 05 n 01 vulture 0 002 @ 00000001 n 0000 ;u 00000005 n 0000 | a\n",
        "bird n 1 0 1 1 00000001\nosprey n 1 1 @ 1 0 00000003\nraptor n 1 1 @ 1 0 00000002\n"
        "tokyo n 1 1 @i 1 0 00000004\nfish_hawk n 1 1 @ 1 0 00000003\nvulture n 1 2 @ ;u 1 0 00000006\n",
    ),
    "verb": (
        "00000011 38 v 01 run 0 000 01 + 02 00 | a\n00000012 38 v 02 skitter 0 scamper 0 001 @ 00000011 v 0000 | a\n",
        "run v 1 0 1 1 00000011\nskitter v 1 1 @ 1 0 00000012\nscamper v 1 1 @ 1 0 00000012\n",
    ),
    "adj": (
        "00000021 00 a 01 blue 0 001 & 00000022 a 0000 | a\n00000022 00 s 01 cerulean 0 001 & 00000021 a 0000 | a\n",
        "blue a 1 1 & 1 1 00000021\ncerulean a 1 1 & 1 0 00000022\n",
    ),
}


def test_a_thesaurus_is_made_of_what_words_are_kinds_of(tmp_path: Path) -> None:
    for name, (data, index) in WORDNET_FILES.items():
        (tmp_path / f"data.{name}").write_text("  1 a licence\n" + data)
        (tmp_path / f"index.{name}").write_text("  1 a licence\n" + index)
    made = make_thesaurus(WordNet.read(tmp_path), TRAINING_EVENTS, TRAINING)
    assert made.nearest("osprey") == "bird"
    assert made.nearest("scampers") == "runs"
    assert made.nearest("cerulean") == "blue"
    assert made.nearest("tokyo") is None  # not a kind of anything, but one of them
    assert made.nearest("bird") is None
    assert made.nearest("vulture") is None  # here marked as a slur
    common = make_thesaurus(WordNet.read(tmp_path), TRAINING_EVENTS, TRAINING, frozenset({"osprey"}))
    assert common.nearest("osprey") is None
    save_thesaurus(made, "a licence", tmp_path / THESAURUS_FILE)
    assert Thesaurus.load(tmp_path / THESAURUS_FILE) == made
