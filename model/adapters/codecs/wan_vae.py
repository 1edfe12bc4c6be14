"""Wan's video autoencoder from a checkpoint in one of its public layouts.

    Wan2.1_VAE.pth, Wan2.2_VAE.pth           as Wan-AI publishes them
    config.json beside one safetensors file  an AutoencoderKLWan of diffusers

The whole file is checked, whichever of the two networks is wanted; only that one takes memory.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from model.adapters.checkpoint import Checkpoint, CheckpointError, fill, open_checkpoint, shapes_of
from model.adapters.codecs.memory_format import lay_channels_last
from model.adapters.codecs.wan_vae_config import WAN_2_1_VAE, WAN_2_2_VAE, WanVaeConfig
from model.adapters.codecs.wan_vae_names import Layout, Side, public_names
from model.adapters.codecs.wan_vae_networks import WanVaeDecoder, WanVaeEncoder

MAX_CONFIG_BYTES = 1 << 20
FILES = ("Wan2.1_VAE.pth", "Wan2.2_VAE.pth")  # beside a transformer, as published
DIFFUSERS_FOLDER = "vae"


@dataclass(frozen=True, slots=True, kw_only=True)
class WanVaeCheckpoint:
    """A file that has been checked against its architecture."""

    config: WanVaeConfig
    layout: Layout
    checkpoint: Checkpoint

    def load_decoder(self, dtype: torch.dtype, device: torch.device) -> WanVaeDecoder:
        with torch.device("meta"):
            decoder = WanVaeDecoder(self.config)
        self._fill(decoder, "decoder", dtype, device)
        return decoder

    def load_encoder(self, dtype: torch.dtype, device: torch.device) -> WanVaeEncoder:
        with torch.device("meta"):
            encoder = WanVaeEncoder(self.config)
        self._fill(encoder, "encoder", dtype, device)
        return encoder

    def _fill(self, network: nn.Module, side: Side, dtype: torch.dtype, device: torch.device) -> None:
        names = public_names(network.state_dict(), side, self.config, self.layout)
        fill(network, self.checkpoint, names, dtype, device)
        lay_channels_last(network)


def open_wan_vae(path: Path, config: WanVaeConfig | None = None) -> WanVaeCheckpoint:
    """`path`: a file, a folder in diffusers' layout, or a model's folder that holds either. `config`: of a file that is
    none of the published ones. Raises CheckpointError, with the names of tensors that are missing, too many or of
    the wrong shape."""
    path = _found(path)
    layout: Layout = "diffusers" if path.is_dir() else "original"
    checkpoint = open_checkpoint(path)
    if config is None:
        config = _read_config(path / "config.json") if layout == "diffusers" else _published(checkpoint)
    wanted: dict[str, torch.Size] = {}
    with torch.device("meta"):
        networks: dict[Side, nn.Module] = {"encoder": WanVaeEncoder(config), "decoder": WanVaeDecoder(config)}
    for side, network in networks.items():
        wanted |= shapes_of(network, public_names(network.state_dict(), side, config, layout))
    checkpoint.check(wanted)
    return WanVaeCheckpoint(config=config, layout=layout, checkpoint=checkpoint)


def _found(path: Path) -> Path:
    if not path.is_dir() or ((path / "config.json").is_file() and list(path.glob("*.safetensors"))):
        inner = path / DIFFUSERS_FOLDER
        return inner if (inner / "config.json").is_file() else path
    for candidate in (*(path / name for name in FILES), path / DIFFUSERS_FOLDER):
        if candidate.exists():
            return candidate
    raise CheckpointError(f"{path} has none of {', '.join(FILES)} and no folder {DIFFUSERS_FOLDER}")


def _published(checkpoint: Checkpoint) -> WanVaeConfig:
    """Wan 2.2 numbers the layers of each level by themselves."""
    is_2_2 = any(name.startswith("decoder.upsamples.0.upsamples.") for name in checkpoint.shapes)
    return WAN_2_2_VAE if is_2_2 else WAN_2_1_VAE


def _read_config(file: Path) -> WanVaeConfig:
    try:
        if file.stat().st_size > MAX_CONFIG_BYTES:
            raise CheckpointError(f"{file} is too large for a config")
        fields = json.loads(file.read_text())
        if not isinstance(fields, dict):
            raise CheckpointError(f"{file} holds no fields")
        return WanVaeConfig.from_diffusers(fields)
    except (OSError, ValueError) as error:
        raise error if isinstance(error, CheckpointError) else CheckpointError(f"{file}: {error}") from error
