from __future__ import annotations

import struct

import numpy as np
import pytest
from PIL import ExifTags, Image

from serving.errors import ImageTooLargeError, ImageTruncatedError, ImageUnreadableError, NacreError
from serving.gateway.images import ImageLimits, decode_image
from tests.pictures import encode, gradient, png_bomb

FIELD = "world.image.data"
LIMITS = ImageLimits()


def decode(data: bytes, limits: ImageLimits = LIMITS) -> np.ndarray:
    return decode_image(data, limits, FIELD)


def assert_refused(kind: type[NacreError], data: bytes, limits: ImageLimits = LIMITS) -> None:
    with pytest.raises(kind) as caught:
        decode(data, limits)
    assert type(caught.value) is kind
    assert caught.value.field == FIELD


@pytest.mark.parametrize(("image_format", "tolerance"), [("PNG", 0), ("WEBP", 40), ("JPEG", 40)])
def test_each_kind_is_read(image_format: str, tolerance: int) -> None:
    image_HWC = decode(encode(gradient(), image_format))
    assert (image_HWC.shape, image_HWC.dtype) == ((48, 64, 3), np.uint8)
    difference = np.abs(image_HWC.astype(int) - np.asarray(gradient()).astype(int))
    assert difference.max() <= tolerance


@pytest.mark.parametrize(
    "data", [b"", b"not a picture at all", b"GIF89a" + bytes(64), b"<svg></svg>", b"BM" + bytes(64)]
)
def test_what_is_not_a_picture_is_unreadable(data: bytes) -> None:
    assert_refused(ImageUnreadableError, data)


@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("share", [0.003, 0.3, 0.9])
def test_a_picture_cut_short_is_truncated(image_format: str, share: float) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    data = encode(Image.fromarray(noise), image_format)
    assert_refused(ImageTruncatedError, data[: max(16, int(len(data) * share))])


def test_damage_in_the_middle_is_told() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    data = bytearray(encode(Image.fromarray(noise)))
    data[len(data) // 2 : len(data) // 2 + 400] = bytes(400)
    assert_refused(ImageTruncatedError, bytes(data))


def test_too_many_bytes_are_refused_unread() -> None:
    assert_refused(ImageTooLargeError, b"\x89PNG\r\n\x1a\n" + bytes(100), ImageLimits(max_bytes=107))


@pytest.mark.parametrize(("width", "height"), [(12_000, 12_000), (14_000, 14_000), (4_001, 4_000)])
def test_a_pixel_bomb_is_refused_before_it_is_decoded(width: int, height: int) -> None:
    data = png_bomb(width, height)
    peak_bytes_before = _reset_peak_bytes()
    assert_refused(ImageTooLargeError, data)
    assert _peak_bytes() - peak_bytes_before < 32 << 20, "144 MP of grey would have taken 144 MB"


@pytest.mark.parametrize("kind", [b"VP8X", b"VP8L", b"VP8 "])
def test_a_large_webp_is_refused_by_its_header(kind: bytes) -> None:
    body = bytearray(64)
    if kind == b"VP8X":
        body[4:7] = body[7:10] = (11_999).to_bytes(3, "little")
    elif kind == b"VP8L":
        body[0:5] = b"\x2f" + (11_999 | 11_999 << 14).to_bytes(4, "little")
    else:
        body[3:6], body[6:10] = b"\x9d\x01\x2a", struct.pack("<HH", 12_000, 12_000)
    data = b"RIFF" + struct.pack("<I", 4 + 8 + 64) + b"WEBP" + kind + struct.pack("<I", 64) + bytes(body)
    assert_refused(ImageTooLargeError, data)


def test_sixteen_megapixels_are_taken_and_reduced() -> None:
    image_HWC = decode(png_bomb(4_000, 4_000))
    assert image_HWC.shape == (512, 512, 3)


@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "WEBP"])
def test_large_pictures_keep_their_shape_when_reduced(image_format: str) -> None:
    image_HWC = decode(encode(gradient(1_600, 800), image_format))
    assert image_HWC.shape == (256, 512, 3)
    assert image_HWC[:, 500, 0].mean() > 230, "the gradient still runs from left to right"
    assert image_HWC[:, 5, 0].mean() < 20


def test_a_picture_is_turned_upright() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6  # the camera was held on its side: turn clockwise to view
    for image_format in ("PNG", "JPEG", "WEBP"):
        image_HWC = decode(encode(gradient(), image_format, exif=exif))
        assert image_HWC.shape == (64, 48, 3)
        assert image_HWC[0, :, 1].argmax() == 0, "the bottom row is the left column now"
        assert image_HWC[0, :, 1].max() > 230


def test_what_is_clear_is_white() -> None:
    image = gradient().convert("RGBA")
    image.putalpha(0)
    assert (decode(encode(image)) == 255).all()
    assert (decode(encode(image, "WEBP", lossless=True)) == 255).all()


def test_a_palette_with_a_clear_colour_is_read() -> None:
    image = Image.new("P", (8, 8), 1)
    image.putpalette([255, 0, 0, 0, 255, 0])
    assert (decode(encode(image)) == (0, 255, 0)).all()
    assert (decode(encode(image, transparency=1)) == 255).all()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA"])
def test_other_colour_modes_become_rgb(mode: str) -> None:
    assert decode(encode(gradient().convert(mode))).shape == (48, 64, 3)


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    levels = np.array([[0, 0x4000, 0x8000, 0xFFFF]], dtype=np.uint16)
    image_HWC = decode(encode(Image.fromarray(levels)))
    assert image_HWC[0, :, 0].tolist() == [0, 0x40, 0x80, 0xFF]


def test_print_colours_become_rgb() -> None:
    image_HWC = decode(encode(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG"))
    red, green, blue = image_HWC[8, 8].tolist()
    assert red > 200
    assert green < 60
    assert blue < 60


@pytest.mark.parametrize("name", ["max_bytes", "max_pixels", "max_side_px"])
def test_limits_are_positive(name: str) -> None:
    with pytest.raises(ValueError, match="positive"):
        ImageLimits(**{name: 0})


def _reset_peak_bytes() -> int:
    """Start the kernel's count of this process's peak memory anew (Linux)."""
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    return _peak_bytes()


def _peak_bytes() -> int:
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) * 1024
