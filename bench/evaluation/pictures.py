"""How alike two pictures are, which way one moved, and how sharp it is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
PSNR_CAP_DB = 50.0  # beyond this, pictures are the same for any purpose here


def psnr_db(one: Picture, two: Picture) -> float:
    error = np.square(one.astype(np.float64) - two.astype(np.float64)).mean() / 255**2
    return float(min(PSNR_CAP_DB, -10 * np.log10(error + 1e-12)))


def shift_px(before_HWC: Picture, after_HWC: Picture, reach_px: int = 8) -> int:
    """By how many columns the picture moved to the left, found by trying all shifts."""
    width = before_HWC.shape[1] - 2 * reach_px
    two = after_HWC[:, reach_px : reach_px + width].astype(np.float32)

    def error(shift: int) -> float:
        one = before_HWC[:, reach_px + shift : reach_px + shift + width].astype(np.float32)
        return float(np.square(one - two).mean())

    return min(range(-reach_px, reach_px + 1), key=error)


def growth(frames_FHWC: Sequence[Picture] | NDArray[np.uint8]) -> float:
    """How fast pictures that follow each other grow about the horizon's middle, per frame; below 0 they shrink.

    The divergence of the optical flow: of all flows that only grow or shrink, the one that explains best
    how the pictures' brightness changes (Lucas and Kanade 1981, with one number for the whole picture). Summed
    over the whole walk, so that no single frame decides.
    """
    grey = np.stack([_softened(np.asarray(frame, np.float32).mean(-1)) for frame in frames_FHWC])
    middle = (grey[1:] + grey[:-1]) / 2
    down, across = np.gradient(middle, axis=(1, 2))
    height, width = grey.shape[1:]
    y, x = np.arange(height)[:, None] - (height - 1) / 2, np.arange(width) - (width - 1) / 2
    outward = x * across + y * down  # how the brightness falls off when the picture grows by 100 %
    inner = (slice(None), slice(4, -4), slice(4, -4))
    change = np.diff(grey, axis=0)
    return float(-(outward[inner] * change[inner]).sum() / max(np.square(outward[inner]).sum(), 1e-6))


def _softened(grey_HW: NDArray[np.float32]) -> NDArray[np.float32]:
    """Averaged over 5 x 5 pixels: a flow of two pixels is then still a slope."""
    padded = np.pad(grey_HW, 2, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (5, 5))
    return windows.mean((2, 3))


def sharpness(picture_HWC: Picture) -> float:
    """Mean difference of neighbouring pixels of the grey picture, 0 to 255."""
    grey = picture_HWC.astype(np.float32).mean(-1)
    return float(np.abs(np.diff(grey, axis=0)).mean() + np.abs(np.diff(grey, axis=1)).mean())


def colour_statistics(picture_HWC: Picture) -> NDArray[np.float64]:
    """Mean and spread of each colour, 0 to 255."""
    pixels = picture_HWC.reshape(-1, 3).astype(np.float64)
    return np.concatenate([pixels.mean(0), pixels.std(0)])
