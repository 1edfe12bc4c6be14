"""A model's folder to what decodes its latents and encodes its pictures."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import torch

from model.adapters.checkpoint import CheckpointError
from model.adapters.codecs.latent_encoder import WanLatentEncoder
from model.adapters.codecs.stream import CausalNetwork, StreamConfig, StreamingVideoDecoder
from model.adapters.codecs.tiny import load_tiny_decoder
from model.adapters.codecs.wan_vae import open_wan_vae


@dataclass(frozen=True, slots=True, kw_only=True)
class CodecConfig:
    """`tiny`: decode by the tiny decoder (taew2_1, taew2_2) instead of Wan's own."""

    tiny: bool = False
    dtype: torch.dtype = torch.bfloat16
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    stream: StreamConfig = field(default_factory=StreamConfig)


def load_video_decoder(folder: Path, latent_channels: int, config: CodecConfig) -> StreamingVideoDecoder:
    """Raises CheckpointError for files that are missing or do not fit, and where their latents have other channels than
    the transformer's: 16 with Wan 2.1, 48 with Wan 2.2 5B."""
    network: CausalNetwork
    if config.tiny:
        network = load_tiny_decoder(folder, config.dtype, config.device)
    else:
        network = open_wan_vae(folder).load_decoder(config.dtype, config.device)
    _check_channels(folder, network.latent_channels, latent_channels)
    return StreamingVideoDecoder(network, config.stream)


def load_latent_encoder(folder: Path, latent_channels: int, config: CodecConfig) -> WanLatentEncoder:
    """Always Wan's own: the tiny one's latents lie otherwise in time. Raises CheckpointError as the decoder does."""
    opened = open_wan_vae(folder)
    _check_channels(folder, opened.config.latent_channels, latent_channels)
    return WanLatentEncoder(opened.load_encoder(config.dtype, config.device))


def _check_channels(folder: Path, found: int, wanted: int) -> None:
    if found != wanted:
        raise CheckpointError(f"{folder} has an autoencoder of {found} channels; the transformer makes {wanted}")
