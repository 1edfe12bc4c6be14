"""Open models over static buffers: chunk for chunk what the network gives by itself."""

from __future__ import annotations

from contextlib import nullcontext
from typing import cast

import numpy as np
import pytest
import torch

from model.adapters.interface import IMAGE, LATENTS, TEXT
from model.adapters.presets import empty_network, preset, random_network
from model.adapters.wan.encoder import PICTURE_LATENTS
from model.adapters.wan.network import WanNetwork
from model.adapters.wan.transformer import WanTransformer, WanTransformerConfig
from model.adapters.wan.window import KeysValues, LatentCache
from model.gpu.waits import HostWaitError, NoHostWaits, no_host_waits
from model.gpu.wan import GraphedWan
from model.interface import ChunkControls, Profile, Tensors
from model.recaching import marked

NAMES = ["wan-tiny", "matrix-game-tiny", "abot-tiny"]
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]  # on a GPU the passes are graphs
# Where nothing is computed, and the network still lies elsewhere than what the host has; and where torch tells too.
ELSEWHERE = ["meta", *DEVICES[1:]]
FULL_AFTER_CHUNKS = 3
NUM_CHUNKS = 6


def numbers(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


def play(
    name: str, device: str, *, is_graphed: bool, num_sessions: int, recache_every_chunks: int = 0
) -> list[list[np.ndarray]]:
    """Chunks of sessions that share their passes, with a directive on the way where words are read."""
    found = preset(name)
    network = random_network(found.network, device, torch.float64)
    graphed = GraphedWan(network, found.past_latents)
    used = cast("WanNetwork", graphed) if is_graphed else network
    config = WanTransformerConfig(profile=Profile.FAST, recache_every_chunks=recache_every_chunks)
    transformer = WanTransformer(found, used, config)
    text_dim = found.network.text_dim
    states = [transformer.open(seed, words(text_dim, seed), picture(name)) for seed in range(num_sessions)]
    made: list[list[np.ndarray]] = []
    for chunk_idx in range(NUM_CHUNKS):
        said = words(text_dim, 50) if chunk_idx == FULL_AFTER_CHUNKS + 1 else None
        controls = ChunkControls(forward=1.0, yaw=0.3, directives=() if said is None else (said,))
        with NoHostWaits() if device == "cpu" else nullcontext():  # on a GPU graphs are recorded on the way
            chunks = transformer.step(states, [controls] * num_sessions)
        made.append([torch.as_tensor(chunk.video[LATENTS]).cpu().numpy().copy() for chunk in chunks])
    assert not is_graphed or any(place.denoise for place in graphed._places.values()), "the window was never full"
    return made


def elsewhere(name: str, device: str, *, is_graphed: bool) -> WanTransformer:
    found = preset(name)
    config = found.network
    network = empty_network(config) if device == "meta" else random_network(config, device, torch.float32)
    used = cast("WanNetwork", GraphedWan(network, found.past_latents)) if is_graphed else network
    return WanTransformer(found, used, WanTransformerConfig(profile=Profile.FAST, recache_every_chunks=4))


def play_watched(transformer: WanTransformer, name: str, num_sessions: int, device: str | None) -> None:
    """Of everything that a step may be told: words, words that make the window again, a picture, fewer passes; and as
    many chunks as make it again by themselves."""
    dims, seen = preset(name).network.text_dim, begun(name)
    said = {FULL_AFTER_CHUNKS - 1: words(dims, 50), FULL_AFTER_CHUNKS + 1: marked(words(dims, 51) or {})}
    states = [transformer.open(seed, words(dims, seed), seen) for seed in range(num_sessions)]
    for chunk_idx in range(NUM_CHUNKS):
        controls = ChunkControls(
            forward=1.0,
            directives=(told,) if dims and (told := said.get(chunk_idx)) else (),
            image=seen if chunk_idx == NUM_CHUNKS - 1 else None,
            quality=0.5 if chunk_idx == 1 else 1.0,
        )
        with nullcontext() if device is None else no_host_waits(torch.device(device)):
            transformer.step(states, [controls] * num_sessions)
    for state in states:
        state.close()


def begun(name: str) -> Tensors | None:
    """What a session is shown, where the network sees pictures."""
    found = preset(name)
    return {LATENTS: numbers(9, 1, *found.chunk_shape[1:])} if found.network.keys else picture(name)


def words(dims: int, seed: int) -> Tensors | None:
    return {TEXT: numbers(seed, 4, dims)} if dims else None


def picture(name: str) -> Tensors | None:
    found = preset(name)
    if not found.network.condition_channels:
        return None
    latents = numbers(9, PICTURE_LATENTS, *found.chunk_shape[1:])
    return {LATENTS: latents, IMAGE: numbers(8, 7, found.network.image_dim)}


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("num_sessions", [1, 3])
@pytest.mark.parametrize("recache_every_chunks", [0, 4])
def test_static_buffers_change_no_chunk_and_no_pass_waits_for_the_device(
    name: str, num_sessions: int, device: str, recache_every_chunks: int
) -> None:
    plain, graphed = (
        play(
            name,
            device,
            is_graphed=is_graphed,
            num_sessions=num_sessions,
            recache_every_chunks=recache_every_chunks,
        )
        for is_graphed in (False, True)
    )
    for chunk_idx, (expected, found) in enumerate(zip(plain, graphed, strict=True)):
        for one, other in zip(expected, found, strict=True):
            np.testing.assert_allclose(other, one, rtol=0, atol=1e-9, err_msg=f"chunk {chunk_idx}")


@pytest.mark.parametrize("device", ELSEWHERE)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("num_sessions", "is_graphed"), [(1, False), (2, True)], ids=["plain", "static"])
def test_what_a_step_is_told_reaches_the_device_while_the_host_goes_on(
    num_sessions: int, is_graphed: bool, name: str, device: str
) -> None:
    transformer = elsewhere(name, device, is_graphed=is_graphed)
    if device != "meta":  # kernels are chosen and graphs recorded by sessions that nobody watches
        play_watched(transformer, name, num_sessions, None)
    play_watched(transformer, name, num_sessions, device)


