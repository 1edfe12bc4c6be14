"""The score of the training world: four moods over one chord loop, locked to the chunk clock.

A beat is 8 chunks (0.64 s), a bar 4 beats, the loop 8 bars = 256 chunks. All moods draw on the
white keys' scale (the tense one bends it), so that a change of mood fades without clashing.
Everything is written as amplitudes of the semitone oscillators at control points.

Letters: L loop control points, N notes.
"""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from model.audio.oscillators import LOOP_CHUNKS, NUM_NOTES, SEGMENTS

BEAT_CHUNKS = 8
BEATS_PER_BAR = 4
BAR_CHUNKS = BEAT_CHUNKS * BEATS_PER_BAR
NUM_BARS = LOOP_CHUNKS // BAR_CHUNKS

_LOOP_POINTS = LOOP_CHUNKS * SEGMENTS
_BAR_POINTS = BAR_CHUNKS * SEGMENTS
_SLOTS_PER_BAR = 8  # melodies are written in eighth notes
_POINT_S = 0.005
_PITCHES = {"C": -9, "D": -7, "E": -5, "F": -4, "G": -2, "A": 0, "B": 2}
_PAD_ATTACK_S, _PAD_RELEASE_S = 0.7, 1.1  # slow enough that chords melt into each other


class Score(NamedTuple):
    """One line per bar. Pads hold the bar; plucks stand in eighths, `.` is a rest."""

    pads: tuple[str, ...]
    plucks: tuple[str, ...]
    pad_level: float
    pluck_level: float
    ring_s: float  # how long a plucked A4 rings


SCORES: dict[str, Score] = {
    "calm": Score(
        pads=("C3 G3 E4", "A2 G3 E4", "F2 A3 C4", "G2 G3 D4", "C3 G3 B3", "E3 G3 B3", "F2 A3 C4", "G2 B3 D4"),
        plucks=(
            "G4 . . . E5 . . .", "C5 . . . E5 . D5 .", "A4 . . . C5 . . .", "B4 . . . D5 . . .",
            "E5 . . . G4 . . .", "B4 . . . G5 . E5 .", "C5 . . . A4 . . .", "D5 . . . B4 . . .",
        ),
        pad_level=0.032, pluck_level=0.065, ring_s=0.9,
    ),
    "joyful": Score(
        pads=("C3 E4", "G2 D4", "A2 E4", "F2 C4", "C3 G4", "G2 D4", "F2 A3", "G2 B3"),
        plucks=(
            "C5 E5 G5 E5 C5 E5 G5 A5", "B4 D5 G5 D5 B4 D5 G5 B5", "C5 E5 A5 E5 C5 E5 A5 G5", "C5 F5 A5 F5 C5 F5 G5 F5",
            "E5 . G5 C6 . G5 E5 G5", "D5 . G5 B5 . G5 D5 G5", "C5 . F5 A5 . F5 C5 F5", "D5 E5 G5 . B5 . A5 G5",
        ),
        pad_level=0.022, pluck_level=0.075, ring_s=0.35,
    ),
    "melancholy": Score(
        pads=("A2 E3 C4", "F2 C3 A3", "C3 E3 G3", "E2 B2 G3", "A2 E3 C4", "D3 F3 A3", "E2 B2 G3", "A2 C3 E3"),
        plucks=(
            "E4 . . . . . C4 .", ". . A3 . . . . .", "G4 . . . . . E4 .", ". . B3 . . . . .",
            "C5 . . . . . B4 .", "A4 . . . F4 . . .", "G4 . . . E4 . . .", "A3 . . . . . . .",
        ),
        pad_level=0.03, pluck_level=0.055, ring_s=1.3,
    ),
    "tense": Score(
        pads=("E2 B2", "E2 A#2", "F2 B2", "E2 A#2 E3", "E2 B2", "F2 B2 D#4", "D2 G#2 F3", "E2 A#2 C#4"),
        plucks=(
            "E2 . E2 . E2 . E2 F2", "E2 . E2 . E2 . E2 .", "F2 . F2 . F2 . F2 .", "E2 . E2 . E2 E5 F5 .",
            "E2 . E2 . E2 . E2 F2", "F2 . F2 . F2 . D#5 .", "D2 . D2 . D2 . D2 .", "E2 . E2 A#4 E2 . F2 E2",
        ),
        pad_level=0.024, pluck_level=0.05, ring_s=0.3,
    ),
}  # fmt: skip


