"""Steps: a thump and a burst of the surface underfoot, each time the stride crosses a whole number.

Letters: B clips, T chunks, S samples of the clip, Q frequency bins, V conditions.
"""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from model.audio.oscillators import SAMPLE_RATE_HZ, SAMPLES_PER_CHUNK
from model.world.ambience import Weights, band_spectrum
from model.world.conditions import SLOTS

STRIDE_M = 0.7
CHUNK_S = SAMPLES_PER_CHUNK / SAMPLE_RATE_HZ

_TAIL_CHUNKS = 2  # a step has died away after this many chunks
_THUMP_HZ = 78.0
_THUMP_LEVEL = 0.4  # above the traffic of a city
_THUMP_DECAY_S = 0.03
_MIN_ADVANCE = 1e-4  # strides per chunk; slower than this is standing


class Surface(NamedTuple):
    low_hz: float
    high_hz: float
    rms: float
    decay_s: float
    thump: float


SURFACES: dict[str, Surface] = {
    "street": Surface(900, 3800, 0.16, 0.014, 1.0),
    "forest": Surface(1800, 6000, 0.13, 0.035, 0.8),
    "meadow": Surface(1000, 4000, 0.10, 0.035, 0.8),
    "desert": Surface(500, 2600, 0.11, 0.045, 0.7),
    "city": Surface(1200, 4500, 0.17, 0.012, 1.0),
    "shore": Surface(400, 2200, 0.11, 0.045, 0.8),
    "snow": Surface(500, 2400, 0.15, 0.055, 0.6),
    "rain": Surface(1500, 5500, 0.10, 0.04, 0.5),
}


def advance_per_chunk(speed: Tensor) -> Tensor:
    """Strides walked in one chunk."""
    return speed * (CHUNK_S / STRIDE_M)


def step_position(speed: Tensor, stride: Tensor) -> tuple[Tensor, Tensor]:
    """Whether a step sounds in each chunk, and where in it: above 0, up to 1 for its very end."""
    advance = advance_per_chunk(speed)
    to_next = stride.floor() + 1 - stride
    is_step = (advance > _MIN_ADVANCE) & (to_next <= advance)
    return is_step, torch.where(is_step, to_next / advance.clamp(min=_MIN_ADVANCE), 0.0)


def step_before(speed_B: Tensor, stride_B: Tensor) -> Tensor:
    """How long before each clip its last step sounded, in chunks, had it walked on as it does now;
    infinite when it stands."""
    advance_B = advance_per_chunk(speed_B)
    since_B = (stride_B - stride_B.floor()) / advance_B.clamp(min=_MIN_ADVANCE)
    return torch.where(advance_B > _MIN_ADVANCE, since_B, math.inf)


def _times_since(speed_BT: Tensor, stride_BT: Tensor) -> Tensor:
    """Seconds since the latest step at each sample [B, S]; negative or infinite is none."""
    batch, chunks = speed_BT.shape
    is_step, position = step_position(speed_BT, stride_BT)
    at_BT = torch.where(is_step, torch.arange(chunks) + position, -math.inf)
    first_B1 = -step_before(speed_BT[:, 0], stride_BT[:, 0])[:, None]
    earlier_BT = torch.cat([first_B1, at_BT[:, :-1]], dim=1).cummax(dim=1).values
    time_TS = torch.arange(chunks)[:, None] + torch.arange(SAMPLES_PER_CHUNK) / SAMPLES_PER_CHUNK
    latest = torch.where(
        time_TS >= at_BT[..., None], at_BT[..., None].maximum(earlier_BT[..., None]), earlier_BT[..., None]
    )
    since = (time_TS - latest) * CHUNK_S
    return torch.where(since < _TAIL_CHUNKS * CHUNK_S, since, math.inf).reshape(batch, -1)


def _envelope(since_S: Tensor, attack_s: float, decay_s: Tensor | float) -> Tensor:
    live = since_S.isfinite()
    time_s = torch.where(live, since_S, 0.0)
    end_s = _TAIL_CHUNKS * CHUNK_S
    rise = (time_s / attack_s).clamp(max=1.0)
    return torch.where(live, rise * (-time_s / decay_s).exp() * (1 - time_s / end_s), 0.0)


def surface_weights(conditions_XV: Tensor) -> Tensor:
    """Shares [..., surfaces] of each surface: snow covers the ground, rain adds to it."""
    weights = Weights(conditions_XV)
    bare = 1 - weights["snow"]
    shares = [weights[place] * bare for place in SLOTS["place"]]
    return torch.stack([*shares, weights["snow"], weights["rain"]], dim=-1)


@cache
def _surface_table() -> tuple[Tensor, Tensor, Tensor]:
    """Power spectra [surfaces, Q], decays in s, and thumps."""
    rows = list(SURFACES.values())
    spectra = torch.stack([band_spectrum(s.low_hz, s.high_hz, -2.0, s.rms) for s in rows]).square()
    return spectra, torch.tensor([s.decay_s for s in rows]), torch.tensor([s.thump for s in rows])


def surface_gains(conditions_XV: Tensor) -> Tensor:
    """Spectrum [X, Q] of the burst underfoot; its rms is that of the surface."""
    return (surface_weights(conditions_XV).square() @ _surface_table()[0]).sqrt()


def render_steps(conditions_BTV: Tensor, speed_BT: Tensor, stride_BT: Tensor, burst_BS: Tensor) -> Tensor:
    """Samples [B, S] of the steps. `burst_BS`: running noise with the spectrum of `surface_gains`."""
    _, decay_A, thump_A = _surface_table()
    shares_BTA = surface_weights(conditions_BTV)
    total_BT = shares_BTA.sum(-1).clamp(min=1e-6)
    decay_BT, thump_BT = (shares_BTA @ decay_A) / total_BT, (shares_BTA @ thump_A) / total_BT
    since_BS = _times_since(speed_BT.double(), stride_BT.double()).float()
    decay_BS = decay_BT.repeat_interleave(SAMPLES_PER_CHUNK, dim=1)
    thump_BS = thump_BT.repeat_interleave(SAMPLES_PER_CHUNK, dim=1)
    live_s = torch.where(since_BS.isfinite(), since_BS, 0.0)
    thump = (live_s * (2 * math.pi * _THUMP_HZ)).sin() * _envelope(since_BS, 0.003, _THUMP_DECAY_S)
    return _THUMP_LEVEL * thump_BS * thump + burst_BS * _envelope(since_BS, 0.002, decay_BS)
