"""What the network is told of a chunk's controls: axes, walking and the world's clock."""

from __future__ import annotations

import torch
from torch import Tensor

from model.world.sound import NUM_SOUND_FEATURES, sound_features

MAX_SPEED_M_PER_S = 2.0
STRIDE_M = 0.7
YAW_PX_PER_CHUNK = 4  # at an axis of 1: 35 degrees per second
PITCH_PX_PER_CHUNK = 2
NUM_CONTROL_FEATURES = 4 + NUM_SOUND_FEATURES


def control_features(axes_BTX: Tensor, speed_BT: Tensor, stride_BT: Tensor, chunk_idx_BT: Tensor) -> Tensor:
    """control_BTE: forward, strafe, yaw and pitch axes, then what sound depends on."""
    return torch.cat([axes_BTX, sound_features(speed_BT, stride_BT, chunk_idx_BT)], -1)
