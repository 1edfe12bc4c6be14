"""Does sound follow the world: steps by walking and in time with it, rain by the weather."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bench.evaluation.measure import Measure, at_least, at_most
from bench.evaluation.player import Played, Player, held
from model.control import STRIDE_M
from model.interface import CameraPose, ChunkControls

SECONDS = 6.0
STEP_HZ, RAIN_HZ = (60.0, 100.0), (2_000.0, 7_000.0)
GAIN_DB, SKEW_S = 6.0, 0.040
PROMPTS = ("a quiet street on a clear day", "a green meadow on a clear day", "a city on a clear day")
NUM_SEEDS = 2
EVENT_SECONDS, EVENT_WINDOW_S, EVENT_GAIN_DB = 4.0, 0.48, 6.0
# Where each is heard above the music.
EVENTS_HZ = {
    "a dog barks": (400.0, 2_500.0),
    "a kitten runs up to us": (600.0, 2_500.0),
    "a car drives past": (60.0, 1_500.0),
    "put a fountain here": (1_000.0, 6_000.0),
    "a bird flies by": (2_000.0, 3_500.0),
}
ONSET_WINDOW_S = 0.010
ONSET_REACH_S = 0.12  # a step is looked for this near to where it should sound


def sound_measures(player: Player) -> list[Measure]:
    walks, steps, rains, skews = [], [], [], []
    for seed in range(NUM_SEEDS):
        for prompt in PROMPTS:
            start = player.from_text(30 + seed, prompt)
            standing = player.play(start, held(player.chunks(SECONDS)))
            walking = player.play(start, held(player.chunks(SECONDS), forward=1.0))
            raining = player.play(
                player.from_text(30 + seed, prompt.replace("clear", "rainy")), held(player.chunks(SECONDS))
            )
            rate_hz = player.info.sample_rate_hz
            rains.append(gain_db(raining.sound, standing.sound, RAIN_HZ, rate_hz))
            moved = chunks_walked(walking.poses)
            if moved.sum() < len(moved) // 3:
                continue  # something stands in the way
            walks.append(walking)
            steps.append(gain_db(walking.samples_TS[moved].reshape(-1), standing.sound, STEP_HZ, rate_hz))
            skews += step_skews_s(walking, rate_hz)
    skew_s = float(np.percentile(np.abs(skews), 95)) if skews else float("nan")
    return [
        at_least("sound: steps, walking against standing", float(np.mean(steps)), GAIN_DB, "dB", len(steps)),
        at_least("sound: rain against none", float(np.mean(rains)), GAIN_DB, "dB", len(rains)),
        at_most("sound: steps against the stride, p95", skew_s, SKEW_S, "s", len(skews)),
        event_sound_measure(player),
    ]


def event_sound_measure(player: Player) -> Measure:
    """How much louder its band is with somebody than without, in the half second where it is the most: the same
    world twice, told and not told."""
    gains = {}
    for idx, (text, band_hz) in enumerate(EVENTS_HZ.items()):
        start = player.from_text(60 + idx, PROMPTS[0])
        rest = held(player.chunks(EVENT_SECONDS))
        told = player.play(start, [ChunkControls(), player.say(text), *rest])
        untold = player.play(start, [ChunkControls(), ChunkControls(), *rest])
        size = player.chunks(EVENT_WINDOW_S) * told.samples_TS.shape[1]
        pieces = zip(_pieces(told.sound, size), _pieces(untold.sound, size), strict=True)
        gains[text] = max(gain_db(loud, quiet, band_hz, player.info.sample_rate_hz) for loud, quiet in pieces)
    quietest = min(gains.values())
    return at_least("sound: events against none, the quietest", quietest, EVENT_GAIN_DB, "dB", len(gains), **gains)


def _pieces(sound_S: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    return sound_S[: sound_S.size // size * size].reshape(-1, size)


def band_power(sound_S: NDArray[np.float32], band_hz: tuple[float, float], rate_hz: int) -> float:
    """Mean power in a band, full scale 1."""
    spectrum = np.fft.rfft(sound_S.astype(np.float64))
    frequency = np.fft.rfftfreq(sound_S.size, 1 / rate_hz)
    inside = (frequency >= band_hz[0]) & (frequency < band_hz[1])
    return float(np.square(np.abs(spectrum[inside])).sum() / sound_S.size**2)


def gain_db(
    with_S: NDArray[np.float32], without_S: NDArray[np.float32], band_hz: tuple[float, float], rate_hz: int
) -> float:
    floor = 1e-12
    return 10 * float(
        np.log10((band_power(with_S, band_hz, rate_hz) + floor) / (band_power(without_S, band_hz, rate_hz) + floor))
    )


def chunks_walked(poses: Sequence[CameraPose]) -> NDArray[np.bool_]:
    """Which chunks moved the camera."""
    places = np.array([(0.0, 0.0), *((pose.x_m, pose.y_m) for pose in poses)])
    return np.hypot(*np.diff(places, axis=0).T) > 1e-6


def step_times_s(poses: Sequence[CameraPose], chunk_s: float) -> list[float]:
    """When the walked way crosses a whole stride: where a step is to sound."""
    places = np.array([(0.0, 0.0), *((pose.x_m, pose.y_m) for pose in poses)])
    strides = np.concatenate([[0.0], np.hypot(*np.diff(places, axis=0).T).cumsum()]) / STRIDE_M
    times = []
    for idx, (before, after) in enumerate(pairwise(strides)):
        if np.floor(after + 1e-9) > np.floor(before + 1e-9):
            share = (np.floor(after + 1e-9) - before) / (after - before)
            times.append((idx + share) * chunk_s)
    return times


def step_skews_s(played: Played, rate_hz: int) -> list[float]:
    """How late each step sounds after the stride that makes it."""
    chunk_s = played.samples_TS.shape[1] / rate_hz
    onset = onset_strength(played.sound, rate_hz)
    skews = []
    for time_s in step_times_s(played.poses, chunk_s):
        first = round((time_s - ONSET_REACH_S) / ONSET_WINDOW_S)
        last = round((time_s + ONSET_REACH_S) / ONSET_WINDOW_S)
        if first < 0 or last >= len(onset):
            continue
        peak = first + int(onset[first : last + 1].argmax())
        skews.append(peak * ONSET_WINDOW_S - time_s)
    return skews


def onset_strength(sound_S: NDArray[np.float32], rate_hz: int) -> NDArray[np.float64]:
    """Rise of the level from window to window, in the band where steps burst and music hardly sounds."""
    size = round(ONSET_WINDOW_S * rate_hz)
    windows = sound_S[: sound_S.size // size * size].reshape(-1, size).astype(np.float64)
    spectrum = np.abs(np.fft.rfft(windows * np.hanning(size)))
    frequency = np.fft.rfftfreq(size, 1 / rate_hz)
    level = np.log(spectrum[:, (frequency > 900) & (frequency < 4_500)].mean(1) + 1e-5)
    return np.maximum(np.diff(level, prepend=level[0]), 0.0)
