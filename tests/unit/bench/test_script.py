"""Scripts of timed controls."""

from __future__ import annotations

import itertools

import pytest

from bench.script import PICTURE, STREET, Cue, Say, Script, Turn, Walk, num_chunks, words_of_action, words_of_keys


@pytest.mark.parametrize("script", [STREET, PICTURE], ids=lambda script: script.name)
class TestTheDemoScripts:
    def test_walk_turn_look_stand_and_speak(self, script: Script) -> None:
        actions = [cue.action for cue in script.cues]
        assert any(isinstance(action, Walk) and action.forward > 0 for action in actions)
        assert Walk() in actions, "stands still again"
        turns = [action for action in actions if isinstance(action, Turn)]
        assert min(turn.yaw for turn in turns) < 0 < max(turn.yaw for turn in turns)
        assert min(turn.pitch for turn in turns) < 0 < max(turn.pitch for turn in turns)
        said = {action.text for action in actions if isinstance(action, Say)}
        assert said == {"it starts to rain", "night falls"}

    def test_end_with_everything_released(self, script: Script) -> None:
        assert [cue.action for cue in script.cues if isinstance(cue.action, Walk)][-1] == Walk()
        assert [cue.action for cue in script.cues if isinstance(cue.action, Turn)][-1] == Turn()

    def test_leave_each_control_time_to_take_effect_before_the_next_of_its_kind(self, script: Script) -> None:
        for kind in (Walk, Turn, Say):
            times_s = [cue.at_s for cue in script.cues if isinstance(cue.action, kind)]
            assert all(later - earlier > 0.4 for earlier, later in itertools.pairwise(times_s))

    def test_fall_at_different_phases_of_a_chunk(self, script: Script) -> None:
        phases = {round(cue.at_s % 0.08, 3) // 0.02 for cue in script.cues}
        assert len(phases) == 4


def test_a_shorter_play_does_the_same_things_faster() -> None:
    short = STREET.scaled_to(4.0)
    assert [cue.action for cue in short.cues] == [cue.action for cue in STREET.cues]
    assert short.duration_s == 4.0
    assert short.cues[-1].at_s == pytest.approx(STREET.cues[-1].at_s * 3 / 19)


def test_a_play_without_room_for_its_last_control_is_refused() -> None:
    with pytest.raises(ValueError, match="more than"):
        STREET.scaled_to(1.0)


@pytest.mark.parametrize("times_s", [(2.0, 1.0), (-1.0,), (19.5,)])
def test_cues_out_of_order_or_out_of_time_are_refused(times_s: tuple[float, ...]) -> None:
    cues = tuple(Cue(at_s=at_s, action=Walk()) for at_s in times_s)
    with pytest.raises(ValueError, match="cues must"):
        Script(name="x", title="x", duration_s=20.0, cues=cues)


@pytest.mark.parametrize(("duration_s", "expected"), [(20.0, 250), (4.0, 50), (0.08, 1), (0.081, 2)])
def test_chunks_fill_the_time(duration_s: float, expected: int) -> None:
    assert num_chunks(duration_s, 0.08) == expected


def test_keys_are_told_in_words() -> None:
    assert words_of_keys(Walk(), Turn()) == "standing still"
    assert words_of_keys(Walk(forward=1, strafe=-0.5), Turn(yaw=0.2)) == "walking ahead, stepping left, turning right"
    assert words_of_keys(Walk(forward=-1, strafe=1), Turn(yaw=-1, pitch=-1)) == (
        "walking back, stepping right, turning left, looking down"
    )


def test_controls_are_told_in_words() -> None:
    assert words_of_action(Walk()) == "keys released"
    assert words_of_action(Turn(pitch=1)) == "looking up"
    assert words_of_action(Say(text="night falls")) == '"night falls"'
