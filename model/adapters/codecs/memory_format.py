"""How weights lie in memory: with a pixel's channels side by side, which convolutions work on fastest.

Measured on a CPU, a chunk takes a tenth (Wan's) to a third (tiny) less time than with rows side by side, in float32 and
in bf16; tensor cores of GPUs want channels side by side as well.
"""

from __future__ import annotations

import torch
from torch import nn


def lay_channels_last(network: nn.Module) -> None:
    """Changes no number, only where it lies."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            layer.weight.data = layer.weight.data.contiguous(memory_format=torch.channels_last)
        if isinstance(layer, nn.Conv3d):
            layer.weight.data = layer.weight.data.contiguous(memory_format=torch.channels_last_3d)
