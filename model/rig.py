"""The camera and whoever it follows: first or third person, and moves of the camera's own.

In first person the camera is the walker's eye. In third person it stands some metres behind the
walker, who is seen. A move changes where the camera looks or stands by itself, bit by bit, until
another move is asked for or its range is used up; turns and tilts stay whole pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from model import camera
from model.interface import CAMERA_MOVES, CameraPose
from model.memory import Standpoint
from model.walker import Walker

PERSPECTIVES = ("first_person", "third_person")
BEHIND_M = 3.6  # the walker's whole figure fits the view from here
NEAREST_BEHIND_M, FARTHEST_BEHIND_M = 2.4, 7.5
GLIDE_M = 0.3  # per chunk, when the camera returns to the walker's eye
PIVOT_M = 3.6  # in first person, the camera circles a point this far ahead
PAN_PX, TILT_PX, ORBIT_PX = 2, 1, 3  # per chunk: 17, 9 and 26 degrees a second
PUSH_M, PULL_M = 0.08, 0.10
RECENTRE_PX = 4  # per chunk, when a walker moves on whom the camera had panned away from
# How far a move goes, in the units of its steps.
RANGES = {
    "static": 0.0, "pan_left": 64, "pan_right": 64, "tilt_up": 16, "tilt_down": 16, "push_in": 2.4, "pull_back": 4.0,
    "orbit": camera.TURN_PX,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Rig:
    """How the camera stands to the walker."""

    perspective: str = "first_person"
    move: str = "static"
    left: float = 0.0  # of the move's range
    back_m: float = 0.0  # behind the walker
    pan_px: int = 0  # to the right of the walker's yaw

    def __post_init__(self) -> None:
        if self.perspective not in PERSPECTIVES:
            raise ValueError(f"perspective must be one of {PERSPECTIVES}, not {self.perspective!r}")
        if self.move not in CAMERA_MOVES:
            raise ValueError(f"camera must be one of {CAMERA_MOVES}, not {self.move!r}")

    @property
    def is_third_person(self) -> bool:
        return self.perspective == "third_person"

    def moving(self, move: str) -> Rig:
        """The rig with a move begun."""
        if move not in CAMERA_MOVES:
            raise ValueError(f"camera must be one of {CAMERA_MOVES}, not {move!r}")
        return replace(self, move=move, left=float(RANGES[move]))

    def eye(self, walker: Walker) -> Walker:
        """Where the camera is and looks, told as a walker in its place."""
        if self.back_m == 0.0 and self.pan_px == 0:
            return walker
        x_m, y_m = ahead_of(walker, -self.back_m)
        return replace(walker, x_m=x_m, y_m=y_m, yaw_px=walker.yaw_px + self.pan_px)

    def standpoint(self, walker: Walker) -> Standpoint:
        return self.eye(walker).standpoint

    def pose(self, walker: Walker) -> CameraPose:
        return self.eye(walker).pose


def ahead_of(walker: Walker, metres: float) -> tuple[float, float]:
    """The point so far ahead of a walker."""
    heading = walker.yaw_px / camera.FOCAL_PX
    return walker.x_m + metres * math.cos(heading), walker.y_m - metres * math.sin(heading)


def step_out(rig: Rig, walker: Walker, room_m: float) -> tuple[Rig, Walker]:
    """To third person: the camera stays where it is, and the walker is put before it, as far as there is room."""
    if rig.is_third_person:
        return rig, walker
    back_m = max(NEAREST_BEHIND_M, min(BEHIND_M, room_m))
    x_m, y_m = ahead_of(walker, back_m - rig.back_m)
    return replace(rig, perspective="third_person", back_m=back_m), replace(walker, x_m=x_m, y_m=y_m)


def step_in(rig: Rig) -> Rig:
    """To first person: the camera will glide to the walker's eye."""
    return replace(rig, perspective="first_person")


def carried_on(rig: Rig, walker: Walker, is_walking: bool, room_m: float) -> tuple[Rig, Walker]:
    """One chunk of the camera's own move, of gliding in, and of turning back to a walker who walks on."""
    rig, walker = _moved(rig, walker, room_m)
    if not rig.is_third_person and rig.back_m:
        rig = replace(rig, back_m=max(0.0, rig.back_m - GLIDE_M))
    if rig.pan_px and (is_walking or not rig.is_third_person):
        nearer = max(0, abs(rig.pan_px) - RECENTRE_PX)
        rig = replace(rig, pan_px=nearer if rig.pan_px > 0 else -nearer)
    return rig, walker


def _moved(rig: Rig, walker: Walker, room_m: float) -> tuple[Rig, Walker]:
    if rig.left <= 0:
        return rig, walker
    sign = -1 if rig.move in ("pan_left", "tilt_down", "pull_back") else 1
    if rig.move.startswith("pan"):
        return _panned(rig, walker, sign * PAN_PX)
    if rig.move.startswith("tilt"):
        tilted = walker.pitch_px + sign * TILT_PX
        tilted = max(-camera.MAX_PITCH_PX, min(camera.MAX_PITCH_PX, tilted))
        return replace(rig, left=rig.left - TILT_PX), replace(walker, pitch_px=tilted)
    if rig.move == "orbit":
        return replace(rig, left=rig.left - ORBIT_PX), _circled(rig, walker)
    return _dollied(rig, walker, sign * (PUSH_M if sign > 0 else PULL_M), room_m)


def _panned(rig: Rig, walker: Walker, pixels: int) -> tuple[Rig, Walker]:
    """In first person the walker's own eyes turn; in third person the camera turns away from the walker."""
    left = rig.left - abs(pixels)
    if rig.is_third_person:
        return replace(rig, left=left, pan_px=rig.pan_px + pixels), walker
    return replace(rig, left=left), replace(walker, yaw_px=walker.yaw_px + pixels)


def _circled(rig: Rig, walker: Walker) -> Walker:
    """Around the walker in third person, around what is ahead in first."""
    turned = replace(walker, yaw_px=walker.yaw_px + ORBIT_PX)
    if rig.is_third_person:
        return turned
    pivot = ahead_of(walker, PIVOT_M)
    x_m, y_m = ahead_of(replace(turned, x_m=pivot[0], y_m=pivot[1]), -PIVOT_M)
    return replace(turned, x_m=x_m, y_m=y_m)


def _dollied(rig: Rig, walker: Walker, metres: float, room_m: float) -> tuple[Rig, Walker]:
    left = rig.left - abs(metres)
    if rig.is_third_person:
        back_m = max(NEAREST_BEHIND_M, min(FARTHEST_BEHIND_M, rig.back_m - metres))
        return replace(rig, left=left, back_m=back_m), walker
    if metres > 0 and room_m < metres:
        return replace(rig, left=0.0), walker
    x_m, y_m = ahead_of(walker, metres)
    return replace(rig, left=left), replace(walker, x_m=x_m, y_m=y_m)
