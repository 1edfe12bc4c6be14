"""The sound of the training world follows its conditions, its walking and its clock."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from model.audio.oscillators import LOOP_CHUNKS, SAMPLES_PER_CHUNK
from model.world.conditions import conditions_of
from model.world.footsteps import advance_per_chunk, step_position
from model.world.sound import NUM_SOUND_FEATURES, render_sound, sound_features

CHUNKS = 64


def _render(*, chunks: int = CHUNKS, speed: float = 0.0, start: int = 0, seed: int = 1, **choices: str) -> Tensor:
    conditions = torch.from_numpy(conditions_of(**choices)).expand(1, chunks, -1)
    speed_BT = torch.full((1, chunks), speed)
    stride_BT = 0.5 + torch.arange(chunks)[None] * advance_per_chunk(speed_BT)
    return render_sound(conditions, speed_BT, stride_BT, torch.tensor([start]), torch.tensor([seed]))[0]


def _level_db(samples: Tensor, low_hz: float, high_hz: float) -> float:
    spectrum = torch.fft.rfft(samples)
    hz = torch.fft.rfftfreq(len(samples), 1 / 16_000)
    inside = torch.fft.irfft(spectrum * ((hz >= low_hz) & (hz < high_hz)), len(samples))
    return 10 * inside.square().mean().log10().item()


def test_rain_is_at_least_6_db_louder_in_its_band() -> None:
    for place in ("street", "forest", "shore"):
        dry, rain = (_render(place=place, weather=weather) for weather in ("clear", "rain"))
        assert _level_db(rain, 2000, 7000) - _level_db(dry, 2000, 7000) > 6


def test_a_step_is_at_least_6_db_louder_than_standing() -> None:
    standing, walking = _render(), _render(speed=1.4)
    speed = torch.full((1, CHUNKS), 1.4)
    is_step, position = step_position(speed, 0.5 + torch.arange(CHUNKS)[None] * advance_per_chunk(speed))
    starts = ((torch.arange(CHUNKS) + position[0])[is_step[0]] * SAMPLES_PER_CHUNK).long()[:-1]
    after = torch.cat([torch.arange(int(s), int(s) + 320) for s in starts])  # 20 ms
    assert len(starts) > 5
    assert _level_db(walking[after], 500, 5000) - _level_db(standing[after], 500, 5000) > 6


def test_steps_come_at_the_walking_pace() -> None:
    """Between steps nothing of the walking is heard; the loudest differences stand one stride apart."""
    difference = (_render(speed=1.4) - _render()).abs()
    loud = difference.unfold(0, 160, 160).amax(1) > 0.1
    onsets = (loud[1:] & ~loud[:-1]).nonzero()[:, 0] * 0.01
    gaps = onsets.diff()
    assert torch.allclose(gaps, torch.full_like(gaps, 0.5), atol=0.03)  # 0.7 m at 1.4 m/s


@pytest.mark.parametrize("mood", ["joyful", "melancholy", "tense"])
def test_moods_play_different_music(mood: str) -> None:
    calm, other = _render(chunks=LOOP_CHUNKS, mood="calm"), _render(chunks=LOOP_CHUNKS, mood=mood)
    spectra = torch.stack([torch.fft.rfft(x).abs()[: 1000 * 20] for x in (calm, other)])
    assert torch.corrcoef(spectra)[0, 1] < 0.8  # 1 for the same mood


def test_every_sound_stays_well_within_full_scale_and_is_heard() -> None:
    for mood, style, place in (
        ("tense", "neon", "city"),
        ("joyful", "vintage", "shore"),
        ("melancholy", "swirl", "desert"),
    ):
        samples = _render(mood=mood, style=style, place=place, weather="rain", speed=2.0)
        assert samples.abs().max() < 0.95
        assert samples.square().mean().sqrt() > 0.02


def test_chunk_borders_do_not_click() -> None:
    samples = _render(chunks=LOOP_CHUNKS, mood="melancholy", place="desert")
    bend = (samples[2:] - 2 * samples[1:-1] + samples[:-2]).abs()
    assert bend[SAMPLES_PER_CHUNK - 2 :: SAMPLES_PER_CHUNK].mean() < 1.5 * bend.mean()


def test_a_clip_that_starts_later_continues_the_music_and_the_noise() -> None:
    whole = _render(weather="rain")
    later = _render(weather="rain", chunks=32, start=32)
    assert torch.allclose(whole[32 * SAMPLES_PER_CHUNK :], later, atol=2e-3)


def test_sound_is_a_function_of_its_arguments() -> None:
    assert torch.equal(_render(weather="rain"), _render(weather="rain"))
    assert not torch.allclose(_render(weather="rain"), _render(weather="rain", seed=2), atol=1e-2)


def test_a_clip_sounds_the_same_in_any_batch() -> None:
    conditions = torch.from_numpy(conditions_of(weather="rain")).expand(2, 8, -1)
    speed, stride = torch.tensor([[1.0], [2.0]]).expand(2, 8), torch.zeros(2, 8)
    start, seeds = torch.tensor([5, 9]), torch.tensor([1, 2])
    both = render_sound(conditions, speed, stride, start, seeds)
    alone = render_sound(conditions[1:], speed[1:], stride[1:], start[1:], seeds[1:])
    assert torch.allclose(both[1:], alone, atol=1e-5)


def test_conditions_fade_within_the_chunk_and_not_at_once() -> None:
    conditions = torch.from_numpy(conditions_of()).repeat(1, 2, 1)
    conditions[0, 1] = torch.from_numpy(conditions_of(weather="rain"))
    zeros = torch.zeros(1, 2)
    samples = render_sound(conditions, zeros, zeros, torch.tensor([0]), torch.tensor([1]))[0, SAMPLES_PER_CHUNK:]
    assert _level_db(samples[:160], 2000, 7000) < _level_db(samples[-320:], 2000, 7000) - 6


def test_features_tell_where_the_step_is() -> None:
    speed, stride = torch.full((1, 1), 1.75), torch.tensor([[0.9]])  # 0.2 strides per chunk: a step in the middle
    features = sound_features(speed, stride, torch.tensor([[0]]))
    assert features.shape == (1, 1, NUM_SOUND_FEATURES)
    assert features[0, 0, 5] == 1
    assert torch.allclose(features[0, 0, 6:14], torch.tensor([0, 0, 0, 0.5, 0.5, 0, 0, 0]), atol=1e-4)


def test_features_repeat_with_the_loop() -> None:
    zeros = torch.zeros(1, 1)
    first, again, other = (sound_features(zeros, zeros, torch.tensor([[i]])) for i in (7, 7 + LOOP_CHUNKS, 8))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
