"""Layers of the causal Wan network. Names of modules and parameters are those of the published checkpoints.

Letters: B batch, F latent frames of a chunk, T tokens of a latent frame, S = F * T, L tokens of a window, P context
tokens, N heads, K head dim, D model dim.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from einops import rearrange
from torch import Tensor, nn

from model.adapters.wan.actions import ActionModule, Actions
from model.adapters.wan.config import WanConfig
from model.adapters.wan.pointwise import Pointwise, modulated
from model.adapters.wan.window import KeysValues, Window

SELF = "self"  # the kind of attention of the window that video tokens look at


def attend(q_BSNK: Tensor, k_BLNK: Tensor, v_BLNK: Tensor) -> Tensor:
    """Scaled dot-product attention of every query to every key."""
    seen = nn.functional.scaled_dot_product_attention(
        q_BSNK.transpose(1, 2), k_BLNK.transpose(1, 2), v_BLNK.transpose(1, 2)
    )
    return seen.transpose(1, 2)


def as_they_are(x_BSD: Tensor) -> Tensor:
    return x_BSD


class Projections(nn.Module):
    """What self- and cross-attention have in common: projections, and norms over all heads together."""

    def __init__(self, config: WanConfig) -> None:
        super().__init__()
        self.heads, dim = config.heads, config.dim
        self.q, self.k, self.v, self.o = (nn.Linear(dim, dim) for _ in range(4))
        self.norm_q, self.norm_k = nn.RMSNorm(dim, eps=config.eps), nn.RMSNorm(dim, eps=config.eps)
        # What projections of the same tokens have in common is done once: gives what `queries` and `keys_values` take.
        self.take: Callable[[Tensor], Any] = as_they_are

    def queries(self, x_BSD: Tensor) -> Tensor:
        return self._split(self.norm_q(self.q(x_BSD)))

    def keys_values(self, x_BSD: Tensor) -> KeysValues:
        """Keys before rotation."""
        return KeysValues(self._split(self.norm_k(self.k(x_BSD))), self._split(self.v(x_BSD)))

    def _split(self, x_BSD: Tensor) -> Tensor:
        return rearrange(x_BSD, "b s (n k) -> b s n k", n=self.heads)

    def joined(self, seen_BSNK: Tensor) -> Tensor:
        return self.o(seen_BSNK.flatten(2))


class Block(nn.Module):
    """Self-attention over the window, cross-attention to the context, controls where the block has them, feed-forward;
    the first and the last modulated by each latent frame's noise level."""

    def __init__(self, config: WanConfig, has_actions: bool) -> None:
        super().__init__()
        dim, eps = config.dim, config.eps
        self.pointwise = Pointwise()
        self.norm1 = nn.LayerNorm(dim, eps, elementwise_affine=False)
        self.self_attn = Projections(config)
        self.norm3 = nn.LayerNorm(dim, eps)
        self.cross_attn = Projections(config)
        self.norm2 = nn.LayerNorm(dim, eps, elementwise_affine=False)
        self.ffn = nn.Sequential(nn.Linear(dim, config.ffn_dim), nn.GELU("tanh"), nn.Linear(config.ffn_dim, dim))
        self.modulation = nn.Parameter(torch.randn(1, 6, dim) / dim**0.5)
        self.action_model: ActionModule | None = None
        if has_actions:
            assert config.actions is not None
            self.action_model = ActionModule(config.actions, dim)

    def forward(
        self,
        x_BFTD: Tensor,
        noise_BF6D: Tensor,
        context: KeysValues,
        window: Window,
        block: int,
        actions: Actions | None,
    ) -> tuple[Tensor, dict[str, KeysValues]]:
        """The tokens after this block, and what a cache may keep of them. Writes to the window's own frames."""
        shift, scale, gate, *second = (self.modulation + noise_BF6D).unsqueeze(-2).unbind(2)
        hidden = self.pointwise.normed(x_BFTD, shift, scale, self.norm1.eps)
        taken = self.self_attn.take(hidden.flatten(1, 2))
        kept = {SELF: self._projected(taken, frames=hidden.shape[1])}
        x_BFTD = self.pointwise.gated(x_BFTD, gate, self._seen(taken, kept[SELF], window, block))
        x_BFTD = x_BFTD + self._told(x_BFTD, context)
        if self.action_model is not None:
            assert actions is not None
            x_BFTD, told = self.action_model(x_BFTD, actions, window, block)
            kept |= told
        shift, scale, gate = second
        hidden = self.pointwise.normed(x_BFTD, shift, scale, self.norm2.eps)
        return self.pointwise.gated(x_BFTD, gate, self.ffn(hidden)), kept

    def keys_to_keep(self, x_BFTD: Tensor, noise_BF6D: Tensor) -> dict[str, KeysValues]:
        """What a cache may keep, of a block without actions after which nothing else is wanted."""
        assert self.action_model is None
        shift, scale, *_ = (self.modulation + noise_BF6D).unsqueeze(-2).unbind(2)
        hidden = self.pointwise.normed(x_BFTD, shift, scale, self.norm1.eps)
        return {SELF: self._projected(self.self_attn.take(hidden.flatten(1, 2)), frames=hidden.shape[1])}

    def _projected(self, taken: Any, frames: int) -> KeysValues:
        """Keys and values [B, F, T, N, K], the keys before rotation, of what `take` gave."""
        own = self.self_attn.keys_values(taken)
        return KeysValues(*(field.unflatten(1, (frames, -1)) for field in own))

    def _seen(self, taken: Any, own: KeysValues, window: Window, block: int) -> Tensor:
        rotation = window.own_rotation(SELF)
        q_BFTNK = self.self_attn.queries(taken).unflatten(1, own.k.shape[1:3])
        q = self.pointwise.rotated(q_BFTNK, rotation)
        keys = window.lay(SELF, block, self.pointwise.rotated(own.k, rotation), own.v)
        seen = attend(q.flatten(1, 2), keys.k.flatten(1, 2), keys.v.flatten(1, 2))
        return self.self_attn.joined(seen).unflatten(1, own.k.shape[1:3])

    def _told(self, x_BFTD: Tensor, context: KeysValues) -> Tensor:
        q = self.cross_attn.queries(self.norm3(x_BFTD).flatten(1, 2))
        return self.cross_attn.joined(attend(q, context.k, context.v)).unflatten(1, x_BFTD.shape[1:3])


