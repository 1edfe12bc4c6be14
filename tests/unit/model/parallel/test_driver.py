"""A transformer over two processes makes the chunks of one, and ends with either of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import monotonic, sleep

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from model.adapters.interface import LATENTS, TEXT
from model.adapters.presets import preset, random_network
from model.adapters.wan.transformer import WanTransformer, WanTransformerConfig
from model.interface import ChunkControls, PortableState, SessionState, Tensors, Transformer, WatchedTransformer
from model.parallel.driver import RankedTransformer, RankLostError
from model.parallel.sequence import GLOO, SequenceSplit, WholeSequence
from model.parallel.wan import split_wan

NAME = "wan-tiny"
TOLERANCE = 1e-9  # float64: sums in another order
WAIT_S = 30.0


@dataclass(frozen=True)
class Make:
    """What each rank loads."""

    def __call__(self, split: SequenceSplit) -> WanTransformer:
        found = preset(NAME)
        network = random_network(found.network, "cpu", torch.float64)
        config = WanTransformerConfig(recache_every_chunks=4)
        return WanTransformer(found, split_wan(network, split), config)


@pytest.fixture(scope="module")
def ranked() -> Iterator[RankedTransformer]:
    transformer = RankedTransformer(Make(), 2, GLOO)
    yield transformer
    transformer.close()


@pytest.fixture(scope="module")
def alone() -> WanTransformer:
    return Make()(WholeSequence())


def words(seed: int) -> Tensors:
    shape = (4, preset(NAME).network.text_dim)
    return {TEXT: np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)}


def play(transformer: Transformer, states: list[SessionState], num_chunks: int) -> list[NDArray[np.float64]]:
    """Words on the way, so that a cross-attention is made anew."""
    made = []
    for chunk_idx in range(num_chunks):
        told = ChunkControls(directives=(words(9),) if chunk_idx == 1 else ())
        made += [np.asarray(chunk.video[LATENTS]) for chunk in transformer.step(states, [told] * len(states))]
    return made


def assert_near(ours: list[NDArray[np.float64]], theirs: list[NDArray[np.float64]]) -> None:
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=TOLERANCE)


def test_two_ranks_make_the_chunks_of_one_for_every_session(ranked: RankedTransformer, alone: WanTransformer) -> None:
    assert isinstance(ranked, WatchedTransformer)
    ranked.prepare(2)
    states = [[each.open(seed, words(seed), None) for seed in (1, 2)] for each in (ranked, alone)]
    assert_near(play(ranked, [*states[0]], 6), play(alone, [*states[1]], 6))
    for state in states[0]:
        state.close()
    ranked.check()


def test_a_session_goes_on_from_a_snapshot_of_one_process_and_one_process_from_its(
    ranked: RankedTransformer, alone: WanTransformer
) -> None:
    theirs = alone.open(3, words(3), None)
    play(alone, [theirs], 2)
    ours = ranked.restore(theirs.snapshot())
    assert isinstance(ours, PortableState)
    assert_near(play(ranked, [ours], 3), play(alone, [theirs], 3))
    assert ours.snapshot().keys() == theirs.snapshot().keys()
    back = alone.restore(ours.snapshot())
    assert_near(play(ranked, [ours], 1), play(alone, [back], 1))
    assert back.num_bytes > ours.num_bytes  # a rank has its heads alone
    ours.close()


def test_what_one_rank_refuses_all_do_and_go_on(ranked: RankedTransformer) -> None:
    with pytest.raises(ValueError, match="context"):
        ranked.open(1, {TEXT: np.zeros((4, 5), np.float32)}, None)
    state = ranked.open(1, words(1), None)
    assert len(play(ranked, [state], 1)) == 1
    state.close()


def test_a_rank_that_ends_ends_the_transformer(ranked: RankedTransformer) -> None:
    """The last of this file: afterwards nothing is made any more."""
    state = ranked.open(1, words(1), None)
    ranked._followers[0].process.kill()
    eventually(lambda: bool(ranked._failure))
    with pytest.raises(RankLostError, match=r"rank 1 of 2 has ended \(exit code -9\)"):
        ranked.check()
    with pytest.raises(RankLostError, match="rank 1 of 2"):
        ranked.step([state], [ChunkControls()])
    with pytest.raises(RankLostError, match="rank 1 of 2"):
        ranked.open(1, words(1), None)
    state.close()


def eventually(is_so: Callable[[], bool]) -> None:
    until_s = monotonic() + WAIT_S
    while not is_so():
        assert monotonic() < until_s, "it never came"
        sleep(0.02)
