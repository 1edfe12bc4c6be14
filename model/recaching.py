"""Words that make the window again: what is remembered of the last seconds, as if it had come about under them.

A directive changes what the next chunks are told, while the cache still holds what earlier ones were told. Where that
is to change too, the window's clean chunks go through the network once more under the new conditions, a cache pass for
each. Whether it does so stands beside the words themselves, so it is on a session's record, and whoever does it again
does the same.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.interface import Encoder, Tensors

MARK = "recaches"


class RecachingEncoder:
    """Implements model.interface.Encoder: another one's words and pictures, marked."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder

    def encode_text(self, text: str) -> Tensors:
        return marked(self._encoder.encode_text(text))

    def understood(self, text: Tensors) -> tuple[str, ...] | None:
        return self._encoder.understood(text)

    def encode_image(self, image_HWC: NDArray[np.uint8]) -> Tensors:
        return marked(self._encoder.encode_image(image_HWC))


def marked(tensors: Tensors) -> Tensors:
    return {**tensors, MARK: np.ones(1, np.uint8)}


def recaches(tensors: Tensors | None) -> bool:
    return tensors is not None and MARK in tensors
