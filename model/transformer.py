"""The streaming joint audio-video transformer: one chunk's tokens see each other, the prompt,
and a rolling cache of earlier chunks.

A chunk's tokens are its canvas patches, its sound, and a few registers. Only sound and
registers are cached: what places look like is the spatial memory's business (model.memory),
which reaches the network as known latents and how much of each patch they cover.

The network predicts the velocity of a rectified flow (Liu et al., arXiv 2209.03003): with
noise level sigma in [0, 1], x = (1 - sigma) * clean + sigma * noise and v = noise - clean.
Every token has its own noise level (Chen et al., arXiv 2407.01392); a known patch has none.

Letters: B batch, S tokens of a chunk, V patches, L cached tokens, D model dim, C latent dims,
A audio latent dims, E control features, Q numbers of patch coverage.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from model import camera
from model.layers import Block, KeysValues, Modulation, Projected, noise_level_features
from model.rotary import rotate, rotation
from model.world.conditions import NUM_SLOTS, NUM_VALUES, SLOT_RANGES

PATCH_ROWS = camera.CANVAS_H // camera.PATCH_PX
PATCH_COLUMNS = camera.CANVAS_W // camera.PATCH_PX
NUM_PATCHES = PATCH_ROWS * PATCH_COLUMNS
NUM_AZIMUTHS = camera.TURN_PX // camera.PATCH_PX  # columns of patches in a whole turn
COVERAGE_NUMBERS = 8  # strong and weak cover of four quarters
SIGMA_FEATURES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformerConfig:
    latent_dims: int
    audio_dims: int
    control_features: int
    dim: int
    layers: int
    heads: int
    mlp_ratio: int
    registers: int
    sink_chunks: int
    window_chunks: int  # earlier chunks kept besides the sinks

    def __post_init__(self) -> None:
        if self.dim % self.heads:
            raise ValueError(f"dim {self.dim} is not a multiple of heads {self.heads}")

    @property
    def cached_tokens(self) -> int:
        """Tokens per chunk that later chunks can see: the sound and the registers."""
        return 1 + self.registers


class ChunkTokens(NamedTuple):
    """What enters the network for one chunk of each session."""

    video_BVC: Tensor  # noisy latents; clean where known
    known_BVC: Tensor  # latents of what memory shows there
    coverage_BVQ: Tensor  # how much of each quarter is known well, and known roughly
    video_sigma_BV: Tensor
    audio_BA: Tensor
    audio_sigma_B: Tensor
    control_BE: Tensor
    azimuth_B: Tensor  # int64: which column of the turn's patches the canvas begins with

    def cast(self, dtype: torch.dtype) -> ChunkTokens:
        return ChunkTokens(*(field.to(dtype) if field.is_floating_point() else field for field in self))


class Velocity(NamedTuple):
    video_BVC: Tensor
    audio_BA: Tensor


class Surroundings(NamedTuple):
    """What does not change from pass to pass over a chunk: computed once for all of them."""

    position_BVD: Tensor
    rotation_SK: Tensor  # of the chunk's own tokens
    modulations: list[tuple[Modulation, Modulation]]  # per block, of both sublayers
    contexts: list[KeysValues]  # per block, what its attention sees besides the chunk: prompt and past, rotated


def prompt_tokens(conditions_BV: Tensor) -> Tensor:
    """One token per condition slot, holding its values at their places: [B, slots, NUM_VALUES]."""
    mask = torch.zeros(NUM_SLOTS, NUM_VALUES)
    for idx, part in enumerate(SLOT_RANGES.values()):
        mask[idx, part] = 1
    return conditions_BV[:, None] * mask


def _context(prompt: KeysValues, past: KeysValues, past_rotation: Tensor, dtype: torch.dtype) -> KeysValues:
    """The prompt's tokens, which have no position, and the cached ones."""
    k, v = rotate(past.k_BLNK.to(dtype), past_rotation), past.v_BLNK.to(dtype)
    return KeysValues(torch.cat([prompt.k_BLNK, k], 1), torch.cat([prompt.v_BLNK, v], 1))