class Head(nn.Module):
    def __init__(self, config: WanConfig, numbers: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(config.dim, config.eps, elementwise_affine=False)
        self.head = nn.Linear(config.dim, numbers)
        self.modulation = nn.Parameter(torch.randn(1, 2, config.dim) / config.dim**0.5)

    def forward(self, x_BFTD: Tensor, noise_BFD: Tensor) -> Tensor:
        shift, scale = (self.modulation + noise_BFD.unsqueeze(2)).unsqueeze(-2).unbind(2)
        return self.head(modulated(self.norm(x_BFTD), shift, scale))


class ImageEmbedding(nn.Module):
    """Tokens of a picture's meaning into the model's width."""

    def __init__(self, image_dim: int, dim: int) -> None:
        super().__init__()
        self.proj = nn.Sequential(
            nn.LayerNorm(image_dim),
            nn.Linear(image_dim, image_dim),
            nn.GELU(),
            nn.Linear(image_dim, dim),
            nn.LayerNorm(dim),
        )

    def forward(self, image_BPD: Tensor) -> Tensor:
        return self.proj(image_BPD)


def timestep_features(timesteps: Tensor, dim: int) -> Tensor:
    """Cosines, then sines of timesteps of 0 to 1000: [..., dim], in double precision."""
    half = dim // 2
    frequency = 10_000.0 ** (-torch.arange(half, dtype=torch.float64, device=timesteps.device) / half)
    angle = timesteps.double()[..., None] * frequency
    return torch.cat([angle.cos(), angle.sin()], -1)
