"""Trains the motion network on simulated walks; a minute of one core. Part of `model.training.actors`."""

# ruff: noqa: T201 (a command line prints)

from __future__ import annotations

import torch
from torch import Tensor

from model.actors.motion import (
    MAX_CLIMB,
    MAX_CROUCH,
    MAX_SPEED_CHANGE,
    MAX_TURN,
    Drive,
    MotionConfig,
    MotionNetwork,
    Orders,
    Place,
)
from model.world.actors_motion import Walks, random_orders, random_place, simulate, true_drive

STEPS, BATCH, LEARNING_RATE = 5000, 1024, 5e-3
STARTS, START_CHUNKS, WALKERS, WALK_CHUNKS, RENEW_EVERY = 1500, 20, 300, 70, 500
HELD_OUT_SEED = 88_000_001


def drive_loss(drive: Drive, truth: Drive, orders: Orders) -> Tensor:
    scales = (MAX_SPEED_CHANGE * orders.pace_B, MAX_TURN, MAX_CROUCH, MAX_CLIMB)
    terms = [((ours - theirs) / scale) for ours, theirs, scale in zip(drive, truth, scales, strict=True)]
    return torch.stack([(term.abs() + 10 * term**2).mean() for term in terms]).sum()


def train_motion(config: MotionConfig, seed: int) -> MotionNetwork:
    torch.manual_seed(seed)
    generator, network = torch.Generator().manual_seed(seed), MotionNetwork(config)
    optimiser = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=1e-5)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=STEPS)
    walks = _some_walks(generator)
    for step in range(STEPS):
        if step % RENEW_EVERY == 0:
            walks = _some_walks(generator)
        rows = torch.randint(0, len(walks.place.x_B), (BATCH,), generator=generator)
        part = Walks(*(type(group)(*(field[rows] for field in group)) for group in walks))  # pyright: ignore[reportArgumentType]
        loss = drive_loss(network(part.place, part.orders), part.drive, part.orders)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    print("motion, held out:", measure_motion(network), flush=True)
    return network.eval()


def _some_walks(generator: torch.Generator) -> Walks:
    """Many beginnings, where the most is to be done, and some whole walks, which end at rest."""
    starts, whole = simulate(STARTS, START_CHUNKS, generator), simulate(WALKERS, WALK_CHUNKS, generator)
    joined = [
        type(ours)(*(torch.cat(pair) for pair in zip(ours, theirs, strict=True)))  # pyright: ignore[reportArgumentType]
        for ours, theirs in zip(starts, whole, strict=True)
    ]
    return Walks(*joined)  # pyright: ignore[reportArgumentType]


@torch.no_grad()
def measure_motion(network: MotionNetwork, chunks: int = 120) -> dict[str, float]:
    """Walks never trained on, each step from the last: how far off the true walk after 2 s and at the end."""
    generator = torch.Generator().manual_seed(HELD_OUT_SEED)
    ours = theirs = random_place(300, generator)
    orders = random_orders(300, generator)
    figures = {}
    for chunk in range(chunks):
        ours, theirs = ours.after(network(ours, orders)), theirs.after(true_drive(theirs, orders))
        if chunk == 25:
            figures["off_after_2_s_m"] = _apart(ours, theirs)
    figures["off_at_the_end_m"] = _apart(ours, theirs)
    figures["crouch_off"] = (ours.crouch_B - theirs.crouch_B).abs().mean().item()
    figures["speed_at_the_end"] = ours.speed_B.mean().item()
    return {name: round(value, 3) for name, value in figures.items()}


def _apart(one: Place, two: Place) -> float:
    return torch.hypot(one.x_B - two.x_B, one.y_B - two.y_B).mean().item()
