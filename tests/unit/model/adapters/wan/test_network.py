"""The networks of the open models: published sizes, sinks, batches."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from model.adapters.codecs.wan_vae_config import WAN_2_1_VAE
from model.adapters.codecs.wan_vae_networks import WanVaeEncoder
from model.adapters.presets import PRESETS, empty_network, preset
from model.adapters.shelf import NAMES
from model.adapters.wan.encoder import PICTURE_LATENTS
from model.adapters.wan.layers import SELF
from model.adapters.wan.network import Conditions
from model.adapters.wan.window import KeysValues, LatentCache
from model.gpu.host_memory import Arrival
from tests.unit.model.adapters.wan.streams import (
    TINY,
    conditions_for,
    context_of,
    draw,
    empty_cache,
    keep,
    streamed,
    tiny,
)


@pytest.mark.parametrize(
    ("name", "tensors", "parameters"),
    [
        ("wan-1.3b", 825, 1_418_996_800),
        ("matrix-game-2", 1114, 1_619_242_304),
        # Wan2.2-TI2V-5B's, and the keys' adapter's 270,541,824
        ("abot-5b", 831, 4_999_787_712 + 270_541_824),
    ],
)
def test_presets_have_the_published_sizes(name: str, tensors: int, parameters: int) -> None:
    network = empty_network(preset(name).network)
    assert len(network.state_dict()) == tensors
    assert sum(parameter.numel() for parameter in network.parameters()) == parameters
    assert all(parameter.is_meta for parameter in network.parameters())


@pytest.mark.parametrize(
    ("name", "tokens", "cache_gib"),
    [
        ("wan-1.3b", 1560, 4.82),
        ("wan-1.3b-window-12", 1560, 2.41),
        ("matrix-game-2", 880, 0.60),
        ("abot-5b", 390, 2.41),
    ],
)
def test_presets_stream_as_published(name: str, tokens: int, cache_gib: float) -> None:
    """Tokens of a latent frame; GiB of keys and values, in half precision, of the latent frames behind a chunk."""
    sizes = preset(name)
    assert sizes.tokens_per_latent == tokens
    with torch.device("meta"):
        network = empty_network(sizes.network).bfloat16()
        shapes = network.cache_shapes(sizes.latent_rows, sizes.latent_columns)
        cache = LatentCache(shapes, sizes.past_latents, 0, torch.bfloat16, torch.device("meta"))
    assert cache.num_bytes / 2**30 == pytest.approx(cache_gib, abs=0.01)


@pytest.mark.parametrize("name", ["wan-1.3b", "matrix-game-2-templerun", "abot-5b-720p"])
def test_a_chunk_of_real_size_goes_through_without_memory(name: str) -> None:
    sizes = preset(name)
    network = empty_network(sizes.network).bfloat16()
    told = _on_meta(conditions_for(sizes, 1))
    context = network.context(_on_meta(context_of(sizes)))
    cache = empty_cache(sizes, network)
    window = network.window([cache], sizes.latents_per_chunk, sizes.latent_rows, sizes.latent_columns)
    timesteps = torch.zeros(1, sizes.latents_per_chunk, device="meta")
    velocity = network.denoise(torch.zeros(1, *sizes.chunk_shape, device="meta"), timesteps, context, window, told)
    assert (velocity.shape, velocity.device.type) == ((1, *sizes.chunk_shape), "meta")


def _on_meta(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.to("meta", torch.bfloat16)
    return value if value is None else type(value)(*map(_on_meta, value))


def test_a_picture_is_encoded_until_it_is_out_of_sight() -> None:
    with torch.device("meta"):
        encoder = WanVaeEncoder(WAN_2_1_VAE)
    assert encoder.latents_until_steady < PICTURE_LATENTS


def test_every_preset_is_on_the_shelf() -> None:
    assert set(PRESETS) == {*NAMES, "wan-tiny", "matrix-game-tiny", "abot-tiny"}


def test_a_size_that_is_no_whole_number_of_tokens_is_refused() -> None:
    from dataclasses import replace

    with pytest.raises(ValueError, match="whole number of tokens"):
        replace(preset("wan-1.3b"), width_px=840)


@pytest.mark.parametrize("name", TINY)
def test_sessions_that_share_a_pass_get_what_each_gets_alone(name: str) -> None:
    sizes, network = tiny(name)
    caches = [empty_cache(sizes, network) for _ in range(2)]
    contexts = [network.context(context_of(sizes, seed)) for seed in range(2)]
    told = conditions_for(sizes, 40, batch=2)
    alone = [told._replace(**{field: _row(value, row) for field, value in told._asdict().items()}) for row in range(2)]
    for row in range(2):
        keep(sizes, network, caches[row], draw(row, 1, *sizes.chunk_shape), contexts[row], alone[row])
    latents, timesteps = draw(7, 2, *sizes.chunk_shape), draw(8, 2, sizes.latents_per_chunk).abs() * 500
    size = (sizes.latents_per_chunk, sizes.latent_rows, sizes.latent_columns)
    both = [KeysValues(torch.cat([a.k, b.k]), torch.cat([a.v, b.v])) for a, b in zip(*contexts, strict=True)]
    together = network.denoise(latents, timesteps, both, network.window(caches, *size), told)
    for row in range(2):
        window = network.window([caches[row]], *size)
        solo = network.denoise(latents[row : row + 1], timesteps[row : row + 1], contexts[row], window, alone[row])
        torch.testing.assert_close(together[row : row + 1], solo, rtol=1e-12, atol=1e-12)
    assert (together[0] - together[1]).abs().max() > 1e-3


def _row(value: object, row: int) -> object:
    if isinstance(value, torch.Tensor):
        return value[row : row + 1]
    return None if value is None else type(value)(*(_row(field, row) for field in value))  # pyright: ignore[reportGeneralTypeIssues]


@pytest.mark.parametrize("name", TINY)
def test_the_denoise_pass_changes_no_cache(name: str) -> None:
    sizes, network = tiny(name)
    cache = empty_cache(sizes, network)
    streamed(sizes, network, cache, [draw(idx, 1, *sizes.chunk_shape) for idx in range(2)], 500.0)
    before = {name: tensor.clone() for name, tensor in cache.state().items()}
    context = network.context(context_of(sizes))
    window = network.window([cache], sizes.latents_per_chunk, sizes.latent_rows, sizes.latent_columns)
    timesteps = torch.full((1, sizes.latents_per_chunk), 500.0)
    network.denoise(draw(9, 1, *sizes.chunk_shape), timesteps, context, window, conditions_for(sizes, 3))
    after = cache.state()
    assert cache.num_latents == sizes.latents_per_chunk
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_sinks_stay_in_sight() -> None:
    """With sinks, what the first latent frame was goes on to matter; without them it does not."""
    sizes, network = tiny("wan-tiny")

    def last(first_seed: int, sinks: int) -> torch.Tensor:
        cache = empty_cache(sizes, network, past=4, sinks=sinks)
        # a window as narrow as this forgets the first chunk before the fourth, and what the second had seen of it
        chunks = [draw(seed, 1, *sizes.chunk_shape) for seed in (first_seed, 1, 2, 3, 4, 5, 6)]
        streamed(sizes, network, cache, chunks, 500.0)
        return cache.state()["self_k"][0]  # of the first block, which sees no past

    pinned, other = last(0, sinks=2), last(90, sinks=2)
    assert not torch.equal(pinned[:2], other[:2])
    assert torch.equal(pinned[2:], other[2:])
    assert torch.equal(last(0, sinks=0), last(90, sinks=0))


def test_a_text_that_is_too_long_is_refused() -> None:
    sizes, network = tiny("wan-tiny")
    with pytest.raises(ValueError, match="17 tokens, 16 at most"):
        network.context(torch.zeros(1, 17, sizes.network.text_dim))


def test_sessions_of_different_age_share_no_window() -> None:
    sizes, network = tiny("wan-tiny")
    old, new = empty_cache(sizes, network), empty_cache(sizes, network)
    streamed(sizes, network, old, [draw(idx, 1, *sizes.chunk_shape) for idx in range(2)], 500.0)
    with pytest.raises(ValueError, match=r"\[0, 3\] cached latent frames"):
        network.window([old, new], 3, sizes.latent_rows, sizes.latent_columns)
    assert SELF in network.cache_shapes(sizes.latent_rows, sizes.latent_columns)


def test_a_cache_is_restored_over_pages_only_after_what_was_on_its_way_to_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a session is woken, closed at once, and leaves its pages to one that is restored."""
    sizes, network = tiny("wan-tiny")
    cache = empty_cache(sizes, network)
    keep(sizes, network, cache, draw(1, 1, *sizes.chunk_shape), network.context(context_of(sizes)), Conditions())
    kept = cache.state()
    cache.wake(cache.park())
    awaited: list[Arrival] = []
    monkeypatch.setattr(Arrival, "awaited", lambda arrival: awaited.append(arrival))
    cache.load(kept)
    assert len(awaited) == 1
