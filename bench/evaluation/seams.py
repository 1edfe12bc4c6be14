"""Do chunks join: picture and sound across their borders, and across a directive."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.evaluation.measure import Measure, at_most, reported
from bench.evaluation.pictures import Picture
from bench.evaluation.player import Player, held
from model.interface import ChunkControls

ALLOWED = 1.2  # a border may differ by 20 % more than what lies inside
NUM_WORLDS = 6
BEFORE_CHUNKS, AFTER_CHUNKS = 25, 25
DIRECTIVES = ("night falls", "it starts to rain", "turn it into a black and white film")


def seam_measures(player: Player) -> list[Measure]:
    sounds, at_directive, after, ordinary = [], [], [], []
    for world in range(NUM_WORLDS):
        start = player.from_text(600 + world, "a street on a clear day")
        walk = held(BEFORE_CHUNKS, forward=1.0, yaw=0.25)
        said = [
            ChunkControls(forward=1.0, yaw=0.25, directives=player.say(DIRECTIVES[world % len(DIRECTIVES)]).directives)
        ]
        played = player.play(start, [*walk, *said, *held(AFTER_CHUNKS, forward=1.0, yaw=0.25)])
        sounds.append(sound_seam(played.samples_TS))
        changes = frame_changes(played.frames_FHWC)
        at_directive.append(changes[BEFORE_CHUNKS - 1])
        after.append(max(changes[BEFORE_CHUNKS - 1 :]))
        ordinary.append(float(np.median(changes[: BEFORE_CHUNKS - 1])))
    usual = max(float(np.mean(ordinary)), 1e-6)
    ratio, largest = float(np.mean(at_directive)) / usual, float(np.mean(after)) / usual
    return [
        at_most("seams: sound across chunk borders against inside", float(np.mean(sounds)), ALLOWED, "x", len(sounds)),
        at_most("seams: picture across a directive against before it", ratio, ALLOWED, "x", len(at_directive)),
        reported("seams: largest change of the picture in the 2 s after a directive", largest, "x", len(after)),
    ]


def frame_changes(frames_FHWC: Sequence[Picture] | NDArray[np.uint8]) -> list[float]:
    """Mean difference of each frame to the one before it, 0 to 255."""
    frames = np.asarray(frames_FHWC, np.float32)
    return np.abs(np.diff(frames, axis=0)).mean((1, 2, 3)).tolist()


def sound_seam(samples_TS: NDArray[np.float32]) -> float:
    """The step from a chunk's last sample to the next one's first, against neighbours inside; 1 is no seam."""
    across = np.abs(samples_TS[1:, 0] - samples_TS[:-1, -1]).mean()
    inside = np.abs(np.diff(samples_TS, axis=1)).mean()
    return float(across / max(inside, 1e-9))
