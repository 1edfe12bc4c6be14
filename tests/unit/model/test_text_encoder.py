"""Text into conditions: the sentence encoder is the published one, and the heads read slots."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch

import model
from model.text.encoder import PearlTextEncoder, load_event_heads, load_heads, save_heads
from model.text.heads import SlotHeads, SlotHeadsConfig, SlotReading, fuller, probabilities
from model.text.sentence import STATE_WIDTH, WIDTH, SentenceEncoder, model_folder
from model.training.text_encoder import evaluation_sets, measure, read
from model.training.text_sentences import WRITTEN
from model.training.thesaurus import shipped_thesaurus
from model.world.captions import Caption, compose_ending
from model.world.conditions import SLOT_NAMES, SLOT_RANGES, SLOTS
from model.world.phrases import EVERYTHING

WEIGHTS = Path(model.__file__).parent / "weights" / "pearl-xs" / "text_encoder.safetensors"


@pytest.fixture(scope="module")
def sentences() -> SentenceEncoder:
    return SentenceEncoder.load()


@pytest.fixture(scope="module")
def encoder(sentences: SentenceEncoder) -> PearlTextEncoder:
    return PearlTextEncoder(sentences, load_heads(WEIGHTS), load_event_heads(WEIGHTS), shipped_thesaurus())


def _read(encoder: PearlTextEncoder, text: str) -> dict[str, str]:
    update = encoder.encode_text(text)
    return {
        name: SLOTS[name][int(update["values"][part].argmax())]
        for gate, (name, part) in zip(update["gates"], SLOT_RANGES.items(), strict=True)
        if gate > 0.5
    }


@pytest.mark.filterwarnings("default")
def test_states_are_those_of_an_independent_implementation(sentences: SentenceEncoder) -> None:
    transformers = pytest.importorskip("transformers")
    reference = transformers.BertModel.from_pretrained(str(model_folder()), local_files_only=True).eval()
    texts = ["a quiet street at dusk", "it starts to rain, and then the fog rolls in over the hills"]
    encoded = sentences.encode(texts)
    for row, text in enumerate(texts):
        count = int(encoded.is_token_BP[row].sum())
        ids = reference.embeddings.word_embeddings.weight.new_tensor(sentences.token_ids(text)).long()[None]
        with torch.no_grad():
            wanted = reference(ids).last_hidden_state[0]
        assert count == wanted.shape[0]
        assert torch.allclose(encoded.states_BPD[row, :count, WIDTH:], wanted, atol=1e-4)


def test_padding_does_not_change_a_sentence(sentences: SentenceEncoder) -> None:
    alone = sentences.encode(["night falls"])
    padded = sentences.encode(["night falls", "a much longer sentence that needs many more tokens than two words"])
    count = alone.states_BPD.shape[1]
    assert torch.allclose(alone.states_BPD[0], padded.states_BPD[0, :count], atol=1e-4)
    assert padded.is_token_BP[0].sum() == count


def test_a_long_text_is_cut(sentences: SentenceEncoder) -> None:
    assert sentences.encode(["rain " * 2000]).states_BPD.shape == (1, 256, STATE_WIDTH)


@pytest.mark.parametrize(
    ("text", "choices"),
    [
        ("a quiet street at dusk", {"place": "street", "lighting": "dusk", "mood": "calm"}),
        ("it starts to rain", {"weather": "rain"}),
        ("make it sunny", {"lighting": "day", "weather": "clear"}),
        ("a starry night", {"lighting": "night"}),
        ("the snow melts", {"weather": "clear"}),
        ("back to the normal style", {"style": "paper"}),
        ("turn the neon off", {"style": "paper"}),
        ("that's enough rain", {"weather": "clear"}),
        ("the sun is gone", {"lighting": "dusk"}),
        ("a real dog runs past", {}),
        ("nothing special happens", {}),
        ("night falls", {"lighting": "night"}),
        ("make it look like a watercolour", {"style": "watercolour"}),
        ("the music turns sad", {"mood": "melancholy"}),
        ("the rain stops", {"weather": "clear"}),
        ("a kitten runs to the girl", {}),
    ],
)
def test_plain_sentences_are_read(encoder: PearlTextEncoder, text: str, choices: dict[str, str]) -> None:
    assert _read(encoder, text) == choices


def test_sentences_written_by_hand_are_read(sentences: SentenceEncoder) -> None:
    texts = [caption.text for caption in WRITTEN]
    figures = measure(read(load_heads(WEIGHTS), sentences, texts, shipped_thesaurus()), WRITTEN)
    assert figures["right"] >= 0.9
    assert figures["false_gates"] <= 0.05


def test_what_it_was_trained_on_is_read(sentences: SentenceEncoder) -> None:
    """Sentences that are in the lists as they are, among them those that ask for nothing."""
    captions = [
        Caption(text=text, choices={slot: value})
        for slot, values in EVERYTHING.ways.items()
        for value, said in values.items()
        for text in said.sentences
    ]
    captions += [Caption(text=text, choices={}) for text in EVERYTHING.events]
    figures = measure(
        read(load_heads(WEIGHTS), sentences, [each.text for each in captions], shipped_thesaurus()), captions
    )
    assert figures["right"] >= 0.97
    assert figures["false_gates"] <= 0.01


def test_what_ends_is_over(sentences: SentenceEncoder) -> None:
    rng = random.Random(8)
    captions = [compose_ending(rng, EVERYTHING) for _ in range(150)]
    figures = measure(
        read(load_heads(WEIGHTS), sentences, [each.text for each in captions], shipped_thesaurus()), captions
    )
    assert figures["right"] >= 0.95
    assert figures["false_gates"] <= 0.02


def test_an_update_has_the_shapes_and_ranges_promised(encoder: PearlTextEncoder) -> None:
    for text in ("", "!?", "雨が降る", "a city of glass"):
        update = encoder.encode_text(text)
        assert update["gates"].shape == (len(SLOT_NAMES),)
        assert update["gates"].dtype == update["values"].dtype == np.float32
        assert ((update["gates"] >= 0) & (update["gates"] <= 1)).all()
        for part in SLOT_RANGES.values():
            assert update["values"][part].sum() == pytest.approx(1, abs=1e-5)


def test_encoding_is_a_function_of_the_text(encoder: PearlTextEncoder) -> None:
    first, again = (encoder.encode_text("snow on the beach") for _ in range(2))
    assert all(np.array_equal(first[name], again[name]) for name in first)


def test_heads_survive_a_round_trip(tmp_path: Path) -> None:
    heads = SlotHeads(SlotHeadsConfig(width=8, queries=2, hidden=4)).eval()
    save_heads(heads, tmp_path / "heads.safetensors")
    again = load_heads(tmp_path / "heads.safetensors")
    states, is_token = torch.randn(3, 5, 8), torch.ones(3, 5, dtype=torch.bool)
    for mine, theirs in zip(
        probabilities(heads(states, is_token)), probabilities(again(states, is_token)), strict=True
    ):
        assert torch.equal(mine, theirs)


def test_of_two_readings_each_slot_is_read_as_the_one_that_opens_it() -> None:
    num_values = sum(part.stop - part.start for part in SLOT_RANGES.values())
    one = SlotReading(torch.tensor([[0.9, 0.1, 0.1, 0.1, 0.1]]), torch.zeros(1, num_values))
    other = SlotReading(torch.tensor([[0.2, 0.8, 0.1, 0.1, 0.1]]), torch.ones(1, num_values))
    both = fuller(one, other)
    assert torch.equal(both.gates_BG, torch.tensor([[0.9, 0.8, 0.1, 0.1, 0.1]]))
    of_other = {name for name, part in SLOT_RANGES.items() if bool(both.values_BV[0, part].all())}
    assert of_other == {list(SLOT_RANGES)[1]}


def test_held_out_captions_are_evaluated_apart_from_training_words() -> None:
    sets = evaluation_sets()
    assert not {c.text for c in sets["held_out_words"] if c.choices} & {c.text for c in sets["training_words"]}