class WorldTransformer(nn.Module):
    """The network. Sequence order of a chunk: patches, sound, registers."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        dim = config.dim
        self.video_in = nn.Linear(2 * config.latent_dims + COVERAGE_NUMBERS, dim)
        self.audio_in = nn.Linear(config.audio_dims, dim)
        self.sigma_in = nn.Sequential(nn.Linear(SIGMA_FEATURES, dim), nn.SiLU(), nn.Linear(dim, dim))
        self.control_in = nn.Sequential(nn.Linear(config.control_features, dim), nn.SiLU(), nn.Linear(dim, dim))
        self.row_embedding = nn.Parameter(0.02 * torch.randn(PATCH_ROWS, 1, dim))
        self.column_embedding = nn.Parameter(0.02 * torch.randn(1, PATCH_COLUMNS, dim))
        # Where in the turn a patch stands: a road that leaves ahead of the start comes back from behind.
        self.azimuth_embedding = nn.Parameter(torch.zeros(NUM_AZIMUTHS, dim))
        self.audio_embedding = nn.Parameter(0.02 * torch.randn(1, dim))
        self.registers = nn.Parameter(0.02 * torch.randn(config.registers, dim))
        self.blocks = nn.ModuleList(
            Block(dim, config.heads, config.mlp_ratio, NUM_VALUES, PATCH_ROWS, PATCH_COLUMNS)
            for _ in range(config.layers)
        )
        self.norm_out = nn.LayerNorm(dim)
        self.video_out = nn.Linear(dim, config.latent_dims)
        self.audio_out = nn.Linear(dim, config.audio_dims)
        for head in (self.video_out, self.audio_out):
            nn.init.zeros_(head.weight)
            nn.init.zeros_(head.bias)

    def position(self, azimuth_B: Tensor, patch_idx_BV: Tensor | None = None) -> Tensor:
        """position_BVD of a canvas's patches; `patch_idx_BV` names them where only some are given."""
        position_VD = (self.row_embedding + self.column_embedding).flatten(0, 1)
        if patch_idx_BV is None:
            patch_idx_BV = torch.arange(NUM_PATCHES).expand(len(azimuth_B), -1)
        azimuth_BV = (azimuth_B[:, None] + patch_idx_BV % PATCH_COLUMNS) % NUM_AZIMUTHS
        return position_VD[patch_idx_BV] + self.azimuth_embedding[azimuth_BV]

    def embed(self, tokens: ChunkTokens, position_BVD: Tensor) -> Tensor:
        """x_BSD of a chunk's tokens before the first block."""
        video = self.video_in(torch.cat([tokens.video_BVC, tokens.known_BVC, tokens.coverage_BVQ], -1))
        video = video + position_BVD + self._sigma(tokens.video_sigma_BV)
        audio = self.audio_in(tokens.audio_BA) + self._sigma(tokens.audio_sigma_B) + self.audio_embedding
        registers = self.registers.expand(len(video), -1, -1)
        return torch.cat([video, audio[:, None], registers], 1)

    def _sigma(self, sigma: Tensor) -> Tensor:
        return self.sigma_in(noise_level_features(sigma.float(), SIGMA_FEATURES).to(self.dtype))

    def control(self, control_BE: Tensor) -> Tensor:
        """The control embedding that modulates every block: [..., D]."""
        return nn.functional.silu(self.control_in(control_BE))

    def project_prompt(self, conditions_BV: Tensor) -> list[KeysValues]:
        """Prompt keys and values of every block. Cache them until the conditions change."""
        tokens = prompt_tokens(conditions_BV).to(self.dtype)
        return [block.attention.project_prompt(tokens) for block in self.block_list()]

    def head(self, x_BSD: Tensor) -> Velocity:
        x_BSD = self.norm_out(x_BSD)
        num_patches = x_BSD.shape[1] - self.config.cached_tokens
        return Velocity(self.video_out(x_BSD[:, :num_patches]), self.audio_out(x_BSD[:, num_patches]))

    def surround(
        self, control_BE: Tensor, azimuth_B: Tensor, prompt: list[KeysValues], past: list[KeysValues]
    ) -> Surroundings:
        """What all passes over a chunk share. `past` holds, per block, the cached tokens in window order and is only
        read. Computes in the precision of the weights."""
        per_chunk, head_dim = self.config.cached_tokens, self.config.dim // self.config.heads
        num_past = past[0].k_BLNK.shape[1] // per_chunk
        past_rotation = rotation(torch.arange(num_past).repeat_interleave(per_chunk), head_dim)
        control = self.control(control_BE.to(self.dtype))[:, None]
        return Surroundings(
            self.position(azimuth_B),
            rotation(torch.full((NUM_PATCHES + per_chunk,), num_past), head_dim),
            [block.modulate(control) for block in self.block_list()],
            [_context(*each, past_rotation, self.dtype) for each in zip(prompt, past, strict=True)],
        )

    def forward(
        self, tokens: ChunkTokens, prompt: list[KeysValues], past: list[KeysValues]
    ) -> tuple[Velocity, list[KeysValues]]:
        """A denoise pass by itself."""
        return self.denoise_pass(tokens, self.surround(tokens.control_BE, tokens.azimuth_B, prompt, past))

    def denoise_pass(self, tokens: ChunkTokens, around: Surroundings) -> tuple[Velocity, list[KeysValues]]:
        """One pass over one chunk: the velocity, and what a cache may keep of this chunk, were it clean. What comes in
        and goes out is in single precision."""
        x, own, kept = self._until_last(tokens, around)
        velocity = self.head(self._finished(-1, x, own, around))
        return Velocity(velocity.video_BVC.float(), velocity.audio_BA.float()), kept

    def cache_pass(self, tokens: ChunkTokens, around: Surroundings) -> list[KeysValues]:
        """What a cache may keep of a clean chunk, to the bit that of a denoise pass: nothing of it depends on what the
        last block does once it has keys and values."""
        return self._until_last(tokens, around)[-1]

    def _until_last(self, tokens: ChunkTokens, around: Surroundings) -> tuple[Tensor, Projected, list[KeysValues]]:
        """What enters the last block, what that makes queries, keys and values of, and what may be kept of all."""
        x = self.embed(tokens.cast(self.dtype), around.position_BVD)
        first, *others = self.block_list()
        own = first.before_attention(x, around.modulations[0][0])
        kept = [own.cached(NUM_PATCHES)]
        for idx, block in enumerate(others):
            x = self._finished(idx, x, own, around)
            own = block.before_attention(x, around.modulations[idx + 1][0])
            kept.append(own.cached(NUM_PATCHES))
        return x, own, kept

    def _finished(self, block_idx: int, x_BSD: Tensor, own: Projected, around: Surroundings) -> Tensor:
        """A block's tokens, from when their queries, keys and values are there."""
        block, (first, second) = self.block_list()[block_idx], around.modulations[block_idx]
        attended = block.attention.attend(own, around.rotation_SK, around.contexts[block_idx])
        x = block.mix_neighbours(block.add_attended(x_BSD, attended, first), NUM_PATCHES)
        return block.feed_forward(x, second)

    @property
    def dtype(self) -> torch.dtype:
        return self.video_in.weight.dtype

    def block_list(self) -> list[Block]:
        return list(self.blocks)  # pyright: ignore[reportReturnType]
