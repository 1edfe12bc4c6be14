"""The teacher of the few-step painter: its many-step self, and the way that goes from noise to a canvas.

A teacher takes thirteen steps where its pupil takes four at most. It is also surer of itself than the network that
it is: at every step it goes on beyond its own velocity, away from that of a rougher copy of itself (autoguidance,
Karras et al., arXiv 2406.02507; here the copy lacks some of the network's layers, as in arXiv 2411.18664), which brings
back the detail that a velocity learned by squared error has lost. A pupil pays for neither.

Letters: B scenes, V patches, C latent dims, A audio dims, E control features, Q numbers of coverage, L cached tokens.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from model.cache import empty_past
from model.denoising import CleanChunk, remember
from model.layers import KeysValues
from model.sampler import SIGMAS, euler_step
from model.training.samples import SequenceBatch
from model.transformer import COVERAGE_NUMBERS, ChunkTokens, Velocity, WorldTransformer

# Every level that a row of SIGMAS stops at, and between them so many that no step is a long one.
BETWEEN = (0.94, 0.89, 0.7, 0.53, 0.24, 0.12)
STRONG = slice(0, 4)  # of the numbers of coverage
WHOLE_COVER = (torch.arange(COVERAGE_NUMBERS) < STRONG.stop).float()  # of a patch known in full, and not by half
ALL_KNOWN = 0.999  # a patch covered to this share is not painted
ROUGH_BLOCKS = (3,)


class Scene(NamedTuple):
    """What the network is told of a chunk besides its noisy latents and their noise level."""

    known_BVC: Tensor
    coverage_BVQ: Tensor
    conditions_BV: Tensor
    control_BE: Tensor
    azimuth_B: Tensor
    past: list[KeysValues]  # per block

    @property
    def is_known(self) -> Tensor:
        return self.coverage_BVQ[..., STRONG].mean(-1) > ALL_KNOWN

    def tokens(self, video_BVC: Tensor, audio_BA: Tensor, sigma_B: Tensor) -> ChunkTokens:
        """What is known carries no noise, whatever the latents say."""
        is_known = self.is_known
        return ChunkTokens(
            torch.where(is_known[..., None], self.known_BVC, video_BVC), self.known_BVC, self.coverage_BVQ,
            torch.where(is_known, torch.zeros(()), sigma_B[:, None]), audio_BA, sigma_B, self.control_BE,
            self.azimuth_B,
        )  # fmt: skip

    def velocity(
        self, network: WorldTransformer, video_BVC: Tensor, audio_BA: Tensor, sigma_B: Tensor
    ) -> tuple[Velocity, list[KeysValues]]:
        """The network's, and what a cache may keep."""
        prompt = network.project_prompt(self.conditions_BV)
        return network(self.tokens(video_BVC, audio_BA, sigma_B), prompt, self.past)


class State(NamedTuple):
    """Where a way is at a noise level."""

    video_BVC: Tensor
    audio_BA: Tensor
    audio_velocity_BA: Tensor  # the network's own


def levels() -> tuple[float, ...]:
    """The teacher's noise levels, from noise to none."""
    return tuple(sorted({1.0, 0.0, *BETWEEN, *(level for row in SIGMAS.values() for level in row[1:])}, reverse=True))


class Teacher:
    """A frozen network that takes many steps.

    `guidance`: how far it goes beyond its own velocity, as a share of the way from the rougher copy's; 0 leaves the
    copy unused. Computes in half precision, as in play.
    """

    def __init__(self, network: WorldTransformer, guidance: float) -> None:
        self.network = _frozen(network)
        self._guidance = guidance
        self._rough = _frozen(rougher(network)) if guidance else None

    @torch.no_grad()
    def past(self, batch: SequenceBatch, num_chunks: int) -> list[KeysValues]:
        """What the cache holds after that many chunks before the last one of a batch, as play leaves it there."""
        prompt = self.network.project_prompt(batch.conditions_BV)
        past = empty_past(self.network.config, batch.true_BVC)
        whole = WHOLE_COVER.expand_as(batch.coverage_BVQ)
        for chunk in range(-1 - num_chunks, -1):
            clean = CleanChunk(
                batch.true_BVC, batch.true_BVC, whole, batch.audio_BTA[:, chunk], batch.control_BTE[:, chunk],
                batch.azimuth_B,
            )  # fmt: skip
            kept = remember(self.network, clean, prompt, past)
            past = [
                KeysValues(*(torch.cat(fields, 1) for fields in zip(before, here, strict=True)))
                for before, here in zip(past, kept, strict=True)
            ]
        return past

    @torch.no_grad()
    def way(self, scene: Scene, video_BVC: Tensor, audio_BA: Tensor) -> Mapping[float, State]:
        """From noise to a canvas and its sound: where it is at each of `levels()`."""
        way, sigmas = {}, levels()
        for sigma, after in pairwise(sigmas):
            sigma_B = torch.full((len(audio_BA),), sigma)
            own, _ = scene.velocity(self.network, video_BVC, audio_BA, sigma_B)
            way[sigma] = State(video_BVC, audio_BA, own.audio_BA)
            velocity = own.video_BVC
            if self._rough is not None:
                rough, _ = scene.velocity(self._rough, video_BVC, audio_BA, sigma_B)
                velocity = velocity + self._guidance * (velocity - rough.video_BVC)
            change = torch.tensor(after - sigma)
            video_BVC, audio_BA = euler_step(video_BVC, velocity, change), euler_step(audio_BA, own.audio_BA, change)
        return way | {sigmas[-1]: State(video_BVC, audio_BA, torch.zeros_like(audio_BA))}


def rougher(network: WorldTransformer) -> WorldTransformer:
    """A copy that lacks some layers: it knows what there is, and less of how it looks."""
    rough = copy.deepcopy(network)
    with torch.no_grad():
        for idx in ROUGH_BLOCKS:
            mixing = rough.block_list()[idx % len(rough.block_list())].neighbours.out
            mixing.weight.zero_()
            mixing.bias.zero_()
    return rough


def _frozen(network: WorldTransformer) -> WorldTransformer:
    return copy.deepcopy(network).requires_grad_(False).eval().bfloat16()
