"""Small networks of the open models, and chunks for them, for tests."""

from __future__ import annotations

import torch
from torch import Tensor

from model.adapters.presets import WanPreset, preset, random_network
from model.adapters.wan.actions import Actions
from model.adapters.wan.config import HELD_KEYS
from model.adapters.wan.network import Conditions, WanNetwork
from model.adapters.wan.window import KeysValues, LatentCache

TINY = ("wan-tiny", "matrix-game-tiny", "abot-tiny")


def draw(seed: int, *shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def tiny(name: str, dtype: torch.dtype = torch.float64) -> tuple[WanPreset, WanNetwork]:
    sizes = preset(name)
    return sizes, random_network(sizes.network, "cpu", dtype)


def context_of(sizes: WanPreset, seed: int = 1) -> Tensor:
    """context_BPD of one session."""
    return draw(seed, 1, 7, sizes.network.text_dim or sizes.network.image_dim)


def conditions_for(sizes: WanPreset, seed: int, batch: int = 1) -> Conditions:
    """Random ones of whatever the network is told."""
    config, frames = sizes.network, sizes.latents_per_chunk
    beside = actions = keys = None
    if config.condition_channels:
        beside = draw(seed, batch, frames, config.condition_channels, sizes.latent_rows, sizes.latent_columns)
    if config.actions:
        actions = Actions(
            draw(seed + 1, batch, frames, 12, config.actions.keyboard_keys),
            draw(seed + 2, batch, frames, 12, config.actions.mouse_axes) if config.actions.mouse_axes else None,
        )
    if config.keys:
        keys = (draw(seed + 3, batch, HELD_KEYS) > 0).double()
    return Conditions(beside, actions, keys)


def empty_cache(sizes: WanPreset, network: WanNetwork, past: int | None = None, sinks: int = 0) -> LatentCache:
    shapes = network.cache_shapes(sizes.latent_rows, sizes.latent_columns)
    past = sizes.past_latents if past is None else past
    return LatentCache(shapes, past, sinks, network.dtype, network.device)


@torch.no_grad()
def streamed(
    sizes: WanPreset, network: WanNetwork, cache: LatentCache, chunks: list[Tensor], last_timestep: float, seed: int = 5
) -> Tensor:
    """velocity_BFCHW of the last chunk [1, F, C, H, W], after the others went through the cache clean."""
    context = network.context(context_of(sizes))
    for idx, chunk in enumerate(chunks[:-1]):
        keep(sizes, network, cache, chunk, context, conditions_for(sizes, seed + 10 * idx))
    window = network.window([cache], sizes.latents_per_chunk, sizes.latent_rows, sizes.latent_columns)
    timesteps = torch.full((1, sizes.latents_per_chunk), last_timestep, dtype=torch.float64)
    told = conditions_for(sizes, seed + 10 * (len(chunks) - 1))
    return network.denoise(chunks[-1], timesteps, context, window, told)


@torch.no_grad()
def keep(
    sizes: WanPreset,
    network: WanNetwork,
    cache: LatentCache,
    chunk: Tensor,
    context: list[KeysValues],
    conditions: Conditions,
) -> None:
    window = network.window([cache], sizes.latents_per_chunk, sizes.latent_rows, sizes.latent_columns)
    kept = network.remember(chunk, context, window, conditions)
    cache.append({kind: KeysValues(own.k[:, 0], own.v[:, 0]) for kind, own in kept.items()})
