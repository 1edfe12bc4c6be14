"""The camera: whole pixels, carried remainders, and things in the way."""

from __future__ import annotations

import math

import torch

from model import camera
from model.interface import ChunkControls
from model.memory import Standpoint
from model.walker import CLEARANCE_M, MARGIN_PX, Walker, advance, clearance_m

AT = Standpoint(0.0, 0.0, -80)


def open_ground() -> torch.Tensor:
    maps = torch.zeros(camera.NUM_MAPS, camera.CANVAS_H, camera.CANVAS_W)
    maps[camera.NEARNESS] = camera.nearness(camera.ground_distance_m(camera.row_slope()))[:, None]
    return maps


def walled(distance_m: float) -> torch.Tensor:
    maps = open_ground()
    wall = torch.full_like(maps[camera.NEARNESS], float(camera.nearness(torch.tensor(distance_m))))
    maps[camera.NEARNESS] = torch.maximum(maps[camera.NEARNESS], wall)
    return maps


def walk(canvas: torch.Tensor, controls: ChunkControls, chunks: int) -> Walker:
    walker = Walker()
    for _ in range(chunks):
        walker = advance(walker, controls, 0.08, canvas, AT)
    return walker


def test_analog_turns_add_up_to_whole_pixels() -> None:
    assert walk(open_ground(), ChunkControls(yaw=0.1), 10).yaw_px == 4


def test_tilt_stops_at_its_limit() -> None:
    assert walk(open_ground(), ChunkControls(pitch=1.0), 50).pitch_px == camera.MAX_PITCH_PX
    assert walk(open_ground(), ChunkControls(pitch=-1.0), 50).pitch_px == -camera.MAX_PITCH_PX


def test_diagonal_walking_is_no_faster() -> None:
    straight = walk(open_ground(), ChunkControls(forward=1.0), 5)
    diagonal = walk(open_ground(), ChunkControls(forward=1.0, strafe=1.0), 5)
    assert math.isclose(math.hypot(diagonal.x_m, diagonal.y_m), straight.x_m, rel_tol=1e-6)
    assert diagonal.y_m < 0


def test_open_ground_is_no_obstacle_and_a_wall_is() -> None:
    assert clearance_m(open_ground(), AT, 0.0) == math.inf
    assert abs(clearance_m(walled(6.0), AT, 0.0) - 6.0) < 0.5


def test_the_camera_stops_before_a_wall() -> None:
    assert walk(walled(CLEARANCE_M + 0.1), ChunkControls(forward=1.0), 1).x_m == 0.0
    assert walk(walled(8.0), ChunkControls(forward=1.0), 1).x_m > 0.0


def test_the_canvas_always_holds_the_view_with_its_margin() -> None:
    for yaw_px in range(-700, 700, 3):
        _, column = Walker(yaw_px=yaw_px).view_offset
        assert column >= MARGIN_PX
        assert column + camera.VIEW_W + MARGIN_PX <= camera.CANVAS_W
