"""How alike two pictures are, which way one moved, and how sharp it is."""

from __future__ import annotations

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


def zoom(before_HWC: Picture, after_HWC: Picture, factors: tuple[float, ...] = (0.92, 0.96, 1.0, 1.04, 1.08)) -> float:
    """By which of the factors the picture grew about its middle; above 1 when walking ahead."""

    def error(factor: float) -> float:
        height, width = before_HWC.shape[:2]
        rows = _sources(height, factor)
        columns = _sources(width, factor)
        grown = before_HWC[rows[:, None], columns].astype(np.float32)
        inner = (slice(height // 8, -height // 8), slice(width // 8, -width // 8))
        return float(np.square(grown[inner] - after_HWC[inner].astype(np.float32)).mean())

    return min(factors, key=error)


def _sources(size: int, factor: float) -> NDArray[np.intp]:
    middle = (size - 1) / 2
    return np.clip(np.rint(middle + (np.arange(size) - middle) / factor), 0, size - 1).astype(np.intp)


def sharpness(picture_HWC: Picture) -> float:
    """Mean difference of neighbouring pixels of the grey picture, 0 to 255."""
    grey = picture_HWC.astype(np.float32).mean(-1)
    return float(np.abs(np.diff(grey, axis=0)).mean() + np.abs(np.diff(grey, axis=1)).mean())


def colour_statistics(picture_HWC: Picture) -> NDArray[np.float64]:
    """Mean and spread of each colour, 0 to 255."""
    pixels = picture_HWC.reshape(-1, 3).astype(np.float64)
    return np.concatenate([pixels.mean(0), pixels.std(0)])
