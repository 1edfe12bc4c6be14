"""A picture as Wan's transformers start from it: the latents of a video that shows it once and is grey from then on."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.adapters.codecs.features import Features
from model.adapters.codecs.wan_vae_networks import WanVaeEncoder
from model.adapters.interface import LATENTS
from model.interface import Tensors


class WanLatentEncoder:
    """Implements `interface.LatentEncoder`."""

    def __init__(self, network: WanVaeEncoder) -> None:
        self._network = network
        parameter = next(network.parameters())
        self._dtype, self._device = parameter.dtype, parameter.device

    @torch.inference_mode()
    def encode(self, image_HWC: NDArray[np.uint8], num_latents: int = 1) -> Tensors:
        """`LATENTS`: float32 [num_latents, C, H, W]. Raises ValueError for a picture that is not 8-bit RGB, or whose
        sides are no multiples of `pixels_per_latent`.

        Once the picture is out of the network's sight the latents stay what they are, so that any number of them
        costs no more than the first few.
        """
        picture_BCFHW = self._picture(image_HWC)
        num_frames = self._network.config.frames_per_latent
        grey_BCFHW = torch.zeros_like(picture_BCFHW).expand(-1, -1, num_frames, -1, -1)
        features = Features()
        latents = [self._network.encode(picture_BCFHW, features)]
        while len(latents) < min(num_latents, self._network.latents_until_steady + 1):
            latents.append(self._network.encode(grey_BCFHW, features))
        latents += [latents[-1]] * (num_latents - len(latents))
        return {LATENTS: torch.cat(latents, 2)[0].transpose(0, 1).float().cpu().numpy()}

    def _picture(self, image_HWC: NDArray[np.uint8]) -> Tensor:
        """picture_BCFHW, -1 to 1."""
        if image_HWC.ndim != 3 or image_HWC.shape[2] != 3 or image_HWC.dtype != np.uint8:
            raise ValueError(f"a picture is 8-bit RGB, not {image_HWC.dtype} {list(image_HWC.shape)}")
        size = self._network.config.pixels_per_latent
        if image_HWC.shape[0] % size or image_HWC.shape[1] % size or not image_HWC.size:
            raise ValueError(f"{image_HWC.shape[1]}x{image_HWC.shape[0]} is no multiple of {size} either way")
        pixels = torch.from_numpy(np.ascontiguousarray(image_HWC)).to(self._device)
        exact = pixels.permute(2, 0, 1)[None, :, None].to(torch.promote_types(self._dtype, torch.float32))
        return (exact / 127.5 - 1).to(self._dtype)
