"""The actors of a session: a bounded set, and the place they act in as one chunk sees it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from model import camera
from model.actors.actor import Actor, actors_from_tensors, actors_to_tensors
from model.actors.looks import NUM_LOOK_NUMBERS, Look, look_numbers, look_of
from model.interface import Tensors
from model.walker import Walker

MAX_ACTORS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    actors: tuple[Actor, ...] = ()
    next_number: int = 0
    character: Look | None = None  # who the walker is, once described or seen

    @property
    def played(self) -> Actor | None:
        """The character, while it is seen."""
        return next((actor for actor in self.actors if actor.is_character), None)

    def numbered(self, number: int) -> Actor | None:
        return next((actor for actor in self.actors if actor.number == number), None)

    def joined(self, actor: Actor) -> Cast:
        """With one more; where there is no room, the oldest that is not the character leaves."""
        actors = self.actors
        if len(actors) >= MAX_ACTORS:
            oldest = min((each for each in actors if not each.is_character), key=lambda each: each.number)
            actors = tuple(each for each in actors if each is not oldest)
        return replace(self, actors=(*actors, actor), next_number=max(self.next_number, actor.number + 1))

    def changed(self, actor: Actor) -> Cast:
        return replace(self, actors=tuple(actor if each.number == actor.number else each for each in self.actors))

    def without(self, number: int) -> Cast:
        return replace(self, actors=tuple(each for each in self.actors if each.number != number))

    def snapshot(self) -> Tensors:
        character = [] if self.character is None else look_numbers(self.character)
        return {
            **actors_to_tensors(self.actors),
            "actors_next": np.array(self.next_number, np.int64),
            "actors_character": np.array(character, np.float64),
        }

    @classmethod
    def restore(cls, snapshot: Tensors) -> Cast:
        character = tuple(snapshot["actors_character"].tolist())
        return cls(
            actors=actors_from_tensors(snapshot),
            next_number=int(snapshot["actors_next"]),
            character=look_of(character) if len(character) == NUM_LOOK_NUMBERS else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What a chunk knows of the place: enough to put an actor where it is seen."""

    seed: int
    chunk_idx: int
    walker: Walker
    eye: Walker  # where the camera is and looks
    is_third_person: bool
    has_road: bool  # streets run along x
    room_m: Callable[[float], float]  # free way from the camera in a direction, whole-turn pixels

    def spot(self, columns: float, metres: float) -> tuple[float, float]:
        """The point so many columns to the right of the middle of the view, so far from the camera."""
        azimuth = (self.eye.yaw_px + columns) / camera.FOCAL_PX
        return self.eye.x_m + metres * math.cos(azimuth), self.eye.y_m - metres * math.sin(azimuth)

    def distance_m(self, actor: Actor) -> float:
        return math.hypot(actor.x_m - self.eye.x_m, actor.y_m - self.eye.y_m)

    def column(self, x_m: float, y_m: float) -> float:
        """Columns to the right of the middle of the view, -256 to 256."""
        azimuth = math.atan2(-(y_m - self.eye.y_m), x_m - self.eye.x_m) * camera.FOCAL_PX - self.eye.yaw_px
        return (azimuth + camera.TURN_PX / 2) % camera.TURN_PX - camera.TURN_PX / 2
