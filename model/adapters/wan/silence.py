"""The audio stage of a model without sound."""

from __future__ import annotations

import numpy as np

from model.interface import DecoderCache, SamplesSC, Tensors


class SilentCache:
    """Nothing to carry."""

    __slots__ = ()

    def snapshot(self) -> Tensors:
        return {}


class SilentDecoder:
    """Implements model.interface.AudioDecoder: no samples, of no channels."""

    def open(self, seed: int) -> SilentCache:
        return SilentCache()

    def restore(self, snapshot: Tensors) -> SilentCache:
        return SilentCache()

    def decode(self, cache: DecoderCache, audio: Tensors) -> SamplesSC:
        return np.zeros((0, 0), np.float32)
