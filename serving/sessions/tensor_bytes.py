"""Named arrays as bytes and back: safetensors, which hold numbers and names and nothing that runs."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from model.interface import Tensors

# A safetensors file begins with the length of its JSON header, 8 bytes, little endian.
LENGTH_BYTES = 8


class TensorBytesError(ValueError):
    """The bytes are not a safetensors file."""


def to_bytes(tensors: Tensors, metadata: Mapping[str, str] | None = None) -> bytes:
    contiguous = {name: np.asarray(array, order="C") for name, array in tensors.items()}
    return save(contiguous, dict(metadata or {}) or None)


def from_bytes(data: bytes) -> Tensors:
    """Raises `TensorBytesError`: a header that lies about what follows is found before anything is made of it."""
    try:
        return load(data)
    except (SafetensorError, KeyError, ValueError, TypeError, OverflowError) as error:
        raise TensorBytesError(f"not a safetensors file: {error}") from error


def optional_to_bytes(tensors: Tensors | None) -> bytes:
    """None as no bytes; no tensors at all still have a header."""
    return b"" if tensors is None else to_bytes(tensors)


def optional_from_bytes(data: bytes) -> Tensors | None:
    return from_bytes(data) if data else None


def metadata_of(data: bytes) -> dict[str, str]:
    """What `to_bytes` was given beside the tensors."""
    length = int.from_bytes(data[:LENGTH_BYTES], "little")
    try:
        header = json.loads(data[LENGTH_BYTES : LENGTH_BYTES + length])
    except (ValueError, RecursionError) as error:
        raise TensorBytesError("the header is not JSON") from error
    metadata = header.get("__metadata__", {}) if isinstance(header, dict) else {}
    if not isinstance(metadata, dict):
        raise TensorBytesError("the header's metadata is none")
    return {str(key): str(value) for key, value in metadata.items()}
