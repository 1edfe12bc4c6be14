"""Portable snapshots: small, the same world to the eye, and nothing that a stranger could hide in them gets in."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import cache
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from model import camera, portable
from model.interface import ChunkControls, PortableState, Tensors
from model.memory import MAX_PLACES, NUM_KEPT, place_name, stored_places
from model.portable import PortableSnapshot, is_portable, packed, unpacked
from model.presets import load
from model.session import PearlState
from model.stepper import PearlTransformer
from model.world.conditions import SLOT_NAMES, conditions_of

WALK = [ChunkControls(forward=1.0)] * 12 + [ChunkControls(yaw=1.0)] * 4
ON = [ChunkControls(yaw=-1.0)] * 4 + [ChunkControls(forward=1.0)] * 4
MAX_BYTES = 1_000_000
# What two decoders that begin at different frames differ by, and no more: grain, not content.
SAME_TO_THE_EYE_DB = 40.0
Arrays = dict[str, NDArray[Any]]


@cache
def transformer() -> PearlTransformer:
    torch.set_num_threads(1)
    return load("pearl-xs").load_transformer()


@cache
def walked() -> Tensors:
    """The exact snapshot of a session that has seen a few places."""
    words = {"gates": np.array([float(name == "place") for name in SLOT_NAMES], np.float32)}
    state = transformer().open(5, {**words, "values": conditions_of(place="street")}, None)
    for controls in WALK:
        transformer().step([state], [controls])
    return state.snapshot()


def full_of(maps: Callable[[tuple[int, ...]], NDArray[np.uint8]]) -> Tensors:
    """A session that knows all of as many places as there can be."""
    shape = (MAX_PLACES, NUM_KEPT, camera.CANVAS_H, camera.TURN_PX)
    known = np.full((MAX_PLACES, camera.CANVAS_H, camera.TURN_PX // 8), 255, np.uint8)
    places = {place_name(place): maps_MHW[None] for place, maps_MHW in enumerate(maps(shape))}
    return {**walked(), **places, "place_known": known, "place_xy": np.zeros((MAX_PLACES, 2))}


def places_of(snapshot: Tensors) -> NDArray[np.uint8]:
    return np.stack(list(stored_places(snapshot, len(snapshot["place_xy"]))))


def psnr_db(one: NDArray[np.uint8], two: NDArray[np.uint8]) -> float:
    error = np.square(one.astype(np.float64) - two).mean()
    return float("inf") if error == 0 else 10 * np.log10(255**2 / error)


def test_p02_the_same_world_goes_on_to_the_eye_with_decoders_that_begin_afresh() -> None:
    decoder = load("pearl-xs").load_video_decoder()
    one, two = transformer().restore(walked()), transformer().restore(dict(PortableSnapshot(walked())))
    one_cache, two_cache = decoder.open(5), decoder.open(5)
    decoder.decode(one_cache, transformer().step([transformer().restore(walked())], ON[:1])[0].video)
    for controls in ON:
        [ours], [theirs] = transformer().step([one], [controls]), transformer().step([two], [controls])
        assert (ours.chunk_idx, ours.pose) == (theirs.chunk_idx, theirs.pose)
        frames = decoder.decode(one_cache, ours.video), decoder.decode(two_cache, theirs.video)
        assert psnr_db(*frames) > SAME_TO_THE_EYE_DB


def test_what_fits_is_not_made_coarser() -> None:
    again = unpacked(packed(walked()))
    assert set(again) == set(walked())
    known = np.unpackbits(walked()["place_known"], axis=-1).astype(bool)
    ours, theirs = (places_of(each).transpose(0, 2, 3, 1)[known] for each in (again, walked()))
    np.testing.assert_array_equal(ours, theirs)
    for name, array in walked().items():
        if not name.startswith("place_maps"):
            assert again[name].dtype == array.dtype
            # The network's precision is no finer than half, but for numbers next to nothing.
            np.testing.assert_allclose(again[name], array, rtol=0, atol=1e-7 if name.startswith("cache") else 0)


@pytest.mark.timeout(60)
def test_a_portable_snapshot_is_under_a_megabyte_whatever_was_seen() -> None:
    noise = np.random.default_rng(1)
    snapshot = packed(full_of(lambda shape: noise.integers(0, 256, shape, np.uint8)))
    assert sum(array.nbytes for array in snapshot.values()) < MAX_BYTES
    transformer().restore(snapshot)


def test_where_all_does_not_fit_colours_stay_near_and_nearness_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portable, "PLACES_BYTES", 60_000)
    again = unpacked(packed(walked()))
    known = np.unpackbits(walked()["place_known"], axis=-1).astype(bool)
    ours, theirs = (places_of(each).transpose(0, 2, 3, 1)[known] for each in (again, walked()))
    assert (ours[:, : camera.NEARNESS] != theirs[:, : camera.NEARNESS]).any()
    assert psnr_db(ours[:, : camera.NEARNESS], theirs[:, : camera.NEARNESS]) > 35
    np.testing.assert_array_equal(ours[:, camera.NEARNESS :], theirs[:, camera.NEARNESS :])


def test_a_session_that_has_seen_nothing_is_portable_as_well() -> None:
    state = transformer().open(5, None, None)
    assert isinstance(state, PortableState)
    snapshot = state.portable_snapshot()
    transformer().step([state], [ChunkControls()])
    restored = transformer().restore(snapshot)
    assert (restored.next_chunk_idx, restored.memory.num_places) == (0, 0)
    transformer().step([restored], [ChunkControls()])


def test_taking_one_packs_nothing_yet_and_it_stays_as_it_was_taken() -> None:
    state = transformer().restore(walked())
    snapshot = state.portable_snapshot()
    transformer().step([state], [ChunkControls()])
    assert not is_portable(walked())
    assert is_portable(snapshot)
    assert int(snapshot["chunk_idx"]) == len(WALK)
    assert len(snapshot) == len(dict(snapshot))


# --- what a stranger could send ---


@cache
def small() -> Tensors:
    return packed(walked())


def webp(rows: int, columns: int, **options: Any) -> NDArray[np.uint8]:
    file = BytesIO()
    Image.new("RGB", (columns, rows)).save(file, "WEBP", **options)
    return np.frombuffer(file.getvalue(), np.uint8)


def png() -> NDArray[np.uint8]:
    file = BytesIO()
    Image.new("RGB", (camera.CANVAS_W, camera.CANVAS_H)).save(file, "PNG")
    return np.frombuffer(file.getvalue(), np.uint8)


def moving() -> NDArray[np.uint8]:
    frames = [Image.new("RGB", (camera.CANVAS_W, camera.CANVAS_H), colour) for colour in ("red", "blue")]
    file = BytesIO()
    frames[0].save(file, "WEBP", save_all=True, append_images=frames[1:])
    return np.frombuffer(file.getvalue(), np.uint8)


def bits(num_bytes: int) -> NDArray[np.uint8]:
    return np.frombuffer(zlib.compress(bytes(num_bytes)), np.uint8)


COUNT = np.zeros((MAX_PLACES + 1, 2))
HOSTILE_PORTABLE: dict[str, Callable[[], Arrays]] = {
    "a later version": lambda: {"portable_version": np.array(portable.VERSION + 1)},
    "a version that is none": lambda: {"portable_version": np.array([1, 2])},
    "too many places": lambda: {"place_xy": COUNT},
    "a place more than pictures": lambda: {"place_xy": np.zeros((len(walked()["place_xy"]) + 1, 2))},
    "a picture of another size": lambda: {"last_colours": webp(camera.CANVAS_W, camera.CANVAS_H)},
    "a picture that moves": lambda: {"last_colours": moving()},
    "a picture of another kind": lambda: {"last_colours": png()},
    "a picture that ends early": lambda: {"place_colours": small()["place_colours"][:-200]},
    "no picture": lambda: {"place_depths": np.zeros(0, np.uint8)},
    "too many bytes": lambda: {"last_depths": np.zeros(portable.MAX_PICTURE_BYTES + 1, np.uint8)},
    "words": lambda: {"last_depths": np.frombuffer(b"x" * 100, np.uint8)},
    "not bytes": lambda: {"last_depths": np.zeros(100, np.float32)},
    "bits without end": lambda: {"last_known": bits(20_000_000)},
    "bits that are too few": lambda: {"place_known": bits(10)},
    "bits that are none": lambda: {"place_known": np.zeros(100, np.uint8)},
}
HOSTILE: dict[str, Callable[[], Arrays]] = {
    "endless numbers": lambda: {"place_xy": np.full_like(walked()["place_xy"], np.inf)},
    "numbers that are none": lambda: {"walker_x_m": np.array(np.nan)},
    "a cache of other heads": lambda: {"cache_k": np.zeros((6, 25, 7, 32), np.float32)},
    "a cache with half a chunk": lambda: {name: np.zeros((6, 7, 6, 32), np.float32) for name in ("cache_k", "cache_v")},
    "a cache beyond the window": lambda: {
        name: np.zeros((6, 500, 6, 32), np.float32) for name in ("cache_k", "cache_v")
    },
    "conditions of another length": lambda: {"conditions": np.zeros(3, np.float32)},
    "a rig with a number more": lambda: {"rig": np.zeros(6)},
    "a move that there is not": lambda: {"rig": np.array([0.0, 99.0, 0.0, 0.0, 0.0])},
    "too many actors": lambda: {"actors": np.zeros((1_000, walked()["actors"].shape[1]))},
    "actors of another length": lambda: {"actors": np.zeros((1, 3))},
    "a seed below zero": lambda: {"seed": np.array(-1)},
    "words for a number": lambda: {"walker_x_m": np.array("far away")},
}
HOSTILE_EXACT: dict[str, Callable[[], Arrays]] = {
    "a place that is not there": lambda: {"place_xy": np.zeros((len(walked()["place_xy"]) + 1, 2))},
    "maps that would be repeated": lambda: {place_name(0): np.zeros((1, 1, 1, 1), np.uint8)},
    "maps without their grain": lambda: {place_name(0): walked()[place_name(0)][:, :5]},
    "maps of floats": lambda: {place_name(0): walked()[place_name(0)].astype(np.float32)},
    "maps of another kind": lambda: {"last_maps": walked()["last_maps"].astype(np.int64)},
    "too many places": lambda: {"place_xy": COUNT},
}


def restored_with(snapshot: Tensors, changed: Arrays) -> None:
    transformer().restore({**snapshot, **changed})


@pytest.mark.parametrize("name", [*HOSTILE_PORTABLE, *HOSTILE])
def test_a_portable_snapshot_that_nobody_packed_is_refused(name: str) -> None:
    changed = {**HOSTILE_PORTABLE, **HOSTILE}[name]()
    with pytest.raises(ValueError, match=r"."):
        restored_with(small(), changed)


@pytest.mark.parametrize("name", [*HOSTILE_EXACT, *HOSTILE])
def test_an_exact_snapshot_that_does_not_fit_the_model_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        restored_with(walked(), {**HOSTILE_EXACT, **HOSTILE}[name]())


@pytest.mark.parametrize("snapshot", [walked, small])
def test_a_snapshot_that_lacks_anything_is_refused(snapshot: Callable[[], Tensors]) -> None:
    for name in set(snapshot()) - {"portable_version"}:
        with pytest.raises(ValueError, match=r"."):
            transformer().restore({each: array for each, array in snapshot().items() if each != name})


def test_a_huge_picture_is_refused_by_its_header_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    header = bytearray(webp(16, 16, lossless=True).tobytes())
    header[21:25] = (16_382 << 14 | 16_382).to_bytes(4, "little")
    opened: list[object] = []
    monkeypatch.setattr(Image, "open", lambda *_, **__: opened.append(1))
    with pytest.raises(ValueError, match="16383"):
        restored_with(small(), {"place_colours": np.frombuffer(bytes(header), np.uint8)})
    assert not opened


def test_what_is_refused_leaves_the_snapshot_and_other_sessions_alone() -> None:
    state = transformer().restore(walked())
    before = {name: array.copy() for name, array in state.snapshot().items()}
    with pytest.raises(ValueError, match=r"."):
        restored_with(walked(), HOSTILE["a rig with a number more"]())
    assert isinstance(state, PearlState)
    for name, array in state.snapshot().items():
        np.testing.assert_array_equal(array, before[name])
