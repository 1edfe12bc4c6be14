"""Events in an open meadow: who is asked for is there, goes where it is to go, and stops."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from model.actors.acting import act
from model.actors.actor import Actor
from model.actors.cast import Cast
from model.actors.director import direct
from model.actors.looks import COLOURS, KINDS
from model.camera import VIEW_W
from model.text.events import Event
from tests.unit.model.actors.scenes import GIRL, KITTEN_COMES, PETTING, networks, played_on, scene


def apart(one: Actor, two: Actor) -> float:
    return math.hypot(one.x_m - two.x_m, one.y_m - two.y_m)


def newest(cast: Cast, kind: str) -> Actor:
    return max((actor for actor in cast.actors if actor.look.kind == kind), key=lambda actor: actor.number)


def test_nobody_comes_unasked() -> None:
    assert played_on(direct(Cast(), Event(), scene()), 30) == Cast()
    assert direct(Cast(), Event(camera="orbit"), scene()) == Cast()


@pytest.mark.parametrize("kind", KINDS)
def test_whoever_is_asked_for_is_in_view_two_seconds_later(kind: str) -> None:
    cast = played_on(direct(Cast(), Event(action="appear", subject=kind, colour="blue"), scene()), 25)
    (actor,) = cast.actors
    assert actor.presence == 1.0
    assert actor.look.main == COLOURS["blue"]
    assert abs(scene().column(actor.x_m, actor.y_m)) < VIEW_W / 2 - 12
    assert 2.0 < scene().distance_m(actor) < 8.0


@pytest.mark.parametrize("kind", ["kitten", "dog", "person"])
def test_who_comes_to_the_girl_stops_beside_her(kind: str) -> None:
    cast = direct(Cast(), GIRL, scene())
    cast = direct(cast, Event(action="come", subject=kind, target="person"), scene(1))
    girl = cast.actors[0]
    before = apart(newest(cast, kind), girl)
    cast = played_on(cast, 90, 1)
    arrived = newest(cast, kind)
    assert before > 2.0
    assert 0.4 < apart(arrived, cast.actors[0]) < 1.2
    assert arrived.speed == 0.0
    assert played_on(cast, 10, 91).actors[-1].x_m == arrived.x_m


def test_the_girl_goes_to_the_newest_kitten_and_crouches() -> None:
    cast = direct(Cast(), GIRL, scene())
    for chunk in (1, 2):
        cast = direct(cast, Event(action="appear", subject="kitten"), scene(chunk))
    older, newer = (actor for actor in cast.actors if actor.look.kind == "kitten")
    cast = played_on(direct(cast, PETTING, scene(3)), 90, 3)
    girl = cast.actors[0]
    assert girl.target == newer.number != older.number
    assert girl.crouch > 0.9
    assert apart(girl, newer) < 0.95
    standing = played_on(direct(cast, Event(action="stand", subject="person"), scene(93)), 20, 93)
    assert standing.actors[0].crouch < 0.1


def test_who_is_to_be_petted_appears_if_not_there() -> None:
    cast = direct(direct(Cast(), GIRL, scene()), PETTING, scene(1))
    assert [actor.look.kind for actor in cast.actors] == ["person", "kitten"]


@pytest.mark.parametrize("has_road", [False, True])
def test_a_car_drives_through_the_view_and_is_gone(has_road: bool) -> None:
    cast = direct(Cast(), Event(action="pass", subject="car", colour="yellow"), scene(has_road=has_road))
    columns, start = [], (cast.actors[0].x_m, cast.actors[0].y_m)
    for chunk in range(110):
        cast = played_on(cast, 1, chunk)
        if cast.actors:
            car = cast.actors[0]
            columns.append(scene().column(car.x_m, car.y_m))
            if chunk == 25:
                assert abs(columns[-1]) < VIEW_W / 2
                assert math.dist(start, (car.x_m, car.y_m)) > 5
    assert not cast.actors
    assert max(abs(column) for column in columns) > VIEW_W / 2


def test_leaving_is_over_some_time_and_speaks_of_those_who_are_there() -> None:
    umbrella = Event(action="leave", subject="umbrella")
    assert direct(Cast(), umbrella, scene()) == Cast()
    cast = played_on(direct(Cast(), Event(action="appear", subject="umbrella"), scene()), 5)
    assert not played_on(direct(cast, umbrella, scene(5)), 15, 5).actors


def test_the_colour_says_which_one_is_meant() -> None:
    cast = direct(Cast(), Event(action="appear", subject="dog", colour="black"), scene())
    cast = direct(cast, Event(action="appear", subject="dog", colour="white"), scene(1))
    cast = direct(cast, Event(action="leave", subject="dog", colour="black"), scene(2))
    assert [actor.behaviour for actor in cast.actors] == ["leave", "stand"]


def test_things_stand_before_what_is_in_the_way() -> None:
    cast = direct(Cast(), Event(action="appear", subject="tree"), scene(room_m=4.0))
    assert scene().distance_m(cast.actors[0]) < 4.0


def test_a_bird_flies_and_a_balloon_rises_away() -> None:
    cast = direct(Cast(), Event(action="fly", subject="bird"), scene())
    cast = direct(cast, Event(action="fly", subject="balloon"), scene())
    cast = played_on(cast, 30)
    assert newest(cast, "bird").z_m > 0.5
    assert newest(cast, "balloon").z_m > 1.5
    assert [actor.look.kind for actor in played_on(cast, 100, 30).actors] == ["bird"]


def test_first_a_kitten_then_the_girl_it_ran_to() -> None:
    """Without anybody to run to, it comes to whoever looks on."""
    cast = played_on(direct(Cast(), KITTEN_COMES, scene()), 60)
    assert 2.0 < scene().distance_m(cast.actors[0]) < 4.5
    assert abs(scene().column(cast.actors[0].x_m, cast.actors[0].y_m)) < 16


@pytest.mark.parametrize(("room_m", "is_stopped"), [(5.0, True), (50.0, False)])
def test_n13_who_wanders_stops_before_a_wall(room_m: float, is_stopped: bool) -> None:
    (dog,) = direct(Cast(), Event(action="appear", subject="dog"), scene()).actors
    cast = Cast(
        actors=(replace(dog.told("wander", pace=2.0), x_m=3.5, y_m=0.0, heading_rad=0.0, goal_x_m=9.0, goal_y_m=0.0),)
    )
    farthest = 0.0
    for chunk in range(1, 37):  # before it thinks of another goal
        cast = act(cast, scene(chunk, room_m=room_m), networks().motion, (0.0, 0.0))
        farthest = max(farthest, cast.actors[0].x_m)
    assert farthest < room_m
    assert (farthest > 5.5) != is_stopped
