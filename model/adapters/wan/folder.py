"""A causal Wan model's files, as they are published, and each part loaded from them.

    transformer/                                 diffusers' layout, whole or in shards
    checkpoints/self_forcing_dmd.pt              Self-Forcing
    base_distilled_model/base_distill.safetensors    Matrix-Game 2.0
    diffusion_pytorch_model.safetensors          ABot-World, whole or with an index

and beside it the autoencoder, the text encoder or the picture encoder, as `model.adapters.codecs` and `.text` find
them. Where a tiny decoder lies there too, it decodes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from model.adapters.checkpoint import CheckpointError
from model.adapters.codecs.clip import CLIP_VIT_H, ClipSizes, open_clip
from model.adapters.codecs.loading import CodecConfig, load_latent_encoder, load_video_decoder
from model.adapters.codecs.stream import StreamConfig, StreamingVideoDecoder
from model.adapters.codecs.tiny import FILES as TINY_FILES
from model.adapters.interface import ImageEncoder, LatentEncoder, TextEncoder
from model.adapters.presets import WanPreset
from model.adapters.text.umt5 import UMT5_XXL, Umt5Sizes, open_umt5
from model.adapters.wan.layout import load_network
from model.adapters.wan.network import WanNetwork

# What is distilled stands before what it was distilled from, which may lie in the same folder and has the same shapes.
TRANSFORMERS = (
    "checkpoints/self_forcing_dmd.pt",
    "self_forcing_dmd.pt",
    "base_distilled_model/base_distill.safetensors",
    "base_distill.safetensors",
    "transformer",
    "diffusion_pytorch_model.safetensors.index.json",
    "diffusion_pytorch_model.safetensors",
)
WEIGHT_SUFFIXES = (".safetensors", ".pt", ".pth")
SAMPLES, SAMPLE_BYTES = 64, 1 << 16  # of a file, for its fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class WanFolder:
    path: Path
    preset: WanPreset
    device: torch.device
    dtype: torch.dtype
    text_sizes: Umt5Sizes = UMT5_XXL
    image_sizes: ClipSizes = CLIP_VIT_H

    def load_network(self) -> WanNetwork:
        """Raises CheckpointError."""
        for name in TRANSFORMERS:
            if (self.path / name).exists():
                return load_network(self.path / name, self.preset.network, self.device, self.dtype)
        raise CheckpointError(f"{self.path} has no transformer: none of {', '.join(TRANSFORMERS)}")

    def load_text(self) -> TextEncoder | None:
        if not self.preset.network.text_dim:
            return None
        return open_umt5(self.path, self.text_sizes).load(self.dtype, self.device)

    def load_image(self) -> ImageEncoder | None:
        if not self.preset.network.image_dim:
            return None
        return open_clip(self.path, self.image_sizes).load(self.dtype, self.device)

    def load_latents(self) -> LatentEncoder | None:
        if not (self.preset.network.keys or self.preset.network.condition_channels):
            return None
        return load_latent_encoder(self.path, self.preset.network.out_channels, self._codecs(tiny=False))

    def load_video_decoder(self) -> StreamingVideoDecoder:
        has_tiny = any((self.path / name).is_file() for name in TINY_FILES)
        return load_video_decoder(self.path, self.preset.network.out_channels, self._codecs(tiny=has_tiny))

    def _codecs(self, *, tiny: bool) -> CodecConfig:
        # A session's first latent frame stands for one frame; every chunk has as many frames only if that one is held.
        stream = StreamConfig(holds_first_frame=True)
        return CodecConfig(tiny=tiny, dtype=self.dtype, device=self.device, stream=stream)

    def fingerprint(self) -> str:
        """SHA-256 over the names and sizes of all weight files and samples of each: told in a second, where reading
        tens of gigabytes takes minutes. Two trainings never agree in so many places; a changed bit may stay unseen."""
        digest = hashlib.sha256()
        for file in self._weight_files():
            size = file.stat().st_size
            digest.update(f"{file.relative_to(self.path)}\0{size}\0".encode())
            with file.open("rb") as opened:
                for sample in range(SAMPLES):
                    opened.seek(max(0, size - SAMPLE_BYTES) * sample // (SAMPLES - 1))
                    digest.update(opened.read(SAMPLE_BYTES))
        return digest.hexdigest()

    def _weight_files(self) -> Iterator[Path]:
        yield from sorted(each for each in self.path.rglob("*") if each.suffix in WEIGHT_SUFFIXES and each.is_file())
