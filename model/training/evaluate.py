"""Measure a preset with its shipped weights, alone, without the service.

    python -m model.training.evaluate

Plays short scripts and prints: do keys move the picture the right way, do sentences change
lighting, weather and style, does sound follow walking and rain, is a place the same on return,
and how long a step takes. Writes a dated file to `bench/results/`.
"""

from __future__ import annotations

import json
import platform
import time
from datetime import date
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import torch
import typer
from rich.console import Console
from rich.table import Table

from model.interface import ChunkControls, Tensors
from model.pearl import FRAME_RATE, SAMPLE_RATE_HZ, PearlModel
from model.presets import load
from model.world.conditions import SLOT_RANGES, SLOTS

CHUNKS_IN_2_S = round(2 * FRAME_RATE)
TURN_TRIALS, DIRECTIVE_WORLDS = 40, 4
PROMPT = "a quiet street on a clear day"
# What is said, and the slot value that the picture should show two seconds later.
DIRECTIVES = (
    ("night falls", "lighting", "night"),
    ("the sun is going down", "lighting", "dusk"),
    ("it starts to rain", "weather", "rain"),
    ("a thick fog rolls in", "weather", "fog"),
    ("snow begins to fall", "weather", "snow"),
    ("turn it into a black and white film", "style", "noir"),
    ("paint it with swirling brush strokes", "style", "swirl"),
    ("make it an old sepia photograph", "style", "vintage"),
)


class Played(NamedTuple):
    """What a script gave."""

    frames_FHWC: np.ndarray
    samples_TS: np.ndarray
    step_ms: list[float]


class Player:
    """The four stages in one process."""

    def __init__(self, model: PearlModel, threads: int) -> None:
        self.encoder, self.transformer = model.load_encoder(), model.load_transformer(threads)
        self._video, self._audio = model.load_video_decoder(), model.load_audio_decoder()

    def play(self, seed: int, prompt: str, script: list[ChunkControls]) -> Played:
        state = self.transformer.open(seed, self.encoder.encode_text(prompt), None)
        video, audio = self._video.open(seed), self._audio.open(seed)
        frames, sounds, step_ms = [], [], []
        for controls in script:
            started_s = time.perf_counter()
            latents = self.transformer.step([state], [controls])[0]
            step_ms.append(1e3 * (time.perf_counter() - started_s))
            frames.append(self._video.decode(video, latents.video)[0])
            sounds.append(self._audio.decode(audio, latents.audio)[:, 0])
        return Played(np.stack(frames), np.stack(sounds), step_ms)


def shift_px(before_HWC: np.ndarray, after_HWC: np.ndarray, reach_px: int = 8) -> int:
    """By how many columns the picture moved to the left, found by trying all shifts."""

    def error(shift: int) -> float:
        width = before_HWC.shape[1] - 2 * reach_px
        one = before_HWC[:, reach_px + shift : reach_px + shift + width].astype(np.float32)
        two = after_HWC[:, reach_px : reach_px + width].astype(np.float32)
        return float(np.square(one - two).mean())

    return min(range(-reach_px, reach_px + 1), key=error)


def turn_accuracy(player: Player) -> float:
    """Share of trials in which a key turned the picture the right way."""
    right = 0
    for trial in range(TURN_TRIALS):
        yaw = 1.0 if trial % 2 else -1.0
        frames = player.play(trial, PROMPT, [ChunkControls(), *[ChunkControls(yaw=yaw)] * 2]).frames_FHWC
        right += int(np.sign(shift_px(frames[1], frames[2])) == yaw)
    return right / TURN_TRIALS


def directive_accuracy(player: Player) -> dict[str, float]:
    """Per sentence, the share of worlds that the picture reader finds changed as asked 2 s later."""
    result = {}
    for text, slot, value in DIRECTIVES:
        update, right = player.encoder.encode_text(text), 0
        for seed in range(DIRECTIVE_WORLDS):
            script = [ChunkControls(), ChunkControls(directives=(update,)), *[ChunkControls()] * (CHUNKS_IN_2_S - 1)]
            frames = player.play(seed, PROMPT, script).frames_FHWC
            right += int(read_slot(player, frames[-1], slot) == value)
        result[f"{text} ({slot}: {value})"] = right / DIRECTIVE_WORLDS
    return result


def read_slot(player: Player, frame_HWC: np.ndarray, slot: str) -> str:
    values: Tensors = player.encoder.encode_image(frame_HWC)
    return SLOTS[slot][int(values["values"][SLOT_RANGES[slot]].argmax())]


def band_db(samples_TS: np.ndarray, low_hz: float, high_hz: float) -> float:
    """Power in a band, dB relative to full scale."""
    spectrum = np.fft.rfft(samples_TS.ravel())
    frequency = np.fft.rfftfreq(samples_TS.size, 1 / SAMPLE_RATE_HZ)
    power = np.square(np.abs(spectrum[(frequency >= low_hz) & (frequency < high_hz)])).sum() / samples_TS.size**2
    return float(10 * np.log10(power + 1e-12))


def sound_figures(player: Player) -> dict[str, float]:
    """Steps against standing and rain against none, in their bands, dB."""
    still, walk = [ChunkControls()] * 50, [ChunkControls(forward=1.0)] * 50
    standing = player.play(1, PROMPT, still).samples_TS
    walking = player.play(1, PROMPT, walk).samples_TS
    raining = player.play(1, "a quiet street on a rainy day", still).samples_TS
    return {
        "steps_db": band_db(walking, 60, 100) - band_db(standing, 60, 100),
        "rain_db": band_db(raining, 2000, 7000) - band_db(standing, 2000, 7000),
    }


def return_db(player: Player) -> float:
    """PSNR of the view after a look to the right and back against the view before."""
    script = [ChunkControls(), *[ChunkControls(yaw=1.0)] * 30, *[ChunkControls(yaw=-1.0)] * 30]
    frames = player.play(2, PROMPT, script).frames_FHWC.astype(np.float32)
    return float(-10 * np.log10(np.square((frames[0] - frames[-1]) / 255).mean() + 1e-9))


def main(
    preset: Annotated[str, typer.Option(help="Which preset.")] = "pearl-xs",
    threads: Annotated[int, typer.Option(help="Threads of the transformer.")] = 1,
    results: Annotated[Path, typer.Option(help="Folder of the dated file.")] = Path("bench/results"),
) -> None:
    """Evaluate a preset."""
    player = Player(load(preset), threads)
    walking = player.play(3, PROMPT, [ChunkControls(forward=1.0, yaw=0.2)] * 60).step_ms[5:]
    figures: dict[str, float] = {
        "turns in the right direction": turn_accuracy(player),
        **directive_accuracy(player),
        **sound_figures(player),
        "view after looking away and back, PSNR dB": return_db(player),
        "step while walking, median ms": float(np.median(walking)),
        "step while walking, p95 ms": float(np.percentile(walking, 95)),
    }
    table = Table("measure", "figure", title=f"{preset}, {platform.processor() or platform.machine()}")
    for name, value in figures.items():
        table.add_row(name, f"{value:.2f}")
    Console().print(table)
    results.mkdir(parents=True, exist_ok=True)
    path = results / f"evaluate-{preset}-{date.today().isoformat()}.json"
    record = {
        "preset": preset,
        "weights_sha256": load(preset).info.weights_sha256,
        "torch": torch.__version__,
        **figures,
    }
    path.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    typer.run(main)
