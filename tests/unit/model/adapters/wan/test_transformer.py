"""The transformer stage: sessions of open models, alone and together, kept and gone on with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from model.adapters.interface import IMAGE, LATENTS, TEXT
from model.adapters.presets import WanPreset, preset, random_network
from model.adapters.wan.capabilities import capabilities
from model.adapters.wan.session import WanState
from model.adapters.wan.transformer import WanTransformer, WanTransformerConfig
from model.interface import ChunkControls, ChunkLatents, Profile, Tensors
from model.recaching import marked
from tests.unit.model.adapters.wan.streams import TINY, draw

FAST = WanTransformerConfig(profile=Profile.FAST)
WALK = [ChunkControls(forward=1), ChunkControls(forward=1, yaw=1), ChunkControls(), ChunkControls(strafe=-1, pitch=0.5)]


def stage(
    name: str, config: WanTransformerConfig | None = None, dtype: torch.dtype = torch.float32, **sizes: Any
) -> WanTransformer:
    chosen = replace(preset(name), **sizes)
    return WanTransformer(chosen, random_network(chosen.network, "cpu", dtype), config)


def words(sizes: WanPreset, seed: int) -> Tensors:
    return {TEXT: draw(seed, 3 + seed % 4, sizes.network.text_dim, dtype=torch.float32).numpy()}


def picture(sizes: WanPreset, seed: int, latents: int = 4) -> dict[str, NDArray[Any]]:
    shape = (latents if sizes.network.condition_channels else 1, *sizes.chunk_shape[1:])
    meaning = {IMAGE: draw(seed, 9, sizes.network.image_dim, dtype=torch.float32).numpy()}
    return {
        LATENTS: draw(seed + 1, *shape, dtype=torch.float32).numpy(),
        **(meaning if sizes.network.image_dim else {}),
    }


def opened(transformer: WanTransformer, name: str, seed: int) -> WanState:
    sizes = preset(name)
    prompt = words(sizes, seed) if sizes.network.text_dim else None
    sees = sizes.network.image_dim or sizes.network.keys
    return transformer.open(seed, prompt, picture(sizes, seed) if sees else None)


def play(transformer: WanTransformer, state: WanState, controls: Sequence[ChunkControls]) -> list[NDArray[Any]]:
    return [latents_of(transformer.step([state], [each])[0]) for each in controls]


def latents_of(chunk: ChunkLatents) -> NDArray[Any]:
    return np.asarray(chunk.video[LATENTS])


@pytest.mark.parametrize("name", TINY)
def test_w08_sessions_of_any_age_together_equal_each_alone_to_the_bit(name: str) -> None:
    transformer = stage(name)
    alone = [play(transformer, opened(transformer, name, seed), WALK) for seed in range(3)]
    together = [opened(transformer, name, seed) for seed in range(3)]
    seen: list[list[NDArray[Any]]] = [[], [], []]
    for step in range(6):  # the second joins one step later than the first, the third two
        rows = [row for row in range(3) if 0 <= step - row < len(WALK)]
        for row, chunk in zip(
            rows, transformer.step([together[row] for row in rows], [WALK[step - row] for row in rows]), strict=True
        ):
            seen[row].append(latents_of(chunk))
    for row in range(3):
        assert all(np.array_equal(a, b) for a, b in zip(seen[row], alone[row], strict=True))
    assert not np.array_equal(alone[0][0], alone[1][0])


@pytest.mark.parametrize("name", TINY)
def test_the_fast_profile_is_within_its_tolerance(name: str) -> None:
    """1e-4 of the latents, which are about 1; here in single precision, where a batch sums in another order."""
    exact, fast = stage(name), stage(name, FAST)
    alone = [play(exact, opened(exact, name, seed), WALK) for seed in range(2)]
    together = [opened(fast, name, seed) for seed in range(2)]
    for idx, controls in enumerate(WALK):
        for row, chunk in enumerate(fast.step(together, [controls, controls])):
            np.testing.assert_allclose(latents_of(chunk), alone[row][idx], atol=1e-4)


def test_the_fast_profile_shares_passes_among_those_of_one_age(monkeypatch: pytest.MonkeyPatch) -> None:
    transformer = stage("wan-tiny", FAST)
    old, *new = (opened(transformer, "wan-tiny", seed) for seed in range(3))
    play(transformer, old, WALK[:1])
    batches: list[int] = []
    network: Any = transformer._network
    denoise = network.denoise
    monkeypatch.setattr(network, "denoise", lambda *told: batches.append(len(told[0])) or denoise(*told))
    transformer.step([new[0], old, new[1]], [ChunkControls()] * 3)
    assert batches == [2] * 4 + [1] * 4


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", TINY)
def test_restored_equals_uninterrupted(name: str, dtype: torch.dtype) -> None:
    transformer = stage(name, dtype=dtype)
    state = opened(transformer, name, 4)
    play(transformer, state, WALK)
    snapshot = dict(state.snapshot())
    uninterrupted = play(transformer, state, WALK[::-1])
    restored = stage(name, dtype=dtype).restore(snapshot)
    assert restored.next_chunk_idx == len(WALK)
    gone_on = play(transformer, restored, WALK[::-1])
    assert all(np.array_equal(a, b) for a, b in zip(gone_on, uninterrupted, strict=True))


@pytest.mark.parametrize("name", TINY)
def test_a_portable_snapshot_is_small_and_goes_on_while_nothing_was_forgotten(name: str) -> None:
    """Bit for bit, as long as the window still reaches back to the start; afterwards to the eye."""
    transformer = stage(name, window_latents=9)
    state = opened(transformer, name, 4)
    play(transformer, state, WALK[:2])
    portable = state.portable_snapshot()
    assert portable.keys() == state.snapshot().keys()  # no larger while nothing was forgotten
    assert sum(array.nbytes for array in portable.values()) < state.num_bytes
    uninterrupted = play(transformer, state, WALK[2:3])
    assert np.array_equal(play(transformer, transformer.restore(portable), WALK[2:3])[0], uninterrupted[0])
    play(transformer, state, WALK)
    later, exact = state.portable_snapshot(), state.snapshot()
    assert later.keys() == {name for name in exact if not name.startswith("cache_")} < exact.keys()
    assert transformer.restore(later).cache.num_latents == state.cache.num_latents


@pytest.mark.parametrize("name", TINY)
def test_c02_a_cache_that_is_made_again_now_and_then_is_kept_as_latents_to_the_bit(name: str) -> None:
    config = WanTransformerConfig(recache_every_chunks=4)
    transformer = stage(name, config, window_latents=9)
    state = opened(transformer, name, 4)
    rain = () if name == "matrix-game-tiny" else (words(preset(name), 9),)
    play(transformer, state, WALK[:3])
    for controls in (ChunkControls(directives=rain), *WALK, ChunkControls(forward=1, directives=rain), *WALK):
        snapshot = dict(state.snapshot())
        assert not any(each.startswith("cache_") for each in snapshot)
        restored = stage(name, config, window_latents=9).restore(snapshot)
        [expected], [gone_on] = play(transformer, state, [controls]), play(transformer, restored, [controls])
        assert np.array_equal(gone_on, expected)
    assert len(state.recent) < 2 + 4 + 1


def test_making_the_cache_again_forgets_what_the_window_had_seen() -> None:
    usual, remaking = stage("wan-tiny"), stage("wan-tiny", WanTransformerConfig(recache_every_chunks=6))
    states = [opened(each, "wan-tiny", 4) for each in (usual, remaking)]
    [plain, remade] = [play(each, state, WALK * 2) for each, state in zip((usual, remaking), states, strict=True)]
    same = [np.array_equal(a, b) for a, b in zip(plain, remade, strict=True)]
    assert same == [True] * 6 + [False] * 2


@pytest.mark.parametrize("spoil", ["missing", "shape", "kind", "negative", "text"])
def test_a_snapshot_of_something_else_is_refused(spoil: str) -> None:
    transformer = stage("wan-tiny")
    state = opened(transformer, "wan-tiny", 1)
    play(transformer, state, WALK)
    snapshot: dict[str, Any] = dict(state.snapshot())
    if spoil == "missing":
        del snapshot["cache_self_v"]
    elif spoil == "shape":
        snapshot["cache_self_k"] = snapshot["cache_self_k"][..., :-1]
    elif spoil == "kind":
        snapshot["cache_self_k"] = snapshot["cache_self_k"].astype(np.float64)
    elif spoil == "negative":
        snapshot["chunk_idx"] = np.array(-1)
    else:
        snapshot["context_000"] = snapshot["context_000"][:, :-1]
    transformer.prepare(1)
    with pytest.raises(ValueError, match=r"snapshot|cache|self_k|negative|context"):
        transformer.restore(snapshot)
    assert transformer._pool.num_free == 1  # what it had taken is back


def test_w04_a_directive_changes_what_comes_and_nothing_before() -> None:
    transformer = stage("wan-tiny")
    plain, told = (opened(transformer, "wan-tiny", 2) for _ in range(2))
    rain = ChunkControls(directives=(words(preset("wan-tiny"), 9),))
    before = play(transformer, plain, WALK[:2]), play(transformer, told, WALK[:2])
    assert all(np.array_equal(a, b) for a, b in zip(*before, strict=True))
    assert not np.array_equal(play(transformer, plain, WALK[2:3])[0], play(transformer, told, [rain])[0])


@pytest.mark.parametrize("config", [None, FAST], ids=["exact", "fast"])
@pytest.mark.parametrize("name", TINY)
def test_the_context_is_computed_when_a_directive_or_a_picture_changes_it_and_not_otherwise(
    name: str, config: WanTransformerConfig | None
) -> None:
    transformer, sizes = stage(name, config), preset(name)
    keys_of_blocks: list[int] = []
    for idx, block in enumerate(transformer._network.block_list()):
        block.cross_attn.k.register_forward_hook(lambda *_, idx=idx: keys_of_blocks.append(idx))
    once = list(range(sizes.network.layers))
    states = [opened(transformer, name, seed) for seed in range(2)]
    keys_of_blocks.clear()
    plain, rain = ChunkControls(), ChunkControls(directives=(words(sizes, 9),) if sizes.network.text_dim else ())
    shown = ChunkControls(image=picture(sizes, 5)) if sizes.network.image_dim else plain
    for controls in (plain, plain, rain, plain, shown, plain):
        transformer.step(states, [controls, plain])
        assert keys_of_blocks == (once if controls.directives or controls.image else [])
        keys_of_blocks.clear()


def test_a_directive_can_make_the_window_again() -> None:
    """The same as if the window's chunks had been kept under the new words from the start."""
    transformer = stage("wan-tiny")
    state, other = (opened(transformer, "wan-tiny", 2) for _ in range(2))
    for each in (state, other):
        play(transformer, each, WALK[:2])
    rain = words(preset("wan-tiny"), 9)
    as_if = transformer.restore({**state.portable_snapshot(), "context_000": rain[TEXT]})
    remade = play(transformer, state, [ChunkControls(directives=(marked(rain),))])[0]
    kept = play(transformer, other, [ChunkControls(directives=(rain,))])[0]
    assert np.array_equal(remade, play(transformer, as_if, [ChunkControls()])[0])
    assert not np.array_equal(remade, kept)


