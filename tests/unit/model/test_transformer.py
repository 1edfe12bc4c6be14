"""The streaming transformer: what goes through the cache equals what is computed at once."""

from __future__ import annotations

import pytest
import torch
from einops import rearrange
from torch import nn

from model.cache import RollingCache, empty_past
from model.control import NUM_CONTROL_FEATURES
from model.layers import Attention
from model.training.flow import sequence_velocity
from model.transformer import NUM_PATCHES, ChunkTokens, TransformerConfig, WorldTransformer
from model.world.conditions import NUM_VALUES
from tests.networks import stirred_network

CONFIG = TransformerConfig(
    latent_dims=6, audio_dims=5, control_features=NUM_CONTROL_FEATURES, dim=32, layers=2, heads=2, mlp_ratio=2,
    registers=2, sink_chunks=1, window_chunks=2,
)  # fmt: skip


@pytest.fixture
def network() -> WorldTransformer:
    return stirred_network(CONFIG)


def random_chunk(seed: int, batch: int = 1) -> ChunkTokens:
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(batch, *shape, generator=generator)

    return ChunkTokens(
        draw(NUM_PATCHES, 6), draw(NUM_PATCHES, 6), draw(NUM_PATCHES, 8), draw(NUM_PATCHES).sigmoid(), draw(5),
        draw(1)[:, 0].sigmoid(), draw(NUM_CONTROL_FEATURES), torch.full((batch,), 5 + seed),
    )  # fmt: skip


@torch.no_grad()
def test_cached_equals_recomputed(network: WorldTransformer) -> None:
    chunks = [random_chunk(seed) for seed in range(3)]
    conditions = torch.rand(1, NUM_VALUES)
    prompt, cache = network.project_prompt(conditions), RollingCache(CONFIG)
    for chunk in chunks[:-1]:
        _, kept = network(chunk, prompt, cache.past())
        cache.append(kept)
    cached, _ = network(chunks[-1], prompt, cache.past())

    context = ChunkTokens(*(torch.cat(fields) for fields in zip(*chunks[:-1], strict=True)))
    patches = torch.arange(NUM_PATCHES).expand(2, -1)
    controls = torch.stack([chunk.control_BE for chunk in chunks], 1)
    # the training layout holds a few patches per earlier chunk; here all of them
    import model.training.flow as flow

    original, flow.CONTEXT_PATCHES = flow.CONTEXT_PATCHES, NUM_PATCHES
    try:
        _, whole = sequence_velocity(network, context, patches, chunks[-1], conditions, controls)
    finally:
        flow.CONTEXT_PATCHES = original
    torch.testing.assert_close(cached.video_BVC, whole.video_BVC, atol=2e-5, rtol=1e-4)
    torch.testing.assert_close(cached.audio_BA, whole.audio_BA, atol=2e-5, rtol=1e-4)


@torch.no_grad()
def test_the_cache_changes_what_comes_next(network: WorldTransformer) -> None:
    prompt = network.project_prompt(torch.rand(1, NUM_VALUES))
    cache = RollingCache(CONFIG)
    alone, kept = network(random_chunk(1), prompt, cache.past())
    cache.append(kept)
    after, _ = network(random_chunk(1), prompt, cache.past())
    assert (alone.video_BVC - after.video_BVC).abs().max() > 1e-4


@torch.no_grad()
def test_denoising_only_reads_the_cache(network: WorldTransformer) -> None:
    prompt, cache = network.project_prompt(torch.rand(1, NUM_VALUES)), RollingCache(CONFIG)
    _, kept = network(random_chunk(1), prompt, cache.past())
    cache.append(kept)
    before = cache.snapshot()
    network(random_chunk(2), prompt, cache.past())
    for name, value in cache.snapshot().items():
        assert (value == before[name]).all()


@torch.no_grad()
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_cache_pass_keeps_what_a_denoise_pass_would_to_the_bit(network: WorldTransformer, dtype: torch.dtype) -> None:
    network = network.to(dtype)
    prompt, cache, chunk = network.project_prompt(torch.rand(1, NUM_VALUES)), RollingCache(CONFIG), random_chunk(1)
    fill(cache, network, range(2))
    around = network.surround(chunk.control_BE, chunk.azimuth_B, prompt, cache.past())
    velocity, kept = network.denoise_pass(chunk, around)
    alone, again = network(chunk, prompt, cache.past())
    assert torch.equal(alone.video_BVC, velocity.video_BVC)
    for ours, theirs, third in zip(network.cache_pass(chunk, around), kept, again, strict=True):
        assert torch.equal(ours.k_BLNK, theirs.k_BLNK)
        assert torch.equal(ours.v_BLNK, theirs.v_BLNK)
        assert torch.equal(third.k_BLNK, theirs.k_BLNK)


@torch.no_grad()
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_queries_and_keys_are_normalised_together_as_each_would_be_alone(dtype: torch.dtype) -> None:
    attention = Attention(32, 2, NUM_VALUES).to(dtype)
    for norm in (attention.q_norm, attention.k_norm):
        nn.init.uniform_(norm.weight, 0.5, 1.5)
    x = torch.randn(2, 7, 32, dtype=dtype) / 50
    q, k, v = rearrange(attention.qkv(x), "b s (c n k) -> c b s n k", c=3, n=2)
    projected = attention.project(x)
    assert torch.equal(projected.qk_2BSNK, torch.stack([attention.q_norm(q), attention.k_norm(k)]))
    assert torch.equal(projected.v_BSNK, v)


@torch.no_grad()
def test_batched_equals_solo(network: WorldTransformer) -> None:
    both, conditions = random_chunk(3, batch=2), torch.rand(2, NUM_VALUES)
    together, _ = network(both, network.project_prompt(conditions), empty_past(CONFIG, conditions))
    for row in range(2):
        one = ChunkTokens(*(field[row : row + 1] for field in both))
        solo, _ = network(one, network.project_prompt(conditions[row : row + 1]), empty_past(CONFIG, conditions[:1]))
        torch.testing.assert_close(together.video_BVC[row], solo.video_BVC[0], atol=1e-5, rtol=1e-4)


def fill(cache: RollingCache, network: WorldTransformer, chunks: range) -> None:
    prompt = network.project_prompt(torch.full((1, NUM_VALUES), 0.2))
    with torch.no_grad():
        for seed in chunks:
            cache.append(network(random_chunk(seed), prompt, empty_past(CONFIG, torch.zeros(1)))[1])


def test_the_cache_keeps_its_sinks_and_the_newest_chunks(network: WorldTransformer) -> None:
    rolled, direct = RollingCache(CONFIG), RollingCache(CONFIG)
    fill(rolled, network, range(10))
    fill(direct, network, range(1))
    fill(direct, network, range(8, 10))
    assert rolled.num_chunks == 3
    for name, value in direct.snapshot().items():
        assert (rolled.snapshot()[name] == value).all()


def test_the_cache_never_grows(network: WorldTransformer) -> None:
    cache = RollingCache(CONFIG)
    sizes = set()
    for chunk in range(12):
        fill(cache, network, range(chunk, chunk + 1))
        sizes.add(cache.num_bytes)
    assert len(sizes) == 1


def test_a_restored_cache_is_the_same(network: WorldTransformer) -> None:
    cache = RollingCache(CONFIG)
    fill(cache, network, range(5))
    restored = RollingCache.restore(CONFIG, cache.snapshot())
    for ours, theirs in zip(cache.past(), restored.past(), strict=True):
        assert torch.equal(ours.k_BLNK, theirs.k_BLNK)
        assert torch.equal(ours.v_BLNK, theirs.v_BLNK)
