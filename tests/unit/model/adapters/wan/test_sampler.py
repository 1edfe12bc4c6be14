from __future__ import annotations

import pytest
import torch

from model.adapters.presets import preset
from model.adapters.wan.sampler import FewSteps, clean_from, noised, timesteps_of


@pytest.mark.parametrize(
    ("name", "timesteps"),
    [("wan-1.3b", [1000, 937.5, 833.333, 625]), ("matrix-game-2", [1000, 908.843, 713.979])],
)
def test_levels_are_the_published_ones(name: str, timesteps: list[float]) -> None:
    assert [1000 * sigma for sigma in preset(name).sampling.sigmas] == pytest.approx(timesteps, abs=1e-3)


def test_a_velocity_tells_the_clean_latents() -> None:
    clean, noise = torch.randn(2, 3), torch.randn(2, 3)
    assert torch.allclose(clean_from(noised(clean, noise, 0.6), noise - clean, 0.6), clean, atol=1e-6)


def test_a_level_counts_in_single_precision() -> None:
    noisy, velocity = torch.randn(2, 2, 3, dtype=torch.float64)
    assert torch.equal(clean_from(noisy, velocity, 0.1), noisy - torch.tensor(0.1).double() * velocity)


def test_less_quality_takes_fewer_steps_and_begins_with_noise() -> None:
    all_four = preset("wan-1.3b").sampling
    assert all_four.share(1.0) == all_four
    assert all_four.share(0.75).steps == (1000, 750, 500)
    assert all_four.share(0.5).steps == (1000, 500)
    assert all_four.share(0.01).steps == (1000,)


@pytest.mark.parametrize("steps", [(), (500, 500), (500, 750), (1001,), (1000, 0)])
def test_steps_that_do_not_fall_are_refused(steps: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="steps must fall"):
        FewSteps(steps=steps, shift=5.0)


def test_what_is_given_has_no_noise() -> None:
    given = torch.tensor([[True, False, False], [False, False, False]])
    assert timesteps_of(0.25, given).tolist() == [[0, 250, 250], [250, 250, 250]]
