"""What the parts of an adapter know of one another: words, pictures and latents.

    words   --TextEncoder--> embeddings  --+
    picture --ImageEncoder-> embeddings  --+--> streaming transformer --> latents --StreamingVideoDecoder--> frames
    picture --LatentEncoder-> latents    --+

Embeddings and latents cross as named numpy arrays in single precision, as everything between stages does
(`model.interface.Tensors`). Latents are the normalised ones that the transformer works on, frames before channels.

Letters: P prompt tokens, D embedding dims, F latent frames, C latent channels, H W rows and columns.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from model.interface import DecoderCache, FramesFHWC, Tensors

TEXT = "text"  # [P, D]: what a TextEncoder gives
IMAGE = "image"  # [P, D]: what an ImageEncoder gives
LATENTS = "latents"  # [F, C, H, W]: what a LatentEncoder gives and a StreamingVideoDecoder takes


class TextEncoder(Protocol):
    def encode(self, text: str) -> Tensors:
        """`TEXT`: float32 [P, D], of the tokens the words have, their end included; padding is left out, since the
        network sees zeros in its place."""
        ...


class ImageEncoder(Protocol):
    """What a picture shows, for cross-attention (CLIP)."""

    def encode(self, image_HWC: NDArray[np.uint8]) -> Tensors:
        """`IMAGE`: float32 [P, D]. The picture is 8-bit RGB of any size."""
        ...


class LatentEncoder(Protocol):
    """A picture as the video autoencoder sees it."""

    def encode(self, image_HWC: NDArray[np.uint8], num_latents: int = 1) -> Tensors:
        """`LATENTS`: float32 [num_latents, C, H, W], of a video that shows the picture in its first frame and mid-grey
        after it. The picture is 8-bit RGB of the size that the model generates."""
        ...


class StreamingVideoDecoder(Protocol):
    """Latents to frames, chunk after chunk; a `model.interface.VideoDecoder` but for the first chunk's length."""

    def open(self, seed: int) -> DecoderCache: ...

    def restore(self, snapshot: Tensors) -> DecoderCache: ...

    def decode(self, cache: DecoderCache, video: Tensors) -> FramesFHWC:
        """`video` holds `LATENTS`. Four frames for each latent frame, but one for a session's very first. Advances the
        cache."""
        ...
