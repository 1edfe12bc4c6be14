"""What actors of the training world sound like: mews, barks, chirps, engines, water, leaves, steps of others.

Tones on the semitone bank and noise with a spectrum every 10 ms, as all sound of this world, from what a voice
is told (`model.actors.voices`) alone. The loudness is that at 3 m.

Letters: X voices (of one chunk each), P control points, N notes, W noise frames, Q frequency bins, F features.
"""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from model.actors import voices
from model.actors.looks import KINDS
from model.audio.noise import FRAMES
from model.audio.oscillators import NUM_NOTES, SEGMENTS
from model.world.ambience import band_spectrum

CHUNK_S = 0.08
OVERTONES = ((0, 1.0), (12, 0.5), (19, 0.3), (24, 0.16))  # semitones up, and how loud

MEW_S, MEW_NOTE, MEW_LEVEL = 0.56, 43.0, 0.13
BARK_S, BARK_STARTS_S, BARK_NOTE, BARK_LEVEL = 0.13, (0.01, 0.31), 32.0, 0.18
CHIRP_NOTES, CHIRP_LEVEL = (64, 67, 66, 69, 64, 69), 0.055
ENGINE_NOTE, ENGINE_LEVEL = 1.0, 0.10
HUM_LEVEL = 0.012


class VoiceSound(NamedTuple):
    """What drives the synthesiser."""

    amps_XPN: Tensor  # tones, at control points from the chunk's start to its end
    gains_XWQ: Tensor  # noise


class _Told(NamedTuple):
    """Features by name."""

    features_XF: Tensor

    def is_a(self, kind: str) -> Tensor:
        return self.features_XF[:, KINDS.index(kind)]

    @property
    def pitch(self) -> Tensor:
        return self.features_XF[:, voices.PITCH, None]

    @property
    def speed(self) -> Tensor:
        """Metres per second."""
        return self.features_XF[:, voices.SPEED, None] * voices.FULL_SPEED_M_PER_S

    @property
    def sway(self) -> Tensor:
        return self.features_XF[:, voices.PHASE.start, None]

    def call_s(self, share_T: Tensor) -> Tensor:
        """Seconds since the call began, at shares of the chunk; negative while there is none: [X, T]."""
        calling_XC = self.features_XF[:, voices.CALL]
        age_X1 = (calling_XC * torch.arange(voices.CALL_CHUNKS)).sum(1, keepdim=True)
        return torch.where(calling_XC.sum(1, keepdim=True) > 0.5, (age_X1 + share_T) * CHUNK_S, -1.0)

    def footfall_s(self, share_T: Tensor) -> Tensor:
        """Seconds since the latest footfall, at shares of the chunk; infinite for none: [X, T]."""
        place = torch.arange(voices.POSITION_BINS) / (voices.POSITION_BINS - 1)

        def told(part: slice, scale: float) -> tuple[Tensor, Tensor]:
            bins_XB = self.features_XF[:, part]
            return bins_XB.sum(1, keepdim=True) > 0.5, (bins_XB * place).sum(1, keepdim=True) * scale

        is_here, here = told(voices.FOOTFALL, 1.0)
        was_before, ago = told(voices.FOOTFALL_BEFORE, voices.AGO_CHUNKS)
        since_before = torch.where(was_before, (share_T + ago) * CHUNK_S, torch.inf)
        return torch.where(is_here & (share_T >= here), (share_T - here) * CHUNK_S, since_before)


def voice_sound(features_XF: Tensor) -> VoiceSound:
    """The sound of voices at 3 m, each by itself. `features_XF`: NUM_VOICE_FEATURES numbers each."""
    told = _Told(features_XF)
    return VoiceSound(_tones(told), _noises(told))


def _tones(told: _Told) -> Tensor:
    share_P = torch.arange(SEGMENTS + 1) / SEGMENTS
    call_XP = told.call_s(share_P)
    parts = (
        ("kitten", *_mew(told, call_XP)),
        ("dog", *_bark_tone(told, call_XP)),
        ("bird", *_chirp(told, call_XP)),
        ("car", *_engine(told, share_P)),
        ("lamp", torch.full_like(call_XP, 10.0), torch.full_like(call_XP, HUM_LEVEL)),
    )
    total = torch.zeros(len(call_XP), SEGMENTS + 1, NUM_NOTES)
    for kind, note_XP, level_XP in parts:
        total = total + _on_the_bank(note_XP, level_XP * told.is_a(kind)[:, None])
    return total


