"""A causal Wan network as the fast profile runs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from torch import nn

from model.adapters.wan.network import WanNetwork
from model.gpu.compiled import INDUCTOR, Backend, CompiledPointwise
from model.gpu.fp8 import Fp8Linear, can_multiply, convert_linears, fits
from model.gpu.wan import GraphedWan

# The many and large linear layers; the few others are left as they are.
IN_BLOCKS = "blocks."


@dataclass(frozen=True, slots=True, kw_only=True)
class WanSpeed:
    """What makes its passes quicker. On a GPU they are graphs; on a CPU they run over the same buffers."""

    graphs: bool = True
    compiles: bool = False  # what lies between the matrix products, while it warms up
    eight_bit: bool = False  # the blocks' linear layers: see model.gpu.fp8 for what that costs
    backend: Backend = INDUCTOR  # of `torch.compile`


def quickened(network: WanNetwork, full_latents: int, speed: WanSpeed) -> WanNetwork:
    """`network`, changed in place, or what stands in its place. `full_latents`: that a cache holds once it is full."""
    if speed.eight_bit:
        convert_linears(network, _is_in_block)
        _round_once(network)
    if speed.compiles:
        pointwise = CompiledPointwise(speed.backend)
        network.set_pointwise(pointwise)
        _quantise_by(network, pointwise)
    return cast("WanNetwork", GraphedWan(network, full_latents)) if speed.graphs else network


def _is_in_block(name: str, linear: nn.Linear) -> bool:
    return name.startswith(IN_BLOCKS) and fits(linear)


def _round_once(network: WanNetwork) -> None:
    """Queries, keys and values are made of the same tokens."""
    for block in network.block_list():
        attention = block.self_attn
        if all(isinstance(each, Fp8Linear) for each in (attention.q, attention.k, attention.v)):
            attention.take = cast("Fp8Linear", attention.q).rounded


def _quantise_by(network: WanNetwork, pointwise: CompiledPointwise) -> None:
    if network.device.type == "cuda" and not can_multiply(network.device):
        return  # kernels cannot be compiled for numbers that it has not
    for module in network.modules():
        if isinstance(module, Fp8Linear):
            module.quantise = pointwise.quantised
