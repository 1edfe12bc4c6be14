"""A directive that makes the window again: what it holds is what it would hold under those words from the start."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch

from model.cache import cache_chunks
from model.denoising import remember
from model.interface import ChunkControls, Tensors, Tuning
from model.mood import update_of
from model.presets import load
from model.recaching import RecachingEncoder, marked
from model.session import PearlState
from model.stepper import PearlTransformer
from model.world.conditions import apply_update
from tests.unit.model.test_stepper import words

WALK = ChunkControls(forward=1.0)
RAIN = {"weather": "rain", "lighting": "night"}


@cache
def transformer() -> PearlTransformer:
    torch.set_num_threads(1)
    return load("pearl-xs").load_transformer()


def opened(num_chunks: int, **prompt: str) -> PearlState:
    """Of marked words, after so many chunks."""
    state = transformer().open(5, marked(words(**prompt)), None)
    for _ in range(num_chunks):
        transformer().step([state], [WALK])
    return state


def cached(state: PearlState) -> Tensors:
    return state.cache.snapshot()


def assert_equal(one: Tensors, other: Tensors) -> None:
    assert one.keys() == other.keys()
    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name], err_msg=name)


@torch.inference_mode()
def test_nothing_changes_under_the_same_words_while_nothing_has_left_the_window() -> None:
    state = opened(3, place="street")
    before = cached(state)
    transformer()._recache(state)
    assert_equal(cached(state), before)


@torch.inference_mode()
def test_the_window_is_what_a_fresh_session_under_the_new_words_would_hold_over_the_same_chunks() -> None:
    """To the bit, also after chunks have left it."""
    state = opened(8, place="street")
    assert state.clean is not None
    chunks = list(state.clean._chunks)
    fresh = transformer().open(5, None, None)
    goal = torch.from_numpy(apply_update(state.goal_V.numpy(), update_of(words(**RAIN))))
    prompt = transformer()._network.project_prompt(goal[None])
    for chunk in chunks:
        fresh.cache.append(remember(transformer()._network, chunk, prompt, fresh.cache.past()))
    before = cached(state)
    transformer()._move(state, ChunkControls(directives=(marked(words(**RAIN)),)))
    assert len(chunks) == cache_chunks(transformer()._network.config)
    assert_equal(cached(state), cached(fresh))
    assert any(not np.array_equal(before[name], array) for name, array in cached(state).items())


def test_words_that_are_not_marked_leave_the_window_alone_and_the_chunk_differs() -> None:
    plain, told = opened(4, place="street"), opened(4, place="street")
    rain = words(**RAIN)
    usual = transformer().step([plain], [ChunkControls(directives=(rain,))])[0]
    remade = transformer().step([told], [ChunkControls(directives=(marked(rain),))])[0]
    assert not np.array_equal(usual.audio["latents"], remade.audio["latents"])


def test_a_session_that_is_restored_makes_its_window_again_to_the_bit() -> None:
    played = opened(7, place="forest")
    restored = transformer().restore(played.snapshot())
    told = ChunkControls(forward=1.0, directives=(marked(words(**RAIN)),))
    ours, theirs = (transformer().step([state], [told])[0] for state in (played, restored))
    assert_equal(ours.video, theirs.video)
    assert_equal(ours.audio, theirs.audio)
    assert_equal(cached(played), cached(restored))
    assert played.num_bytes == restored.num_bytes


def test_what_was_not_kept_stays_as_it_was() -> None:
    """As after a portable snapshot, which is small, or where nobody asked for it before."""
    state = transformer().restore(opened(7, place="forest").portable_snapshot())
    transformer().step([state], [WALK])
    before = cached(state)
    with torch.inference_mode():
        transformer()._move(state, ChunkControls(directives=(marked(words(**RAIN)),)))
    num_tokens = transformer()._network.config.cached_tokens
    after = cached(state)
    for name in before:
        np.testing.assert_array_equal(after[name][:, :-num_tokens], before[name][:, :-num_tokens])
        assert not np.array_equal(after[name][:, -num_tokens:], before[name][:, -num_tokens:])


def test_a_snapshot_with_more_chunks_than_the_window_is_refused() -> None:
    snapshot = dict(opened(2, place="street").snapshot())
    snapshot["clean_count"] = np.array(99, np.int64)
    with pytest.raises(ValueError, match="99 chunks"):
        transformer().restore(snapshot)


def test_a_model_marks_its_words_where_it_is_tuned_to() -> None:
    tuned = load("pearl-xs").tuned(Tuning(recaches=True))
    assert isinstance(tuned.load_encoder(), RecachingEncoder)
    assert isinstance(tuned.fast().load_encoder(), RecachingEncoder)
    assert not isinstance(load("pearl-xs").load_encoder(), RecachingEncoder)
    with pytest.raises(ValueError, match="processor"):
        load("pearl-xs").tuned(Tuning(compiles=True))
