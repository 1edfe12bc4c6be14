"""The two small networks of the audio codec: features to latents, latents to what drives the synthesiser.

Letters: X chunks of any clips, F features, C latent channels, K knots, N notes, W noise
frames, Q bins.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import torch
from einops import rearrange
from torch import Tensor, nn

from model.audio.features import BAND_EDGES, GROUP_EDGES, NUM_BANDS, NUM_FEATURES, NUM_GROUPS
from model.audio.noise import FRAMES, NUM_BINS
from model.audio.oscillators import NUM_NOTES, SEGMENTS

THUMP_NOTES = (4, 6, 8)  # 69 to 87 Hz: steps need lows that move within a chunk
NUM_DRIVES = 2 * NUM_NOTES + len(THUMP_NOTES) * FRAMES + NUM_BANDS + NUM_GROUPS * FRAMES

_ATTACK_SEGMENTS = 2  # the first knot stands 10 ms into the chunk
_LOUDEST_TONE = 0.6
_BEND = 2.3
_LOG_GAIN_RANGE = (-9.0, 2.0)  # e^-9 of white noise is below what 16 bits can hold


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioCodecConfig:
    latent_channels: int
    hidden: int

    def __post_init__(self) -> None:
        if self.latent_channels < 1 or self.hidden < 1:
            raise ValueError("latent_channels and hidden must be positive")


class Drives(NamedTuple):
    """What the synthesiser needs for a chunk."""

    knots_XKN: Tensor  # amplitudes of the notes 10 ms into the chunk and at its end
    thump_XWN: Tensor  # amplitudes of the thump notes at the end of each eighth of the chunk
    gains_XWQ: Tensor  # noise


@cache
def _spreading(edges: tuple[int, ...]) -> Tensor:
    """Spreads values at band centres over bins, linearly in between: [bands, bins]."""
    centres = [(low + high - 1) / 2 for low, high in pairwise(edges)]
    spread = torch.zeros(len(centres), NUM_BINS)
    for q in range(NUM_BINS):
        at = min(max(float(q), centres[0]), centres[-1])
        right = next(i for i, centre in enumerate(centres) if centre >= at)
        left = max(right - 1, 0)
        share = 1.0 if left == right else (at - centres[left]) / (centres[right] - centres[left])
        spread[left, q] += 1 - share
        spread[right, q] += share
    return spread


class AudioAnalyser(nn.Module):
    """Features to latents of zero mean and unit variance over the training sounds."""

    mean_F: Tensor
    scale_F: Tensor

    def __init__(self, config: AudioCodecConfig) -> None:
        super().__init__()
        self.register_buffer("mean_F", torch.zeros(NUM_FEATURES))
        self.register_buffer("scale_F", torch.ones(NUM_FEATURES))
        self.straight = nn.Linear(NUM_FEATURES, config.latent_channels, bias=False)
        self.bent = nn.Sequential(
            nn.Linear(NUM_FEATURES, config.hidden), nn.SiLU(), nn.Linear(config.hidden, config.latent_channels)
        )
        self.norm = nn.BatchNorm1d(config.latent_channels, affine=False, momentum=0.02)

    def forward(self, features_XF: Tensor) -> Tensor:
        normal_XF = (features_XF - self.mean_F) * self.scale_F
        return self.norm(self.straight(normal_XF) + self.bent(normal_XF))


class AudioGenerator(nn.Module):
    """Latents to drives."""

    def __init__(self, config: AudioCodecConfig) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(config.latent_channels, config.hidden),
            nn.SiLU(),
            nn.Linear(config.hidden, config.hidden),
            nn.SiLU(),
            nn.Linear(config.hidden, NUM_DRIVES),
        )
        start_quiet(self.layers)

    def forward(self, latents_XC: Tensor) -> Drives:
        return drives_of(raw_drives(self.layers(latents_XC)))


def start_quiet(layers: nn.Sequential) -> None:
    """So that training adds sound and need not remove noise."""
    last = layers[-1]
    assert isinstance(last, nn.Linear)
    tones = 2 * NUM_NOTES + len(THUMP_NOTES) * FRAMES
    quiet = [torch.full((tones,), -2.0), torch.full((NUM_BANDS,), -5.0), torch.zeros(NUM_GROUPS * FRAMES)]
    with torch.no_grad():
        last.weight.mul_(0.3)
        last.bias.copy_(torch.cat(quiet))


class RawDrives(NamedTuple):
    """Drives before they are bounded: what a network is trained on where the truth is known."""

    notes_XKN: Tensor
    thump_XWN: Tensor
    log_gains_XWQ: Tensor


def raw_drives(numbers_XD: Tensor) -> RawDrives:
    """NUM_DRIVES numbers of a network, spread over notes and bins."""
    sizes = [2 * NUM_NOTES, len(THUMP_NOTES) * FRAMES, NUM_BANDS, NUM_GROUPS * FRAMES]
    notes, thump, bands, groups = numbers_XD.split(sizes, dim=-1)
    runs_XWQ = rearrange(groups, "x (w g) -> x w g", w=FRAMES) @ _spreading(GROUP_EDGES)
    return RawDrives(
        rearrange(notes, "x (k n) -> x k n", k=2),
        rearrange(thump, "x (w n) -> x w n", w=FRAMES),
        (bands @ _spreading(BAND_EDGES))[:, None] + runs_XWQ,
    )


def drives_of(raw: RawDrives) -> Drives:
    low, high = _LOG_GAIN_RANGE
    return Drives(_amplitude(raw.notes_XKN), _amplitude(raw.thump_XWN), raw.log_gains_XWQ.clamp(low, high).exp())


def _amplitude(raw: Tensor) -> Tensor:
    """Positive, even in decibels over most of its range, and bounded."""
    return _LOUDEST_TONE * torch.sigmoid(raw).pow(_BEND)


def raw_amplitude(amplitude: Tensor) -> Tensor:
    """What a network has to say for an amplitude."""
    return torch.logit((amplitude / _LOUDEST_TONE).pow(1 / _BEND), eps=1e-6)


def control_points(drives: Drives, before_XN: Tensor) -> Tensor:
    """Amplitudes [X, SEGMENTS + 1, N] of the notes through the chunk, starting from `before_XN`,
    which is the last point of the chunk before."""
    attack, end = drives.knots_XKN.unbind(dim=1)
    rise = (torch.arange(_ATTACK_SEGMENTS + 1) / _ATTACK_SEGMENTS)[:, None]
    fade = (torch.arange(1, SEGMENTS - _ATTACK_SEGMENTS + 1) / (SEGMENTS - _ATTACK_SEGMENTS))[:, None]
    start = before_XN[:, None] * (1 - rise) + attack[:, None] * rise
    rest = attack[:, None] * (1 - fade) + end[:, None] * fade
    return torch.cat([start, rest], dim=1)


def thump_points(drives: Drives, before_XN: Tensor) -> Tensor:
    """Amplitudes [X, SEGMENTS + 1, thump notes], starting from `before_XN`."""
    ends = torch.cat([before_XN[:, None], drives.thump_XWN], dim=1)
    middles = (ends[:, :-1] + ends[:, 1:]) / 2
    pairs = rearrange([ends[:, :-1], middles], "two x w n -> x (w two) n")
    return torch.cat([pairs, ends[:, -1:]], dim=1)