def note_index(name: str) -> int:
    """The oscillator of a note such as "A#3"; A1 is 0."""
    semitone = _PITCHES[name[0]] + ("#" in name) + 12 * (int(name[-1]) - 1)
    if not 0 <= semitone < NUM_NOTES:
        raise ValueError(f"note must lie between A1 and A7, not {name!r}")
    return semitone


def add_wrapped(table_LN: Tensor, start: int, note: int, envelope: Tensor) -> None:
    """Adds an envelope to a note of the loop, running on from the loop's end into its start."""
    points = (start + torch.arange(len(envelope))) % len(table_LN)
    table_LN[:, note].index_add_(0, points, envelope)


def pluck_envelope(ring_s: float) -> Tensor:
    """One point of attack, then a decay that falls to 1/e in `ring_s`, ending at zero."""
    time_s = torch.arange(int(4 * ring_s / _POINT_S)) * _POINT_S
    envelope = (-time_s / ring_s).exp() - math.exp(-4)
    return torch.cat([torch.zeros(1), envelope / envelope[0]])


def _pad_envelope() -> Tensor:
    attack, release = int(_PAD_ATTACK_S / _POINT_S), int(_PAD_RELEASE_S / _POINT_S)
    rise = 0.5 - 0.5 * (torch.arange(attack) / attack * math.pi).cos()
    fall = 0.5 + 0.5 * (torch.arange(release) / release * math.pi).cos()
    return torch.cat([rise, torch.ones(_BAR_POINTS - attack), fall])


def _loudness(note: int) -> float:
    """Low notes need more amplitude to sound as loud as high ones."""
    return 2.0 ** ((36 - note) / 36)


@cache
def pad_table(mood: str) -> Tensor:
    table_LN = torch.zeros(_LOOP_POINTS, NUM_NOTES)
    for bar, chord in enumerate(SCORES[mood].pads):
        for name in chord.split():
            note = note_index(name)
            add_wrapped(table_LN, bar * _BAR_POINTS, note, _pad_envelope() * _loudness(note) * SCORES[mood].pad_level)
    return table_LN


@cache
def pluck_table(mood: str) -> Tensor:
    score = SCORES[mood]
    table_LN = torch.zeros(_LOOP_POINTS, NUM_NOTES)
    for bar, line in enumerate(score.plucks):
        for slot, name in enumerate(line.split()):
            if name == ".":
                continue
            note = note_index(name)
            envelope = pluck_envelope(score.ring_s * 2.0 ** ((36 - note) / 24))
            start = bar * _BAR_POINTS + slot * _BAR_POINTS // _SLOTS_PER_BAR
            add_wrapped(table_LN, start, note, envelope * _loudness(note) * score.pluck_level)
    return table_LN


class Timbre(NamedTuple):
    """How a style tints the music."""

    harmonics: tuple[float, ...]  # amplitudes of harmonics 1 to 6
    pad: float
    pluck: float
    tremolo: float  # depth of the swell on every beat


TIMBRES: dict[str, Timbre] = {
    "paper": Timbre((1.0, 0.30, 0.12, 0.05, 0.0, 0.0), 0.9, 1.0, 0.0),
    "watercolour": Timbre((1.0, 0.12, 0.02, 0.0, 0.0, 0.0), 1.4, 0.6, 0.0),
    "noir": Timbre((1.0, 0.05, 0.0, 0.35, 0.0, 0.0), 1.2, 0.8, 0.25),
    "neon": Timbre((1.0, 0.55, 0.40, 0.30, 0.24, 0.20), 0.9, 0.8, 0.6),
    "swirl": Timbre((1.0, 0.0, 0.40, 0.0, 0.20, 0.0), 1.1, 0.8, 0.45),
    "vintage": Timbre((0.8, 0.35, 0.50, 0.0, 0.15, 0.25), 0.3, 1.2, 0.0),
}
HARMONIC_SEMITONES = (0, 12, 19, 24, 28, 31)
