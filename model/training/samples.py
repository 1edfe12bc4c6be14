"""Training sequences for the transformer: a few earlier chunks, then one in full.

Earlier chunks show a handful of patches each, enough for their registers to tell of the
scene; the last one has its whole canvas, partly known. Sound runs through all of them.

Letters: B sequences, T chunks, V patches, C latent dims, A audio dims, E control features.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import torch
from einops import rearrange
from torch import Tensor
from torch.utils.data import IterableDataset

from model import camera
from model.audio.codec import AudioEncoder
from model.codec import MapCodec
from model.control import MAX_SPEED_M_PER_S, STRIDE_M, control_features
from model.training.pictures import Pictures
from model.training.sound_clips import audio_targets
from model.warp import patch_coverage
from model.world.conditions import NUM_VALUES, SLOT_RANGES, SLOTS

CHUNKS = 6
# What is known was painted, in play: noise on its latents stands for the painter's own errors, so that they are not
# carried on (Valevski et al., arXiv 2408.14837).
PAINTED_SHARE, PAINTED_NOISE = 0.5, 0.35
HARD_CHOICE = 0.7  # share of slots that hold one value; the rest are mixtures, as in a fade


class SequenceBatch(NamedTuple):
    """B training sequences."""

    true_BVC: Tensor  # latents of the last chunk's canvas
    known_BVC: Tensor
    coverage_BVQ: Tensor
    conditions_BV: Tensor
    audio_BTA: Tensor
    control_BTE: Tensor
    azimuth_B: Tensor  # which column of the turn's patches the canvas begins with


def sample_conditions(places_B: Tensor, generator: torch.Generator) -> Tensor:
    """Conditions whose place is given and whose other slots are random choices or mixtures of two."""
    batch = len(places_B)
    conditions_BV = torch.zeros(batch, NUM_VALUES)
    for name, values in SLOTS.items():
        pair = torch.randint(0, len(values), (batch, 2), generator=generator)
        share = torch.rand(batch, generator=generator)
        share = torch.where(torch.rand(batch, generator=generator) < HARD_CHOICE, torch.ones(()), share)
        if name == "place":
            pair, share = places_B[:, None].expand(-1, 2), torch.ones(batch)
        part = conditions_BV[:, SLOT_RANGES[name]]
        part.scatter_add_(1, pair[:, :1], share[:, None])
        part.scatter_add_(1, pair[:, 1:], 1 - share[:, None])
    return conditions_BV


class Walk(NamedTuple):
    """Axes of each chunk [B, T, 4], speed in m/s [B, T], strides walked before it [B, T], clock [B, T]."""

    axes: Tensor
    speed: Tensor
    stride: Tensor
    chunk_idx: Tensor


def sample_walks(batch: int, generator: torch.Generator) -> Walk:
    """Held keys that change now and then; a third stand still."""

    def held(scale: float) -> Tensor:
        value = scale * (2 * torch.rand(batch, 1, generator=generator) - 1).round(decimals=1)
        later = scale * (2 * torch.rand(batch, 1, generator=generator) - 1).round(decimals=1)
        change = torch.randint(1, 4 * CHUNKS, (batch, 1), generator=generator)
        return torch.where(torch.arange(CHUNKS) < change, value, later)

    axes = torch.stack([held(1.0), held(1.0), held(1.0), held(1.0)], -1)
    forward_only = torch.rand(batch, generator=generator) < 0.5
    axes[forward_only, :, 0] = 1.0
    axes[forward_only, :, 1] = 0.0
    axes[torch.rand(batch, generator=generator) < 0.34, :, :2] = 0.0
    starts = torch.rand(batch, generator=generator) < 0.1
    axes[starts, : CHUNKS // 2, :2] = 0.0
    speed = MAX_SPEED_M_PER_S * torch.hypot(axes[..., 0], axes[..., 1]).clamp_max(1.0)
    strides = speed * 0.08 / STRIDE_M
    before = 50 * torch.rand(batch, 1, generator=generator) + strides.cumsum(1) - strides
    clock = torch.randint(0, 4096, (batch, 1), generator=generator) + torch.arange(CHUNKS)
    return Walk(axes, speed, before, clock)


class Sequences(IterableDataset[SequenceBatch]):
    """An endless stream of batches."""

    def __init__(
        self, folder: Path, codec: MapCodec, audio: AudioEncoder, batch: int, seed: int, held_out: bool = False
    ) -> None:
        self._folder, self._codec, self._audio, self._batch, self._seed = folder, codec, audio, batch, seed
        self._held_out = held_out

    def __iter__(self) -> Iterator[SequenceBatch]:
        torch.set_num_threads(1)
        pictures = Pictures(self._folder, self._seed)
        generator = torch.Generator().manual_seed(self._seed)
        while True:
            yield self.sample(pictures, generator)

    @torch.no_grad()
    def sample(self, pictures: Pictures, generator: torch.Generator) -> SequenceBatch:
        scenes = pictures.sample_scenes(self._batch, self._held_out)
        canvas = pictures.sample_canvases(scenes)
        seen = canvas.strong_BHW | canvas.weak_BHW
        known = torch.where(seen[:, None], canvas.known_BMHW, self._codec.mean_maps(canvas.true_BMHW.shape[-1] // 16))
        coverage = torch.cat([patch_coverage(canvas.strong_BHW), patch_coverage(canvas.weak_BHW)], -1)
        coverage_BVQ = rearrange(coverage, "b r c q -> b (r c) q")
        conditions_BV = sample_conditions(pictures.places(scenes), generator)
        walk = sample_walks(self._batch, generator)
        seeds_B = torch.randint(0, 2**31, (self._batch,), generator=generator)
        conditions_BTV = conditions_BV[:, None].expand(-1, CHUNKS, -1)
        return SequenceBatch(
            rearrange(self._codec.encode(canvas.true_BMHW), "b r c d -> b (r c) d"),
            _as_painted(rearrange(self._codec.encode(known), "b r c d -> b (r c) d"), coverage_BVQ, generator),
            coverage_BVQ,
            conditions_BV,
            audio_targets(self._audio, conditions_BTV, walk.speed, walk.stride, walk.chunk_idx[:, 0], seeds_B),
            control_features(walk.axes, walk.speed, walk.stride, walk.chunk_idx),
            canvas.column_B // camera.PATCH_PX,
        )


def _as_painted(known_BVC: Tensor, coverage_BVQ: Tensor, generator: torch.Generator) -> Tensor:
    """Known latents, some of them a little off wherever anything is seen."""
    batch = len(known_BVC)
    is_painted = torch.rand(batch, 1, 1, generator=generator) < PAINTED_SHARE
    level = PAINTED_NOISE * torch.rand(batch, 1, 1, generator=generator) * is_painted
    is_seen = coverage_BVQ.sum(-1, keepdim=True) > 0
    return known_BVC + level * is_seen * torch.randn(known_BVC.shape, generator=generator)
