"""A causal Wan model as a `model.interface.Model`: what it can do, and its stages loaded on demand."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path

import torch

from model.adapters.presets import preset
from model.adapters.wan.capabilities import capabilities
from model.adapters.wan.encoder import WanEncoder
from model.adapters.wan.folder import WanFolder
from model.adapters.wan.silence import SilentDecoder
from model.adapters.wan.transformer import WanTransformer, WanTransformerConfig
from model.gpu.streams import DecoderBeside
from model.interface import ModelInfo, Profile

# Sessions are kept as latents, megabytes in place of gigabytes, for two percent more work. The chunk after which it is
# done takes up to twice its time, so it comes seldom; and going on from a snapshot takes a cache pass for each chunk
# since, so it comes often enough for that to last seconds.
RECACHE_EVERY_CHUNKS = 64


class WanModel:
    """A folder of weights. Loads each stage anew at each call."""

    def __init__(self, folder: WanFolder, config: WanTransformerConfig | None = None) -> None:
        self._folder, self._config = folder, config or WanTransformerConfig()

    @property
    def info(self) -> ModelInfo:
        return capabilities(self._folder.preset, self._fingerprint, self._config.profile)

    @cached_property
    def _fingerprint(self) -> str:
        return self._folder.fingerprint()

    def load_encoder(self) -> WanEncoder:
        folder = self._folder
        return WanEncoder(
            preset=folder.preset, text=folder.load_text(), image=folder.load_image(), latents=folder.load_latents()
        )

    def load_transformer(self, num_threads: int = 1) -> WanTransformer:
        torch.set_num_threads(num_threads)
        return WanTransformer(self._folder.preset, self._folder.load_network(), self._config)

    def load_video_decoder(self) -> DecoderBeside:
        return DecoderBeside(self._folder.load_video_decoder(), self._folder.device)

    def load_audio_decoder(self) -> SilentDecoder:
        return SilentDecoder()

    def fast(self) -> WanModel:
        """The same weights in the fast profile: sessions with as long a past share their passes."""
        return WanModel(self._folder, replace(self._config, profile=Profile.FAST))


def load(name: str, path: Path) -> WanModel:
    """The model of a preset with the weights of a folder, on the GPU where there is one. Raises ValueError for a name
    there is no preset of, or no folder."""
    if not path.is_dir():
        raise ValueError(f"{path} is no folder of weights")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    folder = WanFolder(path=path, preset=preset(name), device=device, dtype=torch.bfloat16)
    return WanModel(folder, WanTransformerConfig(recache_every_chunks=RECACHE_EVERY_CHUNKS))
