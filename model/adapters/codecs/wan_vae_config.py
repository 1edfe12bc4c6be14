"""Sizes of Wan's video autoencoder, as published for Wan 2.1 (16 channels) and Wan 2.2 5B (48 channels).

Sources: Wan-Video/Wan2.1 wan/modules/vae.py and Wan-Video/Wan2.2 wan/modules/vae2_2.py for the sizes; the means and
deviations of the latents are those of diffusers' AutoencoderKLWan and scripts/convert_wan_to_diffusers.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MAX_CHANNELS = 4096  # far above what is published, far below what only a broken file asks for
MAX_LEVELS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class WanVaeConfig:
    """An architecture: nothing in it has a default."""

    latent_channels: int
    encoder_channels: int  # at full resolution
    decoder_channels: int  # at full resolution
    multipliers: tuple[int, ...]  # of those channels, from full resolution down; each level halves the picture
    blocks_per_level: int  # of the encoder; the decoder has one more
    halves_time: tuple[bool, ...]  # which of the encoder's steps down also halve the frame rate
    has_shortcuts: bool  # Wan 2.2: around every level, by averaging and repeating
    patch_px: int  # pixels folded into channels before the network
    mean: tuple[float, ...]  # of a latent, by channel
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        sizes = (self.latent_channels, self.encoder_channels, self.decoder_channels, *self.multipliers)
        if not all(1 <= size <= MAX_CHANNELS for size in (*sizes, self.blocks_per_level, self.patch_px)):
            raise ValueError(f"a size is not from 1 to {MAX_CHANNELS}")
        if len(self.multipliers) > MAX_LEVELS:
            raise ValueError(f"there are {len(self.multipliers)} levels, more than {MAX_LEVELS}")
        if len(self.halves_time) != len(self.multipliers) - 1:
            raise ValueError("there is one step down between any two levels")
        if len(self.mean) != self.latent_channels or len(self.std) != self.latent_channels:
            raise ValueError(f"mean and std need {self.latent_channels} numbers each")
        if min(self.std) <= 0:
            raise ValueError("a channel of the latents has no spread")

    @property
    def image_channels(self) -> int:
        return 3 * self.patch_px**2

    @property
    def pixels_per_latent(self) -> int:
        """In height as in width."""
        return self.patch_px * 2 ** (len(self.multipliers) - 1)

    @property
    def frames_per_latent(self) -> int:
        """But for the first, which stands for one frame."""
        return 2 ** sum(self.halves_time)

    @classmethod
    def from_diffusers(cls, fields: Mapping[str, Any]) -> WanVaeConfig:
        """From the `config.json` beside a checkpoint in diffusers' layout. Raises ValueError for what is none, or asks
        for layers that no published checkpoint has."""
        if fields.get("_class_name", "AutoencoderKLWan") != "AutoencoderKLWan":
            raise ValueError(f"{fields['_class_name']!r} is no AutoencoderKLWan")
        if fields.get("attn_scales"):
            raise ValueError("attention inside the levels (attn_scales) is not known here")
        published = WAN_2_2_VAE if fields.get("is_residual") else WAN_2_1_VAE
        try:
            base = int(fields.get("base_dim", 96))
            return cls(
                latent_channels=int(fields.get("z_dim", 16)),
                encoder_channels=base,
                decoder_channels=int(fields.get("decoder_base_dim") or base),
                multipliers=tuple(int(number) for number in fields.get("dim_mult", published.multipliers)),
                blocks_per_level=int(fields.get("num_res_blocks", 2)),
                halves_time=tuple(bool(halves) for halves in fields.get("temperal_downsample", published.halves_time)),
                has_shortcuts=bool(fields.get("is_residual")),
                patch_px=int(fields.get("patch_size") or 1),
                mean=tuple(float(number) for number in fields.get("latents_mean", published.mean)),
                std=tuple(float(number) for number in fields.get("latents_std", published.std)),
            )
        except (TypeError, OverflowError) as error:
            raise ValueError(f"a config of AutoencoderKLWan is malformed: {error}") from error


WAN_2_1_VAE = WanVaeConfig(
    latent_channels=16,
    encoder_channels=96,
    decoder_channels=96,
    multipliers=(1, 2, 4, 4),
    blocks_per_level=2,
    halves_time=(False, True, True),
    has_shortcuts=False,
    patch_px=1,
    mean=(
        -0.7571, -0.7089, -0.9113, 0.1075, -0.1745, 0.9653, -0.1517, 1.5508,
        0.4134, -0.0715, 0.5517, -0.3632, -0.1922, -0.9497, 0.2503, -0.2921,
    ),
    std=(
        2.8184, 1.4541, 2.3275, 2.6558, 1.2196, 1.7708, 2.6052, 2.0743,
        3.2687, 2.1526, 2.8652, 1.5579, 1.6382, 1.1253, 2.8251, 1.9160,
    ),
)  # fmt: skip

WAN_2_2_VAE = WanVaeConfig(
    latent_channels=48,
    encoder_channels=160,
    decoder_channels=256,
    multipliers=(1, 2, 4, 4),
    blocks_per_level=2,
    halves_time=(False, True, True),
    has_shortcuts=True,
    patch_px=2,
    mean=(
        -0.2289, -0.0052, -0.1323, -0.2339, -0.2799, 0.0174, 0.1838, 0.1557,
        -0.1382, 0.0542, 0.2813, 0.0891, 0.1570, -0.0098, 0.0375, -0.1825,
        -0.2246, -0.1207, -0.0698, 0.5109, 0.2665, -0.2108, -0.2158, 0.2502,
        -0.2055, -0.0322, 0.1109, 0.1567, -0.0729, 0.0899, -0.2799, -0.1230,
        -0.0313, -0.1649, 0.0117, 0.0723, -0.2839, -0.2083, -0.0520, 0.3748,
        0.0152, 0.1957, 0.1433, -0.2944, 0.3573, -0.0548, -0.1681, -0.0667,
    ),
    std=(
        0.4765, 1.0364, 0.4514, 1.1677, 0.5313, 0.4990, 0.4818, 0.5013,
        0.8158, 1.0344, 0.5894, 1.0901, 0.6885, 0.6165, 0.8454, 0.4978,
        0.5759, 0.3523, 0.7135, 0.6804, 0.5833, 1.4146, 0.8986, 0.5659,
        0.7069, 0.5338, 0.4889, 0.4917, 0.4069, 0.4999, 0.6866, 0.4093,
        0.5709, 0.6065, 0.6415, 0.4944, 0.5726, 1.2042, 0.5458, 1.6887,
        0.3971, 1.0600, 0.3943, 0.5537, 0.5444, 0.4089, 0.7468, 0.7744,
    ),
)  # fmt: skip
