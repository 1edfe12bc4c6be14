"""What a block does number by number between its matrix products. `model.gpu.compiled` has the same, fused.

Letters: B batch, F latent frames of a chunk, T tokens of a latent frame, D model dim.
"""

from __future__ import annotations

from torch import Tensor, nn

from model.adapters.wan.rotary import Rotation, rotate


def normed(x_BFTD: Tensor, shift: Tensor, scale: Tensor, eps: float) -> Tensor:
    """A layer norm without weights of its own, modulated."""
    return modulated(nn.functional.layer_norm(x_BFTD, x_BFTD.shape[-1:], eps=eps), shift, scale)


def modulated(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    return x * (1 + scale) + shift


def gated(x_BFTD: Tensor, gate: Tensor, change_BFTD: Tensor) -> Tensor:
    return x_BFTD + gate * change_BFTD


class Pointwise:
    """Each operation by itself, as torch has it."""

    def normed(self, x_BFTD: Tensor, shift: Tensor, scale: Tensor, eps: float) -> Tensor:
        return normed(x_BFTD, shift, scale, eps)

    def gated(self, x_BFTD: Tensor, gate: Tensor, change_BFTD: Tensor) -> Tensor:
        return gated(x_BFTD, gate, change_BFTD)

    def rotated(self, heads: Tensor, rotation: Rotation) -> Tensor:
        return rotate(heads, rotation)

    def settle(self) -> None:
        """All that will come has come once."""