@pytest.mark.parametrize("name", ["matrix-game-tiny", "abot-tiny"])
def test_w04_hands_change_what_comes(name: str) -> None:
    transformer = stage(name)
    first, second = (opened(transformer, name, 2) for _ in range(2))
    assert not np.array_equal(
        play(transformer, first, [ChunkControls(forward=1)])[0], play(transformer, second, [ChunkControls(yaw=1)])[0]
    )
    assert first.pose.x_m > 0
    assert second.pose.yaw_deg > 0


def test_a_picture_is_the_first_latent_frame() -> None:
    transformer, sizes = stage("abot-tiny"), preset("abot-tiny")
    image = picture(sizes, 3)
    state = transformer.open(1, words(sizes, 1), image)
    first, second = play(transformer, state, WALK[:2])
    assert np.array_equal(first[0], image[LATENTS][0])
    other = picture(sizes, 8)
    again = latents_of(transformer.step([state], [ChunkControls(image=other)])[0])
    assert np.array_equal(again[0], other[LATENTS][0])
    assert not np.array_equal(second[0], image[LATENTS][0])
    assert state.cache.num_latents == sizes.latents_per_chunk


def test_a_picture_that_begins_again_forgets_what_was() -> None:
    transformer, sizes = stage("matrix-game-tiny"), preset("matrix-game-tiny")
    old = transformer.open(1, None, picture(sizes, 3))
    play(transformer, old, WALK)
    new = transformer.open(1, None, picture(sizes, 5))
    new.chunk_idx = old.chunk_idx  # the same noise
    shown = transformer.step([old], [ChunkControls(image=picture(sizes, 5), forward=1)])
    assert np.array_equal(latents_of(shown[0]), play(transformer, new, [ChunkControls(forward=1)])[0])


