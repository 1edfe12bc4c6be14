"""Trains and measures the heads that read events: `python -m model.training.text_events [--evaluate]`.

Beside the slot heads over the same frozen sentence encoder, and kept in the same file. What ships
knows the words held out as well, and is measured with new ones (`text_new_words`); `--evaluate`
also trains heads of the training vocabulary alone, to measure the words held out.
"""

# ruff: noqa: T201 (a command line prints)

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from model.text.encoder import load_event_heads, load_heads, save_heads
from model.text.event_heads import EventHeads, EventHeadsConfig, event_probabilities, fuller_events
from model.text.events import QUESTION_RANGES, Event, event_of, probabilities_of
from model.text.sentence import STATE_WIDTH, EncodedSentences, SentenceEncoder
from model.text.thesaurus import Thesaurus
from model.training.text_encoder import WEIGHTS, EncodedTexts
from model.training.text_event_sentences import WRITTEN_COLOURS, WRITTEN_EVENTS, WRITTEN_KNOWN, WRITTEN_NUMBERS
from model.training.text_new_words import NEW_EVENTS
from model.training.thesaurus import WORDNET, shipped_thesaurus, training_thesaurus
from model.world.actors_captions import EventCaption, random_event_caption
from model.world.actors_phrases import EVERY_EVENT, HELD_OUT_EVENTS, TRAINING_EVENTS, EventWords
from model.world.phrases import EVERYTHING, HELD_OUT, TRAINING, Vocabulary

PEARL_XS = EventHeadsConfig(width=STATE_WIDTH, queries=4, hidden=64)
_EVALUATION_SEED = 6_000_011
_REPORT_EVERY = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTraining:
    seed: int = 1
    captions: int = 40_000
    steps: int = 6500
    batch: int = 128
    learning_rate: float = 1.5e-3
    weight_decay: float = 0.05
    state_noise: float = 0.15  # on token states: stands in for the words training never shows
    label_smoothing: float = 0.02


def training_captions(training: EventTraining, words: EventWords, slots: Vocabulary) -> list[EventCaption]:
    rng = random.Random(training.seed)
    drawn = (random_event_caption(rng, words, slots) for _ in range(training.captions))
    return list({caption.text: caption for caption in drawn}.values())


def event_loss(logits_BY: Tensor, wanted_BY: Tensor, smoothing: float) -> Tensor:
    """Cross-entropy of every question."""
    terms = [
        functional.cross_entropy(logits_BY[:, part], wanted_BY[:, part].argmax(-1), label_smoothing=smoothing)
        for part in QUESTION_RANGES.values()
    ]
    return torch.stack(terms).sum()


def targets(captions: Sequence[EventCaption]) -> Tensor:
    return torch.from_numpy(np.stack([probabilities_of(caption.answers) for caption in captions]))


def train(
    training: EventTraining,
    encoder: SentenceEncoder,
    words: EventWords,
    slots: Vocabulary,
    start: EventHeads | None = None,
) -> EventHeads:
    torch.manual_seed(training.seed)
    captions = training_captions(training, words, slots)
    encoded, wanted_BY = EncodedTexts([caption.text for caption in captions], encoder), targets(captions)
    print(f"{len(captions)} captions encoded", flush=True)
    heads = (start or EventHeads(PEARL_XS)).train()
    optimiser = torch.optim.AdamW(heads.parameters(), lr=training.learning_rate, weight_decay=training.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, training.learning_rate, total_steps=training.steps)
    rng, started_s = random.Random(training.seed), time.monotonic()
    for step in range(training.steps):
        rows = rng.choices(range(len(captions)), k=training.batch)
        states, is_token = encoded.batch(rows)
        noisy = states + training.state_noise * torch.randn_like(states)
        loss = event_loss(heads(noisy, is_token), wanted_BY[rows], training.label_smoothing)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % _REPORT_EVERY == 0 or step == training.steps - 1:
            print(f"step {step:5d}  loss {loss.item():.4f}  {time.monotonic() - started_s:.0f} s", flush=True)
    return heads.eval()


def evaluation_sets() -> dict[str, list[EventCaption]]:
    rng = random.Random(_EVALUATION_SEED)
    return {
        "training_words": [random_event_caption(rng) for _ in range(600)],
        "held_out_words": [random_event_caption(rng, HELD_OUT_EVENTS, HELD_OUT) for _ in range(900)],
        "new_words": [random_event_caption(rng, NEW_EVENTS, EVERYTHING) for _ in range(900)],
        "written_by_hand": list(WRITTEN_EVENTS),
        "colours_of_others": list(WRITTEN_COLOURS),
        "numbers": list(WRITTEN_NUMBERS),
        "known": list(WRITTEN_KNOWN),
    }


