"""Several of a kind, and everybody: as many as are spoken of, none in another's place."""

from __future__ import annotations

import math
from itertools import combinations, pairwise

import pytest

from model.actors.actor import Actor
from model.actors.cast import MAX_ACTORS, Cast
from model.actors.director import direct, play_character
from model.actors.looks import KINDS
from model.camera import VIEW_W
from model.text.events import Event
from tests.unit.model.actors.scenes import played_on, scene

KINDS_THAT_WALK = ("person", "kitten", "dog", "bird")


def of_kind(cast: Cast, kind: str) -> list[Actor]:
    return [actor for actor in cast.actors if actor.look.kind == kind]


def nearest_m(actors: list[Actor]) -> float:
    return min(math.hypot(one.x_m - two.x_m, one.y_m - two.y_m) for one, two in combinations(actors, 2))


def three_kittens() -> Cast:
    return direct(Cast(), Event(action="appear", subject="kitten", number="several"), scene())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("number", "count"), [(None, 1), ("two", 2), ("several", 3)])
def test_as_many_appear_as_are_asked_for_all_of_them_in_view(kind: str, number: str | None, count: int) -> None:
    cast = played_on(direct(Cast(), Event(action="appear", subject=kind, number=number), scene()), 25)
    assert len(cast.actors) == count
    columns = [scene().column(actor.x_m, actor.y_m) for actor in cast.actors]
    assert all(abs(column) < VIEW_W / 2 - 12 for column in columns)
    assert all(abs(one - two) >= 15 for one, two in combinations(columns, 2))
    assert len({actor.latent for actor in cast.actors}) == count


def test_two_of_them_look_alike_only_where_words_say_so() -> None:
    one_colour = direct(Cast(), Event(action="appear", subject="car", number="several", colour="blue"), scene())
    assert len({actor.look.main for actor in one_colour.actors}) == 1
    many = [direct(Cast(), Event(action="appear", subject="car", number="several"), scene(chunk)) for chunk in range(4)]
    assert any(len({actor.look.main for actor in cast.actors}) > 1 for cast in many)


@pytest.mark.parametrize("kind", [*KINDS_THAT_WALK, "car", "balloon"])
def test_several_pass_one_behind_the_other_and_are_gone(kind: str) -> None:
    cast = direct(Cast(), Event(action="pass", subject=kind, number="several"), scene())
    assert len(cast.actors) == 3
    assert nearest_m(list(cast.actors)) > 0.7
    sides = [math.copysign(1, scene().column(actor.x_m, actor.y_m)) for actor in cast.actors]
    assert len(set(sides)) == 1
    assert nearest_m(list(played_on(cast, 12).actors)) > 0.4
    assert played_on(cast, 400).actors == ()


def test_several_cars_come_along_the_road_in_a_line() -> None:
    cast = direct(Cast(), Event(action="pass", subject="car", number="several"), scene(has_road=True))
    assert len({actor.y_m for actor in cast.actors}) == 1
    assert nearest_m(list(cast.actors)) > 4.0
    assert len(played_on(cast, 20).actors) == 3  # the last is not so far that it is forgotten


@pytest.mark.parametrize("kind", ["kitten", "dog", "person"])
def test_several_come_to_one_and_none_stands_in_another(kind: str) -> None:
    cast = direct(Cast(), Event(action="appear", subject="umbrella"), scene())
    cast = direct(cast, Event(action="come", subject=kind, number="several", target="umbrella"), scene(1))
    cast = played_on(cast, 160, 1)
    umbrella, *came = cast.actors
    assert len(came) == 3
    assert nearest_m(list(cast.actors)) > 0.4
    assert all(math.hypot(actor.x_m - umbrella.x_m, actor.y_m - umbrella.y_m) < 3.0 for actor in came)


def test_several_come_to_the_camera_side_by_side() -> None:
    cast = played_on(direct(Cast(), Event(action="come", subject="dog", number="several"), scene()), 160)
    columns = sorted(scene().column(actor.x_m, actor.y_m) for actor in cast.actors)
    assert len(columns) == 3
    assert all(12 < after - before < 45 for before, after in pairwise(columns))


