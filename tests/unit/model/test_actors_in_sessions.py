"""Actors, perspectives and camera moves in whole sessions of the shipped transformer stage."""

from __future__ import annotations

import numpy as np
import pytest

from model.interface import ChunkControls, ChunkLatents, Tensors
from model.text.events import probabilities_of
from tests.unit.model.test_stepper import assert_same, play, transformer, words

GIRL = {"action": "appear", "subject": "person", "figure": "girl", "colour": "red", "garment": "coat"}
KITTEN_COMES = {"action": "come", "subject": "kitten", "target": "person"}
STILL = ChunkControls()


def said(answers: dict[str, str], **choices: str) -> Tensors:
    return {**words(**choices), "events": probabilities_of(answers)}


def told(answers: dict[str, str]) -> ChunkControls:
    return ChunkControls(directives=(said(answers),))


THIRD = ChunkControls(perspective="third_person")
FIRST = ChunkControls(perspective="first_person")
WALK = ChunkControls(forward=1.0)
ORBIT = ChunkControls(camera="orbit")
SCRIPT = [told(GIRL), STILL, told(KITTEN_COMES), THIRD, *3 * [WALK], ORBIT, *3 * [STILL], FIRST, *4 * [STILL]]


def test_w04_x05_the_same_events_give_the_same_chunks() -> None:
    for one, two in zip(play(5, SCRIPT), play(5, SCRIPT), strict=True):
        assert_same(one, two)


def test_c02_restored_amid_events_equals_uninterrupted() -> None:
    state = transformer().open(5, said(GIRL, place="meadow"), None)
    for each in SCRIPT[:8]:
        transformer().step([state], [each])
    restored = transformer().restore(state.snapshot())
    assert (restored.rig, restored.cast) == (state.rig, state.cast)
    for each in SCRIPT[8:]:
        assert_same(transformer().step([state], [each])[0], transformer().step([restored], [each])[0])


def test_who_moves_is_seen_and_never_remembered() -> None:
    plain, peopled = play(5, 4 * [STILL]), play(5, [told(GIRL), *3 * [STILL]])
    changed = (plain[-1].video["maps"] != peopled[-1].video["maps"]).any(0)
    assert 80 < changed.sum() < 3000
    state = transformer().open(5, words(place="street"), None)
    alone = transformer().open(5, words(place="street"), None)
    for each in (told(GIRL), STILL, told({"action": "leave", "subject": "person"}), *2 * [STILL]):
        transformer().step([state], [each])
        transformer().step([alone], [STILL])
    for name, value in alone.memory.snapshot().items():
        np.testing.assert_array_equal(value, state.memory.snapshot()[name])


def test_sentences_without_events_bring_nobody() -> None:
    quiet = said({}, weather="rain")
    with_events = play(5, [ChunkControls(directives=(quiet,)), STILL])
    without = play(5, [ChunkControls(directives=(words(weather="rain"),)), STILL])
    for one, two in zip(with_events, without, strict=True):
        assert_same(one, two)


def red_share(latents: ChunkLatents) -> float:
    """Of the middle of the view: pixels as red as the coat."""
    red, green, blue = latents.video["maps"][:3, 30:75, 52:76].astype(int)
    return float(((red > 140) & (green < 110) & (blue < 110)).mean())


def test_the_described_character_is_the_one_who_walks_in_third_person() -> None:
    state = transformer().open(3, said(GIRL, place="meadow"), None)
    chunks = [transformer().step([state], [each])[0] for each in (THIRD, *5 * [ChunkControls(forward=1.0)])]
    assert len(state.cast.actors) == 1
    assert state.cast.actors[0].is_character
    assert red_share(chunks[-1]) > 0.08
    assert chunks[-1].pose.x_m > 0.5
    assert (state.cast.actors[0].x_m, state.cast.actors[0].y_m) == (state.walker.x_m, state.walker.y_m)
    assert state.walker.x_m - chunks[-1].pose.x_m > 2.0


def test_whoever_a_world_begins_with_stays() -> None:
    state = transformer().open(3, said({**GIRL, "action": "pass"}, place="meadow"), None)
    assert [actor.behaviour for actor in state.cast.actors] == ["stand"]


def test_back_in_first_person_nobody_is_before_the_camera() -> None:
    state = transformer().open(3, words(place="meadow"), None)
    for each in (THIRD, *3 * [STILL]):
        transformer().step([state], [each])
    assert state.cast.played is not None
    for each in (FIRST, *14 * [STILL]):
        transformer().step([state], [each])
    assert state.cast.actors == ()
    assert state.rig.eye(state.walker) is state.walker


def test_words_move_the_camera_and_change_the_perspective() -> None:
    state = transformer().open(3, words(place="meadow"), None)
    before = transformer().step([state], [STILL])[0]
    after = [transformer().step([state], [each])[0] for each in (told({"camera": "pan_left"}), STILL)][-1]
    assert after.pose.yaw_deg < before.pose.yaw_deg
    np.testing.assert_array_equal(after.video["maps"][:, :, 4:], before.video["maps"][:, :, :-4])
    transformer().step([state], [told({"perspective": "third_person"})])
    assert state.rig.is_third_person
    assert state.cast.played is not None


@pytest.mark.parametrize("control", [ChunkControls(perspective="bird"), ChunkControls(camera="crane")])
def test_what_the_camera_cannot_do_is_refused(control: ChunkControls) -> None:
    state = transformer().open(3, words(place="meadow"), None)
    with pytest.raises(ValueError, match="bird|crane"):
        transformer().step([state], [control])


def test_a_session_stays_bounded_whatever_is_asked_for() -> None:
    state = transformer().open(2, words(place="meadow"), None)
    for kind in ("kitten", "dog", "umbrella", "lamp", "car", "tree", "fountain", "bird", "balloon"):
        transformer().step([state], [told({"action": "appear", "subject": kind})])
    assert len(state.cast.actors) == 6
    assert state.snapshot()["actors"].shape[0] == 6
