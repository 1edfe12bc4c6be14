"""Train the voices of actors on the training world's, and say how near they come on moments never trained on.

python -m model.training.voices --minutes 4

Letters: X voices of one chunk, F features, N notes, W noise frames, Q bins, K knots.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console
from torch import Tensor

from model.actors import voices
from model.actors.looks import KINDS
from model.audio.network import RawDrives, drives_of, raw_amplitude
from model.audio.oscillators import SEGMENTS
from model.audio.voices import VoiceConfig, VoiceNetwork
from model.presets import WEIGHTS_FOLDER
from model.training.descent import Descent, DescentConfig
from model.world.voices import VoiceSound, voice_sound

WEIGHTS = WEIGHTS_FOLDER / "pearl-xs" / "voices.safetensors"
PEARL_XS = VoiceConfig(hidden=160)
BATCH, RATE = 256, 3e-3
KNOT_POINTS = (2, SEGMENTS)  # where the synthesiser has its knots: 10 ms into the chunk, and its end
FLOOR = 1e-3  # of amplitudes and gains: what is softer is not told apart
TONE_WEIGHT = 30.0  # most notes are silent: the few that sound count so much more
HELD_OUT_SEED, HELD_OUT = 91_000_003, 4000
CALLING = 0.5  # share of moments in which who can call calls


def random_features(count: int, generator: torch.Generator) -> Tensor:
    """features_XF of moments of actors of all kinds."""
    uniform = torch.rand(count, 6, generator=generator)
    features = torch.zeros(count, voices.NUM_VOICE_FEATURES)
    kind = torch.randint(0, len(KINDS), (count,), generator=generator)
    features[torch.arange(count), kind] = 1.0
    calls = torch.isin(kind, torch.tensor([KINDS.index(name) for name in voices.CALL_EVERY_CHUNKS]))
    age = torch.randint(0, voices.CALL_CHUNKS, (count,), generator=generator)
    features[torch.arange(count), voices.CALL.start + age] = (calls & (uniform[:, 0] < CALLING)).float()
    features[:, voices.PITCH] = torch.tanh(torch.randn(count, generator=generator))
    features[:, voices.SPEED] = torch.where(uniform[:, 1] < 0.35, torch.zeros(count), 1.4 * uniform[:, 2])
    is_bird = kind == KINDS.index("bird")
    features[:, voices.FLYING] = (is_bird & (uniform[:, 3] < 0.6)).float()
    angle = 2 * math.pi * torch.rand(count, generator=generator)
    features[:, voices.PHASE] = torch.stack([torch.sin(angle), torch.cos(angle)], 1)
    steps = torch.isin(kind, torch.tensor([KINDS.index(name) for name in voices.FOOTFALLS]))
    moves = steps & ((features[:, voices.SPEED] > 0) | (features[:, voices.FLYING] > 0))
    is_here = moves & (uniform[:, 4] < 0.4)
    was_before = moves & (uniform[:, 5] < 0.7)
    places = torch.rand(2, count, generator=generator)
    features[:, voices.FOOTFALL] = _soft_bins(places[0]) * is_here[:, None]
    features[:, voices.FOOTFALL_BEFORE] = _soft_bins(places[1]) * was_before[:, None]
    return features


def _soft_bins(place_X: Tensor) -> Tensor:
    at = place_X[:, None] * (voices.POSITION_BINS - 1)
    return (1 - (at - torch.arange(voices.POSITION_BINS)).abs()).clamp_min(0)


def voice_loss(raw: RawDrives, truth: VoiceSound) -> Tensor:
    """Distances before bounding, where silence is as far from a sound as the ear has it. No voice thumps."""
    knots = truth.amps_XPN[:, KNOT_POINTS].clamp_min(FLOOR)
    weight = 1 + TONE_WEIGHT * (knots > FLOOR)
    tones = ((raw.notes_XKN - raw_amplitude(knots)).abs() * weight).mean()
    thumps = (raw.thump_XWN - raw_amplitude(torch.tensor(FLOOR))).abs().mean()
    return tones + thumps + (raw.log_gains_XWQ - truth.gains_XWQ.clamp_min(FLOOR).log()).abs().mean()


@torch.no_grad()
def measure(network: VoiceNetwork) -> dict[str, float]:
    """Decibels between what is made and what is true, where anything sounds; and what sounds where nothing should."""
    features = random_features(HELD_OUT, torch.Generator().manual_seed(HELD_OUT_SEED))
    drives, truth = drives_of(network(features)), voice_sound(features)
    knots = truth.amps_XPN[:, KNOT_POINTS]
    figures = {}
    for name, made, true in (("tones", drives.knots_XKN, knots), ("noise", drives.gains_XWQ, truth.gains_XWQ)):
        sounds = true > 5 * FLOOR
        off_db = 20 * (made / true.clamp_min(FLOOR)).log10().abs()
        figures[f"{name}_off_db"] = off_db[sounds].mean().item()
        figures[f"{name}_leak"] = made[true < 0.1 * FLOOR].mean().item()
    return {name: round(value, 4) for name, value in figures.items()}


def train(minutes: float, seed: int, console: Console) -> VoiceNetwork:
    torch.manual_seed(seed)
    network, generator = VoiceNetwork(PEARL_XS), torch.Generator().manual_seed(seed)
    descent = Descent(network, DescentConfig(rate=RATE, minutes=minutes, log_steps=1000), console)
    for step in descent:
        features = random_features(BATCH, generator)
        descent.step(step, voice_loss(network(features), voice_sound(features)))
    return network.eval()


def main(
    minutes: Annotated[float, typer.Option(help="Training time; 0 measures only.")] = 4.0,
    seed: Annotated[int, typer.Option(help="Seeds weights and samples.")] = 1,
    weights: Annotated[Path, typer.Option(help="Where the weights go.")] = WEIGHTS,
) -> None:
    """Train the voices from nothing, or measure those that are there."""
    torch.set_num_threads(1)
    console = Console()
    if minutes:
        train(minutes, seed, console).save(weights)
    console.log(f"held out: {measure(VoiceNetwork.load(weights))}")


if __name__ == "__main__":
    typer.run(main)
