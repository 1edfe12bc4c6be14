"""Every measure of the instrument tells right from wrong."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from bench.evaluation import camera_control, events, painting, returning, seams, sound, speed, stability, text_control
from bench.evaluation.measure import at_least, at_most, reported
from bench.evaluation.pictures import growth, psnr_db, shift_px
from bench.evaluation.player import Played, held
from bench.evaluation.true_world import TrueWorld, walkers_of
from model.actors.looks import KINDS
from model.interface import CameraPose, ChunkControls
from model.world.conditions import NUM_VALUES, SLOT_RANGES, SLOTS

RATE_HZ, CHUNK = 16_000, 1_280


def picture(seed: int = 0, height: int = 80, width: int = 128) -> np.ndarray:
    """Smooth blobs: something that can be shifted and grown."""
    rows, columns = np.mgrid[0:height, 0:width].astype(float)
    rng = np.random.default_rng(seed)
    field = np.zeros((height, width, 3))
    for _ in range(24):
        row, column, size = rng.uniform(0, height), rng.uniform(0, width), rng.uniform(3, 9)
        blob = np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / (2 * size**2))
        field += blob[..., None] * rng.uniform(0, 255, 3)
    return np.clip(field, 0, 255).astype(np.uint8)


def grown(picture_HWC: np.ndarray, factor: float) -> np.ndarray:
    height, width = picture_HWC.shape[:2]
    rows = np.clip(np.rint((np.arange(height) - height / 2) / factor + height / 2), 0, height - 1).astype(int)
    columns = np.clip(np.rint((np.arange(width) - width / 2) / factor + width / 2), 0, width - 1).astype(int)
    return picture_HWC[rows[:, None], columns]


def walk(num_chunks: int, speed_m_per_s: float = 2.0) -> tuple[CameraPose, ...]:
    step_m = speed_m_per_s * 0.08
    return tuple(CameraPose(x_m=(idx + 1) * step_m, y_m=0.0, yaw_deg=0.0, pitch_deg=0.0) for idx in range(num_chunks))


def clicks(times_s: list[float], num_chunks: int) -> np.ndarray:
    """Short bursts of noise at these times."""
    rng = np.random.default_rng(1)
    samples = 1e-4 * rng.standard_normal(num_chunks * CHUNK)
    for time_s in times_s:
        at = round(time_s * RATE_HZ)
        burst = rng.standard_normal(320) * np.exp(-np.arange(320) / 100)
        samples[at : at + 320] += 0.3 * burst[: len(samples[at : at + 320])]
    return samples.astype(np.float32).reshape(num_chunks, CHUNK)


def played(samples_TS: np.ndarray, poses: tuple[CameraPose, ...]) -> Played:
    return Played(frames_FHWC=np.zeros((1, 2, 2, 3), np.uint8), samples_TS=samples_TS, poses=poses, seconds={})


def test_an_aim_is_missed_by_figures_on_its_wrong_side_and_by_no_figure_at_all() -> None:
    assert at_least("a", 3.0, 3.0, "dB", 1).is_reached
    assert not at_least("a", 2.9, 3.0, "dB", 1).is_reached
    assert not at_most("a", 3.1, 3.0, "dB", 1).is_reached
    assert not at_most("a", math.nan, 3.0, "dB", 1).is_reached
    assert reported("a", -1.0, "dB").is_reached


@pytest.mark.parametrize("shift", [-4, 0, 4])
def test_a_turn_is_seen_by_the_shift_and_a_wrong_key_is_wrong(shift: int) -> None:
    before = picture()
    after = np.roll(before, -shift, axis=1)
    assert shift_px(before, after) == shift
    frames = np.stack([before, after])
    assert camera_control.is_right(frames, "yaw", 1.0) == (shift > 0)
    assert camera_control.is_right(frames, "yaw", -1.0) == (shift < 0)


@pytest.mark.parametrize("factor", [0.97, 1.0, 1.03])
def test_a_walk_is_seen_by_the_growth_and_a_shuffled_control_is_wrong(factor: float) -> None:
    frames = np.stack([grown(picture(), factor**step) for step in range(5)])
    assert growth(frames) == pytest.approx(factor - 1, abs=0.012)
    assert camera_control.is_right(frames, "forward", 1.0) == (factor > 1)
    assert camera_control.is_right(frames, "forward", -1.0) == (factor < 1)


@pytest.mark.parametrize("place", ["street", "forest", "shore"])
def test_the_true_world_grows_for_who_walks_ahead_and_shrinks_for_who_walks_back(place: str) -> None:
    world = TrueWorld(place=place, seed=21)
    for sign in (1.0, -1.0):
        walkers = walkers_of(held(6, forward=sign), 0.08)
        frames = np.stack([world.frame(walker, walkers) for walker in walkers])
        assert camera_control.is_right(frames, "forward", sign)


def test_who_was_blocked_halfway_did_not_walk() -> None:
    assert camera_control.has_walked(walk(4))
    assert not camera_control.has_walked((*walk(4), walk(4)[-1]))


def test_repeating_the_picture_gains_nothing_and_the_truth_gains_much() -> None:
    true = {0: picture(0), 1: picture(1), 8: picture(2), 32: picture(3)}
    later = camera_control.AT_CHUNKS
    repeated = camera_control.compare("turning right", true, dict.fromkeys(later, true[0]))
    perfect = camera_control.compare("turning right", true, {chunks: true[chunks] for chunks in later})
    gain = {each.name: each for each in camera_control.summarise("from its picture", [repeated])}
    aimed = gain["camera, from its picture: gain over repeating the picture at 8 chunks"]
    assert aimed.value == 0.0
    assert not aimed.is_reached
    [reached] = [each for each in camera_control.summarise("from its picture", [perfect]) if each.aim]
    assert reached.is_reached


def test_the_true_world_moves_with_its_keys() -> None:
    world = TrueWorld(place="meadow", seed=9)
    walkers = walkers_of(held(3, yaw=1.0), 0.08)
    frames = [world.frame(walker, walkers) for walker in walkers]
    assert [shift_px(before, after) for before, after in pairwise(frames)] == [4, 4, 4]
    assert frames[0].shape == (80, 128, 3)
    assert world.reading(walkers[0], walkers)["maps"].shape == (5, 80, 128)


def test_walkers_go_where_the_camera_looks() -> None:
    script = [ChunkControls(yaw=1.0)] * 32 + [ChunkControls(forward=1.0)] * 10
    end = walkers_of(script, 0.08)[-1]
    assert (end.yaw_px, round(end.x_m, 6), round(end.y_m, 6)) == (128, 0.0, -1.6)


def test_a_silent_track_has_no_steps_and_no_rain() -> None:
    silent, loud = np.zeros(RATE_HZ, np.float32), clicks([0.1, 0.4, 0.7], 12).reshape(-1)
    assert sound.gain_db(silent, silent, sound.STEP_HZ, RATE_HZ) == 0.0
    assert sound.gain_db(loud, silent, sound.RAIN_HZ, RATE_HZ) > 6.0
    assert sound.gain_db(silent, loud, sound.RAIN_HZ, RATE_HZ) < -6.0


def test_only_chunks_that_move_the_camera_count_as_walking() -> None:
    poses = (*walk(2), walk(2)[-1], walk(2)[-1])
    assert sound.chunks_walked(poses).tolist() == [True, True, False, False]


def test_steps_are_looked_for_where_the_stride_is_whole() -> None:
    times = sound.step_times_s(walk(50), 0.08)
    assert times == pytest.approx([0.35 * (idx + 1) for idx in range(len(times))], abs=1e-6)
    assert len(times) == 11


@pytest.mark.parametrize(("late_s", "is_in_time"), [(0.0, True), (0.02, True), (0.09, False)])
def test_steps_that_sound_late_are_found_late(late_s: float, is_in_time: bool) -> None:
    poses = walk(50)
    heard = clicks([time_s + late_s for time_s in sound.step_times_s(poses, 0.08)], 50)
    skews = sound.step_skews_s(played(heard, poses), RATE_HZ)
    assert len(skews) >= 9
    assert (np.percentile(np.abs(skews), 95) <= sound.SKEW_S) == is_in_time


def test_another_place_is_not_the_one_that_was_left() -> None:
    assert returning.returned_db(picture(1), picture(1)) == 50.0
    assert returning.returned_db(picture(1), picture(2)) < 20.0
    [*_, gain] = returning.summarise("a walk", [30.0, 32.0], [29.0, 31.5])
    assert not gain.is_reached


def test_sky_over_ground_has_no_detail_and_a_blur_loses_what_is_fine() -> None:
    true = painting.true_frames("city", 2)
    gradients = [np.broadcast_to(frame.mean(1, keepdims=True), frame.shape).astype(np.uint8) for frame in true]
    blurred = [frame.reshape(80, 32, 4, 3).mean(2).repeat(4, 1).astype(np.uint8) for frame in true]
    by_truth, by_gradient, by_blur = (
        {"city": painting.painted(frames, "city", read_as("city"))} for frames in (true, gradients, blurred)
    )
    assert [each.value for each in painting.summarise(by_truth, by_truth, 6)] == [1.0] * 5
    _, _, *nothing = painting.summarise(by_gradient, by_truth, 6)
    assert [each.value for each in nothing] == [0.0] * 3
    _, _, fine, _, large = painting.summarise(by_blur, by_truth, 6)
    assert fine.value < large.value


def test_a_forest_is_not_the_city_that_was_asked_for() -> None:
    assert painting.painted(painting.true_frames("city", 1), "city", read_as("forest")).is_place == 0.0


def read_as(place: str) -> painting.Read:
    values = np.zeros(NUM_VALUES, np.float32)
    values[SLOT_RANGES["place"]][SLOTS["place"].index(place)] = 1.0
    return lambda _: {"values": values}


def test_clicks_at_the_borders_of_chunks_are_a_seam() -> None:
    smooth = np.sin(np.arange(10 * CHUNK) / 20).astype(np.float32).reshape(10, CHUNK)
    assert seams.sound_seam(smooth) < seams.ALLOWED
    broken = (smooth + 0.5 * (np.arange(10) % 2)[:, None]).astype(np.float32)
    assert seams.sound_seam(broken) > seams.ALLOWED


def test_a_jump_of_the_picture_is_a_change() -> None:
    frames = np.stack([picture(1), picture(1), picture(2)])
    still, jump = seams.frame_changes(frames)
    assert (still, jump > 5) == (0.0, True)


class FixedJudge:
    def __init__(self, **values: str) -> None:
        self._values = values

    def read(self, frames_FHWC: np.ndarray) -> dict[str, np.ndarray]:
        return {
            slot: np.array([float(name == value) for name in SLOTS[slot]], np.float32)
            for slot, value in self._values.items()
        }


def test_blur_fading_colours_and_another_weather_are_losses() -> None:
    clear, rainy = (FixedJudge(style="paper", lighting="day", weather=weather) for weather in ("clear", "rain"))
    sharp = picture(3)
    early = stability.look_of([sharp], clear)
    assert set(stability.losses(early, early).values()) == {0.0}
    flat = np.broadcast_to(sharp.mean((0, 1)), sharp.shape).astype(np.uint8)
    assert stability.losses(early, stability.look_of([flat], clear))["sharpness"] > stability.LOSS
    darker = (sharp * 0.4).astype(np.uint8)
    assert stability.losses(early, stability.look_of([darker], clear))["colours"] > stability.LOSS
    assert stability.losses(early, stability.look_of([sharp], rainy))["what is read"] > stability.LOSS


@pytest.mark.parametrize(("minutes", "looked_at"), [(2.0, (1.0, 2.0)), (10.0, (1.0, 10.0)), (60.0, (1.0, 10.0, 60.0))])
def test_a_session_is_looked_at_early_and_at_its_end(minutes: float, looked_at: tuple[float, ...]) -> None:
    assert stability.marks(minutes) == looked_at


@pytest.mark.parametrize(("mark", "loops"), [(1.0, range(2)), (10.0, range(20, 25)), (60.0, range(145, 150))])
def test_a_mark_looks_back_on_the_last_whole_loops(mark: float, loops: range) -> None:
    assert stability.loops_seen(mark) == loops


def test_one_world_that_fades_among_others_is_a_loss() -> None:
    sharp = stability.Look(sharpness=5.0, colours=(120.0,), is_read=1.0)
    faded = stability.Look(sharpness=3.0, colours=(120.0,), is_read=1.0)
    held, fades = {1.0: sharp, 10.0: sharp}, {1.0: sharp, 10.0: faded}
    [steady] = stability.summarise([held, held], (1.0, 10.0))
    [lost] = stability.summarise([held, fades], (1.0, 10.0))
    assert (steady.value, lost.value) == (0.0, pytest.approx(0.2))
    assert (steady.is_reached, lost.is_reached) == (True, False)


def test_d07_who_is_not_there_is_a_miss_and_who_is_there_unasked_is_one_too() -> None:
    quiet, somewhere = events.Unasked(), events.Unasked(is_anybody_there=True)
    there, nobody = events.summarise({"kitten": [True, True], "car": [True, False]}, [quiet] * 20)
    assert (there.value, there.is_reached, nobody.is_reached) == (0.75, False, True)
    everywhere, somebody = events.summarise({"kitten": [True] * 4}, [somewhere, *[quiet] * 9])
    assert (everywhere.is_reached, somebody.is_reached) == (True, False)


def test_d07_what_the_witness_takes_for_somebody_is_told_and_not_counted() -> None:
    _, nobody = events.summarise({"kitten": [True]}, [events.Unasked(is_reported=True)] * 4)
    assert (nobody.value, nobody.parts) == (0.0, {"reported by the witness": 1.0})


def test_a_small_figure_on_the_stage_is_seen_and_an_empty_stage_is_empty() -> None:
    empty = picture()[None]
    figure = empty.copy()
    figure[0, 40:43, 60:62] = 255 - figure[0, 40:43, 60:62]
    assert events.differs(figure, empty)
    assert not events.differs(empty, empty.copy())


def test_sentences_ask_for_each_kind_or_for_nobody() -> None:
    assert {caption.answers["subject"] for caption in events.askings()} == set(KINDS)
    assert not {caption.text for caption in events.askings()} & {caption.text for caption in events.others()}
    assert "night falls" in {caption.text for caption in events.others()}
    assert "the dog runs off" not in {caption.text for caption in events.askings()}


def test_a_picture_that_shows_another_weather_than_was_said_is_wrong() -> None:
    judge = FixedJudge(weather="rain", lighting="night", style="paper")
    frames = picture()[None]
    assert text_control.verdicts(judge, frames, {"weather": "rain"}) == {"weather": True}
    assert text_control.verdicts(judge, frames, {"weather": "snow", "lighting": "night"}) == {
        "weather": False,
        "lighting": True,
    }


def test_sentences_that_show_nothing_are_not_asked_for() -> None:
    asked = text_control.cases()
    assert {slot for _, choices in asked for slot in choices} == set(text_control.SEEN_SLOTS)
    assert "I am bored" not in {caption.text for caption, _ in asked}
    for slot in text_control.SEEN_SLOTS:
        assert {choices[slot] for _, choices in asked if slot in choices} >= set(SLOTS[slot]) - {"paper"}


def test_equal_pictures_are_as_alike_as_pictures_get() -> None:
    assert psnr_db(picture(), picture()) == 50.0


@pytest.mark.parametrize(("decoder_s", "is_reached"), [(0.010, True), (0.030, False)])
def test_a_slow_stage_misses_the_aim(decoder_s: float, is_reached: bool) -> None:
    # the first chunks of a process do not count
    seconds = {"transformer": [0.5] * 5 + [0.04] * 20, "video_decoder": [0.5] * 5 + [decoder_s] * 20}
    total, p95 = speed.stage_measures(seconds, num_threads=1, at_most_s=0.056)
    assert total.is_reached is is_reached
    assert total.value == pytest.approx(40 + 1e3 * decoder_s)
    assert (total.num_samples, p95.num_samples) == (20, 20)
    assert p95.value == pytest.approx(40)


def test_a_number_of_threads_without_an_aim_is_told() -> None:
    total, _ = speed.stage_measures({"transformer": [1.0] * 8}, num_threads=2, at_most_s=None)
    assert total.is_reached
    assert "2 threads" in total.name
