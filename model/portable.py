"""Portable snapshots of Pearl: small enough to send about, and the same world to the eye, though not bit for bit.

Made of an exact snapshot's tensors, and made into such tensors again. What weighs there is packed:

    remembered places   one picture of their colours, one of nearness, glow and grain, and what is known as packed bits:
                        lossless as long as that fits, then ever coarser
    the last canvas     the same, always lossless: the next frames begin with it
    the rolling cache   in half precision

Everything else (place, camera, conditions, actors, seed, chunk) stays as it is.

Letters: K places, M maps, H rows, W columns, N bytes.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from functools import cached_property
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model import camera
from model.interface import Tensors
from model.memory import MAX_PLACES, NUM_KEPT, place_name, stored_places

VERSION = 2  # 1 did not have the grain
VERSION_NAME = "portable_version"  # tells a portable snapshot from an exact one
# Quality of the colours (None for all of it) and coarseness of nearness, the first that fits. An error of half a step
# of 8 in nearness is within what memory's reprojection takes for the same surface. Worlds need the first three; the
# rest is for noise, of which the last leaves no nearness at all.
LADDER = ((None, 1), (95, 1), (90, 1), (80, 2), (65, 4), (40, 8), (10, 16), (0, 64), (0, 255), (0, 511))
# What all remembered places may take, so that the whole stays under a megabyte.
PLACES_BYTES = 820_000
LOSSY_EFFORT, LOSSLESS_EFFORT = 2, 0  # the quickest lossless is five times as quick as the next, and 5 to 30 % larger
MAX_PICTURE_BYTES = 4 * 1024 * 1024
_PLACES, _LAST = "place", "last"
_HALVED = ("cache_k", "cache_v")


class PortableSnapshot(Mapping[str, NDArray[Any]]):
    """Of an exact one's tensors, packed when they are first looked at: whoever takes it need not wait for that."""

    def __init__(self, exact: Tensors) -> None:
        self._exact = exact

    @cached_property
    def _packed(self) -> Tensors:
        return packed(self._exact)

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._packed[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._packed)

    def __len__(self) -> int:
        return len(self._packed)


def is_portable(snapshot: Tensors) -> bool:
    return VERSION_NAME in snapshot


def packed(exact: Tensors) -> Tensors:
    """The portable tensors of an exact snapshot: about 10 ms of one core for every place."""
    places = list(stored_places(exact, len(exact["place_xy"])))
    places_KMHW = np.stack(places) if places else np.zeros((0, NUM_KEPT, camera.CANVAS_H, camera.TURN_PX), np.uint8)
    known_KHW = _unpacked_bits(exact["place_known"])
    last_MHW, last_HW = exact["last_maps"], exact["last_known"]
    replaced = {
        VERSION_NAME: np.array(VERSION, np.int64),
        **_packed_places(places_KMHW, known_KHW),
        f"{_LAST}_colours": _picture(_colours(last_MHW[None]), None),
        f"{_LAST}_depths": _picture(_depths(last_MHW[None]), None),
        f"{_LAST}_known": _deflated(np.packbits(last_HW, axis=-1)),
        **{name: _halved(exact[name]) for name in _HALVED},
    }
    left_out = {"place_maps", *map(place_name, range(len(places))), "place_known", "last_maps", "last_known"}
    kept = {name: array for name, array in exact.items() if name not in left_out}
    return {**kept, **replaced}


