"""How Matrix-Game 2.0 is told keyboard and mouse: two attentions inside a block, over time alone.

    mouse      each token, with what the mouse did, looks at the same place in the window's latent frames
    keyboard   each token looks at what was held in the window's latent frames

A latent frame's controls are those of the twelve frames up to it, as three latent frames stand for. The norms of
queries and keys have weights in the checkpoint that the published code does not apply; nor does this.

Letters: B batch, F latent frames, T tokens of a latent frame, W frames of a latent frame's controls, A numbers of a
control, L latent frames of a window, N heads, K head dim, D model dim.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from einops import rearrange
from torch import Tensor, nn

from model.adapters.wan.config import WINDOW_FRAMES, ActionConfig
from model.adapters.wan.rotary import rotate
from model.adapters.wan.window import KeysValues, Window

MOUSE, KEYBOARD = "mouse", "keyboard"  # the kinds of attention of the window
EPS = 1e-6


class Actions(NamedTuple):
    """Of the chunk's latent frames."""

    keyboard_BFWA: Tensor  # 1 for a key that is held
    mouse_BFWA: Tensor | None  # pitch and yaw


class UnitNorm(nn.Module):
    """Heads of root mean square 1. The weight is there to be loaded, and not applied."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, heads: Tensor) -> Tensor:
        return nn.functional.rms_norm(heads, (heads.shape[-1],), eps=EPS)


class ActionModule(nn.Module):
    def __init__(self, config: ActionConfig, dim: int) -> None:
        super().__init__()
        hidden, keyboard = config.hidden_dim, config.keyboard_dim
        self.heads, self.has_mouse = config.heads, bool(config.mouse_axes)
        self.keyboard_embed = nn.Sequential(
            nn.Linear(config.keyboard_keys, keyboard), nn.SiLU(), nn.Linear(keyboard, keyboard)
        )
        self.key_attn_q_norm, self.key_attn_k_norm = UnitNorm(config.head_dim), UnitNorm(config.head_dim)
        self.mouse_attn_q = nn.Linear(dim, hidden, bias=False)
        self.keyboard_attn_kv = nn.Linear(keyboard * WINDOW_FRAMES, 2 * hidden, bias=False)
        self.proj_keyboard = nn.Linear(hidden, dim, bias=False)
        if self.has_mouse:
            self.mouse_mlp = nn.Sequential(
                nn.Linear(config.mouse_axes * WINDOW_FRAMES + dim, hidden),
                nn.GELU("tanh"),
                nn.Linear(hidden, hidden),
                nn.LayerNorm(hidden),
            )
            self.t_qkv = nn.Linear(hidden, 3 * hidden, bias=False)
            self.img_attn_q_norm, self.img_attn_k_norm = UnitNorm(config.head_dim), UnitNorm(config.head_dim)
            self.proj_mouse = nn.Linear(hidden, dim, bias=False)

    def forward(
        self, x_BFTD: Tensor, actions: Actions, window: Window, block: int
    ) -> tuple[Tensor, dict[str, KeysValues]]:
        """The tokens, told the controls, and what a cache may keep. Writes to the window's own frames."""
        kept: dict[str, KeysValues] = {}
        if self.has_mouse:
            assert actions.mouse_BFWA is not None
            told, kept[MOUSE] = self._mouse(x_BFTD, actions.mouse_BFWA, window, block)
            x_BFTD = x_BFTD + told
        told, kept[KEYBOARD] = self._keyboard(x_BFTD, actions.keyboard_BFWA, window, block)
        return x_BFTD + told, kept

    def _mouse(self, x_BFTD: Tensor, mouse_BFWA: Tensor, window: Window, block: int) -> tuple[Tensor, KeysValues]:
        tokens = x_BFTD.shape[2]
        mouse = mouse_BFWA.flatten(2).unsqueeze(2).expand(-1, -1, tokens, -1).to(x_BFTD.dtype)
        hidden = self.mouse_mlp(torch.cat([x_BFTD, mouse], -1))
        q, k, v = rearrange(self.t_qkv(hidden), "b f t (c n k) -> c b f t n k", c=3, n=self.heads)
        own = KeysValues(self.img_attn_k_norm(k), v)
        rotation = window.own_rotation(MOUSE)
        keys = window.lay(MOUSE, block, rotate(own.k, rotation), own.v)
        q = rotate(self.img_attn_q_norm(q), rotation)
        q, k, v = (rearrange(each, "b f t n k -> (b t) n f k") for each in (q, keys.k, keys.v))
        seen = nn.functional.scaled_dot_product_attention(q, k, v)
        return self.proj_mouse(rearrange(seen, "(b t) n f k -> b f t (n k)", t=tokens)), own

    def _keyboard(self, x_BFTD: Tensor, keyboard_BFWA: Tensor, window: Window, block: int) -> tuple[Tensor, KeysValues]:
        frames, tokens = x_BFTD.shape[1:3]
        held = self.keyboard_embed(keyboard_BFWA.to(x_BFTD.dtype)).flatten(2)
        k, v = rearrange(self.keyboard_attn_kv(held), "b f (c n k) -> c b f n k", c=2, n=self.heads)
        own = KeysValues(self.key_attn_k_norm(k), v)
        rotation = window.own_rotation(KEYBOARD)
        keys = window.lay(KEYBOARD, block, rotate(own.k, rotation), own.v)
        q = self.key_attn_q_norm(rearrange(self.mouse_attn_q(x_BFTD), "b f t (n k) -> b t f n k", n=self.heads))
        q = rearrange(rotate(q, rotation), "b t f n k -> b n (f t) k")
        seen = nn.functional.scaled_dot_product_attention(q, keys.k.transpose(1, 2), keys.v.transpose(1, 2))
        seen = rearrange(seen, "b n (f t) k -> b f t (n k)", f=frames, t=tokens)
        return self.proj_keyboard(seen), own
