"""How the beings of the training world move: orders followed on foot, on wheels or on wings.

The motion network learns this from walks simulated here; nothing at serving time calls it.

Letters: B actors. Headings are azimuths in radians, growing to the right (model.camera).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from model.actors.motion import CHUNK_S, Drive, Orders, Place, bearing, wrapped

TURN_PER_S, CAR_TURN_PER_S = 4.5, 1.1
BRAKING_M = 1.1  # from here on a walker slows down
ACCELERATION_S = 0.35  # to full pace
CROUCH_PER_S = 2.2
CLIMB_PER_S, CLIMB_M_PER_S = 1.8, 1.4


class Walks(NamedTuple):
    """Places, orders and what the simulated beings did then, flattened over time."""

    place: Place
    orders: Orders
    drive: Drive


def true_drive(place: Place, orders: Orders) -> Drive:
    """What a being does in the next chunk."""
    off = wrapped(bearing(place, orders) - place.heading_B)
    distance = torch.hypot(orders.goal_x_B - place.x_B, orders.goal_y_B - place.y_B)
    left = distance - orders.stop_m_B
    facing = torch.cos(off).clamp_min(0)
    wanted = (
        orders.pace_B
        * (left / BRAKING_M).clamp(0, 1)
        * torch.where(orders.is_wheeled_B > 0.5, facing.clamp_min(0.5), facing)
    )
    wanted = torch.where(left < 0.06, torch.zeros(()), wanted.clamp_min(0.12))
    step = orders.pace_B * CHUNK_S / ACCELERATION_S
    speed_change = (wanted - place.speed_B).clamp(-2 * step, step)
    fastest = torch.where(
        orders.is_wheeled_B > 0.5, CAR_TURN_PER_S * (place.speed_B / orders.pace_B).clamp(0, 1), TURN_PER_S
    )
    turn = (0.5 * off).clamp(-fastest * CHUNK_S, fastest * CHUNK_S)
    turn = torch.where(distance < 0.15, torch.zeros(()), turn)
    may_crouch = (orders.crouches_B > 0.5) & (left < 0.25) & (place.speed_B < 0.4)
    target = torch.where(may_crouch, 1.0, 0.0)
    crouch_change = (target - place.crouch_B).clamp(-CROUCH_PER_S * CHUNK_S, CROUCH_PER_S * CHUNK_S)
    reach = CLIMB_M_PER_S * CHUNK_S
    climb = ((orders.goal_z_B - place.z_B) * CLIMB_PER_S * CHUNK_S).clamp(-reach, reach)
    return Drive(speed_change, turn, crouch_change, climb)


def random_place(count: int, generator: torch.Generator) -> Place:
    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, generator=generator)

    crouch = torch.where(torch.rand(count, generator=generator) < 0.6, torch.zeros(count), uniform(0, 1))
    return Place(uniform(-9, 9), uniform(-9, 9), uniform(-math.pi, math.pi), uniform(0, 2), crouch, uniform(0, 2.5))


def random_orders(count: int, generator: torch.Generator) -> Orders:
    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, generator=generator)

    wheeled = (torch.rand(count, generator=generator) < 0.25).float()
    pace = torch.where(wheeled > 0.5, uniform(3.0, 7.0), uniform(0.7, 3.6))
    flies = torch.rand(count, generator=generator) < 0.4
    crouches = (torch.rand(count, generator=generator) < 0.4).float() * (1 - wheeled)
    return Orders(
        uniform(-9, 9),
        uniform(-9, 9),
        torch.where(flies, uniform(0, 3), torch.zeros(count)),
        uniform(0.1, 1.2),
        pace,
        crouches,
        wheeled,
    )


def _at_hand(place: Place, orders: Orders, generator: torch.Generator) -> Orders:
    """Half of the goals lie within reach and mostly ahead: standing, sitting and getting up are learned there."""
    count = len(place.x_B)
    reach = 0.2 + 0.9 * torch.rand(count, generator=generator)
    toward = place.heading_B + 0.4 * torch.randn(count, generator=generator)
    is_near = torch.rand(count, generator=generator) < 0.5
    x, y = place.x_B + reach * torch.cos(toward), place.y_B - reach * torch.sin(toward)
    return orders._replace(
        goal_x_B=torch.where(is_near, x, orders.goal_x_B), goal_y_B=torch.where(is_near, y, orders.goal_y_B)
    )


def simulate(count: int, chunks: int, generator: torch.Generator) -> Walks:
    """Walks of `count` beings: each follows its orders from a random place, jostled a little."""
    place, orders = random_place(count, generator), random_orders(count, generator)
    orders = _at_hand(place, orders, generator)
    kept: list[Walks] = []
    for _ in range(chunks):
        drive = true_drive(place, orders)
        kept.append(Walks(place, orders, drive))
        place = place.after(drive)
        jostled = place.heading_B + 0.15 * torch.randn(count, generator=generator)
        place = place._replace(
            heading_B=wrapped(jostled),
            speed_B=(place.speed_B * (1 + 0.08 * torch.randn(count, generator=generator))).clamp_min(0),
        )
    return Walks(
        Place(*(torch.cat(field) for field in zip(*(walk.place for walk in kept), strict=True))),
        Orders(*(torch.cat(field) for field in zip(*(walk.orders for walk in kept), strict=True))),
        Drive(*(torch.cat(field) for field in zip(*(walk.drive for walk in kept), strict=True))),
    )
