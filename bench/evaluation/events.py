"""Is who was asked for there two seconds later, and nobody who was not: sentences written by hand, reported by
a witness that learned on true figures in the true world."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bench.evaluation.measure import Measure, at_least, at_most
from bench.evaluation.player import Player, held
from model.actors.looks import KINDS
from model.interface import ChunkControls
from model.training.text_event_sentences import WRITTEN_EVENTS, WRITTEN_NUMBERS
from model.world.actors_captions import EventCaption

SENTENCES = (*WRITTEN_EVENTS, *WRITTEN_NUMBERS)
COMING = ("appear", "come", "pass", "fly")  # after these, one is to be seen who was not there before
LATER_S = 2.0
THERE_SHARE, UNASKED_SHARE = 0.8, 0.05
PROMPTS = ("a meadow on a clear day", "a street on a clear day")
SETTLED_CHUNKS = 3
NUM_WITNESSED_FRAMES = 4
EVENTS = "events"  # of an encoded sentence: who is to do what
VISIBLE = 12  # of 255, in any colour


class Witness(Protocol):
    def reports(self, before_FHWC: NDArray[np.uint8], after_FHWC: NDArray[np.uint8]) -> set[str]:
        """The kinds of actors that have come into view between one picture and another."""
        ...


def askings(captions: Sequence[EventCaption] = SENTENCES) -> list[EventCaption]:
    """Sentences after which somebody is to be seen who was not there."""
    return [each for each in captions if each.answers.get("action") in COMING and each.answers["subject"] in KINDS]


def others(captions: Sequence[EventCaption] = SENTENCES) -> list[EventCaption]:
    """Sentences that ask for nobody, and leave the camera where it is."""
    return [each for each in captions if not each.answers]


def event_measures(player: Player, witness: Witness) -> list[Measure]:
    there: dict[str, list[bool]] = defaultdict(list)
    for idx, caption in enumerate(askings()):
        for world, prompt in enumerate(PROMPTS):
            kinds = _reported(player, witness, 800 + 2 * idx + world, prompt, caption.text)
            there[caption.answers["subject"]].append(caption.answers["subject"] in kinds)
    unasked = [
        _without_being_asked(player, witness, 1000 + 2 * idx + world, prompt, caption.text)
        for idx, caption in enumerate(others())
        for world, prompt in enumerate(PROMPTS)
    ]
    return summarise(there, unasked)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unasked:
    """After a sentence that asks for nobody."""

    is_anybody_there: bool = False
    is_reported: bool = False  # by the witness, who takes a new light or weather for somebody now and then


def summarise(there: Mapping[str, Sequence[bool]], unasked: Sequence[Unasked]) -> list[Measure]:
    """`there`: by kind, whether it was there in each trial that asked for it; `unasked`: the trials that asked for
    nobody."""
    asked = [is_there for trials in there.values() for is_there in trials]
    parts = {kind: float(np.mean(trials)) for kind, trials in there.items()}
    share = float(np.mean(asked))
    return [
        at_least("events: there 2 s after a sentence", share, THERE_SHARE, "of trials", len(asked), **parts),
        at_most(
            "events: anybody there unasked",
            float(np.mean([trial.is_anybody_there for trial in unasked])),
            UNASKED_SHARE,
            "of trials",
            len(unasked),
            **{"reported by the witness": float(np.mean([trial.is_reported for trial in unasked]))},
        ),
    ]


def _without_being_asked(player: Player, witness: Witness, seed: int, prompt: str, text: str) -> Unasked:
    """Against the same seconds with an empty stage, where the sentence changes light, weather and style alone: all
    that differs is somebody."""
    said = player.say(text)
    uneventful = tuple({name: each[name] for name in each if name != EVENTS} for each in said.directives)
    played = _play(player, seed, prompt, said)
    return Unasked(
        is_anybody_there=differs(played, _play(player, seed, prompt, ChunkControls(directives=uneventful))),
        is_reported=bool(_newcomers(witness, played)),
    )


def differs(played_FHWC: NDArray[np.uint8], empty_FHWC: NDArray[np.uint8]) -> bool:
    """Whether there is a spot to be seen in the last picture of one that is not in the other's."""
    return bool((np.abs(played_FHWC[-1].astype(int) - empty_FHWC[-1]) > VISIBLE).any())


def _reported(player: Player, witness: Witness, seed: int, prompt: str, text: str) -> set[str]:
    return _newcomers(witness, _play(player, seed, prompt, player.say(text)))


def _newcomers(witness: Witness, frames_FHWC: NDArray[np.uint8]) -> set[str]:
    return witness.reports(frames_FHWC[:SETTLED_CHUNKS], frames_FHWC[-NUM_WITNESSED_FRAMES:])


def _play(player: Player, seed: int, prompt: str, said: ChunkControls) -> NDArray[np.uint8]:
    script = [*[ChunkControls()] * SETTLED_CHUNKS, said, *held(player.chunks(LATER_S) - 1)]
    return player.play(player.from_text(seed, prompt), script).frames_FHWC
