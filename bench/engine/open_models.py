"""What a chunk of an open model takes, counted at full size without its memory: on the meta device.

A full window, every denoise pass and the one that writes the cache; then the autoencoder's decoder, and the tiny
decoder, over the same latents.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from bench.engine.counting import Work, count_work, total
from bench.engine.loop import TRANSFORMER, VIDEO
from model.adapters.codecs.features import Features
from model.adapters.codecs.tiny import TAEW_2_1, TAEW_2_2, TinyDecoder
from model.adapters.codecs.wan_vae_config import WAN_2_1_VAE, WAN_2_2_VAE
from model.adapters.codecs.wan_vae_networks import WanVaeDecoder
from model.adapters.presets import WanPreset, empty_network
from model.adapters.wan.actions import Actions
from model.adapters.wan.config import HELD_KEYS, IMAGE_TOKENS, WINDOW_FRAMES
from model.adapters.wan.network import Conditions, WanNetwork
from model.adapters.wan.window import KeysValues, LatentCache
from model.gpu.quick import WanSpeed, quickened

META = torch.device("meta")
DTYPE = torch.bfloat16
WAN_2_1 = "wan2.1"
TINY_VIDEO = "tiny_video_decoder"


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedModel:
    """A chunk's work by stage, and what lies in memory."""

    works: dict[str, Work]
    fixed_bytes: int  # weights of transformer and autoencoder's decoder
    session_bytes: int  # its attention cache when full, its context, and its decoder's features

    def stages(self, *, tiny_decoder: bool) -> dict[str, Work]:
        """Of a model that decodes in one of the two ways."""
        return {TRANSFORMER: self.works[TRANSFORMER], VIDEO: self.works[TINY_VIDEO if tiny_decoder else VIDEO]}


def count_open_model(preset: WanPreset, num_sessions: int = 1, *, eight_bit: bool = False) -> CountedModel:
    """Of a batch of `num_sessions`, each with a full window; `eight_bit` as `model.gpu.quick` has it."""
    network = empty_network(preset.network).to(DTYPE)
    network = quickened(network, preset.past_latents, WanSpeed(graphs=False, eight_bit=eight_bit))
    caches = [_full_cache(network, preset) for _ in range(num_sessions)]
    context = network.context(_meta(num_sessions, *_context_shape(preset)))
    latents = _meta(num_sessions, *preset.chunk_shape)
    conditions = _conditions(preset, num_sessions)
    decoders = {VIDEO: _autoencoder(preset).decode, TINY_VIDEO: _tiny(preset).decode}
    window = network.window(caches, preset.latents_per_chunk, preset.latent_rows, preset.latent_columns)
    timesteps = torch.full(latents.shape[:2], 500.0, device=META)
    refill = count_work(lambda: window.fill(caches))
    denoise = count_work(lambda: network.denoise(latents, timesteps, context, window, conditions))
    remember = count_work(lambda: network.remember(latents, context, window, conditions))
    works = {TRANSFORMER: total([refill, *[denoise] * len(preset.sampling.steps), remember])}
    features: dict[str, Features] = {}
    for name, decode in decoders.items():
        features[name] = _warm(decode, preset)
        works[name] = count_work(lambda decode=decode, name=name: decode(_of(preset), features[name]))
    kept = sum(field.nbytes for block in context for field in block) // num_sessions
    return CountedModel(
        works=works,
        fixed_bytes=_weights(network) + _weights(_autoencoder(preset)),
        session_bytes=caches[0].num_bytes + kept + features[VIDEO].num_bytes,
    )


def _full_cache(network: WanNetwork, preset: WanPreset) -> LatentCache:
    shapes = network.cache_shapes(preset.latent_rows, preset.latent_columns)
    cache = LatentCache(shapes, preset.past_latents, preset.sink_latents, DTYPE, META)
    frames = preset.past_latents
    cache.append({kind: KeysValues(*(_meta(i, frames, *rest),) * 2) for kind, (i, *rest) in shapes.items()})
    return cache


def _context_shape(preset: WanPreset) -> tuple[int, int]:
    network = preset.network
    return (network.text_tokens, network.text_dim) if network.text_dim else (IMAGE_TOKENS, network.image_dim)


def _conditions(preset: WanPreset, num_sessions: int) -> Conditions:
    network, (frames, _, *grid) = preset.network, preset.chunk_shape
    actions = beside = keys = None
    if network.actions:
        keyboard = _meta(num_sessions, frames, WINDOW_FRAMES, network.actions.keyboard_keys)
        mouse = _meta(num_sessions, frames, WINDOW_FRAMES, network.actions.mouse_axes)
        actions = Actions(keyboard, mouse if network.actions.mouse_axes else None)
    if network.condition_channels:
        beside = _meta(num_sessions, frames, network.condition_channels, *grid)
    if network.keys:
        keys = _meta(num_sessions, HELD_KEYS)
    return Conditions(beside_BFCHW=beside, actions=actions, keys_BK=keys)


Decode = Callable[[Tensor, Features], Tensor]


def _autoencoder(preset: WanPreset) -> WanVaeDecoder:
    with META:
        return WanVaeDecoder(WAN_2_1_VAE if preset.codec == WAN_2_1 else WAN_2_2_VAE).to(DTYPE)


def _tiny(preset: WanPreset) -> TinyDecoder:
    with META:
        return TinyDecoder(TAEW_2_1 if preset.codec == WAN_2_1 else TAEW_2_2).to(DTYPE)


def _warm(decode: Decode, preset: WanPreset) -> Features:
    """After the first latent, which is decoded alone and stands for one frame."""
    features = Features()
    decode(_of(preset)[:, :, :1], features)
    return features


def _of(preset: WanPreset) -> Tensor:
    frames, channels, rows, columns = preset.chunk_shape
    return _meta(1, channels, frames, rows, columns)


def _weights(network: torch.nn.Module) -> int:
    return sum(tensor.nbytes for tensor in (*network.parameters(), *network.buffers()))


def _meta(*shape: int) -> Tensor:
    return torch.empty(shape, dtype=DTYPE, device=META)
