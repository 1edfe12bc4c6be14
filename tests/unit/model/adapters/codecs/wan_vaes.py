"""Wan's autoencoder at a size that tests can afford: diffusers' network with random weights, and ours read from it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan, WanUpsample
from safetensors.torch import save_file
from torch import Tensor, nn

from model.adapters.codecs.wan_vae import WanVaeCheckpoint, open_wan_vae
from model.adapters.codecs.wan_vae_config import WanVaeConfig

SMALL: dict[str, dict[str, Any]] = {
    "wan 2.1": {"base_dim": 4, "z_dim": 4},
    "wan 2.2": {
        "base_dim": 4, "decoder_base_dim": 8, "z_dim": 4, "is_residual": True, "in_channels": 12, "out_channels": 12,
        "patch_size": 2, "scale_factor_spatial": 16,
    },
}  # fmt: skip
MEAN = [0.3, -0.2, 0.1, 0.0]
STD = [1.5, 0.5, 2.0, 1.0]
CPU = torch.device("cpu")


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallVae:
    """Both in float64."""

    theirs: AutoencoderKLWan
    folder: Path
    opened: WanVaeCheckpoint

    @property
    def config(self) -> WanVaeConfig:
        return self.opened.config

    def decoded_by_theirs(self, latents_BCFHW: Tensor) -> Tensor:
        """Pictures of 0 to 1."""
        std, mean = (torch.tensor(numbers, dtype=torch.float64).view(-1, 1, 1, 1) for numbers in (STD, MEAN))
        with torch.no_grad():
            return (self.theirs.decode(latents_BCFHW * std + mean).sample + 1) / 2  # pyright: ignore[reportAttributeAccessIssue]

    def encoded_by_theirs(self, pictures_BCFHW: Tensor) -> Tensor:
        std, mean = (torch.tensor(numbers, dtype=torch.float64).view(-1, 1, 1, 1) for numbers in (STD, MEAN))
        with torch.no_grad():
            return (self.theirs.encode(pictures_BCFHW).latent_dist.mode() - mean) / std  # pyright: ignore[reportAttributeAccessIssue]


def small_vae(version: str, folder: Path) -> SmallVae:
    torch.set_num_threads(1)
    fields = {**SMALL[version], "latents_mean": MEAN, "latents_std": STD}
    theirs = AutoencoderKLWan(**fields).double().eval()
    for layer in theirs.modules():
        if isinstance(layer, WanUpsample):
            setattr(layer, "forward", partial(nn.Upsample.forward, layer))  # noqa: B010  theirs rounds to single precision
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for name, parameter in theirs.named_parameters():
            spread = 0.3 if name.endswith("bias") else 1.5 / max(1, parameter[0].numel()) ** 0.5
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64) * spread)
            if name.endswith("gamma"):
                parameter.add_(1.0)
    folder.mkdir()
    save_file(theirs.state_dict(), folder / "diffusion_pytorch_model.safetensors")
    (folder / "config.json").write_text(json.dumps({"_class_name": "AutoencoderKLWan", **fields}))
    return SmallVae(theirs=theirs, folder=folder, opened=open_wan_vae(folder))


def latents(num_latents: int, seed: int = 0, batch: int = 1) -> Tensor:
    """latents_BCFHW on a grid of 2 by 3, of unit variance."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, 4, num_latents, 2, 3, generator=generator, dtype=torch.float64)
