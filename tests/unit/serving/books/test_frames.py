"""Frames that show nothing are told from those that do."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from serving.books.frames import MIN_SPREAD, FrameJudge, is_blank
from tests.fakes import fake_frames, fake_info

FRAME_RATE = 12.5
colours = st.tuples(*(st.integers(0, 255),) * 3)
sizes = st.tuples(st.integers(1, 200), st.integers(1, 200))


def flat(colour: tuple[int, int, int], size: tuple[int, int], num_frames: int = 1) -> NDArray[np.uint8]:
    frames = np.empty((num_frames, *size, 3), np.uint8)
    frames[:] = colour
    return frames


@given(colours, sizes, st.integers(0, 1), st.integers(1, 3))
def test_q07_a_picture_of_one_colour_is_blank_with_a_codecs_noise_too(
    colour: tuple[int, int, int], size: tuple[int, int], noise: int, num_frames: int
) -> None:
    frames = flat(colour, size, num_frames).astype(np.int16)
    frames += np.random.default_rng(0).integers(-noise, noise + 1, frames.shape, np.int16)
    judged = FrameJudge(FRAME_RATE).judge(np.clip(frames, 0, 255).astype(np.uint8))
    assert judged == (0, num_frames, 0)


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(4, 60), st.integers(0, 100))
def test_q07_a_dark_world_that_stands_still_is_neither_blank_nor_frozen(seed: int, contrast: int, dark: int) -> None:
    generator = np.random.default_rng(seed)
    still = dark + contrast * generator.standard_normal((80, 128, 3))
    judge = FrameJudge(FRAME_RATE)
    for _ in range(40):
        frame = np.clip(still + generator.standard_normal(still.shape), 0, 255)[None].astype(np.uint8)
        assert judge.judge(frame).num_valid == 1


@given(st.integers(1, 4), st.data())
def test_q07_a_picture_is_blank_where_no_channel_spreads(num_channels: int, data: st.DataObject) -> None:
    value = st.integers(0, 255) if data.draw(st.booleans()) else st.integers(100, 106)
    values = data.draw(st.lists(value, min_size=num_channels, max_size=600).map(lambda each: bytes(each)))
    sample = np.frombuffer(values[: len(values) // num_channels * num_channels], np.uint8).reshape(-1, num_channels)
    spread = sample.astype(np.float64).std(axis=0).max()
    assume(abs(spread - MIN_SPREAD) > 1e-9)
    assert is_blank(sample.tobytes(), num_channels) == (spread < MIN_SPREAD)


def test_q07_a_picture_that_stays_for_longer_than_a_second_is_frozen() -> None:
    frame = fake_frames(fake_info(), 3)
    judge = FrameJudge(FRAME_RATE)
    verdicts = [judge.judge(frame) for _ in range(40)]
    assert all(each.num_valid for each in verdicts[:12])
    assert all(each.num_frozen for each in verdicts[13:])
    assert judge.judge(fake_frames(fake_info(), 4)).num_valid == 1, "it goes on, and is worth its price again"


def test_q07_every_frame_is_judged_once() -> None:
    info = fake_info(frames_per_chunk=4)
    frames = np.concatenate([fake_frames(info, 0), flat((9, 9, 9), (80, 128), 2)])
    assert FrameJudge(FRAME_RATE).judge(frames) == (4, 2, 0)
