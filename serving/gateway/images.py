"""A stranger's picture, decoded within bounds.

The size is read from the header and checked before a pixel is decoded. Everything here
blocks; callers run it in a thread.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from serving.errors import ImageTooLargeError, ImageTruncatedError, ImageUnreadableError

FORMATS = ("PNG", "JPEG", "WEBP")
WEBP_HEADER_BYTES = 30
# Where a picture lets through what is behind it, most viewers show white.
BACKGROUND_RGB = (255, 255, 255)

UPRIGHT_BY_ORIENTATION = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# Raised inside `decode_image` and told to the caller, in place of a line on stderr.
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageLimits:
    max_bytes: int = 8 << 20
    max_pixels: int = 16_000_000
    # Larger ones are reduced: models look at far fewer pixels, and every stage after this one copies them.
    max_side_px: int = 512

    def __post_init__(self) -> None:
        if min(self.max_bytes, self.max_pixels, self.max_side_px) < 1:
            raise ValueError(f"image limits must be positive, got {self}")


def decode_image(data: bytes, limits: ImageLimits, field: str) -> NDArray[np.uint8]:
    """The picture as 8-bit RGB (height, width, 3), upright, no side over `max_side_px`.

    Raises ImageTooLargeError, ImageUnreadableError or ImageTruncatedError for `field`.
    """
    if len(data) > limits.max_bytes:
        raise ImageTooLargeError(f"the picture has {len(data)} bytes; {limits.max_bytes} are allowed", field=field)
    image_format = _sniff_format(data)
    if image_format is None:
        raise ImageUnreadableError("the bytes are not a picture that is read", field=field, allowed=FORMATS)
    if image_format == "WEBP":
        # Pillow's reader for this format sets up whole canvases while it opens.
        _check_pixels(_read_webp_size(data, field), limits, field)
    try:
        return _decode(data, image_format, limits, field)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageTooLargeError(f"the picture is too large; {_too_many_pixels(limits)}", field=field) from error
    except MemoryError as error:
        raise ImageTooLargeError("the picture does not fit in memory", field=field) from error
    except UnidentifiedImageError as error:
        raise ImageTruncatedError("the picture's header is cut short or damaged", field=field) from error
    except ImageTooLargeError:
        raise
    except Exception as error:  # a damaged file can fail anywhere in a decoder, and in many ways
        raise ImageTruncatedError("the picture is cut short or damaged", field=field) from error


def _decode(data: bytes, image_format: str, limits: ImageLimits, field: str) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(data), formats=(image_format,)) as image:
        _check_pixels(image.size, limits, field)
        side = limits.max_side_px
        image.draft("RGB", (side, side))  # JPEG can be decoded at a fraction of its size
        image.load()
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
        small = _to_rgb_or_rgba(image)
        small.thumbnail((side, side))
    rgb = _flatten(small)
    turn = UPRIGHT_BY_ORIENTATION.get(orientation)
    return np.array(rgb if turn is None else rgb.transpose(turn), dtype=np.uint8)


def _to_rgb_or_rgba(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16-bit grey: Pillow would clip it, not scale it
        grey = np.clip(np.asarray(image).astype(np.int32) >> 8, 0, 255).astype(np.uint8)
        return Image.fromarray(grey).convert("RGB")
    mode = "RGBA" if image.has_transparency_data else "RGB"
    return image if image.mode == mode else image.convert(mode)


def _flatten(image: Image.Image) -> Image.Image:
    if image.mode == "RGB":
        return image
    flat = Image.new("RGB", image.size, BACKGROUND_RGB)
    flat.paste(image, mask=image.getchannel("A"))
    return flat


def _sniff_format(data: bytes) -> str | None:
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    return None


def _read_webp_size(data: bytes, field: str) -> tuple[int, int]:
    """Width and height from the first chunk (RFC 9649, sections 2.5 to 2.7)."""
    if len(data) < WEBP_HEADER_BYTES:
        raise ImageTruncatedError("the picture is cut short in its header", field=field)
    kind = data[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 ":
        return int.from_bytes(data[26:28], "little") & 0x3FFF, int.from_bytes(data[28:30], "little") & 0x3FFF
    raise ImageTruncatedError("the picture's header is damaged", field=field)


def _check_pixels(size: tuple[int, int], limits: ImageLimits, field: str) -> None:
    width, height = size
    if width * height > limits.max_pixels:
        raise ImageTooLargeError(f"the picture is {width} x {height}; {_too_many_pixels(limits)}", field=field)


def _too_many_pixels(limits: ImageLimits) -> str:
    return f"at most {limits.max_pixels} pixels are allowed"
