"""The picture codec: maps of a canvas to one latent per 16x16 patch and back.

The encoder is closed form (principal components of patches, with a mean per patch row);
the decoder adds a small convolutional refiner, because edges are what a linear code loses.

Letters: B batch, M maps, H W pixels, R C patch rows and columns, D latent dims, P numbers in a patch.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor, nn

from model import camera


@dataclass(frozen=True, slots=True, kw_only=True)
class CodecConfig:
    latent_dims: int
    refiner_channels: int
    refiner_layers: int


class Refiner(nn.Module):
    """Sharpens what the linear decoder gives; starts as the identity."""

    def __init__(self, channels: int, layers: int) -> None:
        super().__init__()
        self.enter = nn.Conv2d(4 * camera.NUM_MAPS + 1, channels, 3, padding=1)
        self.middle = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in range(layers))
        self.leave = nn.Conv2d(channels, 4 * camera.NUM_MAPS, 3, padding=1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)  # pyright: ignore[reportArgumentType]

    def forward(self, maps_BMHW: Tensor) -> Tensor:
        batch, _, height, width = maps_BMHW.shape
        halves = nn.functional.pixel_unshuffle(maps_BMHW, 2)
        slope = camera.row_slope(height)[::2].view(1, 1, -1, 1).expand(batch, 1, -1, width // 2)
        hidden = nn.functional.silu(self.enter(torch.cat([halves, slope], 1)))
        for conv in self.middle:
            hidden = hidden + nn.functional.silu(conv(hidden))
        return maps_BMHW + nn.functional.pixel_shuffle(self.leave(hidden), 2)


class MapCodec(nn.Module):
    """Maps in [0, 1] to latents of about unit variance, and back."""

    mean_RP: Tensor
    basis_PD: Tensor
    scale_D: Tensor

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        numbers = camera.NUM_MAPS * camera.PATCH_PX**2
        self.register_buffer("mean_RP", torch.zeros(camera.CANVAS_H // camera.PATCH_PX, numbers))
        self.register_buffer("basis_PD", torch.zeros(numbers, config.latent_dims))
        self.register_buffer("scale_D", torch.ones(config.latent_dims))
        self.refiner = Refiner(config.refiner_channels, config.refiner_layers)

    def fit(self, maps_BMHW: Tensor) -> None:
        """Set the linear code from sample canvases. Latent d is scaled by the square root of its
        spread: fully whitened, faint details would weigh as much as the composition."""
        patches = self._patches(maps_BMHW)
        self.mean_RP.copy_(patches.mean((0, 2)))
        centred = (patches - self.mean_RP[:, None]).flatten(0, 2)
        variance, vectors = torch.linalg.eigh(centred.T @ centred / len(centred))
        dims = len(self.scale_D)
        spread = variance.flip(0)[:dims].clamp_min(1e-9).sqrt()
        self.basis_PD.copy_(vectors.flip(1)[:, :dims])
        self.scale_D.copy_((spread * spread.mean()).sqrt())

    def encode(self, maps_BMHW: Tensor) -> Tensor:
        """latents_BRCD of maps_BMHW; width and height are multiples of a patch."""
        return (self._patches(maps_BMHW) - self.mean_RP[:, None]) @ self.basis_PD / self.scale_D

    def decode_linear(self, latents_BRCD: Tensor) -> Tensor:
        patches = (latents_BRCD * self.scale_D) @ self.basis_PD.T + self.mean_RP[:, None]
        return rearrange(
            patches, "b r c (m p q) -> b m (r p) (c q)", m=camera.NUM_MAPS, p=camera.PATCH_PX, q=camera.PATCH_PX
        )

    def decode(self, latents_BRCD: Tensor) -> Tensor:
        """maps_BMHW in [0, 1]."""
        return self.refiner(self.decode_linear(latents_BRCD)).clamp(0, 1)

    def mean_maps(self, columns: int) -> Tensor:
        """What stands where nothing is known: [M, H, columns * PATCH_PX]."""
        zeros = torch.zeros(1, len(self.mean_RP), columns, len(self.scale_D))
        return self.decode_linear(zeros)[0]

    @staticmethod
    def _patches(maps_BMHW: Tensor) -> Tensor:
        return rearrange(
            maps_BMHW, "b m (r p) (c q) -> b r c (m p q)", p=camera.PATCH_PX, q=camera.PATCH_PX
        )
