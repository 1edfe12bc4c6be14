"""One actor: what it is, where it stands and what it is doing; and how a few of them are kept in a snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from model.actors.looks import NUM_LATENTS, NUM_LOOK_NUMBERS, Look, look_numbers, look_of
from model.interface import Tensors

# What an actor may be about. "played": the character, moved by the walker.
BEHAVIOURS = ("stand", "come", "pass", "crouch", "leave", "wander", "fly", "played")
NOBODY, THE_WALKER = -1, -2  # targets that are no actor's number


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    look: Look
    latent: tuple[float, ...]  # what makes it an individual
    number: int  # counts up over a session; the newest has the highest
    born_chunk: int
    x_m: float
    y_m: float
    z_m: float = 0.0
    heading_rad: float = 0.0
    speed: float = 0.0  # metres per second
    crouch: float = 0.0
    phase_rad: float = 0.0  # of the gait
    presence: float = 0.0  # fades in and out
    behaviour: str = "stand"
    target: int = NOBODY  # the number of another, or THE_WALKER
    goal_x_m: float = 0.0
    goal_y_m: float = 0.0
    goal_z_m: float = 0.0
    pace: float = 1.0  # metres per second at most

    def __post_init__(self) -> None:
        if self.behaviour not in BEHAVIOURS:
            raise ValueError(f"behaviour must be one of {BEHAVIOURS}, not {self.behaviour!r}")

    @property
    def is_character(self) -> bool:
        return self.behaviour == "played"

    def told(self, behaviour: str, target: int = NOBODY, pace: float | None = None) -> Actor:
        return replace(self, behaviour=behaviour, target=target, pace=self.pace if pace is None else pace)


_PLAIN = (
    "number", "born_chunk", "x_m", "y_m", "z_m", "heading_rad", "speed", "crouch", "phase_rad", "presence", "target",
    "goal_x_m", "goal_y_m", "goal_z_m", "pace",
)  # fmt: skip
_WHOLE = ("number", "born_chunk", "target")


def actors_to_tensors(actors: Sequence[Actor]) -> Tensors:
    rows = [
        [
            *look_numbers(actor.look),
            *actor.latent,
            float(BEHAVIOURS.index(actor.behaviour)),
            *(getattr(actor, name) for name in _PLAIN),
        ]
        for actor in actors
    ]
    width = NUM_LOOK_NUMBERS + NUM_LATENTS + 1 + len(_PLAIN)
    return {"actors": np.array(rows, np.float64).reshape(len(actors), width)}


def actors_from_tensors(tensors: Tensors) -> tuple[Actor, ...]:
    return tuple(_actor(row) for row in tensors["actors"].tolist())


def _actor(row: list[float]) -> Actor:
    look, rest = row[:NUM_LOOK_NUMBERS], row[NUM_LOOK_NUMBERS:]
    latent, behaviour, plain = rest[:NUM_LATENTS], int(rest[NUM_LATENTS]), rest[NUM_LATENTS + 1 :]
    values = {name: int(value) if name in _WHOLE else value for name, value in zip(_PLAIN, plain, strict=True)}
    return Actor(look=look_of(tuple(look)), latent=tuple(latent), behaviour=BEHAVIOURS[behaviour], **values)  # pyright: ignore[reportArgumentType]
