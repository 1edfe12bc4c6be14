"""Layers of the streaming transformer.

Letters: B batch, S tokens, L cached tokens, P prompt tokens, N heads, K head dim, D model dim.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from einops import rearrange
from torch import Tensor, nn

from model.rotary import rotate


class KeysValues(NamedTuple):
    """Keys before rotation, and values."""

    k_BLNK: Tensor
    v_BLNK: Tensor


class Projected(NamedTuple):
    """Of a chunk's own tokens: queries and keys, normalised, before rotation; and values."""

    qk_2BSNK: Tensor
    v_BSNK: Tensor

    def cached(self, first: int) -> KeysValues:
        """What a cache may keep of the tokens from `first` on."""
        return KeysValues(self.qk_2BSNK[1, :, first:], self.v_BSNK[:, first:])


class Modulation(NamedTuple):
    """Of a sublayer, each broadcastable to [B, S, D]: what its input is multiplied by and moved by, and its output
    multiplied by."""

    factor: Tensor
    shift: Tensor
    gate: Tensor


class Attention(nn.Module):
    """Multi-head attention with normalised queries and keys, over the chunk's own tokens,
    cached tokens of earlier chunks, and prompt tokens (which have no position)."""

    def __init__(self, dim: int, num_heads: int, num_values: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.prompt_kv = nn.Linear(num_values, 2 * dim)
        self.out = nn.Linear(dim, dim)
        self.q_norm = nn.RMSNorm(dim // num_heads)
        self.k_norm = nn.RMSNorm(dim // num_heads)

    def project(self, x_BSD: Tensor) -> Projected:
        qkv = rearrange(self.qkv(x_BSD), "b s (c n k) -> c b s n k", c=3, n=self.num_heads)
        return Projected(self._normed(qkv[:2], (self.q_norm, self.k_norm)), qkv[2])

    def project_prompt(self, prompt_BPC: Tensor) -> KeysValues:
        """Keys and values of the prompt's tokens; they change only with the conditions."""
        kv = rearrange(self.prompt_kv(prompt_BPC), "b p (c n k) -> c b p n k", c=2, n=self.num_heads)
        return KeysValues(self._normed(kv[:1], (self.k_norm,))[0], kv[1])

    @staticmethod
    def _normed(heads_CBSNK: Tensor, norms: Sequence[nn.RMSNorm]) -> Tensor:
        """Each of C by its own norm: what differs between them is a weight. Rounded once, as by each alone."""
        weights = torch.stack([norm.weight for norm in norms])[:, None, None, None]
        exact = torch.promote_types(weights.dtype, torch.float32)
        normed = nn.functional.rms_norm(heads_CBSNK.to(exact), heads_CBSNK.shape[-1:], eps=norms[0].eps)
        return (normed * weights).to(weights.dtype)  # autocast leaves the weights in single precision

    def attend(self, own: Projected, rotation: Tensor, context: KeysValues, bias_SL: Tensor | None = None) -> Tensor:
        """From `own` tokens, rotated here, to those of the `context` (which are as they are) and to each other;
        `bias_SL` is added to the scores against context and own keys, in that order."""
        q, own_k = rotate(own.qk_2BSNK, rotation)
        q, k = q.transpose(1, 2), torch.cat([context.k_BLNK, own_k], 1).transpose(1, 2)
        v = torch.cat([context.v_BLNK, own.v_BSNK], 1).transpose(1, 2).to(q.dtype)
        if bias_SL is None:
            seen = nn.functional.scaled_dot_product_attention(q, k, v)
        else:  # on a CPU, masked fused attention trains at half the speed of this
            seen = (q @ k.mT / math.sqrt(q.shape[-1]) + bias_SL).softmax(-1) @ v
        return self.out(rearrange(seen, "b n s k -> b s (n k)"))


class NeighbourMixing(nn.Module):
    """Each patch looks at the eight around it: what attention would take long to learn from few pictures."""

    def __init__(self, dim: int, rows: int, columns: int) -> None:
        super().__init__()
        self.rows, self.columns = rows, columns
        self.norm = nn.LayerNorm(dim)
        self.near = nn.Conv2d(dim, dim, 3, padding=1, groups=dim)
        self.out = nn.Linear(dim, dim)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, patches_BVD: Tensor, patch_idx_BV: Tensor | None = None) -> Tensor:
        """What to add to the patches. Where `patch_idx_BV` names only some, the others count as nothing."""
        grid = self.norm(patches_BVD)
        if patch_idx_BV is None:
            return self.out(self._mixed(grid))
        index = patch_idx_BV[..., None].expand(-1, -1, grid.shape[-1])
        empty = grid.new_zeros(len(grid), self.rows * self.columns, grid.shape[-1])
        return self.out(torch.gather(self._mixed(empty.scatter(1, index, grid)), 1, index))

    def _mixed(self, grid_BVD: Tensor) -> Tensor:
        image = rearrange(grid_BVD, "b (r c) d -> b d r c", r=self.rows)
        return rearrange(nn.functional.silu(self.near(image)), "b d r c -> b (r c) d")


class Block(nn.Module):
    """Attention, neighbour mixing of the patches, and a feed-forward layer; the first and the last
    modulated by the chunk's controls (adaLN-zero, Peebles and Xie, arXiv 2212.09748)."""

    def __init__(self, dim: int, num_heads: int, mlp_ratio: int, num_values: int, rows: int, columns: int) -> None:
        super().__init__()
        self.neighbours = NeighbourMixing(dim, rows, columns)
        self.norm1 = nn.LayerNorm(dim, elementwise_affine=False)
        self.attention = Attention(dim, num_heads, num_values)
        self.norm2 = nn.LayerNorm(dim, elementwise_affine=False)
        self.mlp = nn.Sequential(nn.Linear(dim, mlp_ratio * dim), nn.GELU("tanh"), nn.Linear(mlp_ratio * dim, dim))
        self.modulation = nn.Linear(dim, 6 * dim)
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)

    def modulate(self, control: Tensor) -> tuple[Modulation, Modulation]:
        """Modulations of both sublayers from the control embedding [..., D]."""
        shift1, scale1, gate1, shift2, scale2, gate2 = self.modulation(control).chunk(6, -1)
        return Modulation(1 + scale1, shift1, 1 + gate1), Modulation(1 + scale2, shift2, 1 + gate2)

    def before_attention(self, x_BSD: Tensor, modulation: Modulation) -> Projected:
        return self.attention.project(self.norm1(x_BSD) * modulation.factor + modulation.shift)

    def add_attended(self, x_BSD: Tensor, attended_BSD: Tensor, modulation: Modulation) -> Tensor:
        return x_BSD + modulation.gate * attended_BSD

    def mix_neighbours(self, x_BSD: Tensor, num_patches: int, patch_idx_BV: Tensor | None = None) -> Tensor:
        """One chunk's tokens, the patches first."""
        patches, rest = x_BSD[:, :num_patches], x_BSD[:, num_patches:]
        return torch.cat([patches + self.neighbours(patches, patch_idx_BV), rest], 1)

    def feed_forward(self, x_BSD: Tensor, second: Modulation) -> Tensor:
        hidden = self.norm2(x_BSD) * second.factor + second.shift
        return x_BSD + second.gate * self.mlp(hidden)


def noise_level_features(sigma: Tensor, dim: int) -> Tensor:
    """Sines and cosines of a noise level in [0, 1]: [..., dim]."""
    frequency = torch.exp(torch.linspace(0, math.log(64.0), dim // 2))
    angle = 2 * math.pi * sigma[..., None] * frequency
    return torch.cat([angle.sin(), angle.cos()], -1)
