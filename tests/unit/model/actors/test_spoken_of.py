"""Of whom a sentence speaks, and what it gives them to wear."""

from __future__ import annotations

import pytest

from model.actors.actor import Actor
from model.actors.cast import Cast
from model.actors.casting import look_for
from model.actors.director import direct, play_character
from model.actors.looks import COLOURS, FIGURES, HAIR
from model.text.events import Event
from tests.unit.model.actors.scenes import scene


def person(figure: str, **said: str) -> Event:
    return Event(action="appear", subject="person", figure=figure, **said)


def with_people(*figures: str) -> Cast:
    cast = Cast()
    for chunk, figure in enumerate(figures):
        cast = direct(cast, person(figure), scene(chunk))
    return cast


def behaviours(cast: Cast) -> list[str]:
    return [actor.behaviour for actor in cast.actors]


@pytest.mark.parametrize("figure", FIGURES)
@pytest.mark.parametrize("garment", [None, "coat", "dress", "hat"])
def test_who_is_asked_for_can_be_told_by_looking(figure: str, garment: str | None) -> None:
    for number in range(40):
        look = look_for(person(figure), "person", 3, 0, number)
        assert look.figure == figure
        in_clothes = look_for(
            Event(action="appear", subject="person", figure=figure, garment=garment), "person", 3, 0, 7
        )
        assert in_clothes.figure == figure or (garment == "dress" and figure in ("boy", "man"))


def test_the_woman_leaves_and_the_man_stays() -> None:
    cast = with_people("woman", "man")
    sent = direct(cast, Event(action="leave", subject="person", figure="woman", which="known"), scene(3))
    assert behaviours(sent) == ["leave", "stand"]
    crouched = direct(cast, Event(action="crouch", subject="person", figure="man", which="known"), scene(3))
    assert behaviours(crouched) == ["stand", "crouch"]


def test_where_only_the_age_is_another_it_is_the_same_person() -> None:
    girl = direct(with_people("woman"), Event(action="crouch", subject="person", figure="girl"), scene(3))
    assert behaviours(girl) == ["crouch"]
    man = direct(with_people("woman"), Event(action="crouch", subject="person", figure="man"), scene(3))
    assert behaviours(man) == ["stand", "crouch"]
    assert man.actors[1].look.figure == "man"


def test_in_third_person_others_come_and_go_and_the_character_does_not() -> None:
    alone = play_character(Cast(character=look_for(person("girl"), "person", 1, 0, 0)), scene(), None)
    came = direct(alone, Event(action="come", subject="person", figure="boy", which="new", target="person"), scene(1))
    assert behaviours(came) == ["played", "come"]
    assert came.actors[1].target == came.actors[0].number
    assert direct(alone, Event(action="leave", subject="person", figure="girl", which="known"), scene(1)) == alone
    sent = direct(came, Event(action="leave", subject="person", which="known"), scene(2))
    assert behaviours(sent) == ["played", "leave"]
    crouched = direct(came, Event(action="crouch", subject="person", figure="girl", which="known"), scene(2))
    assert crouched.actors[0].target == crouched.actors[0].number
    boy = direct(came, Event(action="crouch", subject="person", figure="boy", which="known"), scene(2))
    assert behaviours(boy) == ["played", "crouch"]


@pytest.mark.parametrize("action", ["come", "crouch", "wander"])
def test_a_kitten_is_another_one_and_the_kitten_is_that_one(action: str) -> None:
    one = direct(Cast(), Event(action="appear", subject="kitten"), scene())
    assert len(direct(one, Event(action=action, subject="kitten", which="new"), scene(1)).actors) == 2
    for which in ("known", None):
        assert behaviours(direct(one, Event(action=action, subject="kitten", which=which), scene(1))) == [action]


def test_the_dog_that_barks_is_the_one_that_is_there() -> None:
    bark = Event(action="appear", subject="dog", which="known")
    dog = direct(Cast(), bark, scene())
    assert len(dog.actors) == 1
    assert direct(dog, bark, scene(1)) == dog
    assert len(direct(dog, Event(action="appear", subject="dog", which="new"), scene(1)).actors) == 2


def changed(cast: Cast, **said: str) -> Actor:
    event = Event(action="change", which="known", **said)
    return direct(cast, event, scene(2)).actors[0]


def test_somebody_gets_what_they_are_given_and_keeps_the_rest() -> None:
    girl = direct(Cast(), person("girl", colour="red", garment="coat", hair="black"), scene())
    before = girl.actors[0].look
    with_umbrella = changed(girl, subject="person", umbrella="green").look
    assert with_umbrella.has_umbrella
    assert with_umbrella.accent == COLOURS["green"]
    assert (with_umbrella.main, with_umbrella.hair) == (before.main, before.hair)
    assert changed(girl, subject="person", colour="blue", garment="coat").look.main == COLOURS["blue"]
    assert changed(girl, subject="person", hair="blonde").look.hair == HAIR["blonde"]
    in_hat = changed(girl, subject="person", garment="hat").look
    assert in_hat.has_hat
    assert in_hat.main == before.main
    assert changed(girl, subject="person", garment="dress").look.has_skirt
    assert (
        changed(direct(Cast(), Event(action="appear", subject="car"), scene()), subject="car", colour="green").look.main
        == (COLOURS["green"])
    )


def test_whoever_gets_another_look_stays_who_they_are() -> None:
    cast = direct(Cast(), person("girl"), scene())
    after = direct(cast, Event(action="change", subject="person", umbrella="any", which="known"), scene(1))
    assert after.actors[0].latent == cast.actors[0].latent
    assert after.actors[0].number == cast.actors[0].number
    assert after.character == after.actors[0].look
    played = play_character(after, scene(2), after.actors[0])
    again = direct(played, Event(action="change", subject="person", colour="blue", which="known"), scene(3))
    assert again.played is not None
    assert again.character == again.played.look


def test_who_is_not_there_appears_with_what_was_given() -> None:
    given = Event(action="change", subject="person", figure="woman", umbrella="green", which="known")
    (woman,) = direct(Cast(), given, scene()).actors
    assert woman.look.has_umbrella
    assert woman.look.figure == "woman"
