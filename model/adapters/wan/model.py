"""A causal Wan model as a `model.interface.Model`: what it can do, and its stages loaded on demand."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import torch

from model.adapters.presets import preset
from model.adapters.wan.capabilities import capabilities
from model.adapters.wan.encoder import WanEncoder
from model.adapters.wan.folder import WanFolder
from model.adapters.wan.silence import SilentDecoder
from model.adapters.wan.transformer import WanTransformer, WanTransformerConfig
from model.gpu.quick import WanSpeed, quickened
from model.gpu.streams import DecoderBeside
from model.interface import Encoder, ModelInfo, Profile, Transformer, Tuning
from model.parallel.driver import RankedTransformer
from model.parallel.sequence import GLOO, NCCL, SequenceSplit, rank_device
from model.parallel.wan import split_wan
from model.recaching import RecachingEncoder

# Sessions are kept as latents, megabytes in place of gigabytes, for two percent more work. The chunk after which it is
# done takes up to twice its time, so it comes seldom; and going on from a snapshot takes a cache pass for each chunk
# since, so it comes often enough for that to last seconds.
RECACHE_EVERY_CHUNKS = 64


class WanModel:
    """A folder of weights. Loads each stage anew at each call."""

    def __init__(
        self, folder: WanFolder, config: WanTransformerConfig | None = None, tuning: Tuning | None = None
    ) -> None:
        self._folder, self._config, self._tuning = folder, config or WanTransformerConfig(), tuning or Tuning()

    @property
    def info(self) -> ModelInfo:
        return capabilities(self._folder.preset, self._fingerprint, self._config.profile)

    @cached_property
    def _fingerprint(self) -> str:
        return self._folder.fingerprint()

    def load_encoder(self) -> Encoder:
        folder = self._folder
        encoder = WanEncoder(
            preset=folder.preset, text=folder.load_text(), image=folder.load_image(), latents=folder.load_latents()
        )
        return RecachingEncoder(encoder) if self._tuning.recaches else encoder

    def load_transformer(self, num_threads: int = 1) -> Transformer:
        torch.set_num_threads(num_threads)
        preset, tuning = self._folder.preset, self._tuning
        if tuning.ranks > 1:
            return self._over_ranks()
        network = self._folder.load_network()
        if self._config.profile == Profile.FAST:
            speed = WanSpeed(compiles=tuning.compiles, eight_bit=tuning.eight_bit)
            network = quickened(network, preset.past_latents, speed)
        return WanTransformer(preset, network, self._config)

    def _over_ranks(self) -> RankedTransformer:
        ranks, num_gpus = self._tuning.ranks, torch.cuda.device_count()
        backend = NCCL if self._folder.device.type == "cuda" else GLOO
        if backend == NCCL and num_gpus < ranks:
            raise ValueError(f"{ranks} ranks want a GPU each; torch sees {num_gpus}")
        return RankedTransformer(WanRank(self._folder, self._config, self._tuning, backend), ranks, backend)

    def load_video_decoder(self) -> DecoderBeside:
        return DecoderBeside(self._folder.load_video_decoder(), self._folder.device)

    def load_audio_decoder(self) -> SilentDecoder:
        return SilentDecoder()

    def fast(self) -> WanModel:
        """The same weights in the fast profile: sessions with as long a past share their passes."""
        return WanModel(self._folder, replace(self._config, profile=Profile.FAST), self._tuning)

    def tuned(self, tuning: Tuning) -> WanModel:
        """Implements model.interface.TunableModel."""
        if self._config.profile == Profile.EXACT and tuning.is_for_gpus:
            raise ValueError("compiled, 8-bit and shared passes are not the same to the bit: use the fast profile")
        if tuning.ranks > 1:
            self._check_ranks(tuning.ranks)
        if tuning.recaches and not self._folder.preset.network.text_dim:
            raise ValueError(f"{self._folder.preset.name} reads no words, after which it could make its window again")
        return WanModel(self._folder, self._config, tuning)

    def _check_ranks(self, ranks: int) -> None:
        heads = self._folder.preset.network.heads
        if heads % ranks:
            raise ValueError(f"{heads} heads cannot be shared out to {ranks} ranks")
        if not self._config.recache_every_chunks:
            raise ValueError("several ranks keep sessions as latents: recache_every_chunks must not be 0")


class WanRank(NamedTuple):
    """Loads the whole network on each rank, and steps sessions with its share of it. Passes are not graphs: ranks
    exchange in the middle of them."""

    folder: WanFolder
    config: WanTransformerConfig
    tuning: Tuning
    backend: str

    def __call__(self, split: SequenceSplit) -> WanTransformer:
        preset, tuning = self.folder.preset, self.tuning
        network = split_wan(replace(self.folder, device=rank_device(self.backend)).load_network(), split)
        speed = WanSpeed(graphs=False, compiles=tuning.compiles, eight_bit=tuning.eight_bit)
        return WanTransformer(preset, quickened(network, preset.past_latents, speed), self.config)


def load(name: str, path: Path) -> WanModel:
    """The model of a preset with the weights of a folder, on this process's GPU where it has one. Raises ValueError for
    a name there is no preset of, or no folder."""
    if not path.is_dir():
        raise ValueError(f"{path} is no folder of weights")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    folder = WanFolder(path=path, preset=preset(name), device=device, dtype=torch.bfloat16)
    return WanModel(folder, WanTransformerConfig(recache_every_chunks=RECACHE_EVERY_CHUNKS))
