"""Linear layers in 8-bit floating point: a profile for GPUs that multiply it at twice the rate of 16 bits.

Weights are kept as e4m3 (4 bits of exponent, 3 of mantissa; Micikevicius et al., arXiv 2209.05433) with a scale for
each output; activations are brought to e4m3 with a scale for each token, as they come. On a GPU that can, the
product is `torch._scaled_mm`; anywhere else the same rounded numbers are multiplied in single precision, so that
what the profile costs in accuracy can be tested without one.

Tolerance: e4m3 keeps 3 bits behind the leading one, so a rounded number is off by up to 1/16 of itself, and by
1/16 / sqrt(3) in the root mean square. Both operands are rounded, and a sum of many products with errors of random
sign is off by about as much as one: `RELATIVE_TOLERANCE` of the output's root mean square.

Letters: M rows (tokens of all sessions), I inputs, O outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

FP8 = torch.float8_e4m3fn
LARGEST = torch.finfo(FP8).max
# Of the root mean square of a layer's output, as the root mean square of the difference: sqrt(2) / 16 / sqrt(3) = 5.1 %
# were every number just above a power of two; on normal numbers it is 3.6 to 3.8 %.
RELATIVE_TOLERANCE = 0.05
# Below this a token is as good as zero, and its scale must not be.
SMALLEST_PEAK = 1e-12
# The hardware multiplies blocks of so many inputs and outputs.
BLOCK = 16
# Compute capability from which GPUs have it (Ada, Hopper).
FIRST_CAPABILITY = (8, 9)


class Rounded(NamedTuple):
    """Activations brought to e4m3, for as many layers as take the same."""

    rows_MI: Tensor
    scale_M: Tensor
    leading: torch.Size  # the axes before the last, of which M are all
    dtype: torch.dtype  # of the activations


class Fp8Linear(nn.Module):
    """Stands where an `nn.Linear` stood. Half of its weights' memory at 16 bits, a quarter at 32."""

    weight_OI: Tensor
    scale_O: Tensor
    bias: Tensor | None

    def __init__(self, linear: nn.Linear) -> None:
        """Raises ValueError for sizes that the hardware cannot multiply."""
        super().__init__()
        if not fits(linear):
            raise ValueError(f"{linear.in_features} by {linear.out_features}: multiples of {BLOCK} can be multiplied")
        weight_OI, scale_O = quantised(linear.weight.detach())
        self.register_buffer("weight_OI", weight_OI)
        self.register_buffer("scale_O", scale_O)
        self.register_buffer("bias", None if linear.bias is None else linear.bias.detach().clone())
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.quantise: Callable[[Tensor], tuple[Tensor, Tensor]] = quantised  # or the same, compiled

    def rounded(self, x: Tensor) -> Rounded:
        """`x`: [..., I] in any floating point."""
        return Rounded(*self.quantise(x.reshape(-1, self.in_features)), leading=x.shape[:-1], dtype=x.dtype)

    def forward(self, x: Tensor | Rounded) -> Tensor:
        """`x`: [..., I] in any floating point, or what `rounded` of such a layer made of it; [..., O] in the same."""
        x = x if isinstance(x, Rounded) else self.rounded(x)
        multiply = scaled_product if can_multiply(self.weight_OI.device) else _emulated_product
        out_MO = multiply(x.rows_MI, x.scale_M, self.weight_OI, self.scale_O, x.dtype)
        if self.bias is not None:
            out_MO = out_MO + self.bias.to(x.dtype)
        return out_MO.reshape(*x.leading, self.out_features)


def quantised(rows_MI: Tensor) -> tuple[Tensor, Tensor]:
    """Each row in e4m3, its largest number at the largest there is; and the scales [M], in single precision."""
    peak_M = rows_MI.abs().amax(-1).float().clamp_min(SMALLEST_PEAK)
    scale_M = peak_M / LARGEST
    return (rows_MI.float() / scale_M[:, None]).clamp(-LARGEST, LARGEST).to(FP8), scale_M


def scaled_product(x_MI: Tensor, scale_M: Tensor, weight_OI: Tensor, scale_O: Tensor, dtype: torch.dtype) -> Tensor:
    """As the hardware does it."""
    # Scales for each row and column are for results of 16 bits.
    product = torch._scaled_mm(  # pyright: ignore[reportPrivateImportUsage]
        x_MI, weight_OI.t(), scale_a=scale_M[:, None], scale_b=scale_O[None], out_dtype=torch.bfloat16
    )
    return product.to(dtype)


def _emulated_product(x_MI: Tensor, scale_M: Tensor, weight_OI: Tensor, scale_O: Tensor, dtype: torch.dtype) -> Tensor:
    product = x_MI.float() @ weight_OI.float().t()
    return (product * scale_M[:, None] * scale_O[None]).to(dtype)


def can_multiply(device: torch.device) -> bool:
    """Where nothing is computed, so that it can be counted, too."""
    if device.type == "meta":
        return True
    return device.type == "cuda" and torch.cuda.get_device_capability(device) >= FIRST_CAPABILITY


def fits(linear: nn.Linear) -> bool:
    return linear.in_features % BLOCK == 0 and linear.out_features % BLOCK == 0


def every_linear(name: str, linear: nn.Linear) -> bool:
    """All that fit; the few that do not are small."""
    return fits(linear)


def convert_linears(network: nn.Module, is_meant: Callable[[str, nn.Linear], bool] = every_linear) -> list[str]:
    """Replace, in place, the linear layers that `is_meant` by name. Gives the names of those replaced."""
    found = [
        (name, module)
        for name, module in network.named_modules()
        if isinstance(module, nn.Linear) and is_meant(name, module)
    ]
    for name, linear in found:
        parent, _, child = name.rpartition(".")
        setattr(network.get_submodule(parent), child, Fp8Linear(linear))
    return [name for name, _ in found]
