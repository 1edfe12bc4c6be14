"""The camera: behind the walker in third person, and moves of its own that end."""

from __future__ import annotations

import math

import pytest

from model import camera
from model.interface import CAMERA_MOVES
from model.rig import BEHIND_M, NEAREST_BEHIND_M, PIVOT_M, RANGES, Rig, carried_on, step_in, step_out
from model.walker import Walker

HERE = Walker(x_m=2.0, y_m=1.0, yaw_px=30)
THIRD = Rig(perspective="third_person", back_m=BEHIND_M)


def run(rig: Rig, walker: Walker, chunks: int, *, is_walking: bool = False) -> tuple[Rig, Walker]:
    for _ in range(chunks):
        rig, walker = carried_on(rig, walker, is_walking, 50.0)
    return rig, walker


def apart(one: Walker, two: Walker) -> float:
    return math.dist((one.x_m, one.y_m), (two.x_m, two.y_m))


def test_in_first_person_the_camera_is_the_walker() -> None:
    assert Rig().eye(HERE) is HERE
    assert run(Rig(), HERE, 20) == (Rig(), HERE)


def test_stepping_out_leaves_the_view_as_it_is() -> None:
    rig, walker = step_out(Rig(), HERE, 50.0)
    assert apart(rig.eye(walker), HERE) < 1e-9
    assert rig.eye(walker).yaw_px == HERE.yaw_px
    assert apart(walker, HERE) == pytest.approx(BEHIND_M)
    assert step_out(Rig(), HERE, 1.0)[0].back_m == NEAREST_BEHIND_M
    assert step_out(rig, walker, 50.0) == (rig, walker)


def test_stepping_in_glides_to_the_walkers_eye() -> None:
    rig, walker = run(step_in(THIRD), HERE, 30)
    assert rig.eye(walker) is walker
    assert walker == HERE


def test_turning_in_third_person_goes_around_the_walker() -> None:
    turned = Walker(x_m=2.0, y_m=1.0, yaw_px=30 + camera.TURN_PX // 4)
    assert apart(THIRD.eye(HERE), THIRD.eye(turned)) == pytest.approx(BEHIND_M * math.sqrt(2), abs=0.01)


@pytest.mark.parametrize("move", CAMERA_MOVES)
@pytest.mark.parametrize("rig", [Rig(), THIRD])
def test_a_move_uses_up_its_range_and_ends(rig: Rig, move: str) -> None:
    once = run(rig.moving(move), HERE, 300)
    assert run(*once, 20) == once
    assert run(rig.moving(move), HERE, 3) != (rig.moving(move), HERE) or move == "static"


@pytest.mark.parametrize(("move", "sign"), [("pan_left", -1), ("pan_right", 1)])
@pytest.mark.parametrize("rig", [Rig(), THIRD])
def test_a_pan_turns_the_camera_in_its_place(rig: Rig, move: str, sign: int) -> None:
    after, walker = run(rig.moving(move), HERE, 100)
    eye, before = after.eye(walker), rig.eye(HERE)
    assert eye.yaw_px - before.yaw_px == sign * RANGES[move]
    assert apart(eye, before) < 1e-9


def test_tilts_change_pitch() -> None:
    assert run(Rig().moving("tilt_up"), HERE, 5)[1].pitch_px == 5
    assert run(THIRD.moving("tilt_down"), HERE, 50)[1].pitch_px == -camera.MAX_PITCH_PX


def test_push_and_pull_change_the_distance_alone() -> None:
    for rig in (Rig(), THIRD):
        for move, sign in (("push_in", 1), ("pull_back", -1)):
            after, walker = run(rig.moving(move), HERE, 10)
            eye, before = after.eye(walker), rig.eye(HERE)
            ahead = (eye.x_m - before.x_m) * math.cos(HERE.yaw_px / camera.FOCAL_PX)
            assert ahead * sign > 0.3
            assert eye.yaw_px == before.yaw_px
    assert run(THIRD.moving("push_in"), HERE, 100)[0].back_m == NEAREST_BEHIND_M


def test_a_push_stops_before_what_is_in_the_way() -> None:
    assert carried_on(Rig().moving("push_in"), HERE, False, 0.01)[1] == HERE


def test_an_orbit_keeps_its_distance_and_returns() -> None:
    for rig, radius in ((Rig(), PIVOT_M), (THIRD, BEHIND_M)):
        half, walker = run(rig.moving("orbit"), HERE, 85)
        assert apart(half.eye(walker), rig.eye(HERE)) == pytest.approx(2 * radius, abs=0.05)
        full, walker = run(rig.moving("orbit"), HERE, 171)
        assert apart(full.eye(walker), rig.eye(HERE)) < 0.1


def test_a_walker_who_walks_on_is_looked_at_again() -> None:
    rig, walker = run(THIRD.moving("pan_left"), HERE, 20)
    assert rig.pan_px < 0
    assert run(rig.moving("static"), walker, 20, is_walking=True)[0].pan_px == 0


def test_an_unknown_move_is_refused() -> None:
    with pytest.raises(ValueError, match="crane"):
        Rig().moving("crane")
