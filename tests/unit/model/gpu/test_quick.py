"""The fast profile's network: warmed up before the first session, and the same chunks as without."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from model.adapters.interface import LATENTS
from model.adapters.presets import preset, random_network
from model.adapters.wan.transformer import BATCH_SIZES, WanTransformer, WanTransformerConfig, handed_over, in_sizes
from model.gpu.fp8 import Fp8Linear
from model.gpu.graphed import GraphedStep
from model.gpu.quick import WanSpeed, quickened
from model.interface import ChunkControls, Profile, SizedTransformer, WarmingTransformer
from tests.unit.model.gpu.test_wan import picture, words

NUM_CHUNKS = 6


def stage(name: str, speed: WanSpeed | None) -> WanTransformer:
    found = preset(name)
    network = random_network(found.network, "cpu", torch.float64)
    network = network if speed is None else quickened(network, found.past_latents, speed)
    return WanTransformer(found, network, WanTransformerConfig(profile=Profile.FAST))


def play(transformer: WanTransformer, name: str, num_sessions: int) -> list[np.ndarray]:
    dims = preset(name).network.text_dim
    states = [transformer.open(seed, words(dims, seed), picture(name)) for seed in range(num_sessions)]
    made = []
    for _ in range(NUM_CHUNKS):
        chunks = transformer.step(states, [ChunkControls(forward=1.0)] * num_sessions)
        made += [np.asarray(chunk.video[LATENTS]) for chunk in chunks]
    for state in states:
        state.close()
    return made


def counted_records(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    records: list[int] = []
    record = GraphedStep._record

    def counting(self: GraphedStep, size: int) -> Any:
        records.append(size)
        return record(self, size)

    monkeypatch.setattr(GraphedStep, "_record", counting)
    return records


@pytest.mark.parametrize("name", ["wan-tiny", "matrix-game-tiny"])
def test_after_warming_up_nothing_is_recorded_or_compiled(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three at once step as two and one: those are the sizes there are."""
    records, compilations = counted_records(monkeypatch), []

    def backend(graph: torch.fx.GraphModule, examples: list[Any]) -> torch.fx.GraphModule:
        compilations.append(len(examples))
        return graph

    transformer = stage(name, WanSpeed(compiles=True, backend=backend))
    assert isinstance(transformer, WarmingTransformer)
    transformer.prepare(3)
    transformer.warm_up(3)
    warm = len(records), len(compilations)
    assert records == [2, 2, 1, 1]  # a denoise and a cache pass of each
    assert compilations
    made = play(transformer, name, 3)
    if name == "wan-tiny":  # a picture's tokens are as many as its encoder makes: known with the first
        assert (len(records), len(compilations)) == warm
    for ours, theirs in zip(made, play(stage(name, None), name, 3), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9)


def test_fewer_sessions_have_a_part_of_the_same_window() -> None:
    transformer = stage("wan-tiny", WanSpeed())
    transformer.warm_up(4)
    graphed: Any = transformer._network
    windows = [place.window.layers["self"][0].k for place in graphed._places.values()]
    assert [len(each) for each in windows] == [4, 2, 1]
    assert len({each.untyped_storage().data_ptr() for each in windows}) == 1


def test_8_bit_layers_are_within_what_they_cost() -> None:
    exact, rounded = (play(stage("wan-tiny", speed), "wan-tiny", 1) for speed in (None, WanSpeed(eight_bit=True)))
    off = np.sqrt(np.mean((np.array(exact[0]) - np.array(rounded[0])) ** 2))
    assert 0 < off < 0.2  # of unit variance, after four passes of two blocks


def test_queries_keys_and_values_share_the_rounding_of_what_they_are_made_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a pass over a block: once for them, and for attention's output, two at the text, two in the feed-forward."""
    rounded: list[int] = []
    quantise = Fp8Linear.rounded
    monkeypatch.setattr(Fp8Linear, "rounded", lambda self, x: rounded.append(x.shape[-1]) or quantise(self, x))
    transformer = stage("wan-tiny", WanSpeed(eight_bit=True))
    state = transformer.open(1, words(preset("wan-tiny").network.text_dim, 1), None)
    rounded.clear()
    for _ in range(2):
        transformer.step([state], [ChunkControls()])
    network, denoise_passes = preset("wan-tiny").network, len(preset("wan-tiny").sampling.steps)
    # Nobody asks what comes out of the last block when a chunk is written to the cache.
    assert len(rounded) == 2 * (6 * network.layers * denoise_passes + 6 * (network.layers - 1) + 1)


def test_8_bit_layers_round_by_what_is_compiled_and_nothing_is_compiled_later() -> None:
    compilations: list[tuple[int, ...]] = []

    def backend(graph: torch.fx.GraphModule, examples: list[Any]) -> torch.fx.GraphModule:
        compilations.append(tuple(examples[0].shape))
        return graph

    speed = WanSpeed(eight_bit=True, compiles=True, backend=backend)
    transformer = stage("wan-tiny", speed)
    transformer.warm_up(1)
    tokens = preset("wan-tiny").latents_per_chunk * preset("wan-tiny").tokens_per_latent
    assert (tokens, preset("wan-tiny").network.dim) in compilations
    warm = len(compilations)
    made = play(transformer, "wan-tiny", 1)
    assert len(compilations) == warm
    for ours, theirs in zip(made, play(stage("wan-tiny", WanSpeed(eight_bit=True)), "wan-tiny", 1), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9)


def test_sizes_are_those_of_the_profile() -> None:
    fast, exact = stage("wan-tiny", None), WanTransformer(preset("wan-tiny"), stage("wan-tiny", None)._network)
    assert isinstance(fast, SizedTransformer)
    assert (fast.batch_sizes, exact.batch_sizes) == (BATCH_SIZES, (1,))
    assert [len(part) for part in in_sizes(range(7), BATCH_SIZES)] == [4, 2, 1]
    assert [row for part in in_sizes(range(7), BATCH_SIZES) for row in part] == list(range(7))


def test_latents_on_a_gpu_are_handed_over_where_they_lie() -> None:
    there = torch.empty(2, 3, device="meta")
    assert handed_over(there) is there
    here = torch.ones(2, 3)
    array = handed_over(here)
    assert isinstance(array, np.ndarray)
    assert array.ctypes.data == here.data_ptr()
