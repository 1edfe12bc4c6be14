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
from model.layers import Block, KeysValues, noise_level_features
from model.rotary import rotation
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


def prompt_tokens(conditions_BV: Tensor) -> Tensor:
    """One token per condition slot, holding its values at their places: [B, slots, NUM_VALUES]."""
    mask = torch.zeros(NUM_SLOTS, NUM_VALUES)
    for idx, part in enumerate(SLOT_RANGES.values()):
        mask[idx, part] = 1
    return conditions_BV[:, None] * mask


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

    def embed(self, tokens: ChunkTokens, patch_idx_BV: Tensor | None = None) -> Tensor:
        """x_BSD of a chunk's tokens before the first block; `patch_idx_BV` names the patches where
        only some are given."""
        position_VD = (self.row_embedding + self.column_embedding).flatten(0, 1)
        if patch_idx_BV is None:
            patch_idx_BV = torch.arange(NUM_PATCHES).expand(len(tokens.azimuth_B), -1)
        azimuth_BV = (tokens.azimuth_B[:, None] + patch_idx_BV % PATCH_COLUMNS) % NUM_AZIMUTHS
        position = position_VD[patch_idx_BV] + self.azimuth_embedding[azimuth_BV]
        video = self.video_in(torch.cat([tokens.video_BVC, tokens.known_BVC, tokens.coverage_BVQ], -1))
        video = video + position + self._sigma(tokens.video_sigma_BV)
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

    def forward(
        self, tokens: ChunkTokens, prompt: list[KeysValues], past: list[KeysValues]
    ) -> tuple[Velocity, list[KeysValues]]:
        """One pass over one chunk. `past` holds, per block, the cached tokens in window order and
        is only read. Returns the velocity and what a cache may keep of this chunk. Computes in the
        precision of the weights; what comes in and goes out is in single precision."""
        tokens = tokens.cast(self.dtype)
        past = [KeysValues(*(field.to(self.dtype) for field in block)) for block in past]
        x = self.embed(tokens)
        control = self.control(tokens.control_BE)[:, None]
        per_chunk = self.config.cached_tokens
        num_past = past[0].k_BLNK.shape[1] // per_chunk
        here = torch.full((x.shape[1],), num_past)
        head_dim = self.config.dim // self.config.heads
        positions_k = torch.cat([torch.arange(num_past).repeat_interleave(per_chunk), here])
        rotation_q, rotation_k = rotation(here, head_dim), rotation(positions_k, head_dim)
        kept = []
        for block, prompt_kv, past_kv in zip(self.block_list(), prompt, past, strict=True):
            first, second = block.modulate(control)
            q, own = block.before_attention(x, first)
            kept.append(KeysValues(own.k_BLNK[:, NUM_PATCHES:], own.v_BLNK[:, NUM_PATCHES:]))
            keys = KeysValues(torch.cat([past_kv.k_BLNK, own.k_BLNK], 1), torch.cat([past_kv.v_BLNK, own.v_BLNK], 1))
            attended = block.attention.attend(q, keys, rotation_q, rotation_k, prompt_kv)
            x = block.mix_neighbours(block.add_attended(x, attended, first), NUM_PATCHES)
            x = block.feed_forward(x, second)
        velocity = self.head(x)
        return Velocity(velocity.video_BVC.float(), velocity.audio_BA.float()), kept

    @property
    def dtype(self) -> torch.dtype:
        return self.video_in.weight.dtype

    def block_list(self) -> list[Block]:
        return list(self.blocks)  # pyright: ignore[reportReturnType]