def _on_the_bank(note_XP: Tensor, level_XP: Tensor) -> Tensor:
    """Amplitudes [X, P, N] of a tone and its overtones between two semitones of the bank."""
    bank_N = torch.arange(NUM_NOTES)
    amps = torch.zeros(*note_XP.shape, NUM_NOTES)
    for up, loud in OVERTONES:
        near = (1 - (note_XP[..., None] + up - bank_N).abs()).clamp_min(0)
        amps = amps + loud * level_XP[..., None] * near
    return amps


def _mew(told: _Told, call_XP: Tensor) -> tuple[Tensor, Tensor]:
    """Up quickly, and slowly down."""
    share = (call_XP / MEW_S).clamp(0, 1)
    bend = torch.where(share < 0.35, 5 * share / 0.35, 5 - 9 * (share - 0.35) / 0.65)
    loud = (share * math.pi).sin().clamp_min(0).sqrt() * ((call_XP >= 0) & (call_XP < MEW_S))
    return MEW_NOTE + 3 * told.pitch + bend, MEW_LEVEL * loud


def _bark(call_XT: Tensor) -> Tensor:
    """How loud a dog barks, 0 to 1, at seconds of a call: twice."""
    loud = torch.zeros_like(call_XT)
    for start_s in BARK_STARTS_S:
        time = call_XT - start_s
        rise = (time / 0.012).clamp(0, 1)
        loud = loud + torch.where((call_XT >= 0) & (time >= 0), rise * (-time.clamp_min(0) / (0.4 * BARK_S)).exp(), 0.0)
    return loud


def _bark_tone(told: _Told, call_XP: Tensor) -> tuple[Tensor, Tensor]:
    loud = _bark(call_XP)
    return BARK_NOTE + 4 * told.pitch + 4 * loud, BARK_LEVEL * loud


def _chirp(told: _Told, call_XP: Tensor) -> tuple[Tensor, Tensor]:
    """A quick peep in every chunk of the call."""
    age = (call_XP / CHUNK_S).clamp_min(0)
    within_s = (age - age.floor()) * CHUNK_S
    note = torch.tensor(CHIRP_NOTES, dtype=torch.float32)[age.floor().long().clamp(0, len(CHIRP_NOTES) - 1)]
    loud = (within_s / 0.01).clamp(0, 1) * (-within_s / 0.02).exp()
    return note + 2 * told.pitch, CHIRP_LEVEL * loud * ((call_XP >= 0) & (age < len(CHIRP_NOTES)))


def _engine(told: _Told, share_P: Tensor) -> tuple[Tensor, Tensor]:
    """The faster, the higher and the louder; it idles when it stands."""
    effort = (told.speed / 4).clamp(0, 1.2).expand(-1, len(share_P))
    return ENGINE_NOTE + 8 * effort + told.pitch, ENGINE_LEVEL * (0.3 + 0.7 * effort)


@cache
def _spectra() -> dict[str, Tensor]:
    """Power spectra at full loudness."""
    bands = {
        "kitten": (1500, 5000, -2.0, 0.020), "dog": (900, 4000, -2.0, 0.030), "person": (900, 3600, -2.0, 0.055),
        "bark": (350, 2600, -3.0, 0.26), "flap": (250, 1300, -3.0, 0.030), "tyres": (150, 1500, -3.0, 0.075),
        "water": (500, 6000, -2.0, 0.060), "leaves": (1200, 4500, -2.0, 0.012),
    }  # fmt: skip
    return {name: band_spectrum(*numbers).square() for name, numbers in bands.items()}


def _noises(told: _Told) -> Tensor:
    share_W = (torch.arange(FRAMES) + 0.5) / FRAMES
    since = told.footfall_s(share_W)
    is_flying = told.features_XF[:, voices.FLYING, None]
    step = torch.where(since.isfinite(), (-since.clamp(max=1.0) / 0.018).exp(), 0.0) * (1 - is_flying)
    flap = torch.where(since.isfinite(), (-since.clamp(max=1.0) / 0.05).exp(), 0.0) * is_flying
    ones = torch.ones_like(since)
    loud = {
        "kitten": told.is_a("kitten")[:, None] * step,
        "dog": told.is_a("dog")[:, None] * step,
        "person": told.is_a("person")[:, None] * step,
        "bark": told.is_a("dog")[:, None] * _bark(told.call_s(share_W)),
        "flap": told.is_a("bird")[:, None] * flap,
        "tyres": told.is_a("car")[:, None] * (told.speed / 4).clamp(0, 1.2) * ones,
        "water": told.is_a("fountain")[:, None] * (0.85 + 0.15 * told.sway) * ones,
        "leaves": told.is_a("tree")[:, None] * (0.6 + 0.4 * told.sway) * ones,
    }
    power = [level.square()[..., None] * _spectra()[name] for name, level in loud.items()]
    return torch.stack(power).sum(0).sqrt()
