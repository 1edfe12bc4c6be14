"""Where the camera stands: integrated from the controls, stopped by what is near.

Turns and tilts move by whole pixels (model.camera); what an analog axis asks for beyond
that is carried over to the next chunk.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from model import camera
from model.control import MAX_SPEED_M_PER_S, PITCH_PX_PER_CHUNK, STRIDE_M, YAW_PX_PER_CHUNK
from model.interface import CameraPose, ChunkControls
from model.memory import Standpoint

MARGIN_PX = 8  # the canvas reaches at least this far beyond either side of the view
CLEARANCE_M = 2.2  # how near a thing the camera may come
BODY_HALF_WIDTH_PX = 14
BODY_ROWS = slice(int(camera.HORIZON_ROW) - 3, int(camera.HORIZON_ROW) + 22)
OBSTACLE_NEARNESS = 0.07  # how much nearer than the ground in its row a pixel must be to stand in the way


@dataclass(frozen=True, slots=True, kw_only=True)
class Walker:
    """The camera's place and direction. Yaw counts whole pixels to the right, unbounded."""

    x_m: float = 0.0
    y_m: float = 0.0
    yaw_px: int = 0
    pitch_px: int = 0  # above the horizon
    yaw_rest: float = 0.0
    pitch_rest: float = 0.0
    walked_m: float = 0.0

    @property
    def view_column(self) -> int:
        """Whole-turn column of the view's left edge."""
        return self.yaw_px - camera.VIEW_W // 2

    @property
    def standpoint(self) -> Standpoint:
        """The canvas to generate: on the grid of patches, so that patches keep their place in the world."""
        patches = (self.view_column - MARGIN_PX) // camera.PATCH_PX
        return Standpoint(self.x_m, self.y_m, patches * camera.PATCH_PX)

    @property
    def view_offset(self) -> tuple[int, int]:
        """Row and column of the view inside the canvas."""
        row = (camera.CANVAS_H - camera.VIEW_H) // 2 - self.pitch_px
        return row, self.view_column - self.standpoint.column

    @property
    def strides(self) -> float:
        return self.walked_m / STRIDE_M

    @property
    def pose(self) -> CameraPose:
        degrees = 360.0 / camera.TURN_PX
        pitch = math.degrees(math.atan(self.pitch_px / camera.FOCAL_PX))
        return CameraPose(x_m=self.x_m, y_m=self.y_m, yaw_deg=self.yaw_px * degrees, pitch_deg=pitch)


def clearance_m(canvas_MHW: Tensor, at: Standpoint, azimuth_px: float) -> float:
    """Free way ahead in a direction (whole-turn pixels), as the canvas shows it; infinite if out of sight."""
    column = round(azimuth_px - at.column) % camera.TURN_PX
    if not BODY_HALF_WIDTH_PX <= column < camera.CANVAS_W - BODY_HALF_WIDTH_PX:
        return math.inf
    ahead = canvas_MHW[camera.NEARNESS, BODY_ROWS, column - BODY_HALF_WIDTH_PX : column + BODY_HALF_WIDTH_PX]
    ground = camera.nearness(camera.ground_distance_m(camera.row_slope()[BODY_ROWS]))[:, None]
    obstacles = torch.where(ahead > ground + OBSTACLE_NEARNESS, ahead, torch.zeros(()))
    blocking = obstacles.flatten().sort(descending=True).values[obstacles.numel() // 20]  # not a stray pixel
    return camera.distance_m(blocking).item() if blocking > 0 else math.inf


def advance(
    walker: Walker, controls: ChunkControls, chunk_s: float, canvas_MHW: Tensor, at: Standpoint, ahead_m: float = 0.0
) -> Walker:
    """The walker one chunk later. `ahead_m`: how far before the camera that took the canvas the walker is."""
    yaw = controls.yaw * YAW_PX_PER_CHUNK + walker.yaw_rest
    pitch = controls.pitch * PITCH_PX_PER_CHUNK + walker.pitch_rest
    yaw_px, pitch_px = round(yaw), round(pitch)
    tilt = max(-camera.MAX_PITCH_PX, min(camera.MAX_PITCH_PX, walker.pitch_px + pitch_px))
    heading = (walker.yaw_px + yaw_px) / camera.FOCAL_PX
    axis = math.hypot(controls.forward, controls.strafe)
    step_m = MAX_SPEED_M_PER_S * chunk_s * min(axis, 1.0)
    direction = heading + math.atan2(controls.strafe, controls.forward)
    if step_m and clearance_m(canvas_MHW, at, direction * camera.FOCAL_PX) - ahead_m < CLEARANCE_M + step_m:
        step_m = 0.0
    return Walker(
        x_m=walker.x_m + step_m * math.cos(direction),
        y_m=walker.y_m - step_m * math.sin(direction),
        yaw_px=walker.yaw_px + yaw_px,
        pitch_px=tilt,
        yaw_rest=yaw - yaw_px,
        pitch_rest=pitch - pitch_px,
        walked_m=walker.walked_m + step_m,
    )
