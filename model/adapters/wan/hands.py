"""What a chunk's controls are in the numbers that each network learned.

    Matrix-Game 2.0   keys W S A D, 1 while held; pitch up and yaw to the right, 0.1 at most; told for every frame
        that drives   keys W S; turning by yaw, or by the keys that step aside
        that runs     one of: nothing, jump, slide, turn left, turn right, step left, step right
    ABot-World        keys W A S D I J K L, 1 while held; told for the whole chunk

Letters: A numbers of a control, F latent frames of a chunk, W frames of a latent frame's controls.
"""

from __future__ import annotations

import torch
from torch import Tensor

from model.adapters.wan.actions import Actions
from model.adapters.wan.config import FRAMES_PER_LATENT, HELD_KEYS, WINDOW_FRAMES, WanConfig
from model.interface import ChunkControls

HELD = 0.25  # of an axis: from here on it counts as a key; a stick at rest never quite rests
MOUSE_SPEED = 0.1  # what the published code gives the mouse for a camera key that is held


def num_hand_numbers(config: WanConfig) -> int:
    if config.actions:
        return config.actions.keyboard_keys + config.actions.mouse_axes
    return HELD_KEYS if config.keys else 0


def hand_numbers(controls: ChunkControls, config: WanConfig) -> Tensor:
    """numbers_A of one chunk. Raises ValueError for a number of keys whose meaning is not known."""
    forward, back = _held(controls.forward)
    right, left = _held(controls.strafe)
    if config.keys:
        up, down = _held(controls.pitch)
        turn_right, turn_left = _held(controls.yaw)
        return torch.tensor([forward, left, back, right, up, turn_left, down, turn_right])
    if not config.actions:
        return torch.zeros(0)
    match config.actions.keyboard_keys:
        case 4:
            keys, yaw = [forward, back, left, right], controls.yaw
        case 2:
            keys, yaw = [forward, back], controls.yaw or controls.strafe
        case 7:
            keys, yaw = _move_of_a_runner(controls), 0.0
        case unknown:
            raise ValueError(f"what {unknown} keys mean is not known")
    mouse = [MOUSE_SPEED * controls.pitch, MOUSE_SPEED * yaw][: config.actions.mouse_axes]
    return torch.tensor([*keys, *mouse])


def _move_of_a_runner(controls: ChunkControls) -> list[float]:
    """The first that is asked for: a runner does one thing at a time."""
    jump, slide = _held(controls.forward)
    turn_right, turn_left = _held(controls.yaw)
    right, left = _held(controls.strafe)
    asked = [jump, slide, turn_left, turn_right, left, right]
    chosen = asked.index(1.0) + 1 if any(asked) else 0
    return [float(place == chosen) for place in range(len(asked) + 1)]


def _held(axis: float) -> tuple[float, float]:
    """Whether the keys of both ends are held."""
    return float(axis > HELD), float(axis < -HELD)


def told_actions(now_A: Tensor, before_A: Tensor, first_latent: int, frames: int, config: WanConfig) -> Actions | None:
    """Every latent frame's controls, of the twelve frames up to it: [1, F, W, A].

    Latent frame j stands for frames 4j - 3 to 4j, and is told those from 4j - 12 to 4j - 1. So a chunk's first latent
    frames are mostly told of the chunk before it, which must have had at least three. The first latent frame of a
    picture stands for one frame, and what was before it is as it.
    """
    if not config.actions:
        return None
    last_W = torch.arange(-WINDOW_FRAMES, 0)
    frame_FW = FRAMES_PER_LATENT * torch.arange(frames)[:, None] + last_W  # counted from the chunk's first latent frame
    is_now_FW1 = ((frame_FW > -FRAMES_PER_LATENT) | torch.tensor(first_latent == 0))[..., None]
    numbers_BFWA = torch.where(is_now_FW1, now_A, before_A)[None]
    keys = config.actions.keyboard_keys
    return Actions(numbers_BFWA[..., :keys], numbers_BFWA[..., keys:] if config.actions.mouse_axes else None)
