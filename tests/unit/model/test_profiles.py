"""Sessions that step together: bit for bit as alone in the exact profile, within its tolerance in the fast one."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from model.interface import ChunkControls, ChunkLatents, Profile, Tensors
from model.pages import PoolEmptyError
from model.pearl import PearlModel
from model.presets import load
from model.sampler import SIGMAS, num_steps
from model.stepper import FAST_TOLERANCE, PearlTransformer
from tests.unit.model.test_stepper import assert_same, words

# Of each session: its seed, its words, and how many chunks it has played. The window is full after five.
PASTS = ((5, {"place": "street"}, 1), (6, {"place": "forest", "lighting": "night"}, 3), (7, {"place": "meadow"}, 7))


@cache
def model(profile: Profile) -> PearlModel:
    torch.set_num_threads(1)
    exact = load("pearl-xs")
    return exact if profile is Profile.EXACT else exact.fast()


@cache
def transformer(profile: Profile = Profile.EXACT) -> PearlTransformer:
    return model(profile).load_transformer()


@cache
def past(session: int) -> Tensors:
    """A session of that age, as a snapshot that every example begins from."""
    seed, choices, age = PASTS[session]
    state = transformer().open(seed, words(**choices), None)
    for chunk in range(age):
        transformer().step([state], [ChunkControls(forward=1.0, yaw=0.5 if chunk % 2 else 0.0)])
    return state.snapshot()


def controls() -> st.SearchStrategy[ChunkControls]:
    rain = words(weather="rain")
    return st.builds(
        ChunkControls,
        forward=st.sampled_from([0.0, 1.0]),
        yaw=st.sampled_from([-1.0, 0.0, 0.4]),
        directives=st.sampled_from([(), (), (rain,)]),
        quality=st.sampled_from([1.0, 0.5]),
    )


class Played(NamedTuple):
    """Of one session in a play: the rounds in which it is there, and its controls in them."""

    session: int
    joins: int
    controls: list[ChunkControls]

    def at(self, round_idx: int) -> ChunkControls | None:
        chunk = round_idx - self.joins
        return self.controls[chunk] if 0 <= chunk < len(self.controls) else None


def plays() -> st.SearchStrategy[list[Played]]:
    one = st.builds(
        Played,
        session=st.integers(0, len(PASTS) - 1),
        joins=st.integers(0, 2),
        controls=st.lists(controls(), min_size=1, max_size=3),
    )
    return st.lists(one, min_size=2, max_size=4)


def together(profile: Profile, play: list[Played]) -> list[list[ChunkLatents]]:
    """All in one step each round, coming and going as `play` has it."""
    states = [transformer(profile).restore(past(each.session)) for each in play]
    made: list[list[ChunkLatents]] = [[] for _ in play]
    for round_idx in range(max(each.joins + len(each.controls) for each in play)):
        here = [(row, at) for row, each in enumerate(play) if (at := each.at(round_idx)) is not None]
        latents = transformer(profile).step([states[row] for row, _ in here], [at for _, at in here])
        for (row, _), chunk in zip(here, latents, strict=True):
            made[row].append(chunk)
    return made


def alone(profile: Profile, played: Played) -> list[ChunkLatents]:
    state = transformer(profile).restore(past(played.session))
    return [transformer(profile).step([state], [each])[0] for each in played.controls]


@settings(max_examples=10, deadline=None)
@given(plays())
def test_exact_sessions_of_any_age_prompt_and_controls_step_together_as_alone(play: list[Played]) -> None:
    for mixed, each in zip(together(Profile.EXACT, play), play, strict=True):
        for one, two in zip(mixed, alone(Profile.EXACT, each), strict=True):
            assert_same(one, two)


@settings(max_examples=8, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(PASTS) - 1), controls()), min_size=2, max_size=4))
def test_a_fast_step_is_within_its_tolerance_of_the_exact_one(start: list[tuple[int, ChunkControls]]) -> None:
    play = [Played(session, 0, [each]) for session, each in start]
    for [mixed], each in zip(together(Profile.FAST, play), play, strict=True):
        [exact] = alone(Profile.EXACT, each)
        assert mixed.pose == exact.pose
        difference = np.abs(mixed.video["maps"].astype(int) - exact.video["maps"].astype(int))
        assert difference.mean() <= FAST_TOLERANCE.maps_mean
        assert np.abs(mixed.audio["latents"] - exact.audio["latents"]).max() <= FAST_TOLERANCE.audio
        np.testing.assert_array_equal(mixed.video["conditions"], exact.video["conditions"])


def test_fast_sessions_share_passes() -> None:
    """Of four with as much cached, with one, two and four denoise passes to do: as many passes as the longest."""
    network = transformer(Profile.FAST)._network
    sizes: list[int] = []
    handle = network.audio_in.register_forward_hook(lambda _, arguments, __: sizes.append(len(arguments[0])))
    try:
        states = [transformer(Profile.FAST).restore(past(2)) for _ in range(4)]
        transformer(Profile.FAST).step(states, [ChunkControls()] * 4)
        shared, sizes[:] = list(sizes), []
        transformer(Profile.EXACT).step(states[:1], [ChunkControls()])
    finally:
        handle.remove()
    assert shared == [4, 4]
    assert sizes == []  # the exact one has a network of its own


def test_a_new_session_shares_no_pass_with_one_whose_window_is_full() -> None:
    fast = transformer(Profile.FAST)
    sizes: list[int] = []
    handle = fast._network.audio_in.register_forward_hook(lambda _, arguments, __: sizes.append(len(arguments[0])))
    try:
        states = [fast.open(1, words(place="street"), None), *(fast.restore(past(2)) for _ in range(2))]
        fast.step(states, [ChunkControls()] * 3)
    finally:
        handle.remove()
    assert sizes.count(1) == 5
    assert sizes.count(2) == 2


def test_the_profile_is_in_the_capability_record() -> None:
    assert model(Profile.EXACT).info.profile == "exact"
    assert model(Profile.FAST).info.profile == "fast"
    assert model(Profile.FAST).info.weights_sha256 == model(Profile.EXACT).info.weights_sha256


@pytest.mark.parametrize(
    ("whole", "quality", "steps"), [(4, 1.0, 4), (4, 0.5, 2), (3, 0.5, 1), (1, 0.5, 1), (4, 0.9, 3), (4, 0.0, 1)]
)
def test_less_quality_is_fewer_denoise_passes_and_never_none(whole: int, quality: float, steps: int) -> None:
    assert num_steps(whole, quality) == steps
    assert steps in SIGMAS


def test_quality_changes_what_is_painted_and_full_quality_nothing() -> None:
    first = [
        transformer().step([transformer().open(9, words(place="street"), None)], [ChunkControls(quality=quality)])[0]
        for quality in (1.0, 1.0, 0.5)
    ]
    assert_same(first[0], first[1])
    assert (first[0].video["maps"] != first[2].video["maps"]).any()


def test_the_prompt_is_projected_when_the_conditions_change_and_not_otherwise() -> None:
    projected: list[int] = []
    network = transformer()._network
    handle = network.block_list()[0].attention.prompt_kv.register_forward_hook(lambda *_: projected.append(1))
    night = ChunkControls(directives=(words(lighting="night"),))
    try:
        state = transformer().restore(past(2))
        for each, count in ((ChunkControls(), 1), (ChunkControls(), 1), (night, 2), (ChunkControls(), 3)):
            transformer().step([state], [each])
            assert len(projected) == count
    finally:
        handle.remove()


def test_a_transformer_that_was_prepared_takes_no_more_memory_and_gets_it_back() -> None:
    exact = load("pearl-xs").load_transformer()
    exact.prepare(2)
    states = [exact.restore(past(2)), exact.restore(past(0))]
    with pytest.raises(PoolEmptyError):
        exact.restore(past(1))
    states[0].close()
    exact.step([exact.restore(past(1)), states[1]], [ChunkControls()] * 2)


def test_warming_up_plays_every_size_that_sessions_share_and_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes: dict[Profile, list[int]] = {Profile.EXACT: [], Profile.FAST: []}
    for profile, stepped in sizes.items():
        warmed = model(profile).load_transformer()
        step = warmed.step
        monkeypatch.setattr(
            warmed, "step", lambda states, told, n=stepped, s=step: n.append(len(states)) or s(states, told)
        )
        warmed.prepare(2)
        warmed.warm_up(2)
        assert warmed._pool.num_free == warmed._pool.num_pages
    assert sizes == {Profile.EXACT: [], Profile.FAST: [2, 2]}
