"""Folders of small random weights, as published, for whole open models."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers

from model.adapters.codecs.clip import FOLDER as CLIP_FOLDER
from model.adapters.codecs.clip import ClipSizes, file_shapes
from model.adapters.presets import preset, random_network
from model.adapters.text.umt5 import ORIGINAL_FILE, Umt5Sizes, public_name
from model.adapters.wan.folder import WanFolder
from model.adapters.wan.model import WanModel

# The tiny presets' text and picture tokens have these widths.
TEXT = Umt5Sizes(
    num_words=40, width=32, num_heads=2, head_dim=8, inner=24, num_layers=1, num_buckets=8, max_distance=20
)
IMAGE = ClipSizes(width=24, num_heads=2, inner=32, num_layers=2, image_px=28, patch_px=14, shared=8)
WORDS = ["<pad>", "</s>", "<unk>", "a", "quiet", "street", "at", "dusk", "it", "starts", "to", "rain"]
VAES: dict[str, dict[str, Any]] = {
    "wan2.1": {"base_dim": 4, "z_dim": 16},
    "wan2.2": {
        "base_dim": 4, "decoder_base_dim": 4, "z_dim": 48, "is_residual": True, "in_channels": 12, "out_channels": 12,
        "patch_size": 2, "scale_factor_spatial": 16,
    },
}  # fmt: skip


def open_model(name: str, folder: Path) -> WanModel:
    """The tiny preset of a name, in a folder that is filled with random weights."""
    sizes = preset(name)
    network = random_network(sizes.network, "cpu", torch.float32, seed=3)
    save_file(network.state_dict(), folder / "diffusion_pytorch_model.safetensors")
    _write_vae(folder / "vae", VAES[sizes.codec])
    if sizes.network.text_dim:
        _write_text_encoder(folder)
    else:
        _write_image_encoder(folder / CLIP_FOLDER)
    return reopened(name, folder)


def reopened(name: str, folder: Path) -> WanModel:
    """What lies in a folder already."""
    sizes = preset(name)
    return WanModel(
        WanFolder(
            path=folder,
            preset=replace(sizes, frame_rate=120.0),  # nobody waits
            device=torch.device("cpu"),
            dtype=torch.float32,
            text_sizes=TEXT,
            image_sizes=IMAGE,
        )
    )


def _write_vae(folder: Path, fields: dict[str, Any]) -> None:
    torch.manual_seed(4)
    fields = {**fields, "latents_mean": [0.0] * fields["z_dim"], "latents_std": [1.0] * fields["z_dim"]}
    folder.mkdir()
    save_file(AutoencoderKLWan(**fields).state_dict(), folder / "diffusion_pytorch_model.safetensors")
    (folder / "config.json").write_text(json.dumps({"_class_name": "AutoencoderKLWan", **fields}))


def _write_text_encoder(folder: Path) -> None:
    generator = torch.Generator().manual_seed(5)
    held = {name: 0.3 * torch.randn(shape, generator=generator) for name, shape in TEXT.shapes().items()}
    torch.save({public_name(name, "original"): tensor for name, tensor in held.items()}, folder / ORIGINAL_FILE)
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()  # pyright: ignore[reportAttributeAccessIssue]
    (folder / "google" / "umt5-xxl").mkdir(parents=True)
    tokenizer.save(str(folder / "google" / "umt5-xxl" / "tokenizer.json"))


def _write_image_encoder(folder: Path) -> None:
    generator = torch.Generator().manual_seed(6)
    folder.mkdir()
    shapes = file_shapes(IMAGE, "transformers")
    held = {name: 0.3 * torch.randn(shape, generator=generator) for name, shape in shapes.items()}
    save_file(held, folder / "model.safetensors")
