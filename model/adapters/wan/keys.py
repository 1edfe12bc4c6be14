"""How ABot-World is told held keys: an image whose channels are constant, brought down to the latent grid.

The published code makes a full-size picture of every key and convolves it; since a key is held all over the picture,
the first convolution gives the same numbers everywhere, and is computed once here. The parameters are its own.

Letters: B batch, K keys, D model dim, H W rows and columns of tokens.
"""

from __future__ import annotations

from torch import Tensor, nn

from model.adapters.wan.config import HELD_KEYS, PATCH_SIDE, KeysConfig


class ResidualBlock(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(dim, dim, 3, padding=1)
        self.conv2 = nn.Conv2d(dim, dim, 3, padding=1)

    def forward(self, x_BDHW: Tensor) -> Tensor:
        return x_BDHW + self.conv2(nn.functional.relu(self.conv1(x_BDHW)))


class KeyAdapter(nn.Module):
    def __init__(self, config: KeysConfig, dim: int) -> None:
        super().__init__()
        channels = HELD_KEYS * config.repeats * config.downscale**2
        self.conv = nn.Conv2d(channels, dim, PATCH_SIDE, stride=PATCH_SIDE)
        self.residual_blocks = nn.Sequential(ResidualBlock(dim))

    def forward(self, keys_BK: Tensor, rows: int, columns: int) -> Tensor:
        """What to add to every latent frame's tokens [B, D, rows, columns]; 1 for a key that is held."""
        weight_DK = self.conv.weight.view(len(self.conv.weight), HELD_KEYS, -1).sum(-1)
        everywhere_BD = nn.functional.linear(keys_BK.to(weight_DK.dtype), weight_DK, self.conv.bias)
        return self.residual_blocks(everywhere_BD[..., None, None].expand(-1, -1, rows, columns))