def test_who_is_there_already_is_among_them() -> None:
    one = direct(Cast(), Event(action="appear", subject="kitten"), scene())
    cast = direct(one, Event(action="come", subject="kitten", number="several"), scene(1))
    assert len(cast.actors) == 3
    assert all(actor.behaviour == "come" for actor in cast.actors)


@pytest.mark.parametrize(("number", "leave"), [(None, 1), ("two", 2), ("several", 3), ("all", 3)])
def test_as_many_leave_as_are_sent_away_the_newest_first(number: str | None, leave: int) -> None:
    cast = direct(three_kittens(), Event(action="leave", subject="kitten", number=number), scene(1))
    assert [actor.behaviour == "leave" for actor in cast.actors] == [idx >= 3 - leave for idx in range(3)]


def test_nobody_is_brought_to_be_sent_away() -> None:
    for subject, number in (("kitten", "two"), ("kitten", "all"), ("everybody", None)):
        assert direct(Cast(), Event(action="leave", subject=subject, number=number), scene()) == Cast()


def test_all_of_a_kind_are_those_that_are_there() -> None:
    cast = direct(three_kittens(), Event(action="appear", subject="dog"), scene(1))
    cast = direct(cast, Event(action="crouch", subject="kitten", number="all"), scene(2))
    assert [actor.behaviour for actor in cast.actors] == ["crouch", "crouch", "crouch", "stand"]
    white = direct(Cast(), Event(action="appear", subject="kitten", colour="white"), scene())
    both = direct(white, Event(action="appear", subject="kitten", colour="black"), scene(1))
    sent = direct(both, Event(action="leave", subject="kitten", number="all", colour="white"), scene(2))
    assert [actor.behaviour for actor in sent.actors] == ["leave", "stand"]


def test_everybody_leaves_but_the_character() -> None:
    cast = play_character(Cast(), scene(), None)
    for chunk, kind in enumerate(("lamp", "dog", "car")):
        cast = direct(cast, Event(action="appear", subject=kind), scene(chunk))
    cast = direct(cast, Event(action="leave", subject="everybody"), scene(4))
    assert [actor.behaviour for actor in cast.actors] == ["played", "leave", "leave", "leave"]


def test_what_everybody_is_told_is_done_by_those_who_can() -> None:
    cast = three_kittens()
    for chunk, kind in enumerate(("lamp", "dog")):
        cast = direct(cast, Event(action="appear", subject=kind), scene(chunk + 1))
    came = direct(cast, Event(action="come", subject="everybody", target="dog"), scene(4))
    assert [actor.behaviour for actor in came.actors] == ["come", "come", "come", "stand", "stand"]
    dog = of_kind(came, "dog")[0]
    assert {actor.target for actor in of_kind(came, "kitten")} == {dog.number}
    assert direct(cast, Event(action="appear", subject="everybody"), scene(4)) == cast


def test_in_third_person_several_people_come_to_the_character_and_crouch_with_it() -> None:
    cast = play_character(Cast(), scene(), None)
    cast = direct(cast, Event(action="come", subject="person", number="two"), scene(1))
    character, *others = cast.actors
    assert [actor.behaviour for actor in others] == ["come", "come"]
    assert {actor.target for actor in others} == {character.number}
    cast = direct(cast, Event(action="crouch", subject="person", number="all"), scene(2))
    assert cast.actors[0].target == character.number
    assert [actor.behaviour for actor in cast.actors[1:]] == ["crouch", "crouch"]


def test_of_more_than_there_is_room_for_the_newest_stay() -> None:
    cast = Cast()
    for chunk in range(3):
        cast = direct(cast, Event(action="wander", subject="bird", number="several"), scene(chunk))
        cast = direct(cast, Event(action="appear", subject="tree", number="several"), scene(chunk))
    assert len(cast.actors) == MAX_ACTORS
