"""What the passes over a chunk are told besides the context, put together from its sessions.

Letters: B sessions, F latent frames of a chunk, C channels, H W rows and columns, A numbers of a control.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from model.adapters.wan.actions import Actions
from model.adapters.wan.config import WanConfig
from model.adapters.wan.hands import told_actions
from model.adapters.wan.network import Conditions
from model.adapters.wan.window import KeysValues
from model.gpu.host_memory import sent


class Told(NamedTuple):
    """Of one session's chunk."""

    hands_A: Tensor
    before_A: Tensor  # of the chunk before
    first_latent: int  # counted from the picture
    picture_FCHW: Tensor | None

    def given(self, config: WanConfig) -> Tensor | None:
        """Latents [C, H, W] that the chunk's first latent frame is, and need not be made: the picture's, where a
        network has no channels for it."""
        if self.picture_FCHW is None or self.first_latent or config.condition_channels:
            return None
        return self.picture_FCHW[0]


def conditions_of(told: Sequence[Told], config: WanConfig, frames: int, device: torch.device) -> Conditions:
    """For all passes over a chunk."""
    beside = actions = keys = None
    if config.condition_channels:
        beside = sent(torch.stack([_beside(each, config, frames) for each in told]), device)
    if config.actions:
        actions = _joined([_actions(each, config, frames) for each in told], device)
    if config.keys:
        keys = sent(torch.stack([each.hands_A for each in told]), device)
    return Conditions(beside, actions, keys)


def _beside(told: Told, config: WanConfig, frames: int) -> Tensor:
    """Mask and picture [F, C, H, W]: the mask is 1 where the picture is, in the very first latent frame."""
    assert told.picture_FCHW is not None
    idx_F = told.first_latent + torch.arange(frames)
    picture = told.picture_FCHW[idx_F.clamp(max=len(told.picture_FCHW) - 1)]
    mask_channels = config.condition_channels - config.out_channels
    is_picture = (idx_F == 0).to(picture.dtype)[:, None, None, None].expand(-1, mask_channels, *picture.shape[2:])
    return torch.cat([is_picture, picture], 1)


def _actions(told: Told, config: WanConfig, frames: int) -> Actions:
    actions = told_actions(told.hands_A, told.before_A, told.first_latent, frames, config)
    assert actions is not None
    return actions


def _joined(actions: Sequence[Actions], device: torch.device) -> Actions:
    mouse = [each.mouse_BFWA for each in actions if each.mouse_BFWA is not None]
    keyboard = torch.cat([each.keyboard_BFWA for each in actions])
    return Actions(sent(keyboard, device), sent(torch.cat(mouse), device) if mouse else None)


def stacked(contexts: Sequence[list[KeysValues]]) -> list[KeysValues]:
    """Of every block, the contexts of all sessions."""
    if len(contexts) == 1:
        return contexts[0]
    return [
        KeysValues(torch.cat([each.k for each in block]), torch.cat([each.v for each in block]))
        for block in zip(*contexts, strict=True)
    ]


def with_given(latents_BFCHW: Tensor, given: Sequence[Tensor | None]) -> Tensor:
    """The latents, with each session's given first latent frame laid into them; all on one device."""
    for row, first_CHW in enumerate(given):
        if first_CHW is not None:
            latents_BFCHW[row, 0] = first_CHW
    return latents_BFCHW
