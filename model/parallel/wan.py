"""The causal Wan network on several devices: each latent frame's tokens are shared out to ranks.

Every rank is given the same latents, conditions and caches of its own, makes the same calls, and has the same result.
A rank caches the keys and values of its heads, for all tokens; what the mouse did is attended to place by place, so
a rank caches that of its places. Nothing is exchanged for what was cached earlier.

Letters: B batch, F latent frames of a chunk, T tokens of a latent frame, t those of this rank, N heads, n those of
this rank, K head dim, D model dim.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from model.adapters.wan.actions import MOUSE
from model.adapters.wan.config import WanConfig
from model.adapters.wan.layers import SELF, Block, attend
from model.adapters.wan.network import Conditions, WanNetwork
from model.adapters.wan.window import KeysValues, Shapes, Window
from model.parallel.sequence import SequenceSplit


class SplitBlock(Block):
    """Takes and gives this rank's tokens; attends with its heads."""

    def __init__(self, config: WanConfig, has_actions: bool, split: SequenceSplit) -> None:
        super().__init__(config, has_actions)
        self.split = split
        self.tokens_per_latent = 0  # set for each pass by the network

    def _projected(self, taken: Any, frames: int) -> KeysValues:
        own = super()._projected(taken, frames)
        return KeysValues(*(self.split.to_heads(field, self.tokens_per_latent) for field in own))

    def _seen(self, taken: Any, own: KeysValues, window: Window, block: int) -> Tensor:
        rotation, frames = window.own_rotation(SELF), own.k.shape[1]
        q_BFtNK = self.self_attn.queries(taken).unflatten(1, (frames, -1))
        q_BFTnK = self.pointwise.rotated(self.split.to_heads(q_BFtNK, self.tokens_per_latent), rotation)
        keys = window.lay(SELF, block, self.pointwise.rotated(own.k, rotation), own.v)
        seen = attend(q_BFTnK.flatten(1, 2), keys.k.flatten(1, 2), keys.v.flatten(1, 2))
        seen_BFtNK = self.split.to_tokens(seen.unflatten(1, q_BFTnK.shape[1:3]))
        return self.self_attn.joined(seen_BFtNK.flatten(1, 2)).unflatten(1, (frames, -1))


class SplitWanNetwork(WanNetwork):
    """Parameters are those of a `WanNetwork`, all of them on every rank."""

    def __init__(self, config: WanConfig, split: SequenceSplit) -> None:
        """Raises ValueError where the heads cannot be shared out."""
        super().__init__(config)
        split.num_heads(config.heads)
        self.split = split
        self.blocks = nn.ModuleList(
            SplitBlock(config, block.action_model is not None, split) for block in self.block_list()
        )

    def cache_shapes(self, latent_rows: int, latent_columns: int) -> Shapes:
        shapes = dict(super().cache_shapes(latent_rows, latent_columns))
        layers, tokens, heads, head_dim = shapes[SELF]
        shapes[SELF] = (layers, tokens, self.split.num_heads(heads), head_dim)
        if MOUSE in shapes:
            blocks, _, *rest = shapes[MOUSE]
            shapes[MOUSE] = (blocks, self.split.num_tokens(tokens), *rest)
        return shapes

    def _joined(self, patches_BFTC: Tensor, num_patches: int) -> Tensor:
        return self.split.join(patches_BFTC, num_patches)

    def _embedded(
        self, latents_BFCHW: Tensor, timesteps_BF: Tensor, conditions: Conditions
    ) -> tuple[Tensor, Tensor, Tensor]:
        x_BFTD, noise_BFD, noise_BF6D = super()._embedded(latents_BFCHW, timesteps_BF, conditions)
        for block in self.block_list():
            assert isinstance(block, SplitBlock), "made here"
            block.tokens_per_latent = x_BFTD.shape[2]
        return self.split.split(x_BFTD), noise_BFD, noise_BF6D


def split_wan(network: WanNetwork, split: SequenceSplit) -> SplitWanNetwork:
    """The same network, over the same weights."""
    with torch.device("meta"):
        shared = SplitWanNetwork(network.config, split)
    shared.load_state_dict(network.state_dict(), assign=True)
    shared.set_pointwise(network.pointwise)
    return shared.requires_grad_(False).eval()
