"""Open models with random weights: as quick and as large as with their own, and what they show is noise.

Everything a session does is done as `model.adapters.wan.model` does it: words and pictures stand for themselves by
random embeddings, since encoding them is no part of a chunk.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from bench.engine.open_models import IMAGE_TOKENS, WAN_2_1
from model.adapters.codecs.memory_format import lay_channels_last
from model.adapters.codecs.stream import CausalNetwork, StreamConfig, StreamingVideoDecoder
from model.adapters.codecs.tiny import TAEW_2_1, TAEW_2_2, TinyDecoder
from model.adapters.codecs.wan_vae_config import WAN_2_1_VAE, WAN_2_2_VAE
from model.adapters.codecs.wan_vae_networks import WanVaeDecoder
from model.adapters.interface import IMAGE, LATENTS, TEXT
from model.adapters.presets import WanPreset, preset, random_network
from model.adapters.wan.capabilities import capabilities
from model.adapters.wan.encoder import PICTURE_LATENTS
from model.adapters.wan.model import RECACHE_EVERY_CHUNKS
from model.adapters.wan.silence import SilentDecoder
from model.adapters.wan.transformer import WanTransformer, WanTransformerConfig
from model.gpu.quick import WanSpeed, quickened
from model.gpu.streams import DecoderBeside
from model.interface import ModelInfo, Profile, Tensors

SEED = 1
WORDS = 20  # tokens of a short sentence
WEIGHT_STD = 0.05  # of a decoder's


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomModelConfig:
    device: str = "cpu"
    dtype: torch.dtype = torch.bfloat16
    profile: Profile = Profile.FAST
    graphs: bool = True  # passes over static buffers; on a GPU as graphs. In the fast profile alone, as the next two
    compiles: bool = False
    fp8: bool = False
    tiny_decoder: bool = False
    recache_every_chunks: int = RECACHE_EVERY_CHUNKS

    def __post_init__(self) -> None:
        if self.profile == Profile.EXACT and (self.compiles or self.fp8):
            raise ValueError("compiled and 8-bit layers are not the same to the bit: they are for the fast profile")


class RandomEncoder:
    """Implements model.interface.Encoder."""

    def __init__(self, found: WanPreset) -> None:
        self._preset = found
        self._generator = np.random.default_rng(SEED)

    def encode_text(self, text: str) -> Tensors:
        network = self._preset.network
        return {TEXT: self._random(min(WORDS, network.text_tokens), network.text_dim)}

    def understood(self, text: Tensors) -> None: ...

    def encode_image(self, image_HWC: NDArray[np.uint8]) -> Tensors:
        network, (_, *shape) = self._preset.network, self._preset.chunk_shape
        latents = {LATENTS: self._random(PICTURE_LATENTS if network.condition_channels else 1, *shape)}
        return latents | ({IMAGE: self._random(IMAGE_TOKENS, network.image_dim)} if network.image_dim else {})

    def _random(self, *shape: int) -> NDArray[np.float32]:
        return self._generator.standard_normal(shape, dtype=np.float32)


class RandomOpenModel:
    """A `Model`."""

    def __init__(self, name: str, config: RandomModelConfig) -> None:
        """Raises ValueError for a name there is no preset of."""
        self._preset, self._config = preset(name), config

    @property
    def info(self) -> ModelInfo:
        return capabilities(self._preset, "random", self._config.profile)

    def load_encoder(self) -> RandomEncoder:
        return RandomEncoder(self._preset)

    def load_transformer(self, num_threads: int = 1) -> WanTransformer:
        torch.set_num_threads(num_threads)
        config = self._config
        network = random_network(self._preset.network, config.device, config.dtype)
        if config.profile == Profile.FAST:
            speed = WanSpeed(graphs=config.graphs, compiles=config.compiles, eight_bit=config.fp8)
            network = quickened(network, self._preset.past_latents, speed)
        stepped = WanTransformerConfig(profile=config.profile, recache_every_chunks=config.recache_every_chunks)
        return WanTransformer(self._preset, network, stepped)

    def load_video_decoder(self) -> DecoderBeside:
        is_2_1 = self._preset.codec == WAN_2_1
        with torch.device("meta"):
            if self._config.tiny_decoder:
                network: nn.Module = TinyDecoder(TAEW_2_1 if is_2_1 else TAEW_2_2)
            else:
                network = WanVaeDecoder(WAN_2_1_VAE if is_2_1 else WAN_2_2_VAE)
        network = network.to(self._config.dtype).to_empty(device=self._config.device).requires_grad_(False)
        generator = torch.Generator(self._config.device).manual_seed(SEED)
        for tensor in (*network.parameters(), *network.buffers()):
            tensor.normal_(0.0, WEIGHT_STD, generator=generator)
        lay_channels_last(network)
        # Each chunk has as many frames as any other.
        decoder = StreamingVideoDecoder(cast("CausalNetwork", network), StreamConfig(holds_first_frame=True))
        return DecoderBeside(decoder, torch.device(self._config.device))

    def load_audio_decoder(self) -> SilentDecoder:
        return SilentDecoder()
