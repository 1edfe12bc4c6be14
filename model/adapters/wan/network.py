"""The causal Wan transformer over one chunk and its window, in two passes.

    denoise    noisy latents to a velocity; what is cached is only read
    remember   clean latents to what a cache may keep of them

With noise level sigma = timestep / 1000, x = (1 - sigma) * clean + sigma * noise and the velocity is noise - clean.
Every latent frame has its own timestep. A chunk's tokens all see each other, the window before them, and the context.

Letters: B batch, F latent frames of a chunk, C channels, H W rows and columns of latents, T tokens of a latent frame,
P context tokens, D model dim, I blocks, N heads, K head dim.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from einops import rearrange
from torch import Tensor, nn

from model.adapters.wan.actions import KEYBOARD, MOUSE, Actions
from model.adapters.wan.config import PATCH_SIDE, WanConfig
from model.adapters.wan.keys import KeyAdapter
from model.adapters.wan.layers import SELF, Block, Head, ImageEmbedding, timestep_features
from model.adapters.wan.pointwise import Pointwise
from model.adapters.wan.rotary import Rotation, grid_rotation, time_rotation
from model.adapters.wan.window import KeysValues, LatentCache, Shapes, Window, past_of
from model.gpu.host_memory import sent


class Conditions(NamedTuple):
    """What a chunk is told besides its context. None for what the network does not read."""

    beside_BFCHW: Tensor | None = None  # channels beside the noisy latents: mask and picture
    actions: Actions | None = None
    keys_BK: Tensor | None = None


class WanNetwork(nn.Module):
    """Parameters have the names of the published checkpoints."""

    def __init__(self, config: WanConfig) -> None:
        super().__init__()
        self.config, dim = config, config.dim
        patch = (1, PATCH_SIDE, PATCH_SIDE)
        self.patch_embedding = nn.Conv3d(config.in_channels, dim, patch, stride=patch)
        if config.text_dim:
            self.text_embedding = nn.Sequential(nn.Linear(config.text_dim, dim), nn.GELU("tanh"), nn.Linear(dim, dim))
        if config.image_dim:
            self.img_emb = ImageEmbedding(config.image_dim, dim)
        self.time_embedding = nn.Sequential(nn.Linear(config.freq_dim, dim), nn.SiLU(), nn.Linear(dim, dim))
        self.time_projection = nn.Sequential(nn.SiLU(), nn.Linear(dim, 6 * dim))
        action_blocks = config.actions.blocks if config.actions else 0
        self.blocks = nn.ModuleList(Block(config, idx < action_blocks) for idx in range(config.layers))
        self.head = Head(config, config.out_channels * PATCH_SIDE**2)
        if config.keys:
            self.act_control_adapter = KeyAdapter(config.keys, dim)

    @property
    def dtype(self) -> torch.dtype:
        return self.head.head.weight.dtype

    @property
    def device(self) -> torch.device:
        return self.head.head.weight.device

    def block_list(self) -> list[Block]:
        return list(self.blocks)  # pyright: ignore[reportReturnType]

    @property
    def pointwise(self) -> Pointwise:
        return self.block_list()[0].pointwise

    def set_pointwise(self, pointwise: Pointwise) -> None:
        """Another way to do what lies between the matrix products; one for all blocks."""
        for block in self.block_list():
            block.pointwise = pointwise

    def context(self, context_BPD: Tensor) -> list[KeysValues]:
        """Keys and values of a text, or of a picture's meaning, for every block. Keep them until it changes. A text is
        filled up with zeros, which the network was trained to see."""
        context_BPD = sent(context_BPD.to(self.dtype), self.device)
        if self.config.text_dim:
            missing = self.config.text_tokens - context_BPD.shape[1]
            if missing < 0:
                raise ValueError(f"a text has {context_BPD.shape[1]} tokens, {self.config.text_tokens} at most")
            embedded = self.text_embedding(nn.functional.pad(context_BPD, (0, 0, 0, missing)))
        else:
            embedded = self.img_emb(context_BPD)
        return [block.cross_attn.keys_values(embedded) for block in self.block_list()]

    def cache_shapes(self, latent_rows: int, latent_columns: int) -> Shapes:
        """Of what a cache keeps of one latent frame, by the kind of attention."""
        config, tokens = self.config, latent_rows * latent_columns // PATCH_SIDE**2
        shapes: dict[str, tuple[int, ...]] = {SELF: (config.layers, tokens, config.heads, config.head_dim)}
        if config.actions:
            heads, blocks = (config.actions.heads, config.actions.head_dim), config.actions.blocks
            shapes[KEYBOARD] = (blocks, *heads)
            if config.actions.mouse_axes:
                shapes[MOUSE] = (blocks, tokens, *heads)
        return shapes

    def window(self, caches: Sequence[LatentCache], num_own: int, latent_rows: int, latent_columns: int) -> Window:
        """Room for `num_own` latent frames behind what is cached. Good for all passes of one chunk."""
        window = self.room(len(caches), past_of(caches), num_own, latent_rows, latent_columns)
        window.fill(caches)
        return window

    def room(self, num_sessions: int, num_past: int, num_own: int, latent_rows: int, latent_columns: int) -> Window:
        """For so many latent frames of each session; there is nothing in it yet."""
        shapes = self.cache_shapes(latent_rows, latent_columns)
        rotations = self._rotations(num_past + num_own, latent_rows // PATCH_SIDE, latent_columns // PATCH_SIDE)
        return Window(num_sessions, num_past, num_own, shapes, rotations, self.head.head.weight)

    def _rotations(self, frames: int, rows: int, columns: int) -> dict[str, Rotation]:
        dtype, device, actions = self.dtype, str(self.device), self.config.actions
        rotations = {SELF: grid_rotation(frames, rows, columns, self.config.head_dim, dtype, device)}
        if actions:
            by_time = time_rotation(frames, actions.head_dim, actions.temporal_dims, actions.rotary_base, dtype, device)
            rotations[KEYBOARD] = by_time
            rotations[MOUSE] = Rotation(by_time.cos.unsqueeze(1), by_time.sin.unsqueeze(1))
        return rotations

    def denoise(
        self,
        latents_BFCHW: Tensor,
        timesteps_BF: Tensor,
        context: list[KeysValues],
        window: Window,
        conditions: Conditions,
    ) -> Tensor:
        """velocity_BFCHW. Writes to the window's own frames, and to nothing else."""
        x, noise_BFD, noise_BF6D = self._embedded(latents_BFCHW, timesteps_BF, conditions)
        for idx, block in enumerate(self.block_list()):
            x, _ = block(x, noise_BF6D, context[idx], window, idx, conditions.actions)
        rows, columns = (side // PATCH_SIDE for side in latents_BFCHW.shape[-2:])
        patches_BFTC = self._joined(self.head(x, noise_BFD), rows * columns)
        side = PATCH_SIDE
        return rearrange(patches_BFTC, "b f (h w) (p q c) -> b f c (h p) (w q)", h=rows, p=side, q=side)

    def _joined(self, patches_BFTC: Tensor, num_patches: int) -> Tensor:
        """All patches of the latents, of those that are here."""
        return patches_BFTC

    def remember(
        self, latents_BFCHW: Tensor, context: list[KeysValues], window: Window, conditions: Conditions
    ) -> dict[str, KeysValues]:
        """What to keep of a clean chunk, by the kind of attention: [I, B, F, ..., N, K], keys before rotation. Writes
        to the window's own frames."""
        timesteps_BF = torch.zeros(latents_BFCHW.shape[:2], device=latents_BFCHW.device)
        x, _, noise_BF6D = self._embedded(latents_BFCHW, timesteps_BF, conditions)
        layers: dict[str, list[KeysValues]] = {}
        for idx, block in enumerate(self.block_list()):
            if idx + 1 == len(self.blocks) and block.action_model is None:
                kept = block.keys_to_keep(x, noise_BF6D)  # nobody asks what comes out of the last
            else:
                x, kept = block(x, noise_BF6D, context[idx], window, idx, conditions.actions)
            for kind, own in kept.items():
                layers.setdefault(kind, []).append(own)
        return {kind: KeysValues(*map(torch.stack, zip(*own, strict=True))) for kind, own in layers.items()}

    def _embedded(
        self, latents_BFCHW: Tensor, timesteps_BF: Tensor, conditions: Conditions
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Tokens x_BFTD, and noise levels as the head and the blocks take them."""
        if conditions.beside_BFCHW is not None:
            latents_BFCHW = torch.cat([latents_BFCHW, conditions.beside_BFCHW], 2)
        x_BDFHW = self.patch_embedding(rearrange(latents_BFCHW.to(self.dtype), "b f c h w -> b c f h w"))
        if conditions.keys_BK is not None:
            x_BDFHW = x_BDFHW + self.act_control_adapter(conditions.keys_BK, *x_BDFHW.shape[-2:]).unsqueeze(2)
        features = timestep_features(timesteps_BF, self.config.freq_dim).to(self.dtype)
        noise_BFD = self.time_embedding(features)
        noise_BF6D = self.time_projection(noise_BFD).unflatten(-1, (6, -1))
        return rearrange(x_BDFHW, "b d f h w -> b f (h w) d"), noise_BFD, noise_BF6D
