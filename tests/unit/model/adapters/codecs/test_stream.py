"""Sessions of one decoder: apart from one another, together, cut anyhow, and restored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pytest
import torch

from model.adapters.codecs.stream import LATENTS, CausalNetwork, StreamCache, StreamConfig, StreamingVideoDecoder
from model.adapters.codecs.tiny import TinyConfig, TinyDecoder
from model.interface import Tensors
from tests.unit.model.adapters.codecs.wan_vaes import CPU, SMALL, latents, small_vae

TINY = TinyConfig(latent_channels=4, patch_px=2, widths=(8, 6, 4, 4), doubles_time=(False, True, True))
Kind = Literal["latents", "features"]
KINDS: tuple[Kind, ...] = ("latents", "features")


def tiny_decoder(dtype: torch.dtype) -> TinyDecoder:
    torch.manual_seed(5)
    return TinyDecoder(TINY).to(dtype).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Mapping[torch.dtype, CausalNetwork]]:
    folder = tmp_path_factory.mktemp("vaes")
    made: dict[str, dict[torch.dtype, CausalNetwork]] = {"tiny": {}}
    for version in SMALL:
        opened = small_vae(version, folder / version).opened
        made[version] = {}
        for dtype in (torch.float32, torch.bfloat16):
            made[version][dtype] = opened.load_decoder(dtype, CPU)
    for dtype in (torch.float32, torch.bfloat16):
        made["tiny"][dtype] = tiny_decoder(dtype)
    return made


@pytest.fixture(params=["wan 2.1", "wan 2.2", "tiny"])
def network(request: pytest.FixtureRequest, networks: Mapping[str, Any]) -> CausalNetwork:
    return networks[request.param][torch.float32]


def chunks(cuts: list[int], seed: int = 0) -> list[Tensors]:
    whole = latents(sum(cuts), seed)[0].transpose(0, 1).float()
    return [{LATENTS: chunk.numpy()} for chunk in whole.split(cuts)]


def frames_of(decoder: StreamingVideoDecoder, cache: StreamCache, given: list[Tensors]) -> np.ndarray:
    return np.concatenate([decoder.decode(cache, chunk) for chunk in given])


def test_frames_are_the_same_bit_for_bit_however_the_latents_are_cut(network: CausalNetwork) -> None:
    decoder = StreamingVideoDecoder(network)
    whole = frames_of(decoder, decoder.open(0), chunks([7]))
    assert whole.shape[0] == 25
    assert whole.dtype == np.uint8
    assert whole.std() > 5
    for cuts in ([3, 3, 1], [1] * 7, [2, 5]):
        np.testing.assert_array_equal(frames_of(decoder, decoder.open(1), chunks(cuts)), whole)


def test_tensors_are_decoded_as_arrays_are(network: CausalNetwork) -> None:
    """A transformer on the same device leaves its latents there."""
    decoder, given = StreamingVideoDecoder(network), chunks([2, 1])
    tensors: list[Any] = [{LATENTS: torch.from_numpy(chunk[LATENTS])} for chunk in given]
    np.testing.assert_array_equal(
        frames_of(decoder, decoder.open(0), tensors), frames_of(decoder, decoder.open(0), given)
    )


def test_several_latents_at_once_are_the_same_but_for_rounding(network: CausalNetwork) -> None:
    one, three = (StreamingVideoDecoder(network, StreamConfig(latents_per_pass=number)) for number in (1, 3))
    apart, at_once = frames_of(one, one.open(0), chunks([3, 3, 3])), frames_of(three, three.open(0), chunks([9]))
    assert np.abs(apart.astype(int) - at_once).max() <= 1


def test_a_first_frame_that_is_held_makes_all_chunks_alike(network: CausalNetwork) -> None:
    decoder = StreamingVideoDecoder(network, StreamConfig(holds_first_frame=True))
    cache, given = decoder.open(0), chunks([2, 2])
    first, second = (decoder.decode(cache, chunk) for chunk in given)
    assert len(first) == len(second) == 8
    assert all((frame == first[0]).all() for frame in first[:4])
    plain = StreamingVideoDecoder(network)
    np.testing.assert_array_equal(np.concatenate([first[3:], second]), frames_of(plain, plain.open(0), given))


def test_sessions_do_not_touch_each_other(network: CausalNetwork) -> None:
    decoder = StreamingVideoDecoder(network)
    given = {seed: chunks([2, 2, 2], seed) for seed in (1, 2, 3)}
    alone = {seed: frames_of(decoder, decoder.open(0), given[seed]) for seed in given}
    caches = {seed: decoder.open(0) for seed in given}
    for seed, turn in ((1, 0), (2, 0), (1, 1), (3, 0), (3, 1), (2, 1), (1, 2), (2, 2), (3, 2)):
        frames = decoder.decode(caches[seed], given[seed][turn])
        start = 0 if turn == 0 else 8 * turn - 3
        np.testing.assert_array_equal(frames, alone[seed][start : start + len(frames)])


def test_sessions_of_any_age_are_decoded_together(network: CausalNetwork) -> None:
    decoder = StreamingVideoDecoder(network)
    ages = (0, 3, 0, 1)
    caches, expected, following = [], [], []
    for seed, age in enumerate(ages):
        cache, twin = decoder.open(0), decoder.open(0)
        for chunk in chunks([1] * age, 10 + seed):
            decoder.decode(cache, chunk)
            decoder.decode(twin, chunk)
        caches.append(cache)
        given = chunks([2, 2], 20 + seed)
        expected.append([decoder.decode(twin, chunk) for chunk in given])
        following.append(given)
    for turn in range(2):
        batch = torch.stack([torch.from_numpy(given[turn][LATENTS]).transpose(0, 1) for given in following])
        for row, frames in enumerate(decoder.decode_together(caches, batch)):
            assert np.abs(frames.numpy().astype(int) - expected[row][turn]).max() <= 1
    assert [cache.features.num_steps for cache in caches] == [age + 4 for age in ages]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("num_before", [0, 3, 45])
def test_c02_a_restored_session_goes_on_bit_for_bit(network: CausalNetwork, kind: Kind, num_before: int) -> None:
    decoder = StreamingVideoDecoder(network, StreamConfig(snapshot_as=kind))
    cache = decoder.open(0)
    before, after = chunks([1] * num_before), chunks([2, 1], 99)
    for chunk in before:
        decoder.decode(cache, chunk)
    snapshot = {name: array.copy() for name, array in cache.snapshot().items()}
    expected = frames_of(decoder, cache, after)
    restored = decoder.restore(snapshot)
    np.testing.assert_array_equal(frames_of(decoder, restored, after), expected)
    again, once = restored.snapshot(), cache.snapshot()
    assert again.keys() == once.keys()
    assert all(np.array_equal(again[name], once[name]) for name in once)


@pytest.mark.parametrize("name", ["wan 2.1", "wan 2.2", "tiny"])
@pytest.mark.parametrize("kind", KINDS)
def test_c02_half_precision_is_restored_bit_for_bit_too(networks: Any, name: str, kind: Kind) -> None:
    decoder = StreamingVideoDecoder(networks[name][torch.bfloat16], StreamConfig(snapshot_as=kind))
    cache, after = decoder.open(0), chunks([2], 99)
    frames_of(decoder, cache, chunks([2, 3]))
    restored = decoder.restore(cache.snapshot())
    np.testing.assert_array_equal(frames_of(decoder, restored, after), frames_of(decoder, cache, after))


def test_as_many_latents_are_remembered_as_are_needed_and_not_one_more(network: CausalNetwork) -> None:
    decoder = StreamingVideoDecoder(network, StreamConfig(snapshot_as="features"))
    needed = network.latents_remembered
    given = chunks([1] * (needed + 2))
    cache = decoder.open(0)
    frames_of(decoder, cache, given)

    def after_the_last(number: int) -> dict[str, torch.Tensor]:
        other = decoder.open(0)
        other.features.num_steps = 1  # in the middle of something else
        frames_of(decoder, other, given[-number:])
        return other.features.kept

    assert all(torch.equal(kept, cache.features.kept[name]) for name, kept in after_the_last(needed).items())
    fewer = after_the_last(needed - 1)
    assert not all(torch.equal(kept, cache.features.kept[name]) for name, kept in fewer.items())


def test_what_a_session_keeps_does_not_grow_and_stays_where_it_is(network: CausalNetwork) -> None:
    decoder = StreamingVideoDecoder(network, StreamConfig(latents_per_pass=5))
    cache = decoder.open(0)
    frames_of(decoder, cache, chunks([3]))
    places = {name: tensor.data_ptr() for name, tensor in cache.features.kept.items()}
    sizes = []
    for seed in range(4):
        frames_of(decoder, cache, chunks([15], seed))
        sizes.append((cache.num_bytes, len(cache.recent)))
    assert places == {name: tensor.data_ptr() for name, tensor in cache.features.kept.items()}
    assert sizes[-1] == sizes[-2]
    shapes = decoder.feature_shapes((2, 3))
    assert {name: tensor.shape for name, tensor in cache.features.kept.items()} == shapes


def test_a_snapshot_that_does_not_fit_is_refused_with_names(network: CausalNetwork) -> None:
    decoder = StreamingVideoDecoder(network, StreamConfig(snapshot_as="features"))
    cache = decoder.open(0)
    frames_of(decoder, cache, chunks([2]))
    whole = dict(cache.snapshot())
    name = max(whole, key=lambda name: whole[name].size)
    faults: list[tuple[Tensors, str]] = [
        ({**whole, name: whole[name][..., :1]}, name),
        ({**whole, name: whole[name].astype(np.float64)}, name),
        ({key: array for key, array in whole.items() if key != name}, name),
        ({**whole, "surplus": np.zeros(1, np.float32)}, "surplus"),
        ({**whole, "grid": np.array([1 << 40, 3])}, "grid"),
        ({key: array for key, array in whole.items() if key != "num_steps"}, "how much"),
        ({}, "how much"),
        ({"num_steps": np.array(9), "recent_0000": np.zeros((4, 2, 2, 3), np.float32)}, "what 9 have left behind"),
        ({"num_steps": np.array(2), "recent_0000": np.zeros((5, 2, 2, 3), np.float32)}, "latents that are not"),
        ({"num_steps": np.array(2)}, "what 2 have left behind"),
        ({"num_steps": np.array([1, 2])}, "how much"),
        ({"num_steps": np.array(0.5)}, "how much"),
        ({"num_steps": np.array(1), "recent_0000": np.zeros((4, 1, 0, 3), np.float32)}, "latents that are not"),
    ]
    for snapshot, words in faults:
        with pytest.raises(ValueError, match=words):
            decoder.restore(snapshot)


def test_latents_of_another_shape_are_refused(network: CausalNetwork) -> None:
    decoder = StreamingVideoDecoder(network)
    cache = decoder.open(0)
    for shape in ((1, 5, 2, 3), (4, 2, 3), (0, 4, 2, 3), (1, 4, 0, 3)):
        with pytest.raises(ValueError, match="latents are"):
            decoder.decode(cache, {LATENTS: np.zeros(shape, np.float32)})
    with pytest.raises(ValueError, match="latents are"):
        decoder.decode(cache, {LATENTS: np.zeros((1, 4, 2, 3), np.int32)})
    decoder.decode(cache, {LATENTS: np.zeros((1, 4, 2, 3), np.float32)})
    with pytest.raises(ValueError, match="does not go on with"):
        decoder.decode(cache, {LATENTS: np.zeros((1, 4, 3, 2), np.float32)})
