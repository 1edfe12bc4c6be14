"""The fast profile's network: warmed up before the first session, and the same chunks as without."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from model.adapters.interface import LATENTS
from model.adapters.presets import preset, random_network
from model.adapters.wan.transformer import BATCH_SIZES, WanTransformer, WanTransformerConfig, handed_over, in_sizes
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
