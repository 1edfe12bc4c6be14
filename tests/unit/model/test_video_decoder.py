"""Pearl's video decoder with its shipped weights: obedient to conditions, restorable."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from model import camera
from model.interface import Tensors
from model.precipitation import STREAK_PX, STREAK_SHARE, flakes, streaks
from model.presets import load
from model.sampler import uniform_noise
from model.video_decoder import PearlVideoDecoder
from model.world.conditions import conditions_of
from tests.unit.model.world_views import view_of


@cache
def decoder() -> PearlVideoDecoder:
    torch.set_num_threads(1)
    return load("pearl-xs").load_video_decoder()


def latents(turn_px: int = 0, **choices: str) -> Tensors:
    return {
        "maps": (view_of("street")[0] * 255).round().to(torch.uint8).numpy(),
        "conditions": conditions_of(**choices),
        "first_row": np.array([16], np.int32),
        "turn_px": np.array([turn_px, 0], np.int32),
    }


def frame(**choices: str) -> np.ndarray:
    return decoder().decode(decoder().open(1), latents(0, **choices))[0].astype(np.float32)


def test_a_frame_has_the_shape_it_should() -> None:
    frames = decoder().decode(decoder().open(1), latents())
    assert frames.shape == (1, 80, 128, 3)
    assert frames.dtype == np.uint8


def test_d09_lighting_weather_and_style_are_seen() -> None:
    day = frame()
    assert frame(lighting="night").mean() < 0.6 * day.mean()
    assert frame(weather="fog").std() < 0.85 * day.std()
    noir = frame(style="noir")
    assert (noir.max(2) - noir.min(2)).mean() < 0.4 * (day.max(2) - day.min(2)).mean()


def test_rain_moves_and_a_clear_day_does_not() -> None:
    for weather, moves in (("rain", True), ("clear", False)):
        state = decoder().open(1)
        one, two = (decoder().decode(state, latents(weather=weather))[0].astype(np.float32) for _ in range(2))
        assert (np.abs(one - two).mean() > 1.5) == moves


def test_c02_restored_equals_uninterrupted() -> None:
    state = decoder().open(9)
    for turn_px in (0, 3, -2):
        decoder().decode(state, latents(turn_px, style="swirl", weather="snow"))
    restored = decoder().restore(state.snapshot())
    for turn_px in (1, 0, 4):
        np.testing.assert_array_equal(
            decoder().decode(state, latents(turn_px, style="swirl", weather="snow")),
            decoder().decode(restored, latents(turn_px, style="swirl", weather="snow")),
        )


def fine_detail(rgb_HWC: np.ndarray) -> float:
    """How much neighbouring pixels of the sky differ."""
    sky = rgb_HWC[:20].astype(np.float32)
    return float(np.abs(np.diff(sky, axis=1)).mean())


def test_styles_have_textures() -> None:
    plain = fine_detail(frame())
    for style in ("watercolour", "noir", "swirl", "vintage"):
        assert fine_detail(frame(style=style)) > 1.4 * plain


def test_strokes_stay_with_the_world_when_the_camera_turns() -> None:
    state = decoder().open(1)
    first = decoder().decode(state, latents(style="swirl"))[0, :20].astype(np.float32)
    turned = decoder().decode(state, latents(5, style="swirl"))[0, :20].astype(np.float32)

    def difference(shift: int) -> float:
        return float(np.abs(turned[:, 16:-16] - first[:, 16 + shift : first.shape[1] - 16 + shift]).mean())

    assert min(range(-8, 9), key=difference) == 5


def test_how_far_the_camera_has_turned_outlives_a_restore() -> None:
    state = decoder().open(2)
    for turn_px in (300, 300):
        decoder().decode(state, latents(turn_px))
    assert decoder().restore(state.snapshot()).azimuth_px == 600 - 512


def test_x02_depth_is_metres_to_the_ground_and_endless_to_the_sky_whatever_the_weather() -> None:
    depth = decoder().depth_m(latents(weather="snow"))
    assert depth.shape == (1, 80, 128)
    assert np.isinf(depth[0, 0]).any()
    true = camera.ground_distance_m(camera.row_slope(camera.VIEW_H, 16.0))[-1].item()
    assert np.median(depth[0, -1]) == pytest.approx(true, rel=0.1)
    assert np.isfinite(depth[0, 45:]).all()
    np.testing.assert_array_equal(depth, decoder().depth_m(latents(lighting="night")))
    assert load("pearl-xs").info.has_depth


def test_streaks_and_flakes_are_specks_grown_downwards_and_to_two_pixels() -> None:
    noise = uniform_noise(3, 1, "streaks", (camera.VIEW_H, camera.VIEW_W))
    specks = (noise > 1 - STREAK_SHARE).float()[None]
    longest = F.max_pool2d(F.pad(specks, (0, 0, STREAK_PX - 1, 0)), (STREAK_PX, 1), 1)[0]
    assert torch.equal(streaks(noise), longest)
    assert torch.equal(flakes(specks[0]), F.max_pool2d(F.pad(specks, (1, 0, 1, 0)), 2, 1)[0])
