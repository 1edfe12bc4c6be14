"""The encoder stage of a causal Wan model: words and pictures into what its network reads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from model.adapters.interface import ImageEncoder, LatentEncoder, TextEncoder
from model.adapters.presets import WanPreset
from model.interface import Tensors

# Of a picture with grey after it: more than the 29 in which the autoencoder still sees it, so that the last stands for
# all that follow.
PICTURE_LATENTS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class WanEncoder:
    """Implements model.interface.Encoder with the parts that the network has a use for."""

    preset: WanPreset
    text: TextEncoder | None
    image: ImageEncoder | None
    latents: LatentEncoder | None

    def encode_text(self, text: str) -> Tensors:
        """Raises ValueError where the network reads no words."""
        if self.text is None:
            raise ValueError(f"{self.preset.name} reads no words")
        return self.text.encode(text)

    def understood(self, text: Tensors) -> None:
        """Words go to the transformer as they are; nobody reads them before."""

    def encode_image(self, image_HWC: NDArray[np.uint8]) -> Tensors:
        """8-bit RGB of any size: its middle, as large as fits. Raises ValueError where the network sees no picture."""
        if self.latents is None:
            raise ValueError(f"{self.preset.name} begins with words, not with a picture")
        size = (self.preset.width_px, self.preset.height_px)
        fitted = ImageOps.fit(Image.fromarray(image_HWC), size, Image.Resampling.LANCZOS)
        picture_HWC = np.array(fitted)  # a copy: the picture's own memory cannot be written to
        num_latents = PICTURE_LATENTS if self.preset.network.condition_channels else 1
        meaning = {} if self.image is None else self.image.encode(picture_HWC)
        return {**meaning, **self.latents.encode(picture_HWC, num_latents)}
