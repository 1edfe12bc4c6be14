"""Random walks through random conditions, and the sound they make, for training and measuring.

Letters: B clips, T chunks, V conditions, S samples, C latent channels.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from model.audio.codec import AudioEncoder
from model.audio.oscillators import LOOP_CHUNKS
from model.world.conditions import NUM_VALUES, SLOT_RANGES
from model.world.footsteps import advance_per_chunk
from model.world.sound import render_sound

_MAX_SPEED_M_PER_S = 2.5
_STANDING_SHARE = 0.35
_CHANGE_SHARE = 0.5  # of clips in which a condition or the walking changes
_SOFT_SHARE = 0.3  # of slots that are a blend of two values, as they are while they change


class SoundClips(NamedTuple):
    """The arguments of `render_sound`."""

    conditions_BTV: Tensor
    speed_BT: Tensor
    stride_BT: Tensor
    chunk_idx_B: Tensor
    seeds_B: Tensor


def random_clips(batch: int, chunks: int, generator: torch.Generator) -> SoundClips:
    start_BV, end_BV = (_random_conditions(batch, generator) for _ in range(2))
    changes_B1 = torch.rand(batch, 1, generator=generator) < _CHANGE_SHARE
    end_BV = torch.where(changes_B1, end_BV, start_BV)
    when_B1 = torch.randint(1, chunks, (batch, 1), generator=generator)
    pace_B1 = torch.randint(1, 13, (batch, 1), generator=generator)
    share_BT = ((torch.arange(chunks) - when_B1) / pace_B1).clamp(0.0, 1.0)
    conditions_BTV = start_BV[:, None] + (end_BV - start_BV)[:, None] * share_BT[..., None]
    speeds_B2 = torch.rand(batch, 2, generator=generator) * _MAX_SPEED_M_PER_S
    speeds_B2 = torch.where(torch.rand(batch, 2, generator=generator) < _STANDING_SHARE, 0.0, speeds_B2)
    changes_B1 = torch.rand(batch, 1, generator=generator) < _CHANGE_SHARE
    is_later_BT = (torch.arange(chunks) >= when_B1) & changes_B1
    speed_BT = torch.where(is_later_BT, speeds_B2[:, 1:], speeds_B2[:, :1])
    stride_BT = torch.rand(batch, 1, generator=generator) * 8 + _walked(speed_BT)
    chunk_idx_B = torch.randint(0, LOOP_CHUNKS, (batch,), generator=generator)
    seeds_B = torch.randint(0, 2**62, (batch,), generator=generator)
    return SoundClips(conditions_BTV, speed_BT, stride_BT, chunk_idx_B, seeds_B)


def _walked(speed_BT: Tensor) -> Tensor:
    advance_BT = advance_per_chunk(speed_BT.double())
    return (advance_BT.cumsum(dim=1) - advance_BT).float()


def _random_conditions(batch: int, generator: torch.Generator) -> Tensor:
    """One value per slot, or a blend of two."""
    conditions_BV = torch.zeros(batch, NUM_VALUES)
    for part in SLOT_RANGES.values():
        size = part.stop - part.start
        values_B2 = torch.randint(0, size, (batch, 2), generator=generator)
        share_B1 = torch.rand(batch, 1, generator=generator)
        is_soft_B1 = torch.rand(batch, 1, generator=generator) < _SOFT_SHARE
        share_B1 = torch.where(is_soft_B1, share_B1, 1.0)
        conditions_BV[:, part].scatter_add_(1, values_B2[:, :1], share_B1)
        conditions_BV[:, part].scatter_add_(1, values_B2[:, 1:], 1 - share_B1)
    return conditions_BV


def audio_targets(
    encoder: AudioEncoder,
    conditions_BTV: Tensor,
    speed_BT: Tensor,
    stride_BT: Tensor,
    chunk_idx_B: Tensor,
    seeds_B: Tensor,
) -> Tensor:
    """Latents [B, T, C] of the sound of the training world; arguments as of `render_sound`.

    One more chunk is rendered before each clip, as it would have been had all gone on as in
    the clip's first chunk, so that the first latents are not those of a start from silence.
    """
    advance_B1 = advance_per_chunk(speed_BT[:, :1])
    samples_BS = render_sound(
        torch.cat([conditions_BTV[:, :1], conditions_BTV], dim=1),
        torch.cat([speed_BT[:, :1], speed_BT], dim=1),
        torch.cat([stride_BT[:, :1] - advance_B1, stride_BT], dim=1),
        chunk_idx_B - 1,
        seeds_B,
    )
    return encoder.encode(samples_BS)[:, 1:]
