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
    grid_channels: int
    channels: int


GRID_PLANES = 4 * camera.NUM_MAPS + 8  # a residual of every map at half resolution, and features


class Refiner(nn.Module):
    """Adds what the linear decoder lacks; starts by adding nothing. Computes in its weights' precision.

    First on the grid of latents, where it knows how a patch lies and what its neighbours hold,
    then on pixels at half resolution, across the seams.
    """

    def __init__(self, latent_dims: int, grid_channels: int, channels: int) -> None:
        super().__init__()
        half = camera.PATCH_PX // 2
        self.grid_in = nn.Conv2d(latent_dims, grid_channels, 3, padding=1)
        self.grid_mlp = nn.ModuleList(
            nn.Conv2d(grid_channels, grid_channels, size, padding=size // 2) for size in (1, 3, 1)
        )
        self.grid_out = nn.Conv2d(grid_channels, GRID_PLANES * half * half, 1)
        self.enter = nn.Conv2d(4 * camera.NUM_MAPS + GRID_PLANES + 1, channels, 3, padding=1)
        self.middle = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))
        self.leave = nn.Conv2d(channels, 4 * camera.NUM_MAPS, 3, padding=1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)  # pyright: ignore[reportArgumentType]
        with torch.no_grad():
            self.grid_out.weight[: 4 * camera.NUM_MAPS * half * half].zero_()
            self.grid_out.bias.zero_()  # pyright: ignore[reportOptionalMemberAccess]

    def lay_out_grid(self) -> None:
        """Let the weights on the grid lie as its latents do: channels last."""
        for conv in (self.grid_in, *self.grid_mlp, self.grid_out):
            conv.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

    def forward(self, maps_BMHW: Tensor, latents_BRCD: Tensor) -> Tensor:
        batch, _, height, width = maps_BMHW.shape
        silu, dtype = nn.functional.silu, self.enter.weight.dtype
        grid = silu(self.grid_in(rearrange(latents_BRCD, "b r c d -> b d r c").to(dtype)))
        for conv in self.grid_mlp:
            grid = grid + silu(conv(grid))
        planes = nn.functional.pixel_shuffle(self.grid_out(grid), camera.PATCH_PX // 2)
        slope = camera.row_slope(height)[::2].view(1, 1, -1, 1).expand(batch, 1, -1, width // 2)
        hidden = silu(
            self.enter(
                torch.cat([nn.functional.pixel_unshuffle(maps_BMHW, 2).to(dtype), planes.to(dtype), slope.to(dtype)], 1)
            )
        )
        for conv in self.middle:
            hidden = hidden + silu(conv(hidden))
        change = self.leave(hidden) + planes[:, : 4 * camera.NUM_MAPS]
        return maps_BMHW + nn.functional.pixel_shuffle(change, 2).to(maps_BMHW.dtype)


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
        self.refiner = Refiner(config.latent_dims, config.grid_channels, config.channels)

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
        return self.refiner(self.decode_linear(latents_BRCD), latents_BRCD).clamp(0, 1)

    def mean_maps(self, columns: int) -> Tensor:
        """What stands where nothing is known: [M, H, columns * PATCH_PX]."""
        zeros = torch.zeros(1, len(self.mean_RP), columns, len(self.scale_D))
        return self.decode_linear(zeros)[0]

    @staticmethod
    def _patches(maps_BMHW: Tensor) -> Tensor:
        return rearrange(maps_BMHW, "b m (r p) (c q) -> b r c (m p q)", p=camera.PATCH_PX, q=camera.PATCH_PX)
