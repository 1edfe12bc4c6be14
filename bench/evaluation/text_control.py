"""Does the picture show what was said: sentences written by hand, judged two seconds later."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bench.evaluation.measure import Measure, at_least
from bench.evaluation.player import Player, held
from model.interface import ChunkControls
from model.training.text_sentences import WRITTEN
from model.world.captions import Caption
from model.world.conditions import SLOTS

SEEN_SLOTS = ("style", "lighting", "weather")
LATER_S = 2.0
SHARE = 0.9
PROMPT = "a street on a clear day"
NUM_JUDGED_FRAMES = 4


class Judge(Protocol):
    """Reads conditions off frames, trained on the true world."""

    def read(self, frames_FHWC: NDArray[np.uint8]) -> Mapping[str, NDArray[np.float32]]:
        """By slot, the probability of each of its values."""
        ...


def cases(captions: Sequence[Caption] = WRITTEN) -> list[tuple[Caption, dict[str, str]]]:
    """Sentences that speak of what a picture shows, with what it is to show."""
    wanted = [(each, {slot: each.choices[slot] for slot in SEEN_SLOTS if slot in each.choices}) for each in captions]
    return [(caption, choices) for caption, choices in wanted if choices]


def text_measures(player: Player, judge: Judge, num_seeds: int = 2) -> list[Measure]:
    right: dict[str, list[bool]] = defaultdict(list)
    for caption, choices in cases():
        for seed in range(num_seeds):
            script = [ChunkControls(), player.say(caption.text), *held(player.chunks(LATER_S) - 1)]
            frames = player.play(player.from_text(50 + seed, PROMPT), script).frames_FHWC
            for slot, is_right in verdicts(judge, frames[-NUM_JUDGED_FRAMES:], choices).items():
                right[slot].append(is_right)
                right[f"{slot}: {choices[slot]}"].append(is_right)
    return [
        at_least(
            f"text: {slot} shows 2 s after a sentence",
            float(np.mean(right[slot])),
            SHARE,
            "of trials",
            len(right[slot]),
            **{name.split(": ")[1]: float(np.mean(values)) for name, values in right.items() if f"{slot}: " in name},
        )
        for slot in SEEN_SLOTS
    ]


def verdicts(judge: Judge, frames_FHWC: NDArray[np.uint8], choices: Mapping[str, str]) -> dict[str, bool]:
    read = judge.read(frames_FHWC)
    return {slot: SLOTS[slot][int(np.argmax(read[slot]))] == value for slot, value in choices.items()}