def test_less_quality_takes_fewer_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    transformer = stage("wan-tiny")
    calls: list[Mapping[str, object]] = []
    network: Any = transformer._network
    denoise = network.denoise
    monkeypatch.setattr(network, "denoise", lambda *told: calls.append({}) or denoise(*told))
    transformer.step([opened(transformer, "wan-tiny", 1)], [ChunkControls(quality=0.5)])
    assert len(calls) == 2


@pytest.mark.parametrize(
    ("name", "prompt", "image", "said"),
    [
        ("matrix-game-tiny", None, None, "begins with a picture"),
        ("matrix-game-tiny", {TEXT: np.zeros((2, 32), np.float32)}, {LATENTS: np.zeros(1)}, "reads no words"),
        ("wan-tiny", None, {LATENTS: np.zeros(1)}, "begins with words"),
        ("abot-tiny", {TEXT: np.zeros((2, 31), np.float32)}, None, r"\[P, 32\]"),
        ("abot-tiny", None, {LATENTS: np.zeros((1, 48, 4, 5), np.float32)}, "latents are"),
    ],
)  # fmt: skip
def test_what_a_network_does_not_know_is_refused(
    name: str, prompt: Tensors | None, image: Tensors | None, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        stage(name).open(1, prompt, image)


@pytest.mark.parametrize(
    ("name", "controls"),
    [
        ("wan-1.3b", ("directive",)),
        ("matrix-game-2", ("move", "look", "image")),
        ("abot-5b", ("move", "look", "directive", "image")),
    ],
)
def test_capabilities_name_what_each_answers_to(name: str, controls: tuple[str, ...]) -> None:
    info = capabilities(preset(name), "0" * 64, Profile.EXACT)
    assert info.controls == controls
    assert info.frames_per_chunk == 12
    assert info.audio_channels == 0


def test_memory_stays_what_it_is() -> None:
    transformer = stage("wan-tiny")
    state = opened(transformer, "wan-tiny", 1)
    play(transformer, state, [ChunkControls()] * 4)
    full = state.num_bytes
    play(transformer, state, [ChunkControls()] * 6)
    assert state.num_bytes == full


def test_a_session_that_is_over_leaves_its_cache_to_the_next() -> None:
    transformer = stage("wan-tiny")
    transformer.prepare(2)
    first, second = (opened(transformer, "wan-tiny", seed) for seed in range(2))
    play(transformer, first, WALK)
    left = first.cache
    first.close()
    first.close()  # once is enough
    third = opened(transformer, "wan-tiny", 0)
    assert third.cache is left
    assert third.cache is not second.cache
    alone = stage("wan-tiny")
    expected = play(alone, opened(alone, "wan-tiny", 0), WALK)
    assert all(np.array_equal(a, b) for a, b in zip(play(transformer, third, WALK), expected, strict=True))
    assert opened(transformer, "wan-tiny", 1).cache.num_bytes == left.num_bytes  # more than were prepared for


@pytest.mark.parametrize("name", TINY)
def test_parked_and_woken_equals_uninterrupted_and_the_room_is_anothers_meanwhile(name: str) -> None:
    transformer = stage(name)
    transformer.prepare(1)
    expected = play(transformer, lone := opened(transformer, name, 3), [*WALK, *WALK])
    lone.close()
    state = opened(transformer, name, 3)
    for controls, latents in zip([*WALK, *WALK], expected, strict=True):
        np.testing.assert_array_equal(play(transformer, state, [controls])[0], latents)
        pages, snapshot = state.cache.num_bytes, state.snapshot()
        transformer.park(state)
        transformer.park(state)
        assert 0 < state.cache.num_bytes <= pages
        assert transformer._pool.num_free == 1
        for key, value in state.snapshot().items():
            np.testing.assert_array_equal(value, snapshot[key])
        play(transformer, other := opened(transformer, name, 4), [ChunkControls()])
        other.close()
        transformer.wake(state)
        assert transformer._pool.num_free == 0
    transformer.park(state)
    state.close()
    assert transformer._pool.num_free == 1


@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU here")
def test_what_is_parked_from_a_gpu_is_pinned_and_comes_back_beside_it() -> None:
    sizes = preset("wan-tiny")
    transformer = WanTransformer(sizes, random_network(sizes.network, "cuda", torch.bfloat16))
    transformer.prepare(1)
    state = opened(transformer, "wan-tiny", 3)
    for each in WALK:
        transformer.step([state], [each])
    snapshot = state.snapshot()
    transformer.park(state)
    assert all(tensor.is_pinned() for tensor in state.cache.state().values())
    transformer.wake(state)
    goes_on: Any = transformer.step([state], [WALK[0]])[0].video[LATENTS]
    state.close()
    restored = transformer.restore(snapshot)
    expected: Any = transformer.step([restored], [WALK[0]])[0].video[LATENTS]
    assert torch.equal(goes_on, expected)