@pytest.mark.parametrize("name", NAMES)
def test_a_step_that_sends_while_the_host_waits_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As each of the modules that send would, did it not ask to be spared."""
    is_told_more = preset(name).network.condition_channels or preset(name).network.keys
    for sender in ("transformer", "network", *(["conditions"] if is_told_more else [])):
        with monkeypatch.context() as patch:
            patch.setattr(f"model.adapters.wan.{sender}.sent", lambda host, device: host.to(device))
            with pytest.raises(HostWaitError):
                play_watched(elsewhere(name, "meta", is_graphed=False), name, 1, "meta")


def test_a_window_that_is_not_full_yet_lies_in_the_one_that_passes_are_recorded_over() -> None:
    """So a chunk of a new session, and one after which a cache is made again, takes no memory beside it."""
    found = preset("wan-tiny")
    network = random_network(found.network, "cpu", torch.float64)
    graphed = GraphedWan(network, found.past_latents)
    shapes = network.cache_shapes(found.latent_rows, found.latent_columns)
    caches = [LatentCache(shapes, found.past_latents, 0, network.dtype, network.device) for _ in range(2)]
    size = (found.latents_per_chunk, found.latent_rows, found.latent_columns)
    seen: list[int] = []
    for used in (caches, caches[:1]):
        for _ in range(FULL_AFTER_CHUNKS + 1):
            window = graphed.window(used, *size)
            seen.append(window.layers["self"][0].k.untyped_storage().data_ptr())
            plain = network.window(used, *size)
            assert window.num_past == plain.num_past == used[0].num_latents
            for ours, theirs in zip(window.layers["self"], plain.layers["self"], strict=True):
                assert torch.equal(ours.k[:, : window.num_past], theirs.k[:, : window.num_past])
                assert ours.v.shape == theirs.v.shape
            kept = {
                kind: KeysValues(*torch.randn(2, blocks, found.latents_per_chunk, *rest, dtype=network.dtype))
                for kind, (blocks, *rest) in shapes.items()
            }
            for cache in used:
                cache.append(kept)
        for cache in used:
            cache.forget()
    assert len(set(seen)) == 1
    with pytest.raises(ValueError, match="is not for"):
        graphed.window(caches, *size).part(2, 6).fill(caches)
