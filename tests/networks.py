"""Networks whose weights all have something to say."""

from __future__ import annotations

import torch

from model.transformer import TransformerConfig, WorldTransformer


def stirred_network(config: TransformerConfig) -> WorldTransformer:
    """Layers that training begins with at zero would hide what they do."""
    torch.manual_seed(0)
    network = WorldTransformer(config).eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.15)
    return network
