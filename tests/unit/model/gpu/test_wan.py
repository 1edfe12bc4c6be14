"""Open models over static buffers: chunk for chunk what the network gives by itself."""

from __future__ import annotations

from contextlib import nullcontext
from typing import cast

import numpy as np
import pytest
import torch

from model.adapters.interface import IMAGE, LATENTS, TEXT
from model.adapters.presets import preset, random_network
from model.adapters.wan.encoder import PICTURE_LATENTS
from model.adapters.wan.network import WanNetwork
from model.adapters.wan.transformer import WanTransformer, WanTransformerConfig
from model.gpu.waits import NoHostWaits
from model.gpu.wan import GraphedWan
from model.interface import ChunkControls, Profile, Tensors

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]  # on a GPU the passes are graphs
FULL_AFTER_CHUNKS = 3
NUM_CHUNKS = 6


def numbers(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


def play(name: str, device: str, *, is_graphed: bool, num_sessions: int) -> list[list[np.ndarray]]:
    """Chunks of sessions that share their passes, with a directive on the way where words are read."""
    found = preset(name)
    network = random_network(found.network, device, torch.float64)
    graphed = GraphedWan(network, found.past_latents)
    used = cast("WanNetwork", graphed) if is_graphed else network
    transformer = WanTransformer(found, used, WanTransformerConfig(profile=Profile.FAST))
    text_dim = found.network.text_dim
    states = [transformer.open(seed, words(text_dim, seed), picture(name)) for seed in range(num_sessions)]
    made: list[list[np.ndarray]] = []
    for chunk_idx in range(NUM_CHUNKS):
        said = words(text_dim, 50) if chunk_idx == FULL_AFTER_CHUNKS + 1 else None
        controls = ChunkControls(forward=1.0, yaw=0.3, directives=() if said is None else (said,))
        with NoHostWaits() if device == "cpu" else nullcontext():  # finished latents do go from a GPU to the host
            chunks = transformer.step(states, [controls] * num_sessions)
        made.append([torch.as_tensor(chunk.video[LATENTS]).cpu().numpy().copy() for chunk in chunks])
    assert not is_graphed or any(place.denoise for place in graphed._places.values()), "the window was never full"
    return made


def words(dims: int, seed: int) -> Tensors | None:
    return {TEXT: numbers(seed, 4, dims)} if dims else None


def picture(name: str) -> Tensors | None:
    found = preset(name)
    if not found.network.condition_channels:
        return None
    latents = numbers(9, PICTURE_LATENTS, *found.chunk_shape[1:])
    return {LATENTS: latents, IMAGE: numbers(8, 7, found.network.image_dim)}


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", ["wan-tiny", "matrix-game-tiny", "abot-tiny"])
@pytest.mark.parametrize("num_sessions", [1, 3])
def test_static_buffers_change_no_chunk_and_no_pass_waits_for_the_device(
    name: str, num_sessions: int, device: str
) -> None:
    plain = play(name, device, is_graphed=False, num_sessions=num_sessions)
    graphed = play(name, device, is_graphed=True, num_sessions=num_sessions)
    for chunk_idx, (expected, found) in enumerate(zip(plain, graphed, strict=True)):
        for one, other in zip(expected, found, strict=True):
            np.testing.assert_allclose(other, one, rtol=0, atol=1e-9, err_msg=f"chunk {chunk_idx}")
