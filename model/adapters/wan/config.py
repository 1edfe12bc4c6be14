"""Sizes of a causal Wan network, and of what tells it the controls.

The sizes are those of the published checkpoints: Wan 2.1 and 2.2 (github.com/Wan-Video), Self-Forcing
(github.com/guandeh17/Self-Forcing), Matrix-Game 2.0 (github.com/SkyworkAI/Matrix-Game), ABot-World
(github.com/amap-cvlab/ABot-World).
"""

from __future__ import annotations

from dataclasses import dataclass

PATCH_SIDE = 2  # a token covers one latent frame, two rows and two columns
FRAMES_PER_LATENT = 4  # frames that a latent frame stands for; a session's first stands for one
WINDOW_LATENTS = 3  # latent frames before a latent frame whose controls it is told (Matrix-Game 2.0)
WINDOW_FRAMES = WINDOW_LATENTS * FRAMES_PER_LATENT
IMAGE_TOKENS = 257  # that CLIP ViT-H/14 makes of a picture
HELD_KEYS = 8  # W A S D for the walker, I J K L for the camera (ABot-World)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionConfig:
    """Matrix-Game 2.0: attention to keyboard and mouse inside the first blocks."""

    blocks: int  # how many blocks have one, from the first on
    keyboard_keys: int
    mouse_axes: int  # 2 (pitch, yaw), or 0 where a variant has no mouse
    keyboard_dim: int  # of a key's embedding
    hidden_dim: int  # of both attentions
    heads: int
    temporal_dims: int  # of a head that carry a position in time; the others carry none
    rotary_base: float

    def __post_init__(self) -> None:
        if self.hidden_dim % self.heads or self.temporal_dims % 2:
            raise ValueError("hidden_dim must be a multiple of heads, and temporal_dims even")

    @property
    def head_dim(self) -> int:
        return self.hidden_dim // self.heads


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysConfig:
    """ABot-World: held keys as a picture of constant channels, brought down to the latent grid, added to the tokens."""

    repeats: int  # channels per key
    downscale: int  # pixels of an image's side that become one


@dataclass(frozen=True, slots=True, kw_only=True)
class WanConfig:
    dim: int
    ffn_dim: int
    heads: int
    layers: int
    in_channels: int
    out_channels: int
    freq_dim: int  # features of a timestep
    text_dim: int  # of a text token; 0 where the network reads no text
    text_tokens: int  # to which a text is filled up with zeros
    image_dim: int  # of a token of a picture's meaning; 0 where the network has no such context
    eps: float
    actions: ActionConfig | None
    keys: KeysConfig | None

    def __post_init__(self) -> None:
        if self.dim % self.heads or self.head_dim % 2:
            raise ValueError(f"dim {self.dim} must be an even multiple of heads {self.heads}")
        if bool(self.text_dim) == bool(self.image_dim):
            raise ValueError("the context is text or a picture: one of text_dim and image_dim must be 0")

    @property
    def head_dim(self) -> int:
        return self.dim // self.heads

    @property
    def condition_channels(self) -> int:
        """Channels that stand beside the noisy latents: a mask and the picture's latents."""
        return self.in_channels - self.out_channels
