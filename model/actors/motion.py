"""The network that moves actors: where one stands and what it is to do, to its next step.

It learned from walks of the training world: turn toward the goal, speed up, slow down and stop
in time, crouch once there, climb and sink.

Letters: B actors, X features. Headings are azimuths in radians, growing to the right.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

CHUNK_S = 0.08
NUM_FEATURES = 14
MAX_SPEED_CHANGE, MAX_TURN, MAX_CROUCH, MAX_CLIMB = 1.0, 0.4, 0.2, 0.15  # of one chunk: paces, radians, 1, metres


@dataclass(frozen=True, slots=True, kw_only=True)
class MotionConfig:
    hidden: int


class Orders(NamedTuple):
    """What B actors are to do."""

    goal_x_B: Tensor
    goal_y_B: Tensor
    goal_z_B: Tensor
    stop_m_B: Tensor  # how far from the goal to stop
    pace_B: Tensor  # metres per second at most
    crouches_B: Tensor  # 1: crouch when there
    is_wheeled_B: Tensor


class Drive(NamedTuple):
    """What they do in one chunk."""

    speed_change_B: Tensor  # metres per second
    turn_B: Tensor  # radians to the right
    crouch_change_B: Tensor
    climb_B: Tensor  # metres


class Place(NamedTuple):
    """Where B actors are and how they stand."""

    x_B: Tensor
    y_B: Tensor
    heading_B: Tensor
    speed_B: Tensor
    crouch_B: Tensor
    z_B: Tensor

    def after(self, drive: Drive) -> Place:
        """One chunk later."""
        heading = wrapped(self.heading_B + drive.turn_B)
        speed = (self.speed_B + drive.speed_change_B).clamp_min(0)
        step = speed * CHUNK_S
        return Place(
            self.x_B + step * torch.cos(heading),
            self.y_B - step * torch.sin(heading),
            heading,
            speed,
            (self.crouch_B + drive.crouch_change_B).clamp(0, 1),
            (self.z_B + drive.climb_B).clamp_min(0),
        )


def wrapped(angle: Tensor) -> Tensor:
    return torch.remainder(angle + math.pi, 2 * math.pi) - math.pi


def bearing(place: Place, orders: Orders) -> Tensor:
    return torch.atan2(-(orders.goal_y_B - place.y_B), orders.goal_x_B - place.x_B)


def motion_features(place: Place, orders: Orders) -> Tensor:
    """x_BX: everything as the actor itself sees it."""
    off = wrapped(bearing(place, orders) - place.heading_B)
    distance = torch.hypot(orders.goal_x_B - place.x_B, orders.goal_y_B - place.y_B)
    left = distance - orders.stop_m_B
    features = [
        torch.cos(off),
        torch.sin(off),
        off / math.pi,
        (left / 1.5).clamp(-1, 1),
        torch.tanh(6 * left),
        (left / 6).clamp(-1, 1),
        torch.tanh(8 * (distance - 0.15)),
        place.speed_B / orders.pace_B,
        orders.pace_B / 4,
        torch.tanh(4 * place.speed_B),
        2 * place.crouch_B - 1,
        orders.crouches_B,
        (orders.goal_z_B - place.z_B).clamp(-2, 2),
        orders.is_wheeled_B,
    ]
    return torch.stack(features, -1)


class MotionNetwork(nn.Module):
    def __init__(self, config: MotionConfig) -> None:
        super().__init__()
        self.config = config
        self.layers = nn.Sequential(
            nn.Linear(NUM_FEATURES, config.hidden),
            nn.SiLU(),
            nn.Linear(config.hidden, config.hidden),
            nn.SiLU(),
            nn.Linear(config.hidden, 4),
        )

    def forward(self, place: Place, orders: Orders) -> Drive:
        raw = torch.tanh(self.layers(motion_features(place, orders)))
        faster, turn, crouch, climb = raw.unbind(-1)
        return Drive(faster * MAX_SPEED_CHANGE * orders.pace_B, turn * MAX_TURN, crouch * MAX_CROUCH, climb * MAX_CLIMB)
