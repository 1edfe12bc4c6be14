"""How far back networks see, counted by hand for small ones."""

from __future__ import annotations

from model.adapters.codecs.reach import Doubling, Halving, Past, steps_remembered, steps_until_steady


def test_a_layer_remembers_what_it_looks_back_at_and_those_before_it_add_up() -> None:
    assert steps_remembered([], 1) == 0
    assert steps_remembered([Past(0)], 1) == 0
    assert steps_remembered([Past(2)], 1) == 2
    assert steps_remembered([Past(2), Past(1), Past(2)], 1) == 5


def test_after_a_doubling_frames_count_half() -> None:
    assert steps_remembered([Past(2), Doubling(), Past(2)], 1) == 3  # 4 wrong frames and 2 kept, of 2 a step
    assert steps_remembered([Past(2), Doubling(), Past(1)], 1) == 3  # 5 of 2 a step
    assert steps_remembered([Past(4), Doubling(), Doubling()], 1) == 4


def test_a_first_frame_is_seen_for_as_long_as_layers_look_back() -> None:
    assert steps_until_steady([]) == 1
    assert steps_until_steady([Past(2)]) == 3
    assert steps_until_steady([Halving()]) == 2  # the next output still looks at it
    assert steps_until_steady([Past(2), Halving(), Past(1)]) == 4


def test_frames_that_come_several_a_step_count_as_parts_of_it() -> None:
    assert steps_remembered([Past(2), Past(2)], 4) == 1
    assert steps_remembered([Past(2), Past(3)], 4) == 2
    assert steps_remembered([Past(2), Doubling(), Past(2)], 2) == 2