def unpacked(portable: Tensors) -> Tensors:
    """The tensors of an exact snapshot. Raises ValueError for what `packed` did not make; never takes more memory
    than a full session does."""
    if int(portable[VERSION_NAME]) != VERSION:
        raise ValueError(f"a portable snapshot of version {portable[VERSION_NAME]}; version {VERSION} is known")
    count = len(portable["place_xy"])
    if count > MAX_PLACES:
        raise ValueError(f"{count} places; {MAX_PLACES} at most")
    turn, canvas = (camera.CANVAS_H, camera.TURN_PX), (camera.CANVAS_H, camera.CANVAS_W)
    last_bits = _inflated(portable[f"{_LAST}_known"], (1, canvas[0], canvas[1] // 8))
    replaced = {
        **{place_name(place): maps[None] for place, maps in enumerate(_maps(portable, _PLACES, (count, *turn)))},
        "place_known": _inflated(portable[f"{_PLACES}_known"], (count, turn[0], turn[1] // 8)),
        "last_maps": _maps(portable, _LAST, (1, *canvas))[0],
        "last_known": _unpacked_bits(last_bits)[0],
        **{name: portable[name].astype(np.float32) for name in _HALVED},
    }
    packed_names = {VERSION_NAME, *(f"{part}_{of}" for part in (_PLACES, _LAST) for of in ("colours", "depths"))}
    return {**{name: array for name, array in portable.items() if name not in packed_names}, **replaced}


def _packed_places(maps_KMHW: NDArray[np.uint8], known_KHW: NDArray[np.bool_]) -> Tensors:
    """At the best quality that fits."""
    known = _deflated(np.packbits(known_KHW, axis=-1))
    blank = _blanked(maps_KMHW, known_KHW)
    colours = depths = np.zeros(0, np.uint8)
    for quality, step in LADDER if len(maps_KMHW) else ():
        colours, depths = _picture(_colours(blank), quality), _picture(_coarse(_depths(blank), step), None)
        if len(colours) + len(depths) + len(known) <= PLACES_BYTES:
            break
    return {f"{_PLACES}_colours": colours, f"{_PLACES}_depths": depths, f"{_PLACES}_known": known}


def _blanked(maps_KMHW: NDArray[np.uint8], known_KHW: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """What is not known has its place's mean, which takes least."""
    result = maps_KMHW.copy()
    for maps_MHW, known_HW in zip(result, known_KHW, strict=True):
        mean_M = maps_MHW[:, known_HW].mean(1) if known_HW.any() else np.zeros(len(maps_MHW))
        maps_MHW[:, ~known_HW] = mean_M[:, None].astype(np.uint8)
    return result


def _colours(maps_KMHW: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """One picture of them all, one under the other: [K * H, W, 3]."""
    return _stacked(maps_KMHW[:, : camera.NEARNESS])


def _depths(maps_KMHW: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Nearness as red, glow as green and grain as blue."""
    return _stacked(maps_KMHW[:, camera.NEARNESS :])


def _stacked(planes_K3HW: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(planes_K3HW.transpose(0, 2, 3, 1)).reshape(-1, planes_K3HW.shape[-1], 3)


def _coarse(picture_HWC: NDArray[np.uint8], step: int) -> NDArray[np.uint8]:
    """Rounded to multiples of `step`; 0, the sky's nearness, stays."""
    rounded = (picture_HWC.astype(np.uint16) + step // 2) // step * step
    return rounded.clip(0, 255).astype(np.uint8)


def _maps(portable: Tensors, part: str, shape_KHW: tuple[int, int, int]) -> NDArray[np.uint8]:
    count, height, width = shape_KHW
    if not count:
        return np.zeros((0, NUM_KEPT, height, width), np.uint8)
    pictures = [_opened(portable[f"{part}_{name}"], (count * height, width)) for name in ("colours", "depths")]
    planes = np.concatenate(pictures, -1)
    return np.ascontiguousarray(planes.reshape(count, height, width, -1).transpose(0, 3, 1, 2))


def _picture(picture_HWC: NDArray[np.uint8], quality: int | None) -> NDArray[np.uint8]:
    """WebP; lossless without a quality."""
    file = BytesIO()
    image = Image.fromarray(picture_HWC)
    if quality is None:
        image.save(file, "WEBP", lossless=True, quality=0, method=LOSSLESS_EFFORT)
    else:
        image.save(file, "WEBP", quality=quality, method=LOSSY_EFFORT)
    return np.frombuffer(file.getvalue(), np.uint8)


def _opened(data_N: NDArray[np.uint8], size_HW: tuple[int, int]) -> NDArray[np.uint8]:
    """The picture, if it is as large as it should be: that is asked of its header, before anything is unpacked."""
    if data_N.dtype != np.uint8 or data_N.ndim != 1 or len(data_N) > MAX_PICTURE_BYTES:
        raise ValueError("a picture must be bytes, and not too many")
    data = data_N.tobytes()
    if _webp_size(data) != size_HW:
        raise ValueError(f"a picture of {_webp_size(data)} rows and columns where there must be {size_HW}")
    try:
        with Image.open(BytesIO(data), formats=("WEBP",)) as picture:
            opened = np.asarray(picture.convert("RGB"))
    except (OSError, SyntaxError, ValueError) as error:
        raise ValueError("a picture cannot be read") from error
    if opened.shape != (*size_HW, 3):
        raise ValueError("a picture is not as large as it says")
    return opened


def _webp_size(data: bytes) -> tuple[int, int]:
    """Rows and columns by the header of the two plain kinds of WebP (RFC 9649); (0, 0) for anything else, such as
    what moves."""
    if len(data) < 30 or data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        return 0, 0
    if data[12:16] == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        return int.from_bytes(data[28:30], "little") & 0x3FFF, int.from_bytes(data[26:28], "little") & 0x3FFF
    if data[12:16] == b"VP8L" and data[20] == 0x2F:
        bits = int.from_bytes(data[21:25], "little")
        return (bits >> 14 & 0x3FFF) + 1, (bits & 0x3FFF) + 1
    return 0, 0


def _deflated(bits: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.frombuffer(zlib.compress(bits.tobytes(), 9), np.uint8)


def _inflated(data_N: NDArray[np.uint8], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Never more bytes than `shape` has."""
    num_bytes = int(np.prod(shape))
    stream = zlib.decompressobj()
    try:
        data = stream.decompress(data_N.tobytes(), num_bytes + 1)
    except zlib.error as error:
        raise ValueError("packed bits cannot be read") from error
    if len(data) != num_bytes:
        raise ValueError("packed bits are too many or too few")
    return np.frombuffer(data, np.uint8).reshape(shape)


def _unpacked_bits(bits: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return np.unpackbits(bits, axis=-1).astype(bool)


def _halved(array: NDArray[np.float32]) -> NDArray[np.float16]:
    largest = np.finfo(np.float16).max
    return array.clip(-largest, largest).astype(np.float16)
