"""What a place and its weather sound like: tones on the loop, and noises with a spectrum.

Levels are functions of the conditions; swells are functions of the chunk clock alone. So
the sound follows from the conditions and the clock, and only its noise is random.

Letters: X chunks or points, L loop control points, N notes, Q frequency bins, V conditions.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from model.audio.noise import bin_frequencies
from model.audio.oscillators import LOOP_CHUNKS, NUM_NOTES, SEGMENTS
from model.world.conditions import SLOT_RANGES, SLOTS
from model.world.music import add_wrapped, note_index, pluck_envelope

_LOOP_POINTS = LOOP_CHUNKS * SEGMENTS
_TAU = 2 * math.pi


class Weights:
    """Probabilities of a conditions vector [..., V] by name."""

    def __init__(self, conditions_XV: Tensor) -> None:
        self._conditions_XV = conditions_XV

    def __getitem__(self, value: str) -> Tensor:
        for slot, values in SLOTS.items():
            if value in values:
                return self._conditions_XV[..., SLOT_RANGES[slot].start + values.index(value)]
        raise KeyError(value)


Level = Callable[[Weights], Tensor]


def _green(w: Weights) -> Tensor:
    return w["forest"] + 0.6 * w["meadow"] + 0.2 * w["shore"]


def _birds(w: Weights) -> Tensor:
    return _green(w) * (0.7 * w["day"] + w["dawn"] + 0.4 * w["dusk"]) * (w["clear"] + 0.3 * w["fog"])


def _crickets(w: Weights) -> Tensor:
    warm = w["forest"] + w["meadow"] + 0.5 * w["desert"] + 0.3 * w["street"] + 0.3 * w["shore"]
    return warm * (w["night"] + 0.3 * w["dusk"]) * (w["clear"] + 0.3 * w["fog"])


def _drone(w: Weights) -> Tensor:
    return w["fog"]


def _hum(w: Weights) -> Tensor:
    return (w["city"] + 0.4 * w["street"]) * (1 - 0.4 * w["night"]) * (1 - 0.6 * w["snow"])


def _chirps(table_LN: Tensor, start_chunk: int, notes: tuple[int, ...], level: float) -> None:
    """Notes half a chunk apart, each a quick peep."""
    for i, note in enumerate(notes):
        start = start_chunk * SEGMENTS + i * SEGMENTS // 2
        add_wrapped(table_LN, start, note, pluck_envelope(0.02) * level)


@cache
def _bird_table() -> Tensor:
    table_LN = torch.zeros(_LOOP_POINTS, NUM_NOTES)
    calls = ((66, 69, 67), (70, 70, 70, 68), (64, 66, 68, 70), (69, 65), (67, 71, 67, 71))
    for turn, start in enumerate((5, 21, 52, 77, 90, 121, 149, 163, 188, 214, 230, 245)):
        _chirps(table_LN, start, calls[turn % len(calls)], 0.035)
    return table_LN


@cache
def _cricket_table() -> Tensor:
    table_LN = torch.zeros(_LOOP_POINTS, NUM_NOTES)
    for start in range(0, LOOP_CHUNKS, 16):
        for note, level, offset in ((70, 0.014, 0), (68, 0.008, 7)):
            for pulse in range(5):
                point = (start + offset + pulse) * SEGMENTS
                add_wrapped(table_LN, point, note, pluck_envelope(0.025) * level)
    return table_LN


def _held(notes: dict[str, float], period_chunks: int, depth: float) -> Tensor:
    """Notes that swell with a period that divides the loop."""
    turn_L = torch.arange(_LOOP_POINTS) / (SEGMENTS * period_chunks) * _TAU
    table_LN = torch.zeros(_LOOP_POINTS, NUM_NOTES)
    for name, level in notes.items():
        table_LN[:, note_index(name)] = level * (1 - depth + depth * turn_L.cos())
    return table_LN


@cache
def _drone_table() -> Tensor:
    return _held({"A1": 0.07, "E2": 0.045, "A2": 0.02}, period_chunks=64, depth=0.3)


@cache
def _hum_table() -> Tensor:
    return _held({"B1": 0.035, "B2": 0.018, "F#3": 0.008}, period_chunks=128, depth=0.15)


AMBIENT_TONES: tuple[tuple[Callable[[], Tensor], Level], ...] = (
    (_bird_table, _birds),
    (_cricket_table, _crickets),
    (_drone_table, _drone),
    (_hum_table, _hum),
)


class Noise(NamedTuple):
    """A noise between two frequencies with soft edges, swelling on the clock."""

    low_hz: float
    high_hz: float
    tilt_db_per_octave: float
    rms: float
    level: Level
    swell_chunks: int  # period of the swell, 0 for none
    swell_depth: float


def _wind(w: Weights) -> Tensor:
    return w["desert"] + 0.35 * w["meadow"] + 0.3 * w["shore"] + 0.15 * w["forest"] + 0.4 * w["snow"]


def _leaves(w: Weights) -> Tensor:
    return (w["forest"] + 0.4 * w["meadow"]) * (1 - 0.7 * w["snow"])


def _traffic(w: Weights) -> Tensor:
    return (w["city"] + 0.45 * w["street"]) * (1 - 0.5 * w["night"]) * (1 - 0.6 * w["snow"])


AMBIENT_NOISES: dict[str, Noise] = {
    "rain": Noise(1800, 7000, -1.5, 0.055, lambda w: w["rain"], 0, 0.0),
    "patter": Noise(500, 1800, -3.0, 0.016, lambda w: w["rain"], 0, 0.0),
    "snow": Noise(200, 900, -6.0, 0.010, lambda w: w["snow"], 128, 0.4),
    "fog": Noise(60, 250, -6.0, 0.014, lambda w: w["fog"], 64, 0.5),
    "wind": Noise(250, 1000, -4.0, 0.035, _wind, 128, 0.7),
    "leaves": Noise(1200, 4500, -2.0, 0.009, _leaves, 64, 0.5),
    "waves": Noise(200, 4000, -4.0, 0.055, lambda w: w["shore"], 64, 0.9),
    "traffic": Noise(70, 500, -6.0, 0.035, _traffic, 128, 0.4),
    "hiss": Noise(3000, 6000, 0.0, 0.003, lambda w: w["vintage"], 0, 0.0),
}


def band_spectrum(low_hz: float, high_hz: float, tilt_db_per_octave: float, rms: float) -> Tensor:
    """Gains of a band with edges that fall over a third of an octave, for the wanted rms."""
    hz_Q = bin_frequencies().clamp(min=20.0)
    octave_Q = hz_Q.log2()
    inside = torch.sigmoid((octave_Q - math.log2(low_hz)) * 8) * torch.sigmoid((math.log2(high_hz) - octave_Q) * 8)
    gain_Q = inside * 10 ** (tilt_db_per_octave / 20 * (octave_Q - math.log2(low_hz)))
    gain_Q[0] = 0.0
    return gain_Q * (rms / gain_Q.square().mean().sqrt())


def swell(time_chunks: Tensor, period_chunks: int, depth: float) -> Tensor:
    """A slow rise and quicker fall between 1 - depth and 1."""
    if period_chunks == 0:
        return torch.ones_like(time_chunks)
    turn = (time_chunks % period_chunks) / period_chunks * _TAU
    return 1 - depth * (0.5 + 0.5 * (turn + 0.5 * turn.sin()).cos())


@cache
def noise_spectra() -> Tensor:
    """Power spectra of the ambient noises, in the order of `AMBIENT_NOISES`."""
    rows = [band_spectrum(n.low_hz, n.high_hz, n.tilt_db_per_octave, n.rms) for n in AMBIENT_NOISES.values()]
    return torch.stack(rows).square()


def noise_gains(conditions_XV: Tensor, time_chunks_X: Tensor) -> Tensor:
    """Gains [X, Q] of the whole ambience at times on the world clock; powers add."""
    weights = Weights(conditions_XV)
    levels = [n.level(weights) * swell(time_chunks_X, n.swell_chunks, n.swell_depth) for n in AMBIENT_NOISES.values()]
    return (torch.stack(levels, dim=-1).square() @ noise_spectra()).sqrt()