def read(
    heads: EventHeads, encoder: SentenceEncoder, texts: Sequence[str], thesaurus: Thesaurus | None = None
) -> list[Event]:
    """As what ships reads them; without a thesaurus, as the heads alone do."""
    reading_BY = _reading(heads, encoder, texts)
    if thesaurus is not None:
        told = [thesaurus.told(text) for text in texts]
        reading_BY = fuller_events(reading_BY, _reading(heads, encoder, told))
    return [event_of(row) for row in reading_BY.numpy()]


@torch.no_grad()
def _reading(heads: EventHeads, encoder: SentenceEncoder, texts: Sequence[str]) -> Tensor:
    states: EncodedSentences = EncodedTexts(texts, encoder).batch(list(range(len(texts))))
    return event_probabilities(heads(*states))


def measure(events: Sequence[Event], captions: Sequence[EventCaption]) -> dict[str, float]:
    """Shares: of events asked for, that are opened, with the right deed and doer; of everything else
    said, that is read right; of sentences that ask for nobody, that open an event all the same."""
    asked = [
        (event, caption.answers) for event, caption in zip(events, captions, strict=True) if "action" in caption.answers
    ]
    others = [event for event, caption in zip(events, captions, strict=True) if "action" not in caption.answers]
    figures = {
        "deed_and_doer": _share([e.action == a["action"] and e.subject == a["subject"] for e, a in asked]),
        "doer": _share([e.subject == a["subject"] for e, a in asked]),
        "false_events": _share([e.action is not None for e in others]),
    }
    for name in list(QUESTION_RANGES)[2:]:
        said = [(e, c.answers[name]) for e, c in zip(events, captions, strict=True) if name in c.answers]
        figures[name] = _share([getattr(event, name) == answer for event, answer in said])
        unsaid = [e for e, c in zip(events, captions, strict=True) if name not in c.answers]
        figures[f"{name}_unsaid"] = _share([getattr(event, name) is not None for event in unsaid])
    return {name: round(value, 3) for name, value in figures.items()}


def _share(hits: Sequence[bool]) -> float:
    return sum(hits) / max(1, len(hits))


def evaluate(heads: EventHeads, encoder: SentenceEncoder, thesaurus: Thesaurus | None) -> dict[str, dict[str, float]]:
    return {
        name: measure(read(heads, encoder, [caption.text for caption in captions], thesaurus), captions)
        for name, captions in evaluation_sets().items()
    }


def misread(heads: EventHeads, encoder: SentenceEncoder, thesaurus: Thesaurus) -> list[str]:
    """The sentences written by hand that are read wrong, and how."""
    written = (*WRITTEN_EVENTS, *WRITTEN_COLOURS, *WRITTEN_NUMBERS, *WRITTEN_KNOWN)
    events = read(heads, encoder, [caption.text for caption in written], thesaurus)
    wrong = [(e, c) for e, c in zip(events, written, strict=True) if e != Event(**c.answers)]
    return [f"{c.text!r}: wanted {dict(c.answers)}, read {_said(e)}" for e, c in wrong]


def _said(event: Event) -> dict[str, str]:
    answers = {name: getattr(event, name) for name in QUESTION_RANGES}
    return {name: answer for name, answer in answers.items() if answer is not None}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, default=WEIGHTS)
    parser.add_argument("--evaluate", action="store_true", help="measure what is stored, and words never seen")
    parser.add_argument("--more", type=int, default=0, help="go on from the stored heads for so many gentle steps")
    parser.add_argument("--wordnet", type=Path, default=WORDNET, help="its folder; for words never seen")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    training, encoder = EventTraining(seed=arguments.seed), SentenceEncoder.load()
    if not arguments.evaluate:
        start = load_event_heads(arguments.output) if arguments.more else None
        if arguments.more:
            gentle = {"seed": arguments.seed + 1, "steps": arguments.more, "captions": 24_000, "learning_rate": 8e-4}
            training = replace(training, **gentle)
        heads = train(training, encoder, EVERY_EVENT, EVERYTHING, start)
        save_heads(load_heads(arguments.output), arguments.output, heads)
    heads = load_event_heads(arguments.output)
    thesaurus = shipped_thesaurus()
    print(json.dumps(evaluate(heads, encoder, thesaurus), indent=1), *misread(heads, encoder, thesaurus), sep="\n")
    if arguments.evaluate:
        _report("the same without the thesaurus", evaluate(heads, encoder, None))
        unaware, telling = (
            train(training, encoder, TRAINING_EVENTS, TRAINING),
            training_thesaurus(arguments.wordnet, encoder),
        )
        _report("heads of the training vocabulary, without a thesaurus", evaluate(unaware, encoder, None))
        if telling is not None:
            _report("heads and a thesaurus of the training vocabulary", evaluate(unaware, encoder, telling))


def _report(name: str, figures: dict[str, dict[str, float]]) -> None:
    print(f"{name}:\n{json.dumps(figures, indent=1)}", flush=True)


if __name__ == "__main__":
    main()
