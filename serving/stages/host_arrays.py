"""Latents that lie on a GPU, for whoever can only send what the host has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from model.interface import Tensors
from serving.sessions.encoded import LatentChunk


def on_host(chunk: LatentChunk) -> LatentChunk:
    """With arrays in the place of torch's tensors. The chunk itself where it has none, as on every CPU."""
    if all(isinstance(each, np.ndarray) for part in (chunk.video, chunk.audio) for each in (part or {}).values()):
        return chunk
    return replace(chunk, video=_arrays(chunk.video), audio=_arrays(chunk.audio))


def _arrays(tensors: Mapping[str, Any] | None) -> Tensors | None:
    return None if tensors is None else {name: _array(each) for name, each in tensors.items()}


def _array(value: Any) -> np.ndarray:
    if isinstance(value, np.ndarray):
        return value
    from model.gpu.streams import to_host  # whoever has a tensor has torch

    return to_host(value).numpy()
