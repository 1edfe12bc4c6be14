"""Pearl's transformer stage with its shipped weights: exact, restorable, obedient."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch

from model.interface import ChunkControls, ChunkLatents, Tensors
from model.pages import PoolEmptyError
from model.presets import load
from model.stepper import PearlTransformer
from model.world.conditions import NUM_SLOTS, SLOT_NAMES, SLOT_RANGES, SLOTS, conditions_of

WALK = [ChunkControls(forward=1.0, yaw=0.5 if chunk % 5 == 2 else 0.0) for chunk in range(10)]


@cache
def transformer() -> PearlTransformer:
    torch.set_num_threads(1)
    return load("pearl-xs").load_transformer()


def words(**choices: str) -> Tensors:
    gates = np.array([float(name in choices) for name in SLOT_NAMES], np.float32)
    assert len(gates) == NUM_SLOTS
    return {"gates": gates, "values": conditions_of(**choices)}


def assert_same(one: ChunkLatents, two: ChunkLatents) -> None:
    assert one.chunk_idx == two.chunk_idx
    assert one.pose == two.pose
    for ours, theirs in ((one.video, two.video), (one.audio, two.audio)):
        assert ours.keys() == theirs.keys()
        for name, value in ours.items():
            np.testing.assert_array_equal(value, theirs[name])


def play(seed: int, controls: list[ChunkControls]) -> list[ChunkLatents]:
    state = transformer().open(seed, words(place="street"), None)
    return [transformer().step([state], [each])[0] for each in controls]


def test_x05_the_same_seed_and_controls_give_the_same_chunks() -> None:
    for one, two in zip(play(5, WALK), play(5, WALK), strict=True):
        assert_same(one, two)


def test_no_chunk_takes_more_than_four_denoise_passes() -> None:
    """A first canvas, sound alone, and columns that a turn brings in; each has its cache pass besides."""
    passes: list[int] = []
    took: list[ChunkLatents] = []
    handle = transformer()._network.audio_in.register_forward_hook(lambda *_: passes.append(len(took)))
    try:
        state = transformer().open(5, words(place="street"), None)
        for each in (ChunkControls(), ChunkControls(), *[ChunkControls(yaw=1.0)] * 6):
            took.append(transformer().step([state], [each])[0])
    finally:
        handle.remove()
    per_chunk = [passes.count(chunk) - 1 for chunk in range(len(took))]
    assert per_chunk[:2] == [4, 1]
    assert set(per_chunk[2:]) == {1, 3}


def test_another_seed_gives_another_world() -> None:
    assert (play(5, WALK[:1])[0].video["maps"] != play(6, WALK[:1])[0].video["maps"]).any()


def test_parked_and_woken_equals_uninterrupted_and_the_room_is_anothers_meanwhile() -> None:
    tight = load("pearl-xs").load_transformer()
    tight.prepare(1)
    state = tight.open(5, words(place="street"), None)
    for each, expected in zip(WALK[:6], play(5, WALK[:6]), strict=True):
        assert_same(tight.step([state], [each])[0], expected)
        tight.park(state)
        other = tight.open(9, None, None)
        tight.step([other], [ChunkControls()])
        with pytest.raises(PoolEmptyError):
            tight.wake(state)
        other.close()
        tight.wake(state)
        tight.wake(state)


def test_c02_restored_equals_uninterrupted() -> None:
    state = transformer().open(5, words(place="street"), None)
    for each in WALK[:4]:
        transformer().step([state], [each])
    restored = transformer().restore(state.snapshot())
    for each in WALK[4:]:
        assert_same(transformer().step([state], [each])[0], transformer().step([restored], [each])[0])


def test_batched_equals_solo() -> None:
    alone = play(5, WALK[:4])
    states = [transformer().open(seed, words(place=place), None) for seed, place in ((5, "street"), (6, "forest"))]
    for chunk, each in enumerate(WALK[:4]):
        together = transformer().step(states, [each, ChunkControls(yaw=-1.0)])
        assert_same(together[0], alone[chunk])


def test_w04_frames_before_a_directive_do_not_change() -> None:
    directed = [*WALK]
    directed[4] = ChunkControls(forward=1.0, directives=(words(lighting="night"),))
    plain, changed = play(5, WALK), play(5, directed)
    for one, two in zip(plain[:4], changed[:4], strict=True):
        assert_same(one, two)
    assert (plain[4].video["conditions"] != changed[4].video["conditions"]).any()


def test_a_directive_is_there_two_seconds_later_and_leaves_the_rest() -> None:
    state = transformer().open(1, words(place="forest", lighting="dusk"), None)
    transformer().step([state], [ChunkControls(directives=(words(weather="rain"),))])
    values = [transformer().step([state], [ChunkControls()])[0] for _ in range(24)][-1].video["conditions"]
    assert values[SLOT_RANGES["weather"]][SLOTS["weather"].index("rain")] > 0.95
    assert values[SLOT_RANGES["lighting"]][SLOTS["lighting"].index("dusk")] > 0.95


def test_c02_a_fade_that_was_restored_halfway_goes_on_bit_for_bit() -> None:
    night = ChunkControls(directives=(words(lighting="night"),))
    state = transformer().open(1, words(place="meadow"), None)
    for each in (ChunkControls(), night, *4 * [ChunkControls()]):
        transformer().step([state], [each])
    restored = transformer().restore(state.snapshot())
    for each in (ChunkControls(), night, ChunkControls()):
        one, two = (transformer().step([which], [each])[0] for which in (state, restored))
        assert_same(one, two)
    assert state.goal_chunks == 8
    assert 0.1 < state.conditions_V[SLOT_RANGES["lighting"]][SLOTS["lighting"].index("night")] < 0.9


@pytest.mark.parametrize(("yaw", "to_right"), [(1.0, 1), (-1.0, -1)])
def test_n08_turning_moves_the_picture_the_other_way(yaw: float, to_right: int) -> None:
    """The world passes to the left when the camera turns right: by four pixels a chunk, exactly."""
    before, after = play(3, [ChunkControls(), ChunkControls(yaw=yaw)])
    first, second = before.video["maps"], after.video["maps"]
    moved = first[:, :, 4:] if to_right > 0 else first[:, :, :-4]
    same = second[:, :, :-4] if to_right > 0 else second[:, :, 4:]
    np.testing.assert_array_equal(moved, same)
    assert after.pose.yaw_deg * to_right > 0


def test_n08_looking_up_lowers_the_horizon() -> None:
    before, after = play(3, [ChunkControls(), ChunkControls(pitch=1.0)])
    np.testing.assert_array_equal(before.video["maps"][:, :-2], after.video["maps"][:, 2:])
    assert after.pose.pitch_deg > 0


def test_n07_walking_goes_where_the_camera_looks() -> None:
    ahead = play(3, [ChunkControls(forward=1.0)] * 3)[-1].pose
    aside = play(3, [ChunkControls(strafe=-1.0)] * 3)[-1].pose
    assert ahead.x_m > 0
    assert abs(ahead.y_m) < 1e-6
    assert aside.y_m > 0
    assert abs(aside.x_m) < 1e-6


def test_w10_standing_still_keeps_the_picture_and_returning_finds_it() -> None:
    turn = [ChunkControls(yaw=1.0)] * 8 + [ChunkControls(yaw=-1.0)] * 8
    chunks = play(4, [ChunkControls()] * 2 + turn)
    np.testing.assert_array_equal(chunks[0].video["maps"], chunks[1].video["maps"])
    np.testing.assert_array_equal(chunks[1].video["maps"], chunks[-1].video["maps"])


def test_w07_a_session_never_grows() -> None:
    state = transformer().open(2, words(place="meadow"), None)
    sizes = set()
    for _ in range(12):
        transformer().step([state], [ChunkControls(forward=1.0)])
        sizes.add(state.num_bytes)
    assert len(sizes) == 1


def test_n01_a_picture_is_what_the_world_starts_from() -> None:
    maps = np.full((5, 80, 128), 100, np.uint8)
    maps[3] = 0
    image = {"maps": maps, **words(place="shore", lighting="dawn")}
    state = transformer().open(1, None, image)
    latents = transformer().step([state], [ChunkControls()])[0]
    assert (latents.video["maps"][:3, :36] == 100).all()
    assert latents.video["conditions"][SLOT_RANGES["lighting"]][SLOTS["lighting"].index("dawn")] > 0.95
