"""Who is in a session: bounded, and kept bit for bit."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from model.actors.acting import act
from model.actors.cast import MAX_ACTORS, Cast
from model.actors.casting import look_for
from model.actors.director import direct, play_character
from model.actors.looks import COLOURS, KINDS, NUM_LOOK_NUMBERS, Look, look_numbers, look_of
from model.text.events import Event
from tests.unit.model.actors.scenes import GIRL, KITTEN_COMES, networks, played_on, scene


def test_a_look_is_the_same_after_being_numbers() -> None:
    look = Look(kind="person", main=(0.1, 0.2, 0.3), accent=(0.9, 0.8, 0.7), has_umbrella=True, is_child=True)
    assert look_of(look_numbers(look)) == look
    assert len(look_numbers(look)) == NUM_LOOK_NUMBERS


def test_nobody_is_of_an_unknown_kind() -> None:
    with pytest.raises(ValueError, match="dragon"):
        Look(kind="dragon", main=(0.0, 0.0, 0.0))


def test_where_slots_are_full_the_oldest_leaves_but_never_the_character() -> None:
    cast = play_character(Cast(), scene(), None)
    character = cast.played
    for chunk in range(MAX_ACTORS + 3):
        cast = direct(cast, Event(action="appear", subject=KINDS[1 + chunk % 9]), scene(chunk))
        assert len(cast.actors) <= MAX_ACTORS
    assert cast.played == character
    assert [actor.number for actor in cast.actors[1:]] == sorted(actor.number for actor in cast.actors[1:])
    assert cast.actors[-1].number == MAX_ACTORS + 3


def test_a_restored_cast_is_the_same_and_acts_the_same() -> None:
    cast = direct(direct(Cast(), GIRL, scene()), KITTEN_COMES, scene())
    cast = played_on(cast, 9)
    restored = Cast.restore(cast.snapshot())
    assert restored == cast
    assert played_on(restored, 20, 9) == played_on(cast, 20, 9)


def test_the_only_colour_said_beside_an_umbrella_is_the_umbrellas() -> None:
    with_umbrella = Event(action="appear", subject="person", figure="girl", colour="red", umbrella="any")
    look = look_for(with_umbrella, "person", 1, 0, 0)
    assert look.has_umbrella
    assert look.accent == COLOURS["red"]
    in_a_coat = look_for(replace(with_umbrella, garment="coat", umbrella="blue"), "person", 1, 0, 0)
    assert (in_a_coat.main, in_a_coat.accent) == (COLOURS["red"], COLOURS["blue"])


def test_an_empty_cast_is_restored_empty() -> None:
    assert Cast.restore(Cast().snapshot()) == Cast()


def test_who_is_left_far_behind_is_forgotten() -> None:
    cast = direct(Cast(), GIRL, scene())
    far = scene(1)
    far = replace(far, eye=replace(far.eye, x_m=-60.0))
    assert act(cast, scene(1), networks().motion, (0.0, 0.0)).actors
    assert not act(cast, far, networks().motion, (0.0, 0.0)).actors


def test_latents_are_a_function_of_seed_and_chunk() -> None:
    one, two = direct(Cast(), GIRL, scene(3)), direct(Cast(), GIRL, scene(3))
    other = direct(Cast(), GIRL, scene(4))
    assert one == two
    assert one.actors[0].latent != other.actors[0].latent
    assert torch.tensor(one.actors[0].latent).abs().max() <= 1
